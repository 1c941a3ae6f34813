"""Several values after one option: ``--metrics psnr ssim lpips``.

Typer gives an option a fixed number of values. Here the values are gathered before Typer sees
them, and each gets the option's name put before it.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from pdd_cli.errors import UsageError
from pdd_cli.metrics.protocol import METRICS

_METRICS = "--metrics"
_MODELS = "--models"
_OPTIONS = (_METRICS, _MODELS, "--controls")


class MetricsCommand(TyperCommand):
    """A command in which some options take several values, apart or joined by commas."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 — Typer's context
        """Rewrite the arguments before Typer parses them."""
        return super().parse_args(ctx, repeat_option(args))


def repeat_option(arguments: Sequence[str]) -> list[str]:
    """Rewrite ``--metrics psnr ssim DIR`` as ``--metrics psnr --metrics ssim DIR``.

    A word behind the option is one of its values unless it begins with ``-``. Where values are
    names, a word that names a file or folder that exists ends them; models are often such.

    Raises:
        UsageError: a value is no metric.
    """
    rewritten: list[str] = []
    taking = ""
    waiting = False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*rewritten, *([taking] if waiting else []), *arguments[position:]]
        name, equals, values = argument.partition("=")
        if name in _OPTIONS:
            if waiting:
                rewritten.append(taking)
            taking, waiting = name, not equals
            if equals:
                rewritten += _repeated(taking, values)
        elif taking and _is_value(taking, argument):
            rewritten += _repeated(taking, argument)
            waiting = False
        else:
            if waiting:
                rewritten.append(taking)  # for Typer to say that it lacks a value
            taking, waiting = "", False
            rewritten.append(argument)
    return [*rewritten, taking] if waiting else rewritten


def _is_value(option: str, argument: str) -> bool:
    if argument.startswith("-"):
        return False
    return option == _MODELS or argument in METRICS or not Path(argument).exists()


def _repeated(option: str, values: str) -> Iterator[str]:
    # A path may have a comma in it.
    apart = option != _MODELS or not Path(values).exists()
    for name in values.split(",") if apart else [values]:
        if not name:
            continue
        if option == _METRICS:
            _refuse_no_metric(name)
        yield from (option, name)


def _refuse_no_metric(name: str) -> None:
    # What pyiqa has, only pyiqa knows; it is asked once the work begins.
    if name in METRICS or find_spec("pyiqa") is not None:
        return
    close = get_close_matches(name, METRICS, n=1)
    raise UsageError(
        f"{_METRICS}: {name!r} is no metric, nor a folder that exists.",
        hint=f"Did you mean {close[0]}?" if close else f"Choose from {', '.join(METRICS)}.",
    )
