"""The job ``evaluate``: upscaled pictures and their HR in, numbers with their protocol out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from pdd_cli.assets.weights import lpips_weights
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.colour import pixels_to_tensor, rgb_to_y
from pdd_cli.images.listing import name_some
from pdd_cli.metrics.lpips import LPIPS
from pdd_cli.metrics.protocol import METRICS, Protocol
from pdd_cli.metrics.psnr import psnr
from pdd_cli.metrics.ssim import ssim
from pdd_cli.recipes.evaluation_records import record_evaluation
from pdd_cli.recipes.pairs import Pair, find_pairs
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

_USUAL_SCALE = 4

Score = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class PictureScores:
    """The figures of one picture."""

    prediction: Path
    hr: Path
    scores: Mapping[str, float]


@dataclass
class EvaluateResult:
    """The figures of an evaluation and how they came to be."""

    protocol: Protocol
    protocol_text: str
    model: str | None
    """What upscaled the pictures, where a record tells."""
    means: dict[str, float] = field(default_factory=dict)
    """By metric, over all pictures that were scored."""
    pictures: list[PictureScores] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reasons by picture."""
    unpaired: list[Path] = field(default_factory=list)
    seconds: float = 0.0


def evaluate(config: EvaluateConfig, observer: Observer = ignore) -> EvaluateResult:
    """Score upscaled pictures against their HR.

    A pair that cannot be scored is reported and left out; the others go on.

    Raises:
        DataError: there is nothing to score, or no HR for it.
        ModelError: the weights of a metric cannot be had.
    """
    began = time.monotonic()
    pairs = find_pairs(config)
    if pairs.alone:
        observer(Warned(f"Left out, for they have no HR: {name_some(pairs.alone)}."))
    device = choose_device(config.device)
    protocol = Protocol(config.metrics, _border(config, pairs.scale, observer), pairs.scale)
    metrics: dict[str, Score] = {
        name: _metric(name, protocol.border, device, observer) for name in config.metrics
    }
    result = EvaluateResult(protocol, protocol.describe(), pairs.model, unpaired=pairs.alone)
    stage = "scoring"
    observer(Started(stage, len(pairs.found), "picture"))
    for number, pair in enumerate(pairs.found, start=1):
        try:
            result.pictures.append(_score(pair, metrics, device))
        except DataError as error:
            result.failures[str(pair.prediction)] = str(error)
            observer(PictureFailed(pair.prediction, str(error)))
        else:
            observer(PictureDone(pair.prediction, None))
        observer(Advanced(number))
    if result.pictures:
        result.means = {
            name: fmean(picture.scores[name] for picture in result.pictures)
            for name in config.metrics
        }
    result.seconds = time.monotonic() - began
    if result.pictures:
        record_evaluation(result, pairs.upscaling, config.runs, observer)
    observer(Finished(stage, f"{len(result.pictures)} pictures"))
    return result


def _border(config: EvaluateConfig, scale: int | None, observer: Observer) -> int:
    if config.border is not None:
        return config.border
    if scale is None:
        observer(Said(f"No record tells the scale: leaving out a border of {_USUAL_SCALE} pixels."))
    return scale or _USUAL_SCALE


def _metric(name: str, border: int, device: torch.device, observer: Observer) -> Score:
    """Make a metric that takes whole RGB pictures."""
    match name:
        case "lpips":
            return LPIPS("alex", lpips_weights("alex", observer=observer)).to(device)
        case "lpips-vgg":
            return LPIPS("vgg", lpips_weights("vgg", observer=observer)).to(device)
    compare = psnr if name.startswith("psnr") else ssim
    luma = METRICS[name].colour == "Y"

    def inside_the_border(prediction: Tensor, hr: Tensor) -> Tensor:
        prediction, hr = (_without_border(picture, border) for picture in (prediction, hr))
        return compare(rgb_to_y(prediction), rgb_to_y(hr)) if luma else compare(prediction, hr)

    return inside_the_border


def _score(pair: Pair, metrics: Mapping[str, Score], device: torch.device) -> PictureScores:
    prediction, hr = (
        pixels_to_tensor(read_picture(path).pixels).to(device)
        for path in (pair.prediction, pair.hr)
    )
    if prediction.shape != hr.shape:
        sizes = [f"{p.shape[-1]}×{p.shape[-2]}" for p in (prediction, hr)]
        raise DataError(
            f"{pair.prediction} is {sizes[0]} and {pair.hr} is {sizes[1]}.",
            hint="They must be equal: is the scale right?",
        )
    scores = {name: metric(prediction, hr).item() for name, metric in metrics.items()}
    return PictureScores(pair.prediction, pair.hr, scores)


def _without_border(picture: Tensor, border: int) -> Tensor:
    height, width = picture.shape[-2:]
    if min(height, width) <= 2 * border:
        raise DataError(
            f"A border of {border} leaves nothing of a picture of {width}×{height}.",
            hint="Give a smaller --border.",
        )
    return picture[..., border : height - border, border : width - border]
