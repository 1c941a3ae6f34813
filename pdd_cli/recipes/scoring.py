"""From pairs of files to figures: read ahead, scored in batches of one size, few in memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from pdd_cli.assets.weights import dists_weights, lpips_weights, niqe_model
from pdd_cli.data.comparison import what_is_odd
from pdd_cli.errors import DataError
from pdd_cli.images.codec import Picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor, rgb_to_full_swing_y, rgb_to_y
from pdd_cli.metrics.dists import DISTS
from pdd_cli.metrics.fidelity_to_lr import colour_drift, consistency
from pdd_cli.metrics.lpips import LPIPS, Backbone
from pdd_cli.metrics.niqe import NIQE
from pdd_cli.metrics.protocol import METRICS, Colour, Protocol
from pdd_cli.metrics.psnr import psnr
from pdd_cli.metrics.ssim import ssim
from pdd_cli.metrics.texture import noise, sharpness
from pdd_cli.recipes.foreign_metrics import foreign_score
from pdd_cli.recipes.pairs import Pair
from pdd_cli.runtime.events import Observer

_READERS = 2
_READ_AHEAD = 4
"""Pairs that wait decoded; with a batch, all that memory ever holds."""
_BATCH_PIXELS = 2 * 512 * 512


@dataclass(frozen=True)
class Loaded:
    """A pair of pictures in memory, (1, 3, h, w) in [0, 1]."""

    pair: Pair
    sr: Tensor
    hr: Tensor | None
    lr: Tensor | None
    odd: str | None
    """What makes its figures doubtful."""

    @property
    def shapes(self) -> tuple[torch.Size | None, ...]:
        """What pictures of one batch have in common."""
        return tuple(None if p is None else p.shape for p in (self.sr, self.hr, self.lr))


@dataclass(frozen=True)
class Scored:
    """What came of a pair."""

    pair: Pair
    scores: dict[str, float] = field(default_factory=dict)
    """By metric; empty where it failed."""
    odd: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class _Batch:
    """Pictures of one size, (n, 3, h, w); HR and LR where the metrics need them."""

    sr: Tensor
    hr: Tensor | None
    lr: Tensor | None


_Score = Callable[[_Batch], Tensor]


class Scorer:
    """The metrics of a protocol, ready to score.

    Args:
        protocol: what is computed and how.
        device: where.
        precision: of the networks in it.
        observer: told of what is fetched.

    Raises:
        ModelError: the weights of a metric cannot be had.
    """

    def __init__(
        self, protocol: Protocol, device: torch.device, precision: torch.dtype, observer: Observer
    ) -> None:
        self._protocol = protocol
        self._device = device
        self._precision = precision
        self._metrics = {name: self._metric(name, observer) for name in protocol.metrics}
        needs = {protocol.metric(name).needs for name in protocol.metrics}
        self._needs_hr, self._needs_lr = "hr" in needs, "lr" in needs

    def score(self, pairs: Sequence[Pair]) -> Iterator[Scored]:
        """Score pairs, in their order; one that cannot be scored does not stop the rest."""
        batch: list[Loaded] = []
        for read in self._read_ahead(pairs):
            if isinstance(read, Scored):
                yield from self._score_batch(batch)
                batch = []
                yield read
                continue
            if batch and (read.shapes != batch[0].shapes or _is_full(batch)):
                yield from self._score_batch(batch)
                batch = []
            batch.append(read)
        yield from self._score_batch(batch)

    def _read_ahead(self, pairs: Sequence[Pair]) -> Iterator[Loaded | Scored]:
        """Decode in threads while scores are computed, a few pairs ahead and no more."""
        remaining = iter(pairs)
        with ThreadPoolExecutor(_READERS) as readers:
            waiting: list[Future[Loaded | Scored]] = [
                readers.submit(self._read, pair) for pair in islice(remaining, _READ_AHEAD)
            ]
            while waiting:
                read = waiting.pop(0).result()
                waiting += [readers.submit(self._read, pair) for pair in islice(remaining, 1)]
                yield read

    def _read(self, pair: Pair) -> Loaded | Scored:
        try:
            sr = read_picture(pair.prediction)
            hr = read_picture(pair.hr) if self._needs_hr and pair.hr else None
            lr = read_picture(pair.lr) if self._needs_lr and pair.lr else None
            _refuse_sizes_that_do_not_fit(pair, sr, hr, lr)
        except DataError as error:
            return Scored(pair, failure=str(error))
        odd = what_is_odd(sr.pixels, hr.pixels) if hr else None
        tensors = [None if p is None else pixels_to_tensor(p.pixels) for p in (hr, lr)]
        return Loaded(pair, pixels_to_tensor(sr.pixels), tensors[0], tensors[1], odd)

    @torch.inference_mode()
    def _score_batch(self, loaded: Sequence[Loaded]) -> Iterator[Scored]:
        if not loaded:
            return
        batch = _Batch(
            torch.cat([entry.sr for entry in loaded]).to(self._device),
            self._together([entry.hr for entry in loaded if entry.hr is not None]),
            self._together([entry.lr for entry in loaded if entry.lr is not None]),
        )
        try:
            columns = {name: metric(batch).tolist() for name, metric in self._metrics.items()}
        except DataError as error:
            # Pictures of one size are too small all alike.
            yield from (Scored(entry.pair, failure=str(error)) for entry in loaded)
            return
        for number, entry in enumerate(loaded):
            scores = {name: column[number] for name, column in columns.items()}
            yield Scored(entry.pair, scores, entry.odd)

    def _together(self, pictures: Sequence[Tensor]) -> Tensor | None:
        return torch.cat([*pictures]).to(self._device) if pictures else None

    def _metric(self, name: str, observer: Observer) -> _Score:
        if name not in METRICS:
            foreign = foreign_score(name, self._device)
            return lambda batch: foreign(batch.sr, batch.hr)
        match name:
            case "psnr" | "psnr-y":
                return self._inside_the_border(name, psnr)
            case "ssim" | "ssim-y":
                return self._inside_the_border(name, self._ssim_of(name))
            case "lpips" | "lpips-vgg":
                backbone: Backbone = "vgg" if name == "lpips-vgg" else "alex"
                weights = lpips_weights(backbone, observer=observer)
                lpips = LPIPS(backbone, weights, self._precision).to(self._device)
                return lambda batch: lpips(batch.sr, batch.hr)
            case "dists":
                dists = DISTS(dists_weights(observer=observer)).to(self._device)
                return lambda batch: dists(batch.sr, batch.hr)
            case "niqe":
                niqe = NIQE(niqe_model(observer=observer))
                return lambda batch: niqe(batch.sr)
            case "consistency":
                return lambda batch: consistency(batch.sr, _given(batch.lr))
            case "colour-drift":
                return lambda batch: colour_drift(batch.sr, _given(batch.lr))
            case "sharpness":
                return lambda batch: sharpness(batch.sr)
            case "noise":
                return lambda batch: noise(batch.sr)
        raise AssertionError(f"no metric {name}")

    def _ssim_of(self, name: str) -> Callable[[Tensor, Tensor], Tensor]:
        as_iqa_does = self._protocol.metric(name).colour == "YIQ"
        return lambda sr, hr: ssim(sr, hr, clip_structure=as_iqa_does)

    def _inside_the_border(self, name: str, compare: Callable[[Tensor, Tensor], Tensor]) -> _Score:
        colour, border = self._protocol.metric(name).colour, self._protocol.border_of(name)

        def score(batch: _Batch) -> Tensor:
            sr, hr = (
                _in_colour(_without_border(picture, border), colour)
                for picture in (batch.sr, _given(batch.hr))
            )
            return compare(sr, hr)

        return score


def _is_full(batch: Sequence[Loaded]) -> bool:
    height, width = batch[0].sr.shape[-2:]
    return (len(batch) + 1) * height * width > _BATCH_PIXELS


def _given(pictures: Tensor | None) -> Tensor:
    if pictures is None:
        raise AssertionError("a metric was asked for without what it needs")
    return pictures


def _refuse_sizes_that_do_not_fit(
    pair: Pair, sr: Picture, hr: Picture | None, lr: Picture | None
) -> None:
    if hr is not None and (sr.height, sr.width) != (hr.height, hr.width):
        raise DataError(
            f"{pair.prediction} is {sr.width}×{sr.height} and {pair.hr} is {hr.width}×{hr.height}.",
            hint="They must be equal: is the scale right?",
        )
    if lr is None:
        return
    scale = sr.width // lr.width
    if scale < 1 or (sr.height, sr.width) != (scale * lr.height, scale * lr.width):
        raise DataError(
            f"{pair.prediction} is {sr.width}×{sr.height}, which is not a whole number of times "
            f"its LR {pair.lr}, {lr.width}×{lr.height}.",
            hint="Give the LR that it was made of.",
        )


def _in_colour(pictures: Tensor, colour: Colour) -> Tensor:
    match colour:
        case "Y":
            return rgb_to_y(pictures)
        case "YIQ":
            return rgb_to_full_swing_y(pictures)
        case _:
            return pictures


def _without_border(pictures: Tensor, border: int) -> Tensor:
    height, width = pictures.shape[-2:]
    if min(height, width) <= 2 * border:
        raise DataError(
            f"A border of {border} leaves nothing of a picture of {width}×{height}.",
            hint="Give a smaller --border.",
        )
    return pictures[..., border : height - border, border : width - border]
