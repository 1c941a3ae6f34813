"""The job ``infer``: pictures in, upscaled pictures out, and a record of what came of what."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
import yaml
from torch import Tensor

from pdd_cli.assets.models import ResolvedModel, resolve_model
from pdd_cli.config.infer import InferConfig
from pdd_cli.data.layouts import pictures_to_upscale
from pdd_cli.errors import DataError, PddError, UsageError
from pdd_cli.images.alpha import colours_without_halo
from pdd_cli.images.codec import Picture, Pixels, encode_picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.images.colour_fix import ColourFix, fix_colours
from pdd_cli.images.listing import name_some
from pdd_cli.images.tiles import upscale_in_tiles
from pdd_cli.nets.network import Network, load_network
from pdd_cli.runtime.device import autocast, choose_device, choose_precision, memory_format
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
from pdd_cli.runtime.run_directory import RunDirectory, is_model_of_run, latest_run
from pdd_cli.runtime.weights import read_weights

RECORD_NAME = "pdd-infer.json"
POINTER_NAME = "last-infer.json"

_SCHEMA_VERSION = 1
_FALLBACK_MODEL = "realesrgan"
_LAST_ADAPTATION = Path("folder")


@dataclass(frozen=True)
class Upscaled:
    """One picture and what was made of it."""

    input: Path
    output: Path


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
    precision = choose_precision(device, config.precision)
    upscaler = _Upscaler(_placed(network, device), device, precision, config)
    plan = _plan(config, network.scale, observer)
    _refuse_collisions(plan.jobs, config.overwrite)

    result = InferResult(
        name, network.scale, str(precision).removeprefix("torch."), config.color_fix
    )
    stage = f"upscaling with {name}"
    observer(Started(stage, len(plan.jobs), "picture"))
    for number, job in enumerate(plan.jobs):
        start = time.monotonic()
        try:
            upscaled = upscaler.upscale(
                read_picture(job.input), partial(_tell_share, observer, number)
            )
            write_bytes_atomically(job.output, encode_picture(upscaled, job.output.suffix))
        except PddError as error:
            result.failures.append(Failure(job.input, str(error)))
            observer(PictureFailed(job.input, str(error)))
        else:
            result.pictures.append(job)
            observer(PictureDone(job.input, job.output, time.monotonic() - start))
        observer(Advanced(number + 1))
    if result.pictures:
        result.record = _write_record(result, model, plan, config.runs)
    result.seconds = time.monotonic() - began
    observer(Finished(stage, f"{len(result.pictures)} pictures in {plan.folder}"))
    return result


def _tell_share(observer: Observer, done: int, share: float) -> None:
    observer(Advanced(done + share))


def _placed(network: Network, device: torch.device) -> Network:
    return network.to(device).to(memory_format=memory_format(device)).eval()


def _default_model(runs: Path, observer: Observer) -> str:
    run = latest_run(runs)
    if run is not None:
        observer(Said(f"Upscaling with the newest run, {run}."))
        return str(run)
    observer(Said(f"There is no finished run in {runs}: upscaling with {_FALLBACK_MODEL}."))
    return _FALLBACK_MODEL


@dataclass(frozen=True)
class _Plan:
    """Which pictures are upscaled, where each result goes, and where the record."""

    jobs: list[Upscaled]
    folder: Path


def _plan(config: InferConfig, scale: int, observer: Observer) -> _Plan:
    jobs: list[Upscaled] = []
    folders: list[Path] = []
    for path in _inputs(config, observer):
        if path.is_file():
            folders.append(config.output or path.parent)
            suffix = "" if config.output else f"_x{scale}"
            jobs.append(Upscaled(path, folders[-1] / f"{path.stem}{suffix}.png"))
            continue
        selection = pictures_to_upscale(path, scale)
        if selection.note:
            observer(Said(selection.note))
        if selection.skipped:
            observer(Warned(f"Skipped, as they are no pictures: {name_some(selection.skipped)}."))
        folders.append(config.output or _beside(path, scale))
        jobs += [
            Upscaled(file, folders[-1] / file.relative_to(path).with_suffix(".png"))
            for file in selection.paths
        ]
    return _Plan(jobs, folders[0])


def _beside(folder: Path, scale: int) -> Path:
    # ``.`` and ``..`` have no name of their own to add to.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(f"{named.name}_x{scale}")


def _inputs(config: InferConfig, observer: Observer) -> tuple[Path, ...]:
    """Return what was asked for; nothing, or the bare word ``folder``, is the last adaptation's."""
    named_by_word = config.paths == (_LAST_ADAPTATION,) and not _LAST_ADAPTATION.exists()
    if config.paths and not named_by_word:
        missing = next((path for path in config.paths if not path.exists()), None)
        if missing is not None:
            raise DataError(f"{missing} does not exist.", hint="Check the path.")
        return config.paths
    run = latest_run(config.runs)
    if run is None:
        asked = f"{_LAST_ADAPTATION} does not exist" if named_by_word else "No pictures were named"
        raise DataError(
            f"{asked}, and no adaptation in {config.runs} tells which photos to take.",
            hint="Name a picture or a folder: pdd infer PHOTOS.",
        )
    settings = yaml.safe_load(RunDirectory(run).config.read_text(encoding="utf-8"))
    photos = Path(settings["data"]["real_lr"])
    observer(Said(f"Taking the photos of the last adaptation, {photos}."))
    return (photos,)


