"""The page about an evaluation: what gained and lost most, all figures, and their protocol."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.errors import UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.listing import name_some
from pdd_cli.metrics.protocol import METRICS
from pdd_cli.recipes.evaluate import EvaluateResult, evaluate
from pdd_cli.recipes.gains import Scored, gains_over, gains_over_bicubic
from pdd_cli.recipes.gallery import gain_note
from pdd_cli.recipes.training_report import licences, made_by
from pdd_cli.report.charts import number
from pdd_cli.report.page import RGB, Comparison, Histogram, Report, Section, Shown, Table
from pdd_cli.report.pictures import change_map, gain_map, telling_window
from pdd_cli.report.rendering import write_report
from pdd_cli.runtime.events import Observer, Said, ignore

_MOST_OF_A_KIND = 4

_RESULT = "result"


def write_evaluation_report(
    config: EvaluateConfig, result: EvaluateResult, observer: Observer = ignore
) -> Path:
    """Write the page that ``config.report`` names; ``config.before`` is scored for it.

    Raises:
        UsageError: the page has no name, or a picture to show was not scored.
        DataError: there is nothing to score in the folder to compare with.
        OSError: the page cannot be written.
    """
    if config.report is None:
        raise UsageError("The report has no name.", hint="Give --report FILE.")
    before = None
    if config.before is not None:
        observer(Said(f"Scoring {config.before}, to compare with."))
        before = evaluate(config.model_copy(update={"sr": config.before}), observer)
    write_report(report_of_evaluation(result, before, config.show), config.report)
    observer(Said(f"The report is {config.report}."))
    return config.report


def report_of_evaluation(
    result: EvaluateResult, before: EvaluateResult | None = None, show: Sequence[str] = ()
) -> Report:
    """Tell about an evaluation.

    Args:
        result: what was scored.
        before: the same pictures, upscaled in another way, as by the un-adapted model. Without
            it the result is compared with bicubic enlargement, by PSNR, where the record of
            ``infer`` tells the LR; where nothing does, with the HR.
        show: names of pictures to show, without their suffixes; further ones are chosen.

    Raises:
        UsageError: a picture to show was not scored.
        DataError: a scored picture cannot be read any more.
    """
    scored = gains_over(before, result) if before else gains_over_bicubic(result)
    label = (before.model or "before") if before else "bicubic"
    known = [entry for entry in scored if not math.isnan(entry.gain)]
    shown = _Shown(label)
    sections = [
        *_chosen(scored, show, shown),
        *(
            _extremes(known, _unit(result, before), shown)
            if known
            else _ends(scored, result, shown)
        ),
        Section(
            "Means",
            [_means(result, scored, label, before=before is not None)],
            result.protocol_text,
        ),
        Section("Distributions", list(_histograms(result, scored, label))),
        Section("Every picture", [_every(result, scored, label)]),
        *_failures(result),
        licences(_licensed(result, before)),
    ]
    title = f"{result.model or 'Upscaled pictures'}, scored on {len(result.pictures)} pictures"
    return Report(title, _summary(result, before, known, label), sections, made_by())


class _Shown:
    """Makes comparisons of scored pictures, each picture once."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._seen: set[Path] = set()

    def show(self, entries: Sequence[Scored]) -> list[Comparison]:
        new = [entry for entry in entries if entry.picture.prediction not in self._seen]
        self._seen |= {entry.picture.prediction for entry in new}
        return [self._comparison(entry) for entry in new]

    def _comparison(self, entry: Scored) -> Comparison:
        picture = entry.picture
        sr, hr = (read_picture(path).rgb8() for path in (picture.prediction, picture.hr))
        before = entry.before(sr)
        if before is None:
            place = telling_window(sr, hr)
            change = Shown("Difference", change_map(sr[place], hr[place]), "Between the two.")
            shown = (Shown(_RESULT, sr[place]), Shown("HR", hr[place]))
            return Comparison(entry.name, *shown, (change,), _told(entry, sr, place))
        place = telling_window(before, sr)
        before, after, hr = before[place], sr[place], hr[place]
        others = (
            Shown("HR", hr, "The truth."),
            Shown("Gain", gain_map(before, after, hr), gain_note(self._label)),
        )
        return Comparison(
            entry.name,
            Shown(self._label, before),
            Shown(_RESULT, after),
            others,
            _told(entry, sr, place),
        )


def _told(entry: Scored, sr: RGB, place: tuple[slice, slice]) -> str:
    """Say the figures of the whole picture, and which part of it is seen."""
    figures = []
    for name, value in entry.picture.scores.items():
        earlier = entry.earlier.get(name)
        was = f"{number(earlier)} → " if earlier is not None else ""
        unit = f" {METRICS[name].unit}" if METRICS[name].unit else ""
        figures.append(f"{name} {was}{number(value)}{unit}")
    rows, columns = place
    height, width = sr.shape[:2]
    if (rows.stop - rows.start, columns.stop - columns.start) == (height, width):
        return ", ".join(figures)
    part = f"{columns.stop - columns.start}×{rows.stop - rows.start} of {width}×{height} pixels"
    return f"{', '.join(figures)}; shown: {part}, where the two differ most"


