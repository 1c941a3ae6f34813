"""``pdd push`` and pulls as a user runs them: processes of their own, a Hub on loopback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stand_in_hub import TOKEN, StandInHub

from pdd_cli.cli.app import main
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.model_card import Story, write_model
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.runtime.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path, network_weights):
    run = RunDirectory(tmp_path / "runs" / "main")
    run.path.mkdir(parents=True)
    run.config.write_text("data: {}")
    facts = {"base_model": "base", "base_licence": "MIT", "real_photos": 3}
    story = Story("adapt", "base ×4, adapted", "Made in a test.", facts)
    network = load_network(network_weights(), named="tiny")
    write_model(network, run, story, {}, Verdict("unknown", "Nothing was measured.", {}, {}))
    return run


@pytest.fixture
def python(tmp_path):
    """``python(hub, home, *arguments)`` runs Python against a Hub, with a cache of its own."""

    def call(hub, home, *arguments, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        chosen = {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "PDD_CACHE": str(tmp_path / home / "pdd"),
        }
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**kept, **chosen, **environment},
            timeout=120,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    return call


def test_a_push_and_what_its_card_says_to_paste(run, python, tmp_path, write):
    write(tmp_path / "PHOTOS" / "a.png", 12, 10)
    with StandInHub() as hub:
        push = ("-m", "pdd_cli", "push", str(run.path), "somebody/cat-x4", "--json")
        told = python(hub, "one", *push, HF_TOKEN=TOKEN)
        assert told.returncode == 0, told.stderr
        result = json.loads(told.stdout)["result"]
        assert result["commit"] == hub.repositories["somebody/cat-x4"].branches["main"]

        # On another machine, as it were: the lines of the card, pasted.
        command, *scripts = re.findall(r"```(?:bash|python)\n(.*?)```", result["card"], re.S)
        assert command == "pdd infer PHOTOS --model hf:somebody/cat-x4\n"
        assert len(scripts) == 2
        pasted = python(hub, "two", "-m", "pdd_cli", *command.split()[1:], "--device", "cpu")
        assert pasted.returncode == 0, pasted.stderr
        upscaled = tmp_path / "PHOTOS_x4" / "a.png"
        by_command = upscaled.read_bytes()
        (pulled,) = (tmp_path / "two").glob("hub/models--*/snapshots/*/model.safetensors")
        assert pulled.read_bytes() == run.model.read_bytes()

        upscaled.unlink()
        done = python(hub, "two", "-c", "\n".join([*scripts, "print(tuple(upscaled.shape))"]))
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("(1, 3, 256, 256)\n")
        assert upscaled.read_bytes() == by_command
        assert not hub.token_went_astray
    for path in tmp_path.rglob("*"):
        assert path.is_symlink() or not path.is_file() or TOKEN.encode() not in path.read_bytes()


@pytest.fixture
def pdd(hub, monkeypatch, capsys):  # noqa: ARG001 — every command sees it
    """``pdd(line)`` runs a command line in this process; its exit code and what it wrote."""

    def call(line):
        monkeypatch.setattr("sys.argv", ["pdd", *line.split()])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


@pytest.mark.usefixtures("run")
def test_a_dry_run_shows_card_and_files_and_sends_nothing(pdd, hub, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, shown, _ = pdd("push runs/main somebody/cat-x4 --dry-run")
    assert code == 0
    assert "Would be pushed to somebody/cat-x4:" in shown
    assert shown.startswith("---\nlicense: mit\n")
    assert [line.split()[1] for line in shown.splitlines()[-3:]] == [
        "model.safetensors", "config.json", "README.md",
    ]  # fmt: skip
    assert not hub.requests


def test_pulled_models_have_a_path_and_others_do_not(pdd, hub, run):
    hub.add("ann/model", {"model.safetensors": run.model.read_bytes()})
    code, _, told = pdd("models path hf:ann/model")
    assert (code, "Run pdd models pull hf:ann/model." in told) == (4, True)
    code, pulled, _ = pdd("models pull hf:ann/model")
    assert Path(pulled.strip()).read_bytes() == run.model.read_bytes()
    assert pdd("models path hf:ann/model")[:2] == (0, pulled)


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("infer PHOTOS --model hf:ann/gated", 4, "is gated"),
        ("infer PHOTOS --model hf:ann/code", 4, "asks to run code of its own"),
        ("infer PHOTOS --model hf:ann/several", 4, "a.pth, b.pth. Name one of them"),
        ("adapt --generalist hf:ann/none --real-lr PHOTOS", 4, "is not on http://127.0.0.1"),
        ("train --hr PHOTOS --weights hf:ann/none", 4, "is not on http://127.0.0.1"),
        ("models pull hf:ann/none", 4, "hf auth login"),
        ("push runs/main somebody/x", 4, "hf auth login"),
        ("push runs/main no-name", 2, "repository = 'no-name'"),
        ("push runs/main a/b --revision trial --create-pr", 2, "leave --revision out"),
        ("push runs/main a/b --licence gpl-3.0", 2, "--licence gpl-3.0"),
        ("card PHOTOS", 4, "no finished run"),
    ],
)
@pytest.mark.usefixtures("run")
def test_each_refusal_is_one_line_with_its_exit_code(
    pdd, hub, monkeypatch, tmp_path, write, line, code, told
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "PHOTOS" / "a.png", 12, 10)
    weights = {"model.safetensors": b"not looked at"}
    hub.add("ann/gated", {**weights, "config.json": b"{}"}, gated=True)
    config = {"auto_map": {"AutoModel": "modeling.Net"}}
    hub.add("ann/code", {**weights, "config.json": json.dumps(config).encode()})
    hub.add("ann/several", {"a.pth": b"", "b.pth": b""})
    found, _, said = pdd(line)
    errors = [text for text in said.splitlines() if text.startswith("error: ")]
    assert (found, len(errors)) == (code, 1)
    assert told in errors[0]
    assert "Traceback" not in said
