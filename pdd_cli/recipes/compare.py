"""The job ``compare``: several models and controls, upscaled and scored on the same pictures."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pdd_cli.config.evaluate import CompareConfig
from pdd_cli.data.layouts import pictures_to_upscale
from pdd_cli.errors import DataError
from pdd_cli.images.listing import name_some
from pdd_cli.metrics.protocol import Protocol
from pdd_cli.metrics.statistics import Difference, difference
from pdd_cli.recipes.contestants import Contestant, contestants, reference_among
from pdd_cli.recipes.evaluate import EvaluateResult, choose_metrics, prepare_scoring, score_all
from pdd_cli.recipes.pairs import Pair, References, known_hr
from pdd_cli.recipes.sources import any_pictures
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import Observer, Warned, ignore


@dataclass
class ModelScores:
    """What one way of upscaling reached."""

    name: str
    control: bool
    """Whether it is there for the others to be compared with."""
    result: EvaluateResult
    differences: dict[str, Difference] = field(default_factory=dict)
    """By metric, from the reference on the same pictures; empty for the reference itself."""


@dataclass
class CompareResult:
    """Several ways of upscaling, on the same pictures."""

    protocol: Protocol
    protocol_text: str
    reference: str
    """The name of what the others are compared with."""
    pictures: int
    """How many all of them have."""
    models: list[ModelScores] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reasons by picture; what failed for one is left out for all."""
    unpaired: list[Path] = field(default_factory=list)
    """LR pictures that were left out, for they have no HR."""
    precision: str = "float32"
    seconds: float = 0.0


def compare(config: CompareConfig, observer: Observer = ignore) -> CompareResult:
    """Upscale the same LR with several models, and score them under one protocol.

    What was upscaled before is taken from the folder of all runs, ``upscaled/``.

    Raises:
        UsageError: a metric is unknown.
        DataError: there is nothing to upscale, or what the metrics need is not there.
        ModelError: a model, or the weights of a metric, cannot be had.
    """
    began = time.monotonic()
    entered = contestants(config, observer)
    scale = entered[0].scale
    pairs = _pairs(config, scale)
    metrics = choose_metrics(config, pairs, observer)
    unpaired: list[Path] = []
    if any(metric.needs == "hr" for metric in metrics):
        unpaired = [pair.prediction for pair in pairs if pair.hr is None]
        pairs = [pair for pair in pairs if pair.hr is not None]
        if unpaired:
            observer(Warned(f"Left out, for they have no HR: {name_some(unpaired)}."))
    scorer, protocol = prepare_scoring(config, metrics, scale, observer)
    precision = str(choose_precision(choose_device(config.device), config.precision))
    precision = precision.removeprefix("torch.")
    models = []
    for contestant in entered:
        result = EvaluateResult(protocol, protocol.describe(), contestant.name, precision=precision)
        score_all(scorer, _upscaled(contestant, pairs, result), result, observer)
        models.append(ModelScores(contestant.name, contestant.control, result))
    kept = _keep_what_all_have(models, observer)
    reference = reference_among(entered, config)
    _take_differences(models, reference)
    return CompareResult(
        protocol,
        protocol.describe(),
        reference,
        kept,
        models,
        {path: why for model in models for path, why in model.result.failures.items()},
        unpaired,
        precision,
        time.monotonic() - began,
    )


def _pairs(config: CompareConfig, scale: int) -> list[Pair]:
    """Pair LR with HR; the LR stands in the place of what will be upscaled."""
    references = References(config.gt, "hr") if config.gt is not None else None
    if config.lr.is_dir():
        pictures = pictures_to_upscale(config.lr, scale).paths
    else:
        pictures = any_pictures(config.lr, "lr")
    return [
        Pair(path, references.of(path) if references else known_hr(path, config.runs), path)
        for path in pictures
    ]


def _upscaled(contestant: Contestant, pairs: Sequence[Pair], result: EvaluateResult) -> list[Pair]:
    made = contestant.upscale([pair.prediction for pair in pairs])
    for pair in pairs:
        if pair.prediction not in made:
            result.failures[str(pair.prediction)] = f"{contestant.name} could not upscale it."
    return [Pair(made[p.prediction], p.hr, p.lr) for p in pairs if p.prediction in made]


def _keep_what_all_have(models: Sequence[ModelScores], observer: Observer) -> int:
    """Leave out of all what one of them lacks, and return how many pictures are left.

    Raises:
        DataError: nothing is left.
    """
    scored = [{picture.lr for picture in model.result.pictures} for model in models]
    shared = set.intersection(*scored)
    if not shared:
        raise DataError(
            "No picture could be scored for all models.", hint="The reasons stand above."
        )
    lost = set.union(*scored) - shared
    if lost:
        names = name_some(sorted(path for path in lost if path))
        observer(Warned(f"Left out of all models, as one of them lacks it: {names}."))
    for model in models:
        model.result.pictures = [p for p in model.result.pictures if p.lr in shared]
        model.result.take_means()
    return len(shared)


def _take_differences(models: Sequence[ModelScores], reference: str) -> None:
    first = next(model for model in models if model.name == reference)
    protocol = first.result.protocol
    for model in models:
        if model is first:
            continue
        for name in protocol.metrics:
            values, others = (
                [picture.scores[name] for picture in side.result.pictures]
                for side in (model, first)
            )
            better = protocol.metric(name).better
            model.differences[name] = difference(values, others, better)
