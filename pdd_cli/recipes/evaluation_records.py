"""What ``pdd eval`` measured, kept for ``pdd card``: figures are never typed into a card.

One file for each model, way of upscaling and set of test pictures. Those of a run's own model lie
in the run; those of any other, which are the controls, in the folder of all runs. Neither paths
nor names of pictures are in them.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pdd_cli.assets.models import public_name
from pdd_cli.assets.sources import file_hash
from pdd_cli.data.known_datasets import recognise_dataset
from pdd_cli.metrics.protocol import METRICS
from pdd_cli.runtime.events import Observer, Said
from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory

if TYPE_CHECKING:
    from pdd_cli.recipes.evaluate import EvaluateResult

FOLDER = "evaluations"

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Figure:
    """The mean of one metric over all pictures."""

    value: float | None
    """None where it is not finite, as the PSNR of equal pictures."""
    unit: str
    better: str | None
    """Which direction: ``higher``, ``lower``, or neither."""
    protocol: str
    """Colours and border."""


@dataclass(frozen=True)
class EvaluationRecord:
    """One evaluation."""

    model: str
    """What upscaled, by its name."""
    model_sha256: str | None
    """Of its weights; None for what has no weights, such as an enlargement."""
    color_fix: str
    precision: str
    """Of the network's arithmetic."""
    scale: int | None
    pictures: int
    hr_sha256: str
    """Of the HR pictures, in the order of their hashes."""
    lr_sha256: str | None
    """Likewise of the LR, where a record told them."""
    dataset: str | None
    """The title of a known data set; None for photos of the user's own."""
    split: str | None
    figures: Mapping[str, Figure]
    """By metric."""

    @property
    def identity(self) -> str:
        """What tells this evaluation from others, whatever its metrics."""
        fixed = (self.model_sha256 or self.model, self.color_fix, self.precision)
        key = json.dumps([*fixed, self.hr_sha256, self.lr_sha256])
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def comparable_to(self, other: "EvaluationRecord") -> bool:
        """Tell whether both were measured on the same pictures at the same scale."""
        same_lr = self.lr_sha256 == other.lr_sha256 or None in (self.lr_sha256, other.lr_sha256)
        return self.hr_sha256 == other.hr_sha256 and self.scale == other.scale and same_lr


def record_evaluation(
    result: "EvaluateResult", upscaling: Mapping[str, object] | None, runs: Path, observer: Observer
) -> Path | None:
    """Keep an evaluation for the model cards.

    Args:
        result: of an evaluation. One in which pictures failed is not kept, for its means are of
            other pictures than those of the rest; nor one without HR, which proves nothing.
        upscaling: what ``pdd infer`` recorded of the pictures; without it nobody knows what made
            them, and nothing is kept.
        runs: the folder of all runs.
        observer: told where it was kept, if it is a run's.
    """
    if upscaling is None or "model_sha256" not in upscaling or result.failures:
        return None
    if any(picture.hr is None for picture in result.pictures):
        return None
    record = _record(result, upscaling)
    run = _run_of(upscaling)
    folder = (run.path if run else runs) / FOLDER
    path = folder / f"{record.identity}.json"
    earlier = _read(path)
    figures = {**(earlier.figures if earlier else {}), **record.figures}
    content = {**asdict(record), "figures": {name: asdict(f) for name, f in figures.items()}}
    text = json.dumps({"schema_version": _SCHEMA_VERSION, **content}, indent=2, ensure_ascii=False)
    write_text_atomically(path, text + "\n")
    if run:
        observer(Said(f"Kept for the model card: pdd card {run.path} tells these figures."))
    return path


def read_evaluations(folder: Path) -> list[EvaluationRecord]:
    """Read the evaluations that lie in a run, or in the folder of all runs."""
    found = (_read(path) for path in sorted((folder / FOLDER).glob("*.json")))
    return [record for record in found if record is not None]


def _record(result: "EvaluateResult", upscaling: Mapping[str, object]) -> EvaluationRecord:
    hr = [picture.hr for picture in result.pictures if picture.hr is not None]
    scored = {str(picture.prediction.resolve()) for picture in result.pictures}
    pictures = cast("Sequence[Mapping[str, str]]", upscaling["pictures"])
    lr = [Path(picture["input"]) for picture in pictures if picture["output"] in scored]
    dataset, split = _known(hr)
    return EvaluationRecord(
        model=public_name(str(upscaling["model"])),
        model_sha256=cast("str | None", upscaling["model_sha256"]),
        color_fix=str(upscaling["color_fix"]),
        precision=str(upscaling["precision"]),
        scale=cast(int, upscaling["scale"]),
        pictures=len(hr),
        hr_sha256=_hash_of(hr),
        lr_sha256=_hash_of(lr) if len(lr) == len(hr) and all(p.is_file() for p in lr) else None,
        dataset=dataset,
        split=split,
        figures={name: _figure(name, value, result) for name, value in result.means.items()},
    )


def _figure(name: str, value: float, result: "EvaluateResult") -> Figure:
    finite = value if math.isfinite(value) else None
    if name not in METRICS:
        return Figure(finite, "", None, "as its own library computes it")
    metric = result.protocol.metric(name)
    border = result.protocol.border_of(name)
    return Figure(finite, metric.unit, metric.better, f"{metric.colour}, border {border}")


def _run_of(upscaling: Mapping[str, object]) -> RunDirectory | None:
    """Return the run that made the model, unless it holds other weights by now."""
    if not isinstance(upscaling.get("run"), str):
        return None
    run = RunDirectory(Path(str(upscaling["run"])))
    same = run.finished and file_hash(run.model) == upscaling["model_sha256"]
    return run if same else None


def _known(hr: Sequence[Path]) -> tuple[str | None, str | None]:
    """Name the known data set that pictures are from, and their split where all are of one."""
    paths = [path.resolve() for path in hr]
    if len({path.anchor for path in paths}) > 1:  # drives of their own have no folder in common
        return None, None
    recognised = recognise_dataset(Path(os.path.commonpath([p.parent for p in paths])), paths)
    if recognised is None:
        return None, None
    splits = {member.split for member in recognised.members}
    return recognised.dataset.title, splits.pop() if len(splits) == 1 else None


def _hash_of(pictures: Sequence[Path]) -> str:
    hashes = sorted(file_hash(path) for path in pictures)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _read(path: Path) -> EvaluationRecord | None:
    """Read a record; what another version wrote otherwise is left alone."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("schema_version") != _SCHEMA_VERSION:
            return None
        figures = {name: Figure(**figure) for name, figure in content.pop("figures").items()}
        return EvaluationRecord(**content, figures=figures)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
