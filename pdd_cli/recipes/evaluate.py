"""The job ``evaluate``: upscaled pictures and their HR in, numbers with their protocol out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pdd_cli.config.evaluate import EvaluateConfig, ScoringSettings
from pdd_cli.errors import DataError
from pdd_cli.images.listing import name_some
from pdd_cli.metrics.protocol import Metric, Needs, Protocol, make_protocol
from pdd_cli.metrics.statistics import mean_of
from pdd_cli.recipes.evaluation_records import record_evaluation
from pdd_cli.recipes.foreign_metrics import find_metric
from pdd_cli.recipes.pairs import Pair, Pairs, find_pairs
from pdd_cli.recipes.scoring import Scored, Scorer
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import (
    Advanced,
    Finished,
    Observer,
    PictureDone,
    PictureFailed,
    Said,
    Started,
    Warned,
    ignore,
)

_USUAL_SCALE = 4
_WITH_HR = ("psnr", "ssim", "lpips")
_WITHOUT_HR = ("consistency", "colour-drift", "niqe", "sharpness")


@dataclass(frozen=True)
class PictureScores:
    """The figures of one picture."""

    prediction: Path
    hr: Path | None
    """None where it was scored without."""
    scores: Mapping[str, float]
    lr: Path | None = None
    """What it was made of, where that is known."""
    odd: str | None = None
    """What makes the figures doubtful: another scene, or a shift."""


@dataclass
class EvaluateResult:
    """The figures of an evaluation and how they came to be."""

    protocol: Protocol
    protocol_text: str
    model: str | None
    """What upscaled the pictures, where a record tells."""
    means: dict[str, float] = field(default_factory=dict)
    """By metric, over all pictures that were scored."""
    intervals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    """95 % bootstrap intervals of the means, by metric; None where there is none."""
    pictures: list[PictureScores] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reasons by picture."""
    unpaired: list[Path] = field(default_factory=list)
    """Upscaled pictures that were left out, for they have no HR."""
    unused: list[Path] = field(default_factory=list)
    """HR pictures of which there is no upscaled one."""
    precision: str = "float32"
    """Of the networks in the metrics."""
    seconds: float = 0.0

    def take_means(self) -> None:
        """Compute the means and their intervals from the pictures' figures."""
        if not self.pictures:
            return
        for name in self.protocol.metrics:
            mean = mean_of([picture.scores[name] for picture in self.pictures])
            self.means[name], self.intervals[name] = mean.value, mean.interval


def evaluate(config: EvaluateConfig, observer: Observer = ignore) -> EvaluateResult:
    """Score upscaled pictures: against their HR where there is any, else by what needs none.

    A pair that cannot be scored is reported and left out; the others go on.

    Raises:
        UsageError: a metric is unknown.
        DataError: there is nothing to score, or what the metrics need is not there.
        ModelError: the weights of a metric cannot be had.
    """
    began = time.monotonic()
    pairs = find_pairs(config)
    metrics = choose_metrics(config, pairs.all, observer)
    chosen = _with_what_is_needed(pairs, metrics, observer)
    scorer, protocol = prepare_scoring(config, metrics, pairs.scale, observer)
    precision = str(choose_precision(choose_device(config.device), config.precision))
    result = EvaluateResult(
        protocol,
        protocol.describe(),
        pairs.model,
        unpaired=[] if len(chosen) == len(pairs.all) else pairs.alone,
        unused=pairs.unused,
        precision=precision.removeprefix("torch."),
    )
    score_all(scorer, chosen, result, observer)
    result.take_means()
    result.seconds = time.monotonic() - began
    if result.pictures:
        record_evaluation(result, pairs.upscaling, config.runs, observer)
    return result


