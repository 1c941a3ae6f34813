"""The command as a whole: what it answers, and the exit code of every ending."""

import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from pdd_cli.cli import app as app_module
from pdd_cli.cli.app import app, main
from pdd_cli.errors import (
    DataError,
    Interrupted,
    ModelError,
    PddError,
    ResourceError,
    SomeFilesFailed,
    TrainingDiverged,
    UsageError,
)

_COMMANDS = ("adapt", "infer", "eval", "models", "demo")


@pytest.fixture
def ending(monkeypatch, capsys):
    """Run ``main`` on a command that ends in the given way; return exit code and messages."""

    def run(error: BaseException) -> tuple[int, str]:
        def fail() -> None:
            raise error

        small = typer.Typer(pretty_exceptions_enable=False)
        small.command()(fail)
        monkeypatch.setattr(app_module, "app", lambda: small([]))
        with pytest.raises(SystemExit) as stop:
            main()
        output = capsys.readouterr()
        assert output.out == ""
        return stop.value.code, output.err

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (DataError, 3),
        (ModelError, 4),
        (ResourceError, 5),
        (SomeFilesFailed, 6),
        (TrainingDiverged, 7),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(ending, error: type[PddError], code: int):
    assert ending(error("photos/[1] is empty.", hint="Put photos there.")) == (
        code,
        "error: photos/[1] is empty. Put photos there.\n",
    )


def test_an_unforeseen_error_is_one_line_that_tells_how_to_see_more(ending):
    code, text = ending(ValueError("no such luck"))

    assert code == 1
    assert text.count("\n") == 1
    assert "ValueError: no such luck" in text
    assert "PDD_DEBUG=1" in text


@pytest.mark.parametrize("error", [ValueError("no such luck"), DataError("photos is empty.")])
def test_the_traceback_is_shown_on_request(ending, monkeypatch, error):
    monkeypatch.setenv("PDD_DEBUG", "1")

    assert "Traceback" in ending(error)[1]


def test_memory_that_does_not_suffice_has_the_exit_code_of_the_machine(ending):
    assert ending(MemoryError())[0] == 5


def test_ctrl_c_is_answered_and_has_its_exit_code(ending):
    code, text = ending(KeyboardInterrupt())

    assert code == 130
    assert text.startswith("interrupted")


def test_a_run_that_saved_before_it_stopped_tells_how_to_go_on(ending):
    code, text = ending(Interrupted("Saved at step 40.", hint="Go on with --resume."))

    assert code == 130
    assert text == "interrupted: Saved at step 40. Go on with --resume.\n"


def test_without_arguments_the_commands_are_shown():
    shown = CliRunner().invoke(app, []).output

    assert all(command in shown for command in _COMMANDS)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_tells_the_commands_and_the_exit_codes(option):
    result = CliRunner().invoke(app, [option])

    assert result.exit_code == 0
    assert all(command in result.output for command in _COMMANDS)
    assert "Exit codes" in result.output
    assert "130 interrupted" in result.output


@pytest.mark.parametrize("command", [*_COMMANDS, "evaluate"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself(command, option):
    assert CliRunner().invoke(app, [command, option]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["adopt"], "adapt"), (["infer", "--modle", "x"], "--model")]
)
def test_what_the_command_line_does_not_know_is_a_usage_error(arguments, meant):
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert meant in result.stderr


def test_the_version_is_the_packages():
    assert CliRunner().invoke(app, ["--version"]).output == f"pdd {version('pdd-cli')}\n"


def test_the_package_can_be_run_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "pdd_cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pdd ")
