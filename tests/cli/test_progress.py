"""Progress tells how far, how fast, how long yet, and the figures; in a log, sparingly."""

import io

import pytest
from rich.console import Console

from pdd_cli.cli.progress import Bars, Lines, Stage, duration
from pdd_cli.runtime.events import Started


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_state_tells_count_pace_time_left_and_figures():
    clock = Clock()
    stage = Stage(Started("adapting", 10, "step"), clock)
    clock.now += 8
    stage.advance(4, {"inter": 0.12345, "learning_rate": 2e-5})

    assert stage.state() == "4/10 steps, 2.0 s/step, 12 s left, inter 0.123, learning_rate 2e-05"


def test_the_steps_of_an_earlier_run_do_not_count_as_speed():
    clock = Clock()
    stage = Stage(Started("adapting", 200, "step", done=100), clock)
    clock.now += 30
    stage.advance(110, {})

    assert stage.state() == "110/200 steps, 3.0 s/step, 4 min left"


def test_a_pace_is_told_in_seconds_however_slow():
    clock = Clock()
    stage = Stage(Started("adapting", 3, "step"), clock)
    clock.now += 75
    stage.advance(1, {"seconds": 74.9})

    assert stage.state() == "1/3 steps, 75 s/step, 2 min left"


def test_the_time_left_follows_a_change_of_pace():
    clock = Clock()
    stage = Stage(Started("adapting", 1000, "step"), clock)
    for step in range(1, 101):
        clock.now += 1 if step <= 50 else 4
        stage.advance(step, {})

    assert "4.0 s/step" in stage.state()


def test_a_stage_of_unknown_length_tells_only_how_far_it_is():
    clock = Clock()
    stage = Stage(Started("fetching", 0, "byte"), clock)
    clock.now += 1
    stage.advance(2_500_000, {})

    assert stage.state() == "2.5 MB"


def test_bytes_are_counted_in_megabytes():
    assert Stage(Started("fetching", 67_040_989, "byte"), Clock()).state() == "0.0/67.0 MB"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.25, "0.25 s"), (3.14, "3.1 s"), (42.4, "42 s"), (130, "2 min"), (4000, "1 h 7 min")],
)
def test_a_length_of_time_is_said_as_a_person_says_it(seconds, said):
    assert duration(seconds) == said


def _logged(steps: int, figures: dict[str, float]) -> list[str]:
    """Take a step a second, and return how far the stage was in each line of the log."""
    clock, text = Clock(), io.StringIO()
    lines = Lines(Console(file=text))
    stage = Stage(Started("adapting", steps, "step"), clock)
    lines.show(stage)
    for step in range(1, steps + 1):
        clock.now += 1
        stage.advance(step, figures)
        lines.show(stage)
    return [line.split()[1] for line in text.getvalue().splitlines()]


def test_a_log_gets_the_first_step_one_line_in_thirty_seconds_and_the_last():
    logged = _logged(100, {"inter": 0.5})

    assert logged == ["1/100", "31/100", "61/100", "91/100", "100/100"]


def test_a_last_step_without_figures_is_left_to_the_end_of_the_stage():
    assert _logged(5, {}) == ["1/5"]


def test_a_terminal_gets_a_bar_that_is_cleared_away():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    stage = Stage(Started("adapting [one]", 4, "step"), Clock())
    with Bars(console) as bars:
        bars.show(stage)
        stage.advance(3, {"inter": 0.5})
        bars.show(stage)
        bars._progress.refresh()
        assert "adapting [one]" in text.getvalue()
        assert "3/4 steps" in text.getvalue()
        bars.remove(stage)
        assert not bars._progress.tasks
