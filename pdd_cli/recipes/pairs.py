"""Finding the HR counterpart of each upscaled picture, by name and never by order.

The evaluation's own chapter: it asks the record of ``infer``, the layouts of data sets and the last
adaptation.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.data.layouts import high_resolution_beside, recognise
from pdd_cli.errors import DataError
from pdd_cli.images.listing import list_pictures, name_some
from pdd_cli.recipes.infer import POINTER_NAME, RECORD_NAME
from pdd_cli.recipes.sources import any_pictures
from pdd_cli.runtime.run_directory import RunDirectory, latest_run

# What tools add to a scene's name to tell its versions apart.
_VERSION = re.compile(r"([_-](LR|HR|SR|GT|LQ|HQ|out)[1-8]?|[_-]?x[1-8])$", re.IGNORECASE)
_MARKED_AS_HR = ("_HR", "_GT", "_HQ")


@dataclass(frozen=True)
class Pair:
    """An upscaled picture, what it should have been, and what it was made of."""

    prediction: Path
    hr: Path | None
    lr: Path | None = None


@dataclass
class Pairs:
    """What can be scored."""

    all: list[Pair] = field(default_factory=list)
    """Every upscaled picture."""
    unused: list[Path] = field(default_factory=list)
    """HR pictures of which no upscaled one was found."""
    scale: int | None = None
    """As the record of ``infer`` tells."""
    model: str | None = None
    """Likewise."""
    upscaling: Mapping[str, object] | None = None
    """The whole record, where there is one."""

    @property
    def found(self) -> list[Pair]:
        """Those with HR."""
        return [pair for pair in self.all if pair.hr is not None]

    @property
    def alone(self) -> list[Path]:
        """Upscaled pictures without HR."""
        return [pair.prediction for pair in self.all if pair.hr is None]


@dataclass(frozen=True)
class _Upscaled:
    prediction: Path
    input: Path | None
    """The LR picture it was made of, where a record tells."""


def find_pairs(config: EvaluateConfig) -> Pairs:
    """Pair every upscaled picture with its HR and its LR, where there are any.

    Raises:
        DataError: there is nothing to score, or one picture could belong to several.
    """
    if config.pairs is not None:
        return Pairs(list(_listed(config.pairs)))
    upscaled, pairs = _upscaled(config)
    references = References(config.gt, "hr") if config.gt is not None else None
    low = References(config.lr, "lr") if config.lr is not None else None
    for picture in upscaled:
        name = picture.input or picture.prediction
        hr = references.of(name) if references else known_hr(picture.input, config.runs)
        lr = picture.input or (low.of(picture.prediction) if low else None)
        pairs.all.append(Pair(picture.prediction, hr, lr))
    if references is not None:
        taken = {pair.hr for pair in pairs.all}
        pairs.unused = [path for path in references.pictures if path not in taken]
    return pairs


def pairs_by_name(low: Path, high: Path) -> list[tuple[Path, Path]]:
    """Pair every LR picture of a folder with the HR of its scene in another.

    Raises:
        DataError: an LR picture has no HR, or more than one.
    """
    references = References(high, "hr")
    pairs = [(path, references.of(path)) for path in any_pictures(low, "lr")]
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


class References:
    """The pictures of a folder or of a prepared data set, by scene.

    Args:
        source: the folder or the name.
        role: what they are.

    Raises:
        DataError: there is no such folder or name, or nothing in it.
    """

    def __init__(self, source: Path, role: Literal["hr", "lr"]) -> None:
        self.pictures = any_pictures(source, role)
        self._role = role
        self._by_name: dict[str, dict[int, list[Path]]] = {}
        for path in self.pictures:
            for cut, name in enumerate(_names(path)):
                self._by_name.setdefault(name, {}).setdefault(cut, []).append(path)

    def of(self, picture: Path) -> Path | None:
        """Find the counterpart of a picture by its name, of which as little as possible is cut.

        Raises:
            DataError: there are several, of which neither a mark nor the folder chooses one.
        """
        for name in _names(picture):
            if name in self._by_name:
                by_cut = self._by_name[name]
                return self._only(picture, [path for cut in sorted(by_cut) for path in by_cut[cut]])
        return None

    def _only(self, picture: Path, candidates: list[Path]) -> Path:
        if self._role == "hr":
            marked = [path for path in candidates if path.stem.upper().endswith(_MARKED_AS_HR)]
            candidates = marked or candidates
        exact = [path for path in candidates if path.stem == next(_names(picture))]
        candidates = exact or candidates
        nearest = max(_shared_folders(picture, path) for path in candidates)
        candidates = [path for path in candidates if _shared_folders(picture, path) == nearest]
        if len(candidates) > 1:
            raise DataError(
                f"{picture.name} could be compared with {candidates[0]} or with {candidates[1]}.",
                hint=f"Give --{'gt' if self._role == 'hr' else 'lr'} with a folder that holds one "
                "picture of each name.",
            )
        return candidates[0]


def _names(path: Path) -> Iterator[str]:
    """Yield a picture's name, then with one mark of a version after another cut off its end."""
    name = path.stem
    yield name
    while (shorter := _VERSION.sub("", name)) not in (name, ""):
        name = shorter
        yield name


def _shared_folders(first: Path, second: Path) -> int:
    """Count the folders of the same name directly above both."""
    count = 0
    for a, b in zip(reversed(first.parts[:-1]), reversed(second.parts[:-1]), strict=False):
        if a != b:
            break
        count += 1
    return count


def _listed(path: Path) -> Iterator[Pair]:
    """Read a list of pairs; paths in it begin at its own folder."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--pairs {path} cannot be read ({error}).", hint="Check it.") from error
    if not rows:
        raise DataError(f"--pairs {path} lists nothing.", hint="Its first line names the columns.")
    for number, row in enumerate(rows, start=2):
        if not row.get("sr") or not (row.get("hr") or row.get("lr")):
            raise DataError(
                f"{path}, line {number}: there is no sr, or neither an hr nor an lr.",
                hint="The first line must name the columns: sr,hr or sr,hr,lr.",
            )
        hr, lr = (path.parent / row[role] if row.get(role) else None for role in ("hr", "lr"))
        yield Pair(path.parent / row["sr"], hr, lr)


def known_hr(low: Path | None, runs: Path) -> Path | None:
    """Find the HR beside an LR, or beside the LR of that name in the last adaptation's tree."""
    if low is None:
        return None
    return high_resolution_beside(low) or _hr_in_last_adaptation(low, runs)


def _hr_in_last_adaptation(low: Path, runs: Path) -> Path | None:
    run = latest_run(runs)
    if run is None:
        return None
    settings = yaml.safe_load(RunDirectory(run).config.read_text(encoding="utf-8"))
    folder = Path(settings["data"]["real_lr"])
    layout = recognise(folder) if folder.is_dir() else None
    same = [p.path for p in layout.photos if p.path.name == low.name] if layout else []
    return high_resolution_beside(same[0]) if same else None
