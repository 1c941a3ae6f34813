"""A network at work on pictures: its precision, its tiles and what it does when memory runs out.

A chapter of every job that upscales.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import DataError, ResourceError
from pdd_cli.images.alpha import colours_without_halo
from pdd_cli.images.codec import Picture, Pixels
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.images.colour_fix import ColourFix, fix_colours
from pdd_cli.images.tiles import BLENDED, Mosaic, Tiling
from pdd_cli.nets.network import Network
from pdd_cli.nets.precision import mix_precisions
from pdd_cli.runtime.device import autocast, choose_precision, memory_format
from pdd_cli.runtime.events import Observer, Said, Warned
from pdd_cli.runtime.memory import bytes_a_pixel, free_memory, is_exhausted

# LR pixels of context beyond which no pixel of real photos differed by a level of 8 bits from what
# the whole photo gives (docs/method.md, Tiles), by spandrel's name of the architecture.
_OVERLAPS = {"Compact": 24}
_USUAL_OVERLAP = 80

_LARGEST_TILE = 1024
_SMALLEST_TILE = 64
_USUAL_TILE = 256
_SHARE_OF_MEMORY = 0.4
_MOST_MEMORY_ON_CPU = 800 << 20

# Half precision agrees with float32 to some 50 dB; far less means that a network cannot bear it.
_LEAST_AGREEMENT = 35.0
_TRIAL_SIZE = 32

# Turning floats into levels takes several times their memory for a moment.
_ROWS_AT_ONCE = 128

# A picture this dark may well come out black.
_DARK = 4 / 255

OnPixels = Callable[[float], None]
"""Told how many more pixels of the input are done."""


class Upscaler:
    """A network on its device, ready for pictures of any size and depth.

    Args:
        network: of any scale; it serves inference alone from now on.
        device: where it computes; the pictures stay on the host.
        config: how it is to be used.
        observer: told of what was chosen and of memory that ran out.
    """

    def __init__(
        self, network: Network, device: torch.device, config: InferConfig, observer: Observer
    ) -> None:
        wanted = choose_precision(device, config.precision)
        if wanted != torch.float32:
            mix_precisions(network, wanted)
        self.scale = network.scale
        self.overlap = config.overlap or _overlap_in(config.tile, network.architecture)
        self._network = network.to(device).to(memory_format=memory_format(device)).eval()
        self._device = device
        self._config = config
        self._observer = observer
        self.precision = self._agreed(wanted)
        self.tile = config.tile or self._fitting_tile()

    def share_a_batch(self, height: int, width: int) -> int:
        """Tell how many pictures of a size are best upscaled together."""
        return max(1, self.tile**2 // (height * width))

    def upscale(
        self, pictures: Sequence[Picture], on_pixels: OnPixels = lambda _: None
    ) -> list[Picture | DataError]:
        """Upscale pictures of one size and type.

        Colours and, as a picture of its own, transparency are upscaled; what else a picture
        carries is kept.

        Returns:
            For each its result, or why there is none.

        Raises:
            ResourceError: memory ran out even with the smallest tiles.
        """
        while True:
            told = 0.0

            def tell(pixels: float) -> None:
                nonlocal told
                told += pixels
                on_pixels(pixels)

            try:
                return self._upscale(pictures, tell)
            except (RuntimeError, MemoryError) as error:
                if not is_exhausted(error):
                    raise
            on_pixels(-told)
            self._shrink_tiles()

    def _upscale(
        self, pictures: Sequence[Picture], on_pixels: OnPixels
    ) -> list[Picture | DataError]:
        planes: list[_Plane] = []
        for picture in pictures:
            fix = self._config.color_fix
            planes.append(_Plane(colours_without_halo(picture), self.scale, fix, self._config))
            if picture.alpha is not None and not _is_constant(picture.alpha):
                planes.append(_Plane(picture.alpha, self.scale, "none", self._config))
        height, width = pictures[0].height, pictures[0].width
        tiling = Tiling(height, width, self.tile, self.overlap)
        tiles = tiling.tiles
        share = len(pictures) * height * width / (len(planes) * len(tiles))
        mosaics = [Mosaic(tiling, self.scale, plane.take_rows) for plane in planes]
        wanted = [(plane, number) for plane in range(len(planes)) for number in range(len(tiles))]
        together = self.share_a_batch(*tiles[0].cut(planes[0].lr).shape[-2:])
        for start in range(0, len(wanted), together):
            part = wanted[start : start + together]
            cuts = [tiles[number].cut(planes[plane].lr) for plane, number in part]
            upscaled = self._run(torch.cat(cuts), deep=planes[0].deep)
            for (plane, _), result in zip(part, upscaled, strict=True):
                mosaics[plane].put(result)
            on_pixels(share * len(part))
        return list(self._collected(pictures, iter(planes)))

    def _collected(
        self, pictures: Sequence[Picture], planes: Iterator["_Plane"]
    ) -> Iterator[Picture | DataError]:
        for picture in pictures:
            colours = next(planes)
            alpha = picture.alpha
            if alpha is not None and not _is_constant(alpha):
                transparency = next(planes)
                problem = colours.problem or transparency.problem
                alpha = None if problem else transparency.pixels()
            else:
                problem = colours.problem
            if problem:
                yield DataError(problem, hint="Use --precision float32, or another model.")
                continue
            pixels = colours.pixels()
            if alpha is not None and _is_constant(alpha):
                alpha = np.full(pixels.shape[:2], alpha.flat[0], alpha.dtype)
            yield replace(picture, pixels=pixels, alpha=alpha)

    @torch.inference_mode()
    def _run(self, tiles: Tensor, *, deep: bool) -> Tensor:
        """Upscale (n, 3, a, b) to (n, 3, scale·a, scale·b), float32, on the device."""
        # 8 bits of mantissa are too few for deep pictures, unless the user says otherwise.
        exact = deep and self._config.precision == "auto"
        with autocast(self._device, torch.float32 if exact else self.precision):
            on_device = tiles.to(self._device, memory_format=memory_format(self._device))
            if not self._config.ensemble:
                return cast(Tensor, self._network(on_device)).float()
            ways = [self._turned_there_and_back(on_device, way) for way in range(8)]
            return torch.stack(ways).mean(dim=0)

    def _turned_there_and_back(self, tiles: Tensor, way: int) -> Tensor:
        """Upscale in one of the eight flips and transposes of a square."""
        axes = [axis for axis, bit in ((-1, 1), (-2, 2)) if way & bit]
        turned = tiles.flip(axes)
        if way & 4:
            turned = turned.transpose(-1, -2)
        upscaled = cast(Tensor, self._network(turned)).float()
        if way & 4:
            upscaled = upscaled.transpose(-1, -2)
        return upscaled.flip(axes)

    def _agreed(self, wanted: torch.dtype) -> torch.dtype:
        """Try a precision that the user did not ask for by name: a network may not bear it."""
        if wanted == torch.float32 or self._config.precision != "auto":
            return wanted
        chance = torch.Generator().manual_seed(0)
        trial = torch.rand(1, 3, _TRIAL_SIZE // 8, _TRIAL_SIZE // 8, generator=chance)
        trial = F.interpolate(trial, (_TRIAL_SIZE, _TRIAL_SIZE), mode="bicubic").clamp(0, 1)
        self.precision = wanted
        quick = self._run(trial, deep=False)
        exact = self._run(trial, deep=True)
        error = (quick.clamp(0, 1) - exact.clamp(0, 1)).square().mean()
        if -10 * torch.log10(error) >= _LEAST_AGREEMENT:
            return wanted
        name = str(wanted).removeprefix("torch.")
        self._observer(Warned(f"The model does not bear {name}; it computes in float32."))
        return torch.float32

    def _fitting_tile(self) -> int:
        """Choose the side of a tile by the memory that is free."""
        free = free_memory(self._device)
        if free is None:
            return _USUAL_TILE
        budget = free * _SHARE_OF_MEMORY
        if self._device.type == "cpu":
            budget = min(budget, _MOST_MEMORY_ON_CPU)
        with autocast(self._device, self.precision):
            each = bytes_a_pixel(self._network, self._device)
        side = int((budget / each) ** 0.5) // 16 * 16
        return min(_LARGEST_TILE, max(self._least_tile, side))

    @property
    def _least_tile(self) -> int:
        return max(_SMALLEST_TILE, 2 * self.overlap + 2 * BLENDED)

    def _shrink_tiles(self) -> None:
        if self.tile <= self._least_tile:
            raise ResourceError(
                f"Memory ran out with tiles of {self.tile} pixels.",
                hint="Close other programs, or use --device cpu.",
            )
        self.tile = max(self._least_tile, self.tile // 2)
        self._observer(Said(f"Memory ran out: going on with tiles of {self.tile} pixels."))
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


@torch.inference_mode()
def upscale_between_steps(
    network: Network, lr: Tensor, device: torch.device, precision: torch.dtype
) -> Tensor:
    """Upscale a picture by a network that is being trained, and leave its mode as it was.

    Args:
        network: on the device.
        lr: (1, 3, h, w) in [0, 1], small enough to be upscaled at once.
        device: where the network computes.
        precision: in which type.

    Returns:
        (1, 3, scale·h, scale·w), float32, on the CPU, not clamped.
    """
    training = network.training
    network.eval()
    with autocast(device, precision):
        sr = cast(Tensor, network(lr.to(device, memory_format=memory_format(device))))
    network.train(training)
    return sr.float().cpu()


class _Plane:
    """One picture that a network sees: the colours of a file, or its transparency.

    Its result is kept in the type of the input wherever that can be, which takes a quarter of the
    memory of floats.
    """

    def __init__(
        self, pixels: Pixels, scale: int, colour_fix: ColourFix, config: InferConfig
    ) -> None:
        self.lr = pixels_to_tensor(pixels)
        self.deep = pixels.dtype != np.uint8
        self._like = pixels
        self._fix: ColourFix = colour_fix
        self._outscale = config.outscale
        height, width = (scale * length for length in pixels.shape[:2])
        self._floats: Tensor | None = None
        self._pixels: Pixels | None = None
        if colour_fix != "none" or config.outscale is not None:
            self._floats = torch.empty(1, 3, height, width)
        else:
            self._pixels = np.empty((height, width, *pixels.shape[2:]), pixels.dtype)
        self._finite = True
        self._brightest = 0.0

    def take_rows(self, top: int, rows: Tensor) -> None:
        """Keep finished rows, (3, n, w), the first of which is number ``top``."""
        self._finite = self._finite and bool(torch.isfinite(rows).all())
        self._brightest = max(self._brightest, float(rows.max()))
        if self._floats is not None:
            self._floats[0, :, top : top + rows.shape[1]] = rows
        elif self._pixels is not None:
            for start in range(0, rows.shape[1], _ROWS_AT_ONCE):
                part = rows[:, start : start + _ROWS_AT_ONCE]
                place = slice(top + start, top + start + part.shape[1])
                self._pixels[place] = _as_pixels(part[None], self._like)

    @property
    def problem(self) -> str | None:
        """What is wrong with the result, if anything."""
        if not self._finite:
            return "The network's result is not finite."
        if self._brightest <= 0 and float(self.lr.mean()) > _DARK:
            return "The network's result is black, and the picture is not."
        return None

    def pixels(self) -> Pixels:
        """Return the result in the input's type, grey where that was grey."""
        if self._pixels is not None:
            return self._pixels
        assert self._floats is not None
        fixed = fix_colours(self._floats, self.lr, self._fix)
        if self._outscale is not None:
            size = [max(1, round(length * self._outscale)) for length in self.lr.shape[-2:]]
            fixed = F.interpolate(fixed, size, mode="bicubic", antialias=True)
        return _as_pixels(fixed, self._like)


def _overlap_in(tile: int | None, architecture: str) -> int:
    """Choose the overlap for an architecture, or as much of it as a tile of a given size allows."""
    usual = _OVERLAPS.get(architecture, _USUAL_OVERLAP)
    return usual if tile is None else min(usual, tile // 2 - BLENDED)


def _as_pixels(upscaled: Tensor, like: Pixels) -> Pixels:
    """Turn a result into pixels of the input's type, grey where it was grey."""
    if like.ndim == 3:
        return tensor_to_pixels(upscaled, like.dtype)
    grey = upscaled.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return tensor_to_pixels(grey, like.dtype)[..., 0]


def _is_constant(alpha: Pixels) -> bool:
    return bool((alpha == alpha.flat[0]).all())
