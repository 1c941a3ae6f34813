"""By how much each scored picture is better than it would otherwise be.

That is told by another upscaling of the same pictures, as by the un-adapted model, or else by
bicubic enlargement of the LR, where that is known.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.recipes.evaluate import EvaluateResult, PictureScores
from pdd_cli.recipes.gallery import enlarged, psnr_inside
from pdd_cli.report.page import RGB


@dataclass(frozen=True)
class Scored:
    """A picture with what it is compared with."""

    picture: PictureScores
    gain: float = math.nan
    """By which the picture is better than before; not a number where that is not known."""
    earlier: Mapping[str, float] = field(default_factory=dict)
    """The figures of before."""
    other: Path | None = None
    """Another upscaling of the same scene."""
    lr: Path | None = None
    """What is enlarged to compare with, where there is no other upscaling."""

    @property
    def name(self) -> str:
        """Of the picture."""
        return self.picture.prediction.stem

    def is_called(self, name: str) -> bool:
        """Tell whether somebody who says a name, with or without its suffix, means it."""
        return name in (self.name, self.picture.prediction.name)

    def before(self, sr: RGB) -> RGB | None:
        """Read what the picture is compared with, in the size of the result, (h, w, 3).

        Raises:
            DataError: it cannot be read any more.
        """
        if self.other is not None:
            return read_picture(self.other).rgb8()
        return None if self.lr is None else _enlarged_to(sr, self.lr)


def gains_over(before: EvaluateResult, result: EvaluateResult) -> list[Scored]:
    """Compare with another upscaling of the same scenes, by the first metric.

    A metric of which neither direction is better tells no gain.
    """
    earlier = {_scene(picture): picture for picture in before.pictures}
    metric = result.protocol.metrics[0]
    better = result.protocol.metric(metric).better
    sign = {"higher": 1, "lower": -1, None: math.nan}[better]
    scored = []
    for picture in result.pictures:
        other = earlier.get(_scene(picture))
        if other is None:
            scored.append(Scored(picture))
            continue
        gain = sign * (picture.scores[metric] - other.scores[metric])
        scored.append(Scored(picture, gain, other.scores, other=other.prediction))
    return scored


def _scene(picture: PictureScores) -> Path | str:
    """Tell a scene by its HR, or its LR, or else by the picture's name."""
    known = picture.hr or picture.lr
    return known.resolve() if known else picture.prediction.stem


def gains_over_bicubic(result: EvaluateResult) -> list[Scored]:
    """Compare with bicubic enlargement of the LR, by PSNR over RGB with the protocol's border.

    Where there is no HR, what is enlarged can be seen and the gain is not known.

    Raises:
        DataError: a scored picture cannot be read any more.
    """
    return [_over_bicubic(picture, result.protocol.border) for picture in result.pictures]


def _over_bicubic(picture: PictureScores, border: int) -> Scored:
    if picture.lr is None:
        return Scored(picture)
    sr = read_picture(picture.prediction).rgb8()
    plain = _enlarged_to(sr, picture.lr)
    if plain is None:
        return Scored(picture)
    if picture.hr is None:
        return Scored(picture, lr=picture.lr)
    hr = read_picture(picture.hr).rgb8()
    before, after = (psnr_inside(pixels, hr, border) for pixels in (plain, sr))
    return Scored(picture, after - before, {"psnr": before}, lr=picture.lr)


def _enlarged_to(sr: RGB, lr: Path) -> RGB | None:
    """Enlarge the LR to the size of its result; None where it has gone or does not fit."""
    try:
        pixels = read_picture(lr).rgb8()
    except DataError:
        return None
    scale = sr.shape[0] // pixels.shape[0]
    plain = enlarged(pixels, scale) if scale else pixels
    return plain if plain.shape == sr.shape else None
