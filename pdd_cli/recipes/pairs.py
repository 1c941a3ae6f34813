"""Finding the HR counterpart of each upscaled picture, by name and never by order.

The evaluation's own chapter: it asks the record of ``infer``, the layouts of data sets and the last
adaptation.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.data.layouts import high_resolution_beside, recognise
from pdd_cli.errors import DataError
from pdd_cli.images.listing import list_pictures, name_some
from pdd_cli.recipes.infer import POINTER_NAME, RECORD_NAME
from pdd_cli.recipes.sources import any_pictures
from pdd_cli.runtime.run_directory import RunDirectory, latest_run

# What tools add to a scene's name to tell its versions apart.
_VERSION = re.compile(r"(_LR[234]?|_HR|_SR|_out|_?x[234])+$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """An upscaled picture and what it should have been."""

    prediction: Path
    hr: Path


@dataclass
class Pairs:
    """What is scored."""

    found: list[Pair] = field(default_factory=list)
    alone: list[Path] = field(default_factory=list)
    """Upscaled pictures without a counterpart."""
    scale: int | None = None
    """As the record of ``infer`` tells."""
    model: str | None = None
    """Likewise."""
    upscaling: Mapping[str, object] | None = None
    """The whole record, where there is one."""


@dataclass(frozen=True)
class _Upscaled:
    prediction: Path
    input: Path | None
    """The LR picture it was made of, where a record tells."""


def find_pairs(config: EvaluateConfig) -> Pairs:
    """Pair every upscaled picture with its HR.

    Raises:
        DataError: there is nothing to score, or no HR for any of it.
    """
    upscaled, pairs = _upscaled(config)
    references = _References(config.gt) if config.gt is not None else None
    for picture in upscaled:
        hr = references.of(picture) if references else _known_hr(picture, config.runs)
        if hr is None:
            pairs.alone.append(picture.prediction)
        else:
            pairs.found.append(Pair(picture.prediction, hr))
    if not pairs.found:
        raise DataError(
            f"None of the {len(upscaled)} upscaled pictures has an HR counterpart by its name"
            f"{f' in {config.gt}' if config.gt else ''}.",
            hint="Give --gt with the folder of HR pictures of the same names.",
        )
    return pairs


def pairs_by_name(low: Path, high: Path) -> list[tuple[Path, Path]]:
    """Pair every LR picture of a folder with the HR of its scene in another.

    Raises:
        DataError: an LR picture has no HR, or more than one.
    """
    references = _References(high)
    pairs = [(path, references.of(_Upscaled(path, path))) for path in any_pictures(low, "lr")]
    alone = [path for path, reference in pairs if reference is None]
    if alone:
        raise DataError(
            f"{name_some(alone)} in {low}: no HR of this name lies in {high}.",
            hint="Give folders whose pictures have the same names.",
        )
    return [(path, reference) for path, reference in pairs if reference is not None]


def _upscaled(config: EvaluateConfig) -> tuple[list[_Upscaled], Pairs]:
    if config.sr is None:
        pointer = config.runs / POINTER_NAME
        if not pointer.is_file():
            raise DataError(
                f"Nothing tells what to score: no pdd infer ran here ({pointer} is missing).",
                hint="Name the folder of upscaled pictures: pdd eval SR_DIR --gt HR_DIR.",
            )
        return _recorded(Path(json.loads(pointer.read_text(encoding="utf-8"))["record"]))
    record = config.sr / RECORD_NAME
    if record.is_file():
        return _recorded(record)
    return [_Upscaled(path, None) for path in list_pictures(config.sr).pictures], Pairs()


def _recorded(record: Path) -> tuple[list[_Upscaled], Pairs]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        upscaled = [
            _Upscaled(Path(entry["output"]), Path(entry["input"])) for entry in content["pictures"]
        ]
        return upscaled, Pairs(scale=content["scale"], model=content["model"], upscaling=content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The record {record} of the last pdd infer cannot be read.", hint="Upscale again."
        ) from error


class _References:
    """HR pictures of a folder, by scene."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_scene: dict[str, list[Path]] = {}
        for path in any_pictures(folder, "hr"):
            self._by_scene.setdefault(_scene(path), []).append(path)

    def of(self, picture: _Upscaled) -> Path | None:
        """Find the HR of a picture's scene.

        Raises:
            DataError: there are several, of which none is marked as HR.
        """
        candidates = self._by_scene.get(_scene(picture.input or picture.prediction), [])
        if len(candidates) > 1:
            marked = [path for path in candidates if path.stem.upper().endswith("_HR")]
            candidates = marked or candidates
        if len(candidates) > 1:
            raise DataError(
                f"{picture.prediction.name} could be compared with {candidates[0]} or with "
                f"{candidates[1]}.",
                hint="Give --gt with a folder that holds one picture of each name.",
            )
        return candidates[0] if candidates else None


def _known_hr(picture: _Upscaled, runs: Path) -> Path | None:
    """Find the HR beside the LR, or beside the LR of that name in the last adaptation's tree."""
    if picture.input is None:
        return None
    return high_resolution_beside(picture.input) or _hr_in_last_adaptation(picture.input, runs)


def _hr_in_last_adaptation(low: Path, runs: Path) -> Path | None:
    run = latest_run(runs)
    if run is None:
        return None
    settings = yaml.safe_load(RunDirectory(run).config.read_text(encoding="utf-8"))
    folder = Path(settings["data"]["real_lr"])
    layout = recognise(folder) if folder.is_dir() else None
    same = [p.path for p in layout.photos if p.path.name == low.name] if layout else []
    return high_resolution_beside(same[0]) if same else None


def _scene(path: Path) -> str:
    return _VERSION.sub("", path.stem)
