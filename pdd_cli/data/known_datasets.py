"""Data sets of the field as they lie on disks, recognised from the files themselves.

Each is told by the pattern that its authors gave to paths below its root; one pattern for each kind
of file. A folder is of a known kind when every picture below it fits one, wherever in the tree it
was entered.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Role = Literal["lr", "hr", "real"]
"""``lr`` and ``hr`` have counterparts; ``real`` is LR without one."""
Split = Literal["train", "validation", "test"]

# How far above the entered folder the names of folders still tell what lies in it.
_LEVELS_ABOVE = 4


@dataclass(frozen=True)
class Pattern:
    """Files of one role and split.

    The expression is matched against the end of a path with ``/`` between its parts. Its groups
    ``scene``, ``scale`` and ``domain`` tell what the name does not say otherwise.
    """

    expression: str
    role: Role
    split: Split
    scale: int | None = None
    """Of LR against HR, where the path does not tell it."""


@dataclass(frozen=True)
class KnownDataset:
    """A data set and what its files look like."""

    name: str
    title: str
    page: str
    """Where its authors offer it."""
    licence: str
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class Member:
    """One picture of a recognised data set."""

    path: Path
    role: Role
    split: Split
    scene: str
    """What its counterparts share."""
    domain: str
    """The camera or the track; "" where there is one alone."""
    scale: int | None


@dataclass(frozen=True)
class Recognised:
    """A folder that is a known data set, or part of one."""

    dataset: KnownDataset
    folder: Path
    members: tuple[Member, ...]


@dataclass(frozen=True)
class NearMiss:
    """A known data set that a folder would be, and the pictures that keep it from being it."""

    dataset: KnownDataset
    strangers: list[Path]


_ASKED_AT_FIRST = 200

_PICTURE = r"\.(?:png|PNG|jpg|JPG|jpeg|bmp)$"


def _div2k(split: Split, name: str) -> tuple[Pattern, ...]:
    return (
        Pattern(rf"DIV2K_{name}_HR/(?P<scene>\d{{4}}){_PICTURE}", "hr", split),
        Pattern(
            rf"DIV2K_{name}_LR_(?P<domain>bicubic|unknown)/X(?P<scale>[234])/"
            rf"(?P<scene>\d{{4}})x[234]{_PICTURE}",
            "lr",
            split,
        ),
    )


_NTIRE2020_TRACK2_VALIDATION = rf"DPEDiphone-(?:crop-)?va(?:-x)?/(?P<scene>[^/]+){_PICTURE}"

_BOTH_SPLITS: tuple[tuple[str, Split], ...] = (("Train", "train"), ("Test", "test"))
_REALSR_MARKS: tuple[tuple[str, Role], ...] = (("LR[234]", "lr"), ("HR", "hr"))
_DREALSR_MARKS: tuple[tuple[str, str, Role], ...] = (("LR", "[234]", "lr"), ("HR", "1", "hr"))
_STABLESR_MARKS: tuple[tuple[str, Role, int | None], ...] = (("LR", "lr", 4), ("HR", "hr", None))

_DIV2K = (*_div2k("train", "train"), *_div2k("validation", "valid"))
_FLICKR2K = (
    Pattern(rf"Flickr2K(?:_HR)?/(?P<scene>\d{{6}}){_PICTURE}", "hr", "train"),
    Pattern(
        rf"Flickr2K_LR_(?P<domain>bicubic|unknown)/X(?P<scale>[234])/"
        rf"(?P<scene>\d{{6}})x[234]{_PICTURE}",
        "lr",
        "train",
    ),
)

KNOWN: tuple[KnownDataset, ...] = (
    KnownDataset(
        "realsr",
        "RealSR (version 3)",
        "https://github.com/csjcai/RealSR",
        "its authors': research",
        tuple(
            Pattern(
                rf"(?P<domain>Canon|Nikon)/{folder}/(?P<scale>[234])/"
                rf"(?P<scene>.+)_{mark}{_PICTURE}",
                role,
                split,
            )
            for folder, split in _BOTH_SPLITS
            for mark, role in _REALSR_MARKS
        ),
    ),
    KnownDataset(
        "drealsr",
        "DRealSR",
        "https://github.com/xiezw5/Component-Divide-and-Conquer-for-Real-World-Image-Super-Resolution",
        "its authors': research",
        tuple(
            Pattern(
                rf"x(?P<scale>[234])/{folder}_x[234]/{folder.lower()}_{mark}/"
                rf"(?P<scene>.+)_x{number}{_PICTURE}",
                role,
                split,
            )
            for folder, split in _BOTH_SPLITS
            for mark, number, role in _DREALSR_MARKS
        ),
    ),
    KnownDataset(
        "ntire2020-track1",
        "NTIRE 2020 real-world SR, track 1",
        "https://competitions.codalab.org/competitions/22220",
        "its organisers': research",
        (
            Pattern(rf"Corrupted-tr-x/(?P<scene>[^/]+){_PICTURE}", "real", "train"),
            Pattern(rf"Corrupted-tr-y/(?P<scene>[^/]+){_PICTURE}", "hr", "train"),
            Pattern(rf"Corrupted-va-x/(?P<scene>[^/]+){_PICTURE}", "lr", "validation", 4),
            Pattern(rf"DIV2K_valid_HR/(?P<scene>[^/]+){_PICTURE}", "hr", "validation"),
            Pattern(rf"Corrupted-te-x/(?P<scene>[^/]+){_PICTURE}", "real", "test"),
        ),
    ),
    KnownDataset(
        "ntire2020-track2",
        "NTIRE 2020 real-world SR, track 2",
        "https://competitions.codalab.org/competitions/22221",
        "its organisers': research",
        (
            Pattern(rf"DPEDiphone-tr-x/(?P<scene>[^/]+){_PICTURE}", "real", "train"),
            Pattern(rf"DPEDiphone-tr-y/(?P<scene>[^/]+){_PICTURE}", "hr", "train"),
            Pattern(
                rf"DPEDiphone-(?:crop-)?va(?:-x)?/(?P<scene>[^/]+){_PICTURE}", "real", "validation"
            ),
            Pattern(rf"DPEDiphone-(?:crop-)?te-x/(?P<scene>[^/]+){_PICTURE}", "real", "test"),
        ),
    ),
    KnownDataset(
        "city100",
        "City100",
        "https://github.com/ngchc/CameraSR",
        "MIT",
        (
            Pattern(rf"City100_(?P<domain>\w+)/(?P<scene>\d{{3}})L{_PICTURE}", "lr", "train", 1),
            Pattern(rf"City100_(?P<domain>\w+)/(?P<scene>\d{{3}})H{_PICTURE}", "hr", "train"),
        ),
    ),
    KnownDataset(
        "div2k",
        "DIV2K",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        "its authors': academic research only",
        _DIV2K,
    ),
    KnownDataset(
        "flickr2k",
        "Flickr2K",
        "https://huggingface.co/datasets/yangtao9009/Flickr2K",
        "the photographers', research",
        _FLICKR2K,
    ),
    KnownDataset(
        "df2k",
        "DF2K: DIV2K and Flickr2K",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        "as of DIV2K and Flickr2K",
        (*_DIV2K, *_FLICKR2K),
    ),
    KnownDataset(
        "stablesr-crops",
        "StableSR's validation crops",
        "https://huggingface.co/datasets/Iceclear/StableSR-TestSets",
        "S-Lab License 1.0",
        tuple(
            Pattern(
                rf"(?P<domain>[^/]+)/test_{mark}/(?P<scene>[^/]+){_PICTURE}", role, "test", scale
            )
            for mark, role, scale in _STABLESR_MARKS
        ),
    ),
)


def recognise_dataset(folder: Path, pictures: Sequence[Path]) -> Recognised | None:
    """Tell which known data set a folder is, or is part of.

    Args:
        folder: as the user gave it.
        pictures: every picture below it.

    Returns:
        None for an ordinary folder. Where several fit, as DF2K does whatever DIV2K does, the one
        with the fewest patterns that stay unused.
    """
    if not pictures:
        return None
    names = _names_in_tree(folder, pictures)
    fitting = []
    for dataset in KNOWN:
        members = _members(pictures, names, dataset)
        if members is not None:
            fitting.append(Recognised(dataset, folder, members))
    return max(fitting, key=_share_used, default=None)


def nearly_recognised(folder: Path, pictures: Sequence[Path]) -> NearMiss | None:
    """Tell which known data set an ordinary folder would be, but for a few pictures.

    Args:
        folder: that ``recognise_dataset`` does not recognise.
        pictures: every picture below it.

    Returns:
        None where none has a place for more than half of the pictures.
    """
    named = list(zip(pictures, _names_in_tree(folder, pictures), strict=True))
    # Asked of some at first: a folder of many ordinary photos is not matched against everything.
    some = named[:: -(-len(named) // _ASKED_AT_FIRST) or 1]
    misses = [
        NearMiss(dataset, _strangers(named, dataset))
        for dataset in KNOWN
        if 2 * len(_strangers(some, dataset)) < len(some)
    ]
    return min(misses, key=lambda miss: len(miss.strangers), default=None)


def pairs_of(members: Sequence[Member]) -> dict[tuple[str, str, str], dict[str, Path]]:
    """Bring together what shows one scene: by split, domain and scene, files by role and scale."""
    scenes: dict[tuple[str, str, str], dict[str, Path]] = {}
    for member in members:
        role = member.role if member.role == "hr" else f"{member.role}{member.scale or ''}"
        scenes.setdefault((member.split, member.domain, member.scene), {})[role] = member.path
    return scenes


def _names_in_tree(folder: Path, pictures: Sequence[Path]) -> list[str]:
    """Name pictures from above the entered folder, so that any level of a tree can be given."""
    above = folder.resolve().parts[-_LEVELS_ABOVE:]
    return ["/".join((*above, *path.relative_to(folder).parts)) for path in pictures]


def _share_used(recognised: Recognised) -> float:
    kinds = Counter((member.role, member.split) for member in recognised.members)
    return len(kinds) / len({(p.role, p.split) for p in recognised.dataset.patterns})


def _members(
    pictures: Sequence[Path], names: Sequence[str], dataset: KnownDataset
) -> tuple[Member, ...] | None:
    """Tell what every picture is in a data set; None as soon as one is nothing in it."""
    members: list[Member] = []
    for path, name in zip(pictures, names, strict=True):
        member = _member(path, name, dataset)
        if member is None:
            return None
        members.append(member)
    return tuple(members)


def _strangers(named: Sequence[tuple[Path, str]], dataset: KnownDataset) -> list[Path]:
    return [path for path, name in named if _member(path, name, dataset) is None]


def _member(path: Path, name: str, dataset: KnownDataset) -> Member | None:
    for pattern in dataset.patterns:
        match = re.search(f"(?:^|/){pattern.expression}", name)
        if match:
            found = match.groupdict()
            scale = found.get("scale")
            return Member(
                path=path,
                role=pattern.role,
                split=pattern.split,
                scene=found["scene"],
                domain=found.get("domain") or "",
                scale=int(scale) if scale else pattern.scale,
            )
    return None