def choose_metrics(
    config: ScoringSettings, pairs: Sequence[Pair], observer: Observer
) -> list[Metric]:
    """Choose what can be computed of what was asked for.

    Raises:
        UsageError: a metric is unknown.
        DataError: nothing that was asked for can be computed.
    """
    known = _known(pairs)
    asked = config.metrics or (_WITH_HR if "hr" in known else _WITHOUT_HR)
    metrics = [find_metric(name) for name in dict.fromkeys(asked)]
    possible = [metric for metric in metrics if metric.needs in known]
    missing = [metric for metric in metrics if metric not in possible]
    if not possible:
        need = "HR" if missing[0].needs == "hr" else "LR"
        where = f" in {config.gt}" if config.gt and need == "HR" else ""
        raise DataError(
            f"None of the {len(pairs)} upscaled pictures has an {need} counterpart by its "
            f"name{where}.",
            hint=f"Give --{'gt' if need == 'HR' else 'lr'} with the folder of {need} pictures of "
            "the same names, or a prepared data set.",
        )
    if config.metrics is None and "hr" not in known:
        observer(Said("There is no HR: measuring what needs none. See pdd eval --list."))
    elif missing:
        names = ", ".join(metric.name for metric in missing)
        observer(Warned(f"Left out, for what they compare with is not there: {names}."))
    return possible


def prepare_scoring(
    config: ScoringSettings, metrics: Sequence[Metric], scale: int | None, observer: Observer
) -> tuple[Scorer, Protocol]:
    """Fill in the protocol and fetch what its metrics need.

    Raises:
        ModelError: the weights of a metric cannot be had.
    """
    protocol = make_protocol(
        config.protocol,
        metrics,
        scale=scale,
        fallback_border=_USUAL_SCALE,
        border=config.border,
        colour=config.color,
    )
    guessed = scale is None and config.border is None and protocol.border == _USUAL_SCALE
    if guessed and any(metric.uses_border for metric in metrics):
        observer(Said(f"No record tells the scale: leaving out a border of {_USUAL_SCALE} pixels."))
    device = choose_device(config.device)
    scorer = Scorer(protocol, device, choose_precision(device, config.precision), observer)
    return scorer, protocol


def score_all(
    scorer: Scorer, pairs: Sequence[Pair], result: EvaluateResult, observer: Observer
) -> None:
    """Score pairs into a result, and tell of each."""
    stage = f"scoring {result.model}" if result.model else "scoring"
    observer(Started(stage, len(pairs), "picture"))
    for number, scored in enumerate(scorer.score(pairs), start=1):
        _keep(scored, result, observer)
        observer(Advanced(number))
    observer(Finished(stage, f"{len(result.pictures)} pictures"))


def _keep(scored: Scored, result: EvaluateResult, observer: Observer) -> None:
    pair = scored.pair
    if scored.failure is not None:
        result.failures[str(pair.prediction)] = scored.failure
        observer(PictureFailed(pair.prediction, scored.failure))
        return
    if scored.odd is not None:
        observer(Warned(f"{pair.prediction} and {pair.hr}: {scored.odd}."))
    result.pictures.append(
        PictureScores(pair.prediction, pair.hr, scored.scores, pair.lr, scored.odd)
    )
    observer(PictureDone(pair.prediction, None))


def _known(pairs: Sequence[Pair]) -> set[Needs]:
    known: set[Needs] = {"nothing"}
    if any(pair.hr for pair in pairs):
        known.add("hr")
    if any(pair.lr for pair in pairs):
        known.add("lr")
    return known


def _with_what_is_needed(pairs: Pairs, metrics: Sequence[Metric], observer: Observer) -> list[Pair]:
    """Leave out, by name, what lacks a counterpart that the metrics need."""
    needs = {metric.needs for metric in metrics}
    chosen = list(pairs.all)
    if "hr" in needs:
        if pairs.alone:
            observer(Warned(f"Left out, for they have no HR: {name_some(pairs.alone)}."))
        if pairs.unused:
            observer(Said(f"HR of which there is nothing upscaled: {name_some(pairs.unused)}."))
        chosen = [pair for pair in chosen if pair.hr is not None]
    if "lr" in needs:
        without = [pair.prediction for pair in chosen if pair.lr is None]
        if without:
            observer(Warned(f"Left out, for they have no LR: {name_some(without)}."))
        chosen = [pair for pair in chosen if pair.lr is not None]
    if not chosen:
        raise DataError("No picture has both an HR and an LR.", hint="Ask for fewer metrics.")
    return chosen
