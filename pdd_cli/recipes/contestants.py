"""Who takes part in a comparison of models: the models themselves, and the controls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from pdd_cli.assets.models import resolve_model
from pdd_cli.config.evaluate import CompareConfig
from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import DataError
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.images.colour_fix import fix_colours
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.infer import infer
from pdd_cli.recipes.upscaled_cache import UpscaledCache
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import Observer
from pdd_cli.runtime.files import write_bytes_atomically
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights

BICUBIC = "bicubic"
_GENERALIST = "realesrgan"
_COLOUR_FIXED = ", colour-fixed"


@dataclass(frozen=True)
class Contestant:
    """A way of upscaling that is scored."""

    name: str
    """As the table has it."""
    control: bool
    """Whether it is there for the others to be compared with."""
    scale: int
    upscale: Callable[[Sequence[Path]], dict[Path, Path]]
    """Returns the upscaled pictures by their LR; from the cache where they are there."""


def contestants(config: CompareConfig, observer: Observer) -> list[Contestant]:
    """Set up every way of upscaling: controls that are no model first, then models.

    Raises:
        ModelError: a model cannot be had or loaded.
        DataError: the models are of different scales.
    """
    names = list(dict.fromkeys(config.models))
    generalist = _generalist_of(names) if "generalist" in config.controls else None
    if generalist is not None and generalist not in names:
        names.insert(0, generalist)
    entered = [_model(name, config, name == generalist, observer) for name in names]
    scales = {contestant.scale for contestant in entered}
    if len(scales) > 1:
        told = ", ".join(f"{c.name} ×{c.scale}" for c in entered)
        raise DataError(
            f"The models are of different scales: {told}.", hint="Compare those of one scale."
        )
    if "color-fixed" in config.controls:
        entered = [way for c in entered for way in (c, _colour_fixed(c, config.runs))]
    if "bicubic" in config.controls:
        entered.insert(0, _bicubic(entered[0].scale, config.runs))
    return entered


def reference_among(entered: Sequence[Contestant], config: CompareConfig) -> str:
    """Name what the others are compared with: the generalist, else the first model."""
    if "generalist" in config.controls:
        return _label(_generalist_of(config.models))
    return _label(config.models[0]) if entered else ""


def _generalist_of(models: Sequence[str]) -> str:
    """Find what the first adapted run began as; Real-ESRGAN where none tells."""
    for model in models:
        settings = RunDirectory(Path(model)).config
        if settings.is_file():
            told = yaml.safe_load(settings.read_text(encoding="utf-8")).get("generalist")
            if isinstance(told, str):
                return told
    return _GENERALIST


def _label(model: str) -> str:
    path = Path(model)
    if not path.exists():
        return model
    return path.resolve().name if path.is_dir() else path.stem


def _model(name: str, config: CompareConfig, control: bool, observer: Observer) -> Contestant:
    resolved = resolve_model(name, observer=observer)
    scale = load_network(read_weights(resolved.weights), named=name, scales=None).scale
    precision = str(choose_precision(choose_device(config.device), config.precision))
    cache = UpscaledCache(config.runs, _label(name), f"{resolved.sha256} {precision}")

    def upscale(pictures: Sequence[Path], folder: Path) -> dict[Path, Path]:
        return _infer(pictures, folder, name, config, observer)

    return Contestant(
        _label(name), control, scale, lambda pictures: cache.upscaled(pictures, upscale)
    )


def _infer(
    pictures: Sequence[Path],
    folder: Path,
    model: str,
    config: CompareConfig,
    observer: Observer,
) -> dict[Path, Path]:
    # Its own folder of runs, so that the user's last ``pdd infer`` stays the last.
    settings = InferConfig(
        paths=tuple(pictures),
        model=model,
        output=folder,
        overwrite=True,
        device=config.device,
        precision=config.precision,
        runs=folder,
    )
    return {done.input: done.output for done in infer(settings, observer).pictures}


def _bicubic(scale: int, runs: Path) -> Contestant:
    cache = UpscaledCache(runs, BICUBIC, f"{BICUBIC} {scale}")

    def enlarge(lr: Tensor, _path: Path) -> Tensor:
        size = [scale * length for length in lr.shape[-2:]]
        # With ``antialias`` the cubic is Keys's with -0.5, as in MATLAB and Pillow, not -0.75.
        return F.interpolate(lr, size, mode="bicubic", antialias=True)

    def upscale(pictures: Sequence[Path], folder: Path) -> dict[Path, Path]:
        return {picture: _remade(picture, folder, enlarge) for picture in pictures}

    return Contestant(BICUBIC, True, scale, lambda pictures: cache.upscaled(pictures, upscale))


def _colour_fixed(model: Contestant, runs: Path) -> Contestant:
    """Give a model's results the colours of their LR, as ``--color-fix mean-std`` does.

    They are taken from the results as they are on the disk, in whole levels.
    """

    def upscaled(pictures: Sequence[Path]) -> dict[Path, Path]:
        results = model.upscale(pictures)

        def fixed(lr: Tensor, path: Path) -> Tensor:
            sr = pixels_to_tensor(read_picture(results[path]).pixels)
            return fix_colours(sr, lr, "mean-std")

        def upscale(missing: Sequence[Path], folder: Path) -> dict[Path, Path]:
            return {picture: _remade(picture, folder, fixed) for picture in missing}

        sources = {path.parent for path in results.values()}
        identity = " ".join(["mean-std", *sorted(map(str, sources))])
        cache = UpscaledCache(runs, f"{model.name}-colour-fixed", identity)
        return cache.upscaled(list(results), upscale)

    return Contestant(f"{model.name}{_COLOUR_FIXED}", True, model.scale, upscaled)


@torch.inference_mode()
def _remade(picture: Path, folder: Path, make: Callable[[Tensor, Path], Tensor]) -> Path:
    """Write what becomes of an LR picture, in its own depth."""
    pixels = read_picture(picture).pixels
    result = tensor_to_pixels(make(pixels_to_tensor(pixels), picture), pixels.dtype)
    output = folder / f"{picture.stem}.png"
    write_bytes_atomically(output, encode_picture(Picture(result), output.suffix))
    return output
