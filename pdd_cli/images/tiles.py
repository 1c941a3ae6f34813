"""Upscaling a picture of any size in tiles that blend into each other without a seam."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Span:
    """One tile's reach along one axis, in LR pixels."""

    start: int
    stop: int


def upscale_in_tiles(
    picture: Tensor,
    network: Callable[[Tensor], Tensor],
    *,
    scale: int,
    tile: int,
    overlap: int,
    on_tile: Callable[[float], None],
) -> Tensor:
    """Upscale a picture that stays on the host, one tile at a time.

    Neighbouring tiles share ``2 · overlap`` pixels. In the outer half of what they share they are
    cut off, for there they lack context; in the inner half they are blended. Where the network's
    receptive field reaches no further than ``overlap``, the result is that of the whole picture.

    Args:
        picture: (1, 3, h, w), on the CPU.
        network: maps (1, 3, a, b) to (1, 3, scale·a, scale·b); it may compute elsewhere.
        scale: the network's scale.
        tile: height and width of a tile in LR pixels, more than 4 · overlap.
        overlap: LR pixels of context that each tile has beyond what is kept of it.
        on_tile: told after each tile which share of the picture is done, up to 1.

    Returns:
        (1, 3, scale·h, scale·w), float32, on the CPU, not clamped.

    Raises:
        ValueError: the tile is too small for the overlap.
    """
    height, width = picture.shape[-2:]
    if tile <= 4 * overlap and tile < max(height, width):
        raise ValueError(f"a tile of {tile} is too small for an overlap of {overlap}")
    result = torch.zeros(1, 3, scale * height, scale * width)
    weights = torch.zeros(1, 1, scale * height, scale * width)
    tiles = list(product(_spans(height, tile, overlap), _spans(width, tile, overlap)))
    for number, (rows, columns) in enumerate(tiles, start=1):
        upscaled = network(picture[..., rows.start : rows.stop, columns.start : columns.stop])
        weight = torch.outer(
            _feather(rows, height, scale, overlap), _feather(columns, width, scale, overlap)
        )
        place = (
            ...,
            slice(scale * rows.start, scale * rows.stop),
            slice(scale * columns.start, scale * columns.stop),
        )
        result[place] += upscaled.float().cpu() * weight
        weights[place] += weight
        on_tile(number / len(tiles))
    return result.div_(weights)


def _spans(length: int, tile: int, overlap: int) -> Iterator[_Span]:
    """Cut an axis into equal tiles, the last ending where the axis ends."""
    if length <= tile:
        yield _Span(0, length)
        return
    stride = tile - 2 * overlap
    count = -(-(length - 2 * overlap) // stride)
    for index in range(count):
        start = round(index * (length - tile) / (count - 1))
        yield _Span(start, start + tile)


def _feather(span: _Span, length: int, scale: int, overlap: int) -> Tensor:
    """Weigh a tile's result along one axis: 0 without context, rising to 1, never 0 at a border."""
    size = scale * (span.stop - span.start)
    weight = torch.ones(size)
    ramp = scale * overlap
    rising = torch.cat([torch.zeros(ramp), (torch.arange(ramp) + 0.5) / max(ramp, 1)])
    if span.start > 0:
        weight[: 2 * ramp] = rising
    if span.stop < length:
        weight[size - 2 * ramp :] *= rising.flip(0)
    return weight