def _refuse_collisions(jobs: list[Upscaled], overwrite: bool) -> None:
    taken: dict[Path, Path] = {}
    for job in jobs:
        if job.output in taken:
            raise UsageError(
                f"{taken[job.output]} and {job.input} would both become {job.output}.",
                hint="Rename one of them, or upscale them in two calls.",
            )
        taken[job.output] = job.input
        if job.output.exists() and not overwrite:
            raise UsageError(
                f"{job.output} exists already.",
                hint="Give --overwrite to replace it, or -o for another folder.",
            )


@dataclass(frozen=True)
class _Upscaler:
    """A network on its device, with how it is to be used."""

    network: Network
    device: torch.device
    precision: torch.dtype
    config: InferConfig

    def upscale(self, picture: Picture, on_tile: Callable[[float], None]) -> Picture:
        """Upscale colours and, as a picture of its own, transparency."""
        colours = self._upscale_pixels(
            colours_without_halo(picture), on_tile, self.config.color_fix
        )
        if picture.alpha is None:
            return Picture(colours)
        if (picture.alpha == picture.alpha.flat[0]).all():
            constant = np.full(colours.shape[:2], picture.alpha.flat[0], colours.dtype)
            return Picture(colours, constant)
        return Picture(colours, self._upscale_pixels(picture.alpha, on_tile, "none"))

    def _upscale_pixels(
        self, pixels: Pixels, on_tile: Callable[[float], None], colour_fix: ColourFix
    ) -> Pixels:
        # 8 bits of mantissa are too few for deep pictures, unless the user says otherwise.
        deep = pixels.dtype != np.uint8 and self.config.precision == "auto"
        precision = torch.float32 if deep else self.precision

        @torch.inference_mode()
        def network(tile: Tensor) -> Tensor:
            on_device = tile.to(self.device, memory_format=memory_format(self.device))
            with autocast(self.device, precision):
                return cast(Tensor, self.network(on_device))

        lr = pixels_to_tensor(pixels)
        upscaled = upscale_in_tiles(
            lr,
            network,
            scale=self.network.scale,
            tile=self.config.tile,
            overlap=self.config.overlap,
            on_tile=on_tile,
        )
        if not torch.isfinite(upscaled).all():
            raise DataError("The network's result is not finite.", hint="Use --precision float32.")
        return _as_pixels(fix_colours(upscaled, lr, colour_fix), like=pixels)


def _as_pixels(upscaled: Tensor, like: Pixels) -> Pixels:
    """Turn a result into pixels of the input's type, grey where it was grey."""
    if like.ndim == 3:
        return tensor_to_pixels(upscaled, like.dtype)
    grey = upscaled.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return tensor_to_pixels(grey, like.dtype)[..., 0]


def _write_record(result: InferResult, model: ResolvedModel, plan: _Plan, runs: Path) -> Path:
    """Keep what came of what, and point ``pdd eval`` at it."""
    record = plan.folder / RECORD_NAME
    pictures = [{"input": job.input, "output": job.output} for job in result.pictures]
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
