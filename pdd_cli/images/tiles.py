"""Upscaling a picture of any size in tiles that blend into each other without a seam.

A tile is cut with context around what is kept of it, because at its rim a network sees less than it
would in the whole picture. See docs/method.md, Tiles.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

BLENDED = 8
"""LR pixels over which neighbouring tiles fade into each other."""


@dataclass(frozen=True)
class Span:
    """A stretch of LR pixels along one axis."""

    start: int
    stop: int

    @property
    def slice(self) -> slice:
        """For indexing."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Tile:
    """A part of a picture that is upscaled at once."""

    rows: Span
    columns: Span

    def cut(self, picture: Tensor) -> Tensor:
        """Take the tile out of (…, h, w)."""
        return picture[..., self.rows.slice, self.columns.slice]


@dataclass(frozen=True)
class Tiling:
    """A picture's tiles, row by row, all of one size.

    Args:
        height: of the picture, in LR pixels.
        width: likewise.
        tile: the largest height and width of a tile, more than ``2 · overlap + BLENDED``.
        overlap: LR pixels of context around what is kept of a tile.

    Raises:
        ValueError: the tile is too small for the overlap.
    """

    height: int
    width: int
    tile: int
    overlap: int

    def __post_init__(self) -> None:
        if self.tile <= self._shared and self.tile < max(self.height, self.width):
            raise ValueError(f"a tile of {self.tile} is too small for an overlap of {self.overlap}")

    @property
    def tiles(self) -> list[Tile]:
        """Every tile, row by row."""
        return [Tile(*spans) for spans in product(self.row_spans, self.column_spans)]

    @property
    def row_spans(self) -> list[Span]:
        """The rows of each row of tiles."""
        return self._spans(self.height)

    @property
    def column_spans(self) -> list[Span]:
        """The columns of each column of tiles."""
        return self._spans(self.width)

    def weights(self, spans: list[Span], scale: int) -> list[Tensor]:
        """Return what each tile counts along an axis, upscaled; at every pixel they sum to 1."""
        length = scale * spans[-1].stop
        total = torch.zeros(length)
        feathers = []
        for number, span in enumerate(spans):
            feather = torch.ones(scale * (span.stop - span.start))
            if number > 0:
                rise = self._rise(scale)
                feather[: len(rise)] = rise
            if number < len(spans) - 1:
                fall = self._rise(scale).flip(0)
                feather[len(feather) - len(fall) :] = fall
            feathers.append(feather)
            total[scale * span.start : scale * span.stop] += feather
        return [
            feather / total[scale * span.start : scale * span.stop]
            for feather, span in zip(feathers, spans, strict=True)
        ]

    @property
    def _shared(self) -> int:
        return 2 * self.overlap + BLENDED

    def _rise(self, scale: int) -> Tensor:
        """Nothing where a tile lacks context, then an even rise."""
        ramp = (torch.arange(scale * BLENDED) + 0.5) / (scale * BLENDED)
        return torch.cat([torch.zeros(scale * self.overlap), ramp])

    def _spans(self, length: int) -> list[Span]:
        """Cut an axis into as few tiles as do, as small as that many can be, evenly spread."""
        if length <= self.tile:
            return [Span(0, length)]
        count = math.ceil((length - self._shared) / (self.tile - self._shared))
        size = math.ceil((length + (count - 1) * self._shared) / count)
        starts = [index * (length - size) // (count - 1) for index in range(count)]
        return [Span(start, start + size) for start in starts]


class Mosaic:
    """An upscaled picture while its tiles come in.

    Rows are handed on as soon as no tile adds to them any more, so that a large picture never
    stands in memory as floats.

    Args:
        tiling: how the picture was cut.
        scale: the network's scale.
        on_rows: given the number of the first row and (3, rows, scale·w), float32, not clamped.
    """

    def __init__(self, tiling: Tiling, scale: int, on_rows: Callable[[int, Tensor], None]) -> None:
        self._rows = tiling.row_spans
        self._columns = tiling.column_spans
        self._row_weights = tiling.weights(self._rows, scale)
        self._column_weights = tiling.weights(self._columns, scale)
        self._scale = scale
        self._on_rows = on_rows
        self._next = 0
        self._top = 0
        height = self._rows[0].stop - self._rows[0].start
        self._band = torch.zeros(3, scale * height, scale * tiling.width)

    @property
    def complete(self) -> bool:
        """Whether every tile has come in."""
        return self._next == len(self._rows) * len(self._columns)

    def put(self, upscaled: Tensor) -> None:
        """Add the next tile, (3, scale·a, scale·b), on any device."""
        row, column = divmod(self._next, len(self._columns))
        self._next += 1
        place = self._columns[column]
        weight = torch.outer(self._row_weights[row], self._column_weights[column])
        columns = slice(self._scale * place.start, self._scale * place.stop)
        self._band[..., columns] += upscaled.float().cpu() * weight
        if column == len(self._columns) - 1:
            self._hand_on(row)

    def _hand_on(self, row: int) -> None:
        """Give away the rows that the next row of tiles does not reach, and move down."""
        last = row == len(self._rows) - 1
        below = self._rows[row].stop if last else self._rows[row + 1].start
        done = self._scale * below - self._top
        self._on_rows(self._top, self._band[:, :done])
        self._top += done
        rest = self._band[:, done:]
        self._band = torch.cat([rest, torch.zeros_like(self._band[:, :done])], dim=1)
