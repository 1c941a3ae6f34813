"""The page about a run: what became of photos, the figures over its steps, how it was done."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.metrics.protocol import direction_of
from pdd_cli.recipes.model_card import Story
from pdd_cli.recipes.provenance import WEIGHTS_OF_METRICS, licences, made_by
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.report.charts import number
from pdd_cli.report.page import (
    Comparison,
    LineChart,
    Report,
    Section,
    Table,
    Verbatim,
)
from pdd_cli.runtime.run_directory import RunDirectory

# What people call the figures of metrics.jsonl, and their units; others keep their name.
_NAMES = {
    "val_psnr": ("PSNR against HR", "dB"),
    "val_ssim": ("SSIM against HR", ""),
    "val_lpips": ("LPIPS against HR", ""),
    "consistency": ("Consistency with the LR", "dB"),
    "colour_drift": ("Colour drift from the LR", "ΔE"),
    "niqe": ("NIQE", ""),
    "sharpness": ("Sharpness", "levels"),
    "noise": ("Noise", "levels"),
    "pixel": ("Pixel loss", ""),
    "perceptual": ("Perceptual loss", ""),
    "adversarial": ("Adversarial loss", ""),
    "inter": ("Distance between the networks", ""),
    "intra": ("Distance within a network", ""),
    "discriminator_real": ("Discriminator, on real HR", ""),
    "discriminator_fake": ("Discriminator, on results", ""),
    "lr": ("Learning rate", ""),
    "seconds": ("Time of a step", "s"),
}
_NO_FIGURES = ("step", "measured_after")

_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")

_PROTOCOL = (
    "Centres of pictures that were not learnt from, as the network has them in 8 bits. PSNR and "
    "SSIM: RGB, without a border as wide as the scale; LPIPS: version 0.1, AlexNet. Without HR: "
    "consistency and colour drift compare the result, reduced by area, with its LR; NIQE is a "
    "distance from the statistics of natural pictures; sharpness and noise only show a change."
)


def report_of_training(
    run: RunDirectory,
    title: str,
    verdict: Verdict,
    story: Story,
    comparisons: Sequence[Comparison],
) -> Report:
    """Tell about a run that has come to its end.

    Args:
        run: with its settings and its record.
        title: what was trained on what.
        verdict: what came of it.
        story: how the model was made, and from what.
        comparisons: photos as they came out before and as the written weights have them.
    """
    records = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
    measured = [
        {"step": record["measured_after"], **record}
        for record in records
        if "measured_after" in record
    ]
    steps = [record for record in records if "step" in record]
    written = story.facts.get("written_step")
    marked = written if isinstance(written, int) else None
    sections = [
        Section(
            "Before and after",
            comparisons,
            "Centres of photos, pixel for pixel, with the weights that were written. Drag the "
            "line; zoom with the buttons, by pinching, or with Ctrl and the wheel."
            if comparisons
            else "No photo was kept to be shown.",
        ),
        Section(
            "Measured on pictures that were not learnt from",
            [*_before_and_after(verdict), *_charts(measured, marked, baselines=True)],
            _PROTOCOL if measured and _figures(measured) else "Nothing was measured.",
        ),
        Section("Losses over the steps", list(_charts(steps, None, baselines=False))),
        *_remarks(records),
        Section(
            "How it was made",
            [_facts(story), *_files(run)],
            _LINK.sub(r"\1 (\2)", " ".join(story.made.split())),
        ),
        licences(_licensed(story, verdict)),
    ]
    return Report(title, verdict.text, sections, made_by())


def _licensed(story: Story, verdict: Verdict) -> dict[str, str | None]:
    base, licence = story.facts.get("base_model"), story.facts.get("base_licence")
    used = {f"Base model: {base}": str(licence) if licence else None} if base else {}
    features = str(story.facts.get("features", ""))
    measured = {figure.removeprefix("val_") for figure in verdict.after}
    names = [features, *(n for metric, n in WEIGHTS_OF_METRICS.items() if metric in measured)]
    return used | {f"{n}, to compare with": ASSETS[n].licence for n in names if n in ASSETS}


def _before_and_after(verdict: Verdict) -> Iterator[Table]:
    rows = [
        (
            _title(name),
            number(verdict.before[name]),
            number(after),
            f"{after - verdict.before[name]:+.3g}",
            direction_of(name) or "neither",
        )
        for name, after in verdict.after.items()
    ]
    if rows:
        columns = ("figure", "before", "after", "change", "better")
        yield Table("Before the first step, and with the written weights", columns, rows)


def _charts(
    records: Sequence[Mapping[str, float]], marked: int | None, *, baselines: bool
) -> Iterator[LineChart]:
    for name in _figures(records):
        points = [
            (int(record["step"]), float(record[name]))
            for record in records
            if record.get(name) is not None
        ]
        if not baselines and len({value for _, value in points}) == 1:
            continue  # a rate that stays as it is tells nothing
        title, unit = _NAMES.get(name, (name, ""))
        yield LineChart(
            title,
            points,
            better=direction_of(name),
            unit=unit,
            baseline=points[0][1] if baselines else None,
            marked=marked,
        )


def _figures(records: Sequence[Mapping[str, float]]) -> list[str]:
    """Name the figures that there are; those without a name for people come last."""
    names = dict.fromkeys(
        name for record in records for name, value in record.items() if value is not None
    )
    order = {name: place for place, name in enumerate(_NAMES)}
    shown = [name for name in names if name not in _NO_FIGURES]
    return sorted(shown, key=lambda name: order.get(name, len(order)))


def _remarks(records: Sequence[Mapping[str, str]]) -> Iterator[Section]:
    warnings = dict.fromkeys(r["text"] for r in records if r.get("event") == "warned")
    if warnings:
        rows = [(text,) for text in warnings]
        yield Section("Warnings", [Table("What the run warned of", ("warning",), rows)])


def _facts(story: Story) -> Table:
    rows = [
        (name.replace("_", " "), "none" if value is None else str(value))
        for name, value in story.facts.items()
    ]
    return Table("In short", ("what", "value"), rows)


def _files(run: RunDirectory) -> Iterator[Verbatim]:
    for title, name in (
        ("Every setting (config.yaml)", "config.yaml"),
        ("The command", "command.txt"),
        ("The machine and its software (environment.json)", "environment.json"),
    ):
        path = run.path / name
        if path.is_file():
            yield Verbatim(title, path.read_text(encoding="utf-8").rstrip())


def _title(name: str) -> str:
    title, unit = _NAMES.get(name, (name, ""))
    return f"{title}, {unit}" if unit else title