def _chosen(scored: Sequence[Scored], show: Sequence[str], gallery: _Shown) -> Iterator[Section]:
    by_name = {entry.name: entry for entry in scored}
    unknown = [name for name in show if Path(name).stem not in by_name and name not in by_name]
    if unknown:
        raise UsageError(
            f"--show: no picture of the name {unknown[0]} was scored.",
            hint=f"There are {name_some([Path(name) for name in by_name])}.",
        )
    if show:
        entries = [by_name.get(name) or by_name[Path(name).stem] for name in show]
        yield Section("Chosen pictures", gallery.show(entries))


def _extremes(known: Sequence[Scored], unit: str, gallery: _Shown) -> Iterator[Section]:
    ordered = sorted(known, key=lambda entry: -entry.gain)
    gains = [entry for entry in ordered if entry.gain > 0]
    losses = [entry for entry in reversed(ordered) if entry.gain < 0]
    for heading, entries, none in (
        ("Largest gains", gains, "No picture gained."),
        ("Largest losses", losses, "No picture lost."),
    ):
        told = f"{len(entries)} of {len(known)} pictures, by {unit}." if entries else none
        yield Section(heading, gallery.show(entries[:_MOST_OF_A_KIND]), told)


def _ends(scored: Sequence[Scored], result: EvaluateResult, gallery: _Shown) -> Iterator[Section]:
    """Without anything to compare with, show the best and the worst beside their HR."""
    metric = result.protocol.metrics[0]
    ordered = sorted(
        scored,
        key=lambda entry: entry.picture.scores[metric],
        reverse=METRICS[metric].better == "higher",
    )
    text = "No record tells what these pictures were made of, so they are shown beside their HR."
    yield Section(f"Best by {metric}", gallery.show(ordered[:_MOST_OF_A_KIND]), text)
    yield Section(f"Worst by {metric}", gallery.show(ordered[::-1][:_MOST_OF_A_KIND]))


def _unit(result: EvaluateResult, before: EvaluateResult | None) -> str:
    return result.protocol.metrics[0] if before else "PSNR against bicubic enlargement"


def _means(result: EvaluateResult, scored: Sequence[Scored], label: str, *, before: bool) -> Table:
    both = [entry for entry in scored if entry.earlier] if before else scored
    columns = ("metric", *((label, _RESULT, "change") if before else (_RESULT,)), "better")
    rows = []
    for name in result.protocol.metrics if both else ():
        unit = f", {METRICS[name].unit}" if METRICS[name].unit else ""
        value = fmean(entry.picture.scores[name] for entry in both)
        figures = [number(value)]
        if before:
            was = fmean(entry.earlier[name] for entry in both)
            figures = [number(was), number(value), f"{value - was:+.3g}"]
        rows.append((f"{name}{unit}", *figures, METRICS[name].better))
    return Table(f"Means over {len(both)} pictures", columns, rows)


def _histograms(
    result: EvaluateResult, scored: Sequence[Scored], label: str
) -> Iterator[Histogram]:
    for name in result.protocol.metrics:
        values = _finite(picture.scores[name] for picture in result.pictures)
        earlier = _finite(entry.earlier[name] for entry in scored if name in entry.earlier)
        metric = METRICS[name]
        if values:
            labels = (label, _RESULT)
            yield Histogram(name, values, earlier, labels, metric.better, metric.unit)
    gains = _finite(entry.gain for entry in scored)
    if gains:
        yield Histogram(f"gain over {label}", gains)


def _every(result: EvaluateResult, scored: Sequence[Scored], label: str) -> Table:
    metrics = result.protocol.metrics
    rows = [
        (
            entry.name,
            *(number(entry.picture.scores[name]) for name in metrics),
            "" if math.isnan(entry.gain) else f"{entry.gain:+.3g}",
        )
        for entry in scored
    ]
    columns = ("picture", *metrics, f"gain over {label}")
    return Table("Figures of every picture", columns, rows, folded=len(rows) > 20)


def _failures(result: EvaluateResult) -> Iterator[Section]:
    if result.failures:
        rows = list(result.failures.items())
        yield Section("Not scored", [Table("Why", ("picture", "reason"), rows)])


def _summary(
    result: EvaluateResult, before: EvaluateResult | None, known: Sequence[Scored], label: str
) -> str:
    means = ", ".join(f"{name} {number(value)}" for name, value in result.means.items())
    if not known:
        return f"On average: {means}."
    better = sum(entry.gain > 0 for entry in known)
    return (
        f"On average: {means}. Of {len(known)} pictures {better} are better than {label}, by "
        f"{_unit(result, before)}."
    )


def _licensed(result: EvaluateResult, before: EvaluateResult | None) -> dict[str, str | None]:
    models = dict.fromkeys(r.model for r in (result, before) if r is not None and r.model)
    used = {f"Model: {Path(name).name}": _licence_of(name) for name in models}
    assets = {"lpips": "lpips-alex", "lpips-vgg": "lpips-vgg"}
    names = [assets[name] for name in result.protocol.metrics if name in assets]
    return used | {f"{name}, to compare with": ASSETS[name].licence for name in names}


def _licence_of(model: str) -> str | None:
    """Ask the catalogue, or what a run tells about its base model."""
    if model in ASSETS:
        return ASSETS[model].licence
    facts = Path(model) / "config.json"
    if not facts.is_file():
        return None
    licence = json.loads(facts.read_text(encoding="utf-8")).get("base_licence")
    return f"{licence}, that of its base model" if licence else None


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
