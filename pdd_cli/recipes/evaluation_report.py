"""The page about an evaluation: what gained and lost most, all figures, and their protocol."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import yaml

from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.errors import UsageError
from pdd_cli.images.listing import name_some
from pdd_cli.metrics.protocol import METRICS, Metric
from pdd_cli.recipes.evaluate import EvaluateResult, evaluate
from pdd_cli.recipes.gains import Scored, gains_over, gains_over_bicubic
from pdd_cli.recipes.provenance import WEIGHTS_OF_METRICS, licence_of, licences, made_by, sentence
from pdd_cli.recipes.showcase import Showcase, figure, heading
from pdd_cli.report.page import Histogram, Report, Section, Table, Verbatim
from pdd_cli.report.rendering import write_report
from pdd_cli.runtime.events import Observer, Said, ignore

_MOST_OF_A_KIND = 4
_FEWEST_TO_DISTRIBUTE = 5
_MOST_ROWS_OPEN = 20


def write_evaluation_report(
    config: EvaluateConfig, result: EvaluateResult, observer: Observer = ignore
) -> Path:
    """Write the page that ``config.report`` names; ``config.before`` is scored for it.

    Raises:
        UsageError: the page has no name or no place, or a picture to show was not scored.
        DataError: there is nothing to score in the folder to compare with.
        OSError: the disk is full or the folder cannot be written.
    """
    if config.report is None:
        raise UsageError("The report has no name.", hint="Give --report FILE.")
    before = None
    if config.before is not None:
        observer(Said(f"Scoring {config.before}, to compare with."))
        before = evaluate(config.model_copy(update={"sr": config.before, "pairs": None}), observer)
    settings = config.model_dump(mode="json")
    report = report_of_evaluation(result, before, show=config.show, settings=settings)
    return write_page(report, config.report, observer)


def write_page(report: Report, path: Path, observer: Observer) -> Path:
    """Write a report where the user wants it.

    Raises:
        UsageError: there is no such place.
        OSError: the disk is full or the folder cannot be written.
    """
    try:
        write_report(report, path)
    except (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise UsageError(
            f"--report {path} cannot be written ({error.strerror}).",
            hint="Name a file in a folder.",
        ) from error
    observer(Said(f"The report is {path}."))
    return path


def report_of_evaluation(
    result: EvaluateResult,
    before: EvaluateResult | None = None,
    *,
    labels: tuple[str, str] | None = None,
    show: Sequence[str] = (),
    settings: Mapping[str, object] | None = None,
) -> Report:
    """Tell about an evaluation.

    Args:
        result: what was scored.
        before: the same pictures, upscaled in another way, as by the un-adapted model. Without
            it the result is compared with bicubic enlargement, by PSNR, where the record of
            ``infer`` tells the LR; where nothing does, with the HR.
        labels: what the earlier and the later pictures are called.
        show: names of pictures to show, with or without their suffixes; others are chosen.
        settings: of the evaluation, as they are to be shown.

    Raises:
        UsageError: a picture to show was not scored.
        DataError: a scored picture cannot be read any more.
    """
    scored = gains_over(before, result) if before else gains_over_bicubic(result)
    told = _Told(result, before, scored, labels or (_label(before), "result"))
    showcase = Showcase(told.labels, result.protocol)
    sections = [
        *_chosen(scored, show, showcase),
        *(_extremes(told, showcase) if told.known else _ends(told, showcase)),
        Section("Means and protocol", [_means(told)], sentence(result.protocol_text)),
        _distributions(told),
        Section("Every picture", [_every(told)]),
        *_failures(result),
        *_settings(result, settings),
        licences(_licensed(result, before)),
    ]
    name = Path(result.model).name if result.model else "Upscaled pictures"
    count = len(result.pictures)
    title = f"{name}, scored on {count} picture{'' if count == 1 else 's'}"
    return Report(title, _summary(told), sections, made_by())


@dataclass(frozen=True)
class _Told:
    """What the page tells."""

    result: EvaluateResult
    before: EvaluateResult | None
    scored: Sequence[Scored]
    labels: tuple[str, str]

    @property
    def known(self) -> list[Scored]:
        """The pictures whose gain is known."""
        return [entry for entry in self.scored if not math.isnan(entry.gain)]

    @property
    def compared(self) -> Sequence[Scored]:
        """The pictures whose means can be set against each other."""
        return [entry for entry in self.scored if entry.earlier] if self.before else self.scored

    @property
    def gauge(self) -> str:
        """By what gains are told."""
        return self.gain_metric.name.upper()

    @property
    def gain_metric(self) -> Metric:
        """What gains are told by."""
        return self.metric(self.result.protocol.metrics[0]) if self.before else METRICS["psnr"]

    def metric(self, name: str) -> Metric:
        """Return what a metric is under the protocol."""
        return self.result.protocol.metric(name)

    def means(self, name: str) -> tuple[float | None, float]:
        """Return the earlier mean, where there is one, and the later one."""
        later = fmean(entry.picture.scores[name] for entry in self.compared)
        if self.before is None:
            return None, later
        return fmean(entry.earlier[name] for entry in self.compared), later


def _label(before: EvaluateResult | None) -> str:
    if before is None:
        return "bicubic"
    return Path(before.model).name if before.model else "before"


def _chosen(
    scored: Sequence[Scored], names: Sequence[str], showcase: Showcase
) -> Iterator[Section]:
    for name in names:
        if not any(entry.is_called(name) for entry in scored):
            raise UsageError(
                f"--show {name}: no picture of this name was scored.",
                hint=f"There are {name_some([entry.picture.prediction for entry in scored])}.",
            )
    if names:
        chosen = [entry for name in names for entry in scored if entry.is_called(name)]
        yield Section("Chosen pictures", showcase.of(chosen))


def _extremes(told: _Told, showcase: Showcase) -> Iterator[Section]:
    ordered = sorted(told.known, key=lambda entry: -entry.gain)
    gains = [entry for entry in ordered if entry.gain > 0]
    losses = [entry for entry in reversed(ordered) if entry.gain < 0]
    for title, entries, word in (
        ("Largest gains", gains, "better"),
        ("Largest losses", losses, "worse"),
    ):
        counted = f"{len(entries)} of {len(ordered)} pictures are {word} than {told.labels[0]}"
        text = f"{counted}, by {told.gauge}." if entries else f"No picture is {word}."
        yield Section(title, showcase.of(entries[:_MOST_OF_A_KIND]), text)


def _ends(told: _Told, showcase: Showcase) -> Iterator[Section]:
    """Without gains, show the best and the worst."""
    metric = told.result.protocol.metrics[0]
    ordered = sorted(
        told.scored,
        key=lambda entry: entry.picture.scores[metric],
        reverse=told.result.protocol.metric(metric).better == "higher",
    )
    alone = all(entry.lr is None for entry in ordered)
    text = "Nothing tells what these pictures were made of." if alone else ""
    first, last = ("Best", "Worst") if told.metric(metric).better else ("Lowest", "Highest")
    name = heading(told.metric(metric))
    yield Section(f"{first} by {name}", showcase.of(ordered[:_MOST_OF_A_KIND]), text)
    yield Section(f"{last} by {name}", showcase.of(ordered[::-1][:_MOST_OF_A_KIND]))


def _means(told: _Told) -> Table:
    count = len(told.compared)
    rows = []
    for name in told.result.protocol.metrics if count else ():
        earlier, later = told.means(name)
        figures = [figure(told.metric(name), later)]
        if earlier is not None:
            figures = [
                figure(told.metric(name), earlier),
                *figures,
                figure(told.metric(name), later - earlier, sign="+"),
            ]
        else:
            figures.append(_interval(told, name))
        better = told.metric(name).better or "neither"
        rows.append((heading(told.metric(name)), *figures, better))
    columns = (*told.labels, "change") if told.before else (told.labels[1], "95 % interval")
    return Table(f"Means over {count} pictures", ("metric", *columns, "better"), rows)


def _interval(told: _Told, name: str) -> str:
    interval = told.result.intervals.get(name)
    if interval is None:
        return "none"
    return " to ".join(figure(told.metric(name), bound) for bound in interval)


def _distributions(told: _Told) -> Section:
    if len(told.scored) < _FEWEST_TO_DISTRIBUTE:
        return Section("Distributions", (), "So few pictures are better looked at one by one.")
    charts = []
    for name in told.result.protocol.metrics:
        metric = told.metric(name)
        values = _finite(entry.picture.scores[name] for entry in told.scored)
        earlier = _finite(entry.earlier[name] for entry in told.scored if name in entry.earlier)
        if values:
            title, unit = name.upper(), metric.unit
            charts.append(Histogram(title, values, earlier, told.labels, metric.better, unit))
    gains = _finite(entry.gain for entry in told.scored)
    if gains:
        charts.append(Histogram(f"Gain over {told.labels[0]}, by {told.gauge}", gains))
    return Section("Distributions", charts)


def _every(told: _Told) -> Table:
    metrics = told.result.protocol.metrics
    gain = (f"gain over {told.labels[0]}, by {told.gauge}",) if told.known else ()
    rows = []
    for entry in told.scored:
        figures = [figure(told.metric(name), entry.picture.scores[name]) for name in metrics]
        if gain:
            unknown = math.isnan(entry.gain)
            figures.append(
                "not known" if unknown else figure(told.gain_metric, entry.gain, sign="+")
            )
        rows.append((entry.name, *figures))
    columns = ("picture", *(heading(told.metric(name)) for name in metrics), *gain)
    return Table("Figures of every picture", columns, rows, folded=len(rows) > _MOST_ROWS_OPEN)


def _failures(result: EvaluateResult) -> Iterator[Section]:
    if result.failures:
        rows = list(result.failures.items())
        yield Section("Not scored", [Table("Pictures and reasons", ("picture", "reason"), rows)])


def _settings(result: EvaluateResult, settings: Mapping[str, object] | None) -> Iterator[Section]:
    files = []
    if settings is not None:
        text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
        files.append(Verbatim("Of the evaluation", text.rstrip()))
    training = Path(result.model or "") / "config.yaml"
    if result.model and training.is_file():
        text = training.read_text(encoding="utf-8")
        files.append(Verbatim("Of the run that made the model (config.yaml)", text.rstrip()))
    if files:
        yield Section("Settings", files)


def _summary(told: _Told) -> str:
    parts = []
    for name in told.result.protocol.metrics if told.compared else ():
        earlier, later = told.means(name)
        was = "" if earlier is None else f"{figure(told.metric(name), earlier)} → "
        unit = f" {told.metric(name).unit}" if told.metric(name).unit else ""
        lower = ", lower is better" if told.metric(name).better == "lower" else ""
        parts.append(f"{name.upper()} {was}{figure(told.metric(name), later)}{unit}{lower}")
    if not parts:
        return "Nothing could be scored."
    better = sum(entry.gain > 0 for entry in told.known)
    counted = (
        f" Of {len(told.known)} pictures {better} are better than {told.labels[0]}, by "
        f"{told.gauge}."
    )
    return f"On average: {'; '.join(parts)}.{counted if told.known else ''}"


def _licensed(result: EvaluateResult, before: EvaluateResult | None) -> dict[str, str | None]:
    models = dict.fromkeys(r.model for r in (result, before) if r is not None and r.model)
    used = {f"Model: {Path(name).name}": licence_of(name) for name in models}
    names = (WEIGHTS_OF_METRICS.get(name, name) for name in result.protocol.metrics)
    return used | {f"{n}, to measure with": ASSETS[n].licence for n in names if n in ASSETS}


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
