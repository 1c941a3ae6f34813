"""The ``pdd`` command: its sub-commands, and the one place where an error becomes an exit code."""

import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from pdd_cli.cli import config, models
from pdd_cli.cli.adapt import adapt_command
from pdd_cli.cli.console import say, talk
from pdd_cli.cli.demo import demo_command
from pdd_cli.cli.evaluate import evaluate_command
from pdd_cli.cli.export import export_command
from pdd_cli.cli.failures import explain
from pdd_cli.cli.infer import infer_command
from pdd_cli.cli.prepare import prepare_command
from pdd_cli.cli.push import card_command, push_command
from pdd_cli.cli.train import train_command
from pdd_cli.cli.variadic import MetricsCommand
from pdd_cli.errors import Interrupted

_UNFORESEEN = 1

_EXIT_CODES = (
    "Exit codes: 0 all went well; 1 something unforeseen; 2 an option or a setting; 3 pictures or "
    "folders; 4 a model or its weights; 5 memory, disk or device; 6 some files of several failed; "
    "7 training diverged, the last good state is kept; 130 interrupted."
)

app = typer.Typer(
    name="pdd",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line and end the process."""
    try:
        app()
    except SystemExit as stop:
        if stop.code == Interrupted.exit_code:
            say(talk(), "interrupted", "what was finished is kept.", "yellow")
        raise
    except Exception as error:
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    """Tell the user about an error in one line, and return the exit code."""
    known = explain(error)
    if os.environ.get("PDD_DEBUG"):
        traceback.print_exception(error)
    if isinstance(known, Interrupted):
        say(talk(), "interrupted", str(known), "yellow")
        return known.exit_code
    if known is not None:
        say(talk(), "error", str(known), "bold red")
        return known.exit_code
    text = f"{type(error).__name__}: {error}. Set PDD_DEBUG=1 and run again to see where it arose."
    say(talk(), "unforeseen error", text, "bold red")
    return _UNFORESEEN


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pdd {version('pdd-cli')}")
        raise typer.Exit


@app.callback()
def pdd(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Make a super-resolution model for your own low-resolution photos.

    The three lines of daily use:

    pdd adapt --generalist realesrgan --real-lr PHOTOS

    pdd infer PHOTOS

    pdd eval --metrics psnr ssim lpips
    """


app.command("prepare")(prepare_command)
app.command("adapt")(adapt_command)
app.command("train")(train_command)
app.command("infer")(infer_command)
app.command("eval", cls=MetricsCommand)(evaluate_command)
app.command("evaluate", cls=MetricsCommand, hidden=True)(evaluate_command)
app.command("card")(card_command)
app.command("push")(push_command)
app.command("export")(export_command)
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")
app.command("demo")(demo_command)
