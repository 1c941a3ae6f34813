"""The job ``infer``: pictures in, upscaled pictures out, and a record of what came of what."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from pdd_cli.assets.models import ResolvedModel, resolve_model
from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import DataError, PddError, ResourceError
from pdd_cli.images.codec import Picture, encode_picture
from pdd_cli.images.colour_fix import ColourFix
from pdd_cli.images.formats import fitted, format_of, refuse_too_large
from pdd_cli.images.headers import size_in_pixels
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.destinations import Plan, Upscaled, plan
from pdd_cli.recipes.pipeline import WriteBehind, read_ahead
from pdd_cli.recipes.upscaling import Upscaler
from pdd_cli.runtime.device import choose_device
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
from pdd_cli.runtime.files import write_bytes_atomically, write_text_atomically
from pdd_cli.runtime.run_directory import is_model_of_run, latest_run
from pdd_cli.runtime.weights import read_weights

RECORD_NAME = "pdd-infer.json"
POINTER_NAME = "last-infer.json"

_SCHEMA_VERSION = 1
_FALLBACK_MODEL = "realesrgan"


@dataclass(frozen=True)
class Failure:
    """One picture that could not be done, and why."""

    input: Path
    reason: str


@dataclass
class InferResult:
    """What an upscaling did."""

    model: str
    """The model as it was named or found."""
    scale: int
    precision: str
    color_fix: ColourFix
    pictures: list[Upscaled] = field(default_factory=list)
    skipped: list[Upscaled] = field(default_factory=list)
    """Pictures whose results were there already."""
    failures: list[Failure] = field(default_factory=list)
    record: Path | None = None
    """What came of what, for ``pdd eval``; None when nothing was written."""
    seconds: float = 0.0


def infer(config: InferConfig, observer: Observer = ignore) -> InferResult:
    """Upscale pictures.

    A picture that cannot be done is reported and left out; the others go on.

    Args:
        config: what to upscale, with which model and where to.
        observer: told of choices, progress by pixels, and each picture.

    Raises:
        UsageError: two inputs would give one output, or an output exists already.
        DataError: there is nothing to upscale.
        ModelError: the model cannot be had or loaded.
        ResourceError: the device or its memory does not suffice.
    """
    began = time.monotonic()
    device = choose_device(config.device)
    name = config.model or _default_model(config.runs, observer)
    model = resolve_model(name, observer=observer)
    network = load_network(read_weights(model.weights), named=name, scales=None)
    planned = plan(config, network.scale, observer)
    upscaler = Upscaler(network, device, config, observer)
    result = InferResult(
        name,
        network.scale,
        str(upscaler.precision).removeprefix("torch."),
        config.color_fix,
        skipped=planned.done_before,
    )
    _Batch(config, planned, upscaler, f"upscaling with {name}", observer, result).work_through()
    if result.pictures or result.skipped:
        result.record = _write_record(result, model, planned, config.runs)
    result.seconds = time.monotonic() - began
    return result


def _default_model(runs: Path, observer: Observer) -> str:
    run = latest_run(runs)
    if run is not None:
        observer(Said(f"Upscaling with the newest run, {run}."))
        return str(run)
    observer(Said(f"There is no finished run in {runs}: upscaling with {_FALLBACK_MODEL}."))
    return _FALLBACK_MODEL


@dataclass
class _Batch:
    """The pictures of one call, read, upscaled and written at the same time."""

    config: InferConfig
    plan: Plan
    upscaler: Upscaler
    stage: str
    observer: Observer
    result: InferResult
    _pixels_done: float = 0.0

    def work_through(self) -> None:
        """Upscale every picture, and note what came of it."""
        sizes = [size_in_pixels(job.input) for job in self.plan.jobs]
        total = sum(height * width for height, width in filter(None, sizes))
        self.observer(Started(self.stage, total, "pixel"))
        with WriteBehind(self._write) as writer:
            for jobs, pictures in self._groups():
                for job, upscaled in zip(
                    jobs, self.upscaler.upscale(pictures, self._advance), strict=True
                ):
                    if isinstance(upscaled, Picture):
                        writer.put(job, upscaled)
                    else:
                        self._note(job, upscaled)
                for job, outcome in writer.done():
                    self._note(job, outcome)
            for job, outcome in writer.done(all_of_them=True):
                self._note(job, outcome)
        self.observer(
            Finished(self.stage, f"{len(self.result.pictures)} pictures in {self.plan.folder}")
        )

    def _groups(self) -> Iterator[tuple[list[Upscaled], list[Picture]]]:
        """Bring neighbours of one size and type together, as many as share a batch well."""
        read = zip(self.plan.jobs, read_ahead([j.input for j in self.plan.jobs]), strict=True)
        for kind, alike in groupby(read, key=lambda item: _kind(item[1])):
            jobs: list[Upscaled] = []
            pictures: list[Picture] = []
            for job, picture in alike:
                if not isinstance(picture, Picture):
                    self._note(job, picture)
                    continue
                try:
                    refuse_too_large(picture, job.output.suffix, scale=self._scale)
                except PddError as error:
                    self._note(job, error)
                    continue
                jobs.append(job)
                pictures.append(picture)
                if kind and len(jobs) == self.upscaler.share_a_batch(*kind[:2]):
                    yield jobs, pictures
                    jobs, pictures = [], []
            if jobs:
                yield jobs, pictures

    @property
    def _scale(self) -> float:
        return self.config.outscale or self.upscaler.scale

    def _write(self, job: Upscaled, upscaled: Picture) -> tuple[str, ...]:
        """Write a result, and return what had to be converted or left out."""
        suffix = job.output.suffix
        if self.config.strip_metadata:
            upscaled = replace(upscaled, metadata=None)
        upscaled = fitted(upscaled, suffix)
        quality = self.config.quality if format_of(suffix).has_quality else None
        try:
            write_bytes_atomically(job.output, encode_picture(upscaled, suffix, quality=quality))
        except OSError as error:
            raise ResourceError(
                f"{job.output} cannot be written ({error.strerror}).", hint="Free some room."
            ) from error
        return upscaled.notes

    def _advance(self, pixels: float) -> None:
        self._pixels_done += pixels
        figures = {"done": len(self.result.pictures), "failed": len(self.result.failures)}
        self.observer(Advanced(self._pixels_done, figures))

    def _note(self, job: Upscaled, outcome: tuple[str, ...] | PddError) -> None:
        if isinstance(outcome, PddError):
            self.result.failures.append(Failure(job.input, str(outcome)))
            self.observer(PictureFailed(job.input, str(outcome)))
            return
        for note in outcome:
            self.observer(Warned(f"{job.input}: {note}"))
        self.result.pictures.append(replace(job, notes=outcome))
        self.observer(PictureDone(job.input, job.output))


def _kind(picture: Picture | DataError) -> tuple[int, int, str] | None:
    if not isinstance(picture, Picture):
        return None
    return picture.height, picture.width, str(picture.pixels.dtype)


def _write_record(result: InferResult, model: ResolvedModel, planned: Plan, runs: Path) -> Path:
    """Keep what came of what, and point ``pdd eval`` at it."""
    record = planned.folder / RECORD_NAME
    pictures = [
        {"input": job.input, "output": job.output} for job in [*result.skipped, *result.pictures]
    ]
    content = {
        "schema_version": _SCHEMA_VERSION,
        "model": result.model,
        "model_sha256": model.sha256,
        "run": str(model.weights.parent.resolve()) if is_model_of_run(model.weights) else None,
        "scale": result.scale,
        "precision": result.precision,
        "color_fix": result.color_fix,
        "pictures": [{role: str(path.resolve()) for role, path in p.items()} for p in pictures],
    }
    write_text_atomically(record, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    pointer = {"record": str(record.resolve())}
    write_text_atomically(runs / POINTER_NAME, json.dumps(pointer, ensure_ascii=False) + "\n")
    return record
