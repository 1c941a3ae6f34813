"""Several values after one option: ``--metrics psnr ssim lpips``.

Typer gives an option a fixed number of values. Here the values are gathered before Typer sees
them, and each gets the option's name put before it.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from pdd_cli.errors import UsageError
from pdd_cli.metrics.protocol import METRICS

_OPTION = "--metrics"


class MetricsCommand(TyperCommand):
    """A command whose ``--metrics`` takes several values, apart or joined by commas."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 — Typer's context
        """Rewrite the arguments before Typer parses them."""
        return super().parse_args(ctx, repeat_option(args))


def repeat_option(arguments: Sequence[str]) -> list[str]:
    """Rewrite ``--metrics psnr ssim DIR`` as ``--metrics psnr --metrics ssim DIR``.

    A word behind the option is one of its values unless it begins with ``-`` or names a file or
    folder that exists; once such a word came, the next ones are left to Typer.

    Raises:
        UsageError: a value is no metric.
    """
    rewritten: list[str] = []
    taking = False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*rewritten, *arguments[position:]]
        name, equals, values = argument.partition("=")
        if name == _OPTION:
            taking = True
            if equals:
                rewritten += _repeated(values)
        elif taking and _is_value(argument):
            rewritten += _repeated(argument)
        else:
            taking = False
            rewritten.append(argument)
    if list(arguments).count(_OPTION) and _OPTION not in rewritten:
        rewritten.append(_OPTION)  # for Typer to say that it lacks a value
    return rewritten


def _is_value(argument: str) -> bool:
    if argument.startswith("-"):
        return False
    return argument in METRICS or not Path(argument).exists()


def _repeated(values: str) -> list[str]:
    names = [name for name in values.split(",") if name]
    for name in names:
        if name not in METRICS:
            close = get_close_matches(name, METRICS, n=1)
            raise UsageError(
                f"{_OPTION}: {name!r} is no metric, nor a folder that exists.",
                hint=f"Did you mean {close[0]}?" if close else f"Choose from {', '.join(METRICS)}.",
            )
    return [word for name in names for word in (_OPTION, name)]
