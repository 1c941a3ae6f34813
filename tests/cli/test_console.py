"""Results go to standard output, talk to standard error, and nothing more than was asked for."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdd_cli.cli.console import observing, print_json
from pdd_cli.runtime.events import (
    Advanced,
    Event,
    Finished,
    PictureFailed,
    Said,
    Started,
    Warned,
)

_STORY: list[Event] = [
    Said("real photos: [30] pictures"),
    Started("adapting", 2, "step"),
    Advanced(1, {"inter": 0.5}),
    Warned("the photos are few"),
    Started("scoring", 1, "picture"),
    Advanced(1),
    Finished("scoring"),
    PictureFailed(Path("bad.png"), "it is no picture"),
    Advanced(2, {"inter": 0.25}),
    Finished("adapting", "runs/mine"),
]


def _tell(capsys: pytest.CaptureFixture[str], *, quiet: bool = False) -> list[str]:
    with observing(quiet=quiet, json=False) as observer:
        for event in _STORY:
            observer(event)
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()


def test_everything_is_told_in_order_with_nested_stages(capsys):
    openings = [line.split(", ")[0].split(" in ")[0] for line in _tell(capsys)]

    assert openings == [
        "real photos: [30] pictures",
        "adapting: 1/2 steps",
        "warning: the photos are few",
        "scoring: 1/1 pictures",
        "scoring: done",
        "skipped: bad.png: it is no picture",
        "adapting: 2/2 steps",
        "adapting: done",
    ]


def test_the_end_of_a_stage_tells_what_came_of_it(capsys):
    assert _tell(capsys)[-1].endswith("runs/mine")


def test_quiet_leaves_only_what_is_wrong_or_may_be(capsys):
    assert _tell(capsys, quiet=True) == [
        "warning: the photos are few",
        "skipped: bad.png: it is no picture",
    ]


def test_a_long_line_is_not_broken(capsys):
    path = "/".join(["folder"] * 60)

    with observing(quiet=False, json=False) as observer:
        observer(Said(path))

    assert capsys.readouterr().err == path + "\n"


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_a_terminal_that_wants_no_drawing_gets_plain_lines(capsys, monkeypatch, variable):
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich take any stream for a terminal
    monkeypatch.setenv(variable, "dumb")

    assert not any("\x1b[2K" in line for line in _tell(capsys))


def test_json_keeps_nested_values_and_turns_what_is_not_finite_into_null(capsys):
    @dataclass
    class Score:
        psnr: float
        picture: Path

    print_json({"scores": [Score(float("inf"), Path("a.png"))], "mean": float("nan"), "n": 1})

    assert json.loads(capsys.readouterr().out) == {
        "scores": [{"psnr": None, "picture": "a.png"}],
        "mean": None,
        "n": 1,
    }
