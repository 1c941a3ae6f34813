"""By how much each scored picture is better than it would otherwise be.

That is told by another upscaling of the same pictures, as by the un-adapted model, or else by
bicubic enlargement of the LR, which the record of ``infer`` names.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.metrics.protocol import METRICS
from pdd_cli.recipes.evaluate import EvaluateResult, PictureScores
from pdd_cli.recipes.gallery import enlarged, psnr_inside
from pdd_cli.recipes.infer import RECORD_NAME
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
    """Compare with another upscaling of the same scenes, by the first metric."""
    earlier = {picture.hr.resolve(): picture for picture in before.pictures}
    metric = result.protocol.metrics[0]
    sign = 1 if METRICS[metric].better == "higher" else -1
    scored = []
    for picture in result.pictures:
        other = earlier.get(picture.hr.resolve())
        if other is None:
            scored.append(Scored(picture))
            continue
        gain = sign * (picture.scores[metric] - other.scores[metric])
        scored.append(Scored(picture, gain, other.scores, other=other.prediction))
    return scored


def gains_over_bicubic(result: EvaluateResult) -> list[Scored]:
    """Compare with bicubic enlargement of the LR, by PSNR over RGB with the protocol's border.

    Raises:
        DataError: a scored picture cannot be read any more.
    """
    border = result.protocol.border
    inputs = _Inputs()
    scored = []
    for picture in result.pictures:
        lr = inputs.of(picture.prediction)
        sr, hr = (read_picture(path).rgb8() for path in (picture.prediction, picture.hr))
        plain = _enlarged_to(sr, lr) if lr else None
        if plain is None:
            scored.append(Scored(picture))
            continue
        figures = [psnr_inside(pixels, hr, border) for pixels in (plain, sr)]
        scored.append(Scored(picture, figures[1] - figures[0], {"psnr": figures[0]}, lr=lr))
    return scored


class _Inputs:
    """What upscaled pictures were made of, by the records of ``infer``, each read once."""

    def __init__(self) -> None:
        self._records: dict[Path, dict[Path, Path]] = {}

    def of(self, prediction: Path) -> Path | None:
        """Ask the record in the picture's folder, or else the nearest above it."""
        prediction = prediction.resolve()
        for folder in prediction.parents:
            record = folder / RECORD_NAME
            if record.is_file():
                if record not in self._records:
                    self._records[record] = _read(record)
                return self._records[record].get(prediction)
        return None


def _read(record: Path) -> dict[Path, Path]:
    try:
        pictures = json.loads(record.read_text(encoding="utf-8"))["pictures"]
        return {Path(entry["output"]): Path(entry["input"]) for entry in pictures}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the report is poorer by a comparison, and says so


def _enlarged_to(sr: RGB, lr: Path) -> RGB | None:
    """Enlarge the LR to the size of its result; None where it has gone or does not fit."""
    try:
        pixels = read_picture(lr).rgb8()
    except DataError:
        return None
    scale = sr.shape[0] // pixels.shape[0]
    plain = enlarged(pixels, scale) if scale else pixels
    return plain if plain.shape == sr.shape else None
