"""Metrics of pyiqa, by name, where the user has installed it; pdd never brings or asks for it."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from pdd_cli.errors import ModelError, UsageError
from pdd_cli.metrics.protocol import METRICS, Metric

PREFIX = "pyiqa:"
"""Before a name that is also one of ours."""


def find_metric(name: str) -> Metric:
    """Return what a metric is: one of ours, else one of pyiqa's.

    Raises:
        UsageError: there is none of this name.
        ModelError: pyiqa cannot set it up.
    """
    if name in METRICS:
        return METRICS[name]
    theirs = name.removeprefix(PREFIX)
    if not _is_known_to_pyiqa(theirs):
        close = get_close_matches(name, METRICS, n=1)
        choices = f"Did you mean {close[0]}?" if close else f"Choose from {', '.join(METRICS)}."
        more = "" if find_spec("pyiqa") else " Those of pyiqa can be named where it is installed."
        raise UsageError(f"{name!r} is no metric.", hint=choices + more)
    model = _model(theirs, "cpu")
    return Metric(
        name,
        "lower" if model.lower_better else "higher",
        "",
        "RGB",
        False,
        f"pyiqa {_version()}, {theirs}",
        "hr" if model.metric_mode == "FR" else "nothing",
        None,
        None,
    )


def foreign_score(name: str, device: torch.device) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Make a metric of pyiqa that takes (n, 3, h, w) in [0, 1], and HR where it asks for it.

    Raises:
        ModelError: pyiqa cannot set it up.
    """
    model = _model(name.removeprefix(PREFIX), str(device))

    def score(sr: Tensor, hr: Tensor | None) -> Tensor:
        given = (sr, hr) if model.metric_mode == "FR" else (sr,)
        scores: Tensor = torch.as_tensor(model(*given)).detach().flatten()
        return scores.expand(len(sr))

    return score


def _version() -> str:
    return version("pyiqa")


def _is_known_to_pyiqa(name: str) -> bool:
    return find_spec("pyiqa") is not None and name in import_module("pyiqa").list_models()


@cache
def _model(name: str, device: str) -> Any:  # noqa: ANN401 — pyiqa has no types
    try:
        return import_module("pyiqa").create_metric(name, device=torch.device(device))
    except Exception as error:  # whatever it raises, its weights come from elsewhere
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"pyiqa cannot set {name} up ({reason}).",
            hint="Try pyiqa alone, or leave the metric out.",
        ) from error
