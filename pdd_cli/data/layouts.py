"""Known ways in which data sets lay out their files, recognised from the files themselves.

RealSR (version 3): ``Canon|Nikon/Train|Test/2|3|4/NAME_HR.png`` beside ``NAME_LR2|3|4.png``.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pdd_cli.errors import DataError
from pdd_cli.images.listing import list_pictures

Split = Literal["Train", "Test"]

_Name = TypeVar("_Name", bound=str)

_CAMERAS = ("Canon", "Nikon")
_SPLITS: tuple[Split, ...] = ("Train", "Test")
_LOW_RESOLUTION = re.compile(r"^(?P<scene>.+)_LR(?P<scale>[234])$")


@dataclass(frozen=True)
class Photo:
    """One low-resolution photo of a RealSR tree."""

    path: Path
    camera: str
    """The camera's folder, or "" when the tree was entered below it."""
    split: Split | None
    """None when the tree was entered below the split's folder."""
    scale: int


@dataclass(frozen=True)
class RealSRLayout:
    """A folder laid out as RealSR, entered at any level of its tree."""

    root: Path
    photos: tuple[Photo, ...]

    def low_resolution(self, split: Split, scale: int) -> list[Path]:
        """List the LR photos of one split and scale.

        Below the level of the splits everything counts as the split that the path names.

        Raises:
            DataError: the tree has photos, but none of this split and scale.
        """
        chosen = [p.path for p in self.photos if p.scale == scale and p.split in (split, None)]
        if not chosen:
            have = sorted({f"{p.split or 'unsplit'} ×{p.scale}" for p in self.photos})
            raise DataError(
                f"{self.root} is laid out as RealSR, but holds no {split} photos of scale "
                f"×{scale} (it has {', '.join(have)}).",
                hint="Give a folder with photos of the model's scale.",
            )
        return chosen

    def cameras(self, split: Split, scale: int) -> list[str]:
        """Name the cameras that took the photos of one split and scale."""
        return sorted(
            {p.camera for p in self.photos if p.scale == scale and p.split in (split, None)} - {""}
        )


@dataclass(frozen=True)
class Selection:
    """Pictures chosen from a folder, with what to tell the user about the choice."""

    paths: list[Path]
    note: str | None
    skipped: tuple[Path, ...] = ()
    """Files that are no pictures."""


def recognise(folder: Path) -> RealSRLayout | None:
    """Look whether a folder is laid out as RealSR, or is part of such a tree.

    The proof is that every picture is an ``_LRn`` or an ``_HR`` beside which its partner lies.

    Returns:
        The layout, or None for an ordinary folder.

    Raises:
        DataError: the folder is missing or holds no pictures.
    """
    pictures = list_pictures(folder).pictures
    low = [path for path in pictures if realsr_scale(path) is not None]
    if not low:
        return None
    paired = {path for path in low if high_resolution_beside(path) is not None}
    partners = {high_resolution_beside(path) for path in paired}
    in_tree = [path for path in low if _part_of(path, _SPLITS)]
    strangers = [path for path in pictures if path not in partners and path not in set(low)]
    if strangers or (len(paired) < len(low) and len(in_tree) < len(low)):
        return None
    return RealSRLayout(folder, tuple(_photo(path) for path in low))


def realsr_scale(path: Path) -> int | None:
    """Read the scale from RealSR's name for an LR photo, ``NAME_LR4.png``; None for others."""
    match = _LOW_RESOLUTION.match(path.stem)
    return int(match["scale"]) if match else None


def high_resolution_beside(low: Path) -> Path | None:
    """Find ``NAME_HR`` beside ``NAME_LR4``; None where the name is another or there is none."""
    match = _LOW_RESOLUTION.match(low.stem)
    if match is None:
        return None
    high = low.with_name(f"{match['scene']}_HR{low.suffix}")
    return high if high.is_file() else None


def pictures_to_upscale(folder: Path, scale: int) -> Selection:
    """Choose the pictures of a folder that an upscaler of this scale should take.

    Among RealSR's names these are the LR photos of the scale, and of the test split where the
    tree has both; elsewhere every picture.

    Raises:
        DataError: the folder is missing or holds nothing to upscale.
    """
    listing = list_pictures(folder)
    layout = recognise(folder)
    if layout is None:
        low = {path for path in listing.pictures if realsr_scale(path) is not None}
        high = {high_resolution_beside(path) for path in low}
        rest = [path for path in listing.pictures if path not in high]
        note = f"{folder}: the HR pictures beside their LR are left out." if high - {None} else None
        return Selection(rest, note, tuple(listing.others))
    paths = layout.low_resolution("Test" if _has_split(layout, "Test") else "Train", scale)
    split = layout.photos[[p.path for p in layout.photos].index(paths[0])].split
    part = f"{split} split, " if split else ""
    note = (
        f"{folder} is laid out as RealSR: taking {len(paths)} LR photos ({part}×{scale}), "
        "not the HR."
    )
    return Selection(paths, note, tuple(listing.others))


def photos_to_adapt_to(folder: Path, scale: int) -> Selection:
    """Choose the real LR photos of a folder that a model of this scale learns from.

    In a RealSR tree these are the LR photos of the training split, never the test split or any HR.

    Raises:
        DataError: the folder is missing, empty, or a RealSR tree without such photos.
    """
    listing = list_pictures(folder)
    layout = recognise(folder)
    if layout is None:
        return Selection(listing.pictures, None, tuple(listing.others))
    paths = layout.low_resolution("Train", scale)
    cameras = layout.cameras("Train", scale)
    note = (
        f"{folder} is laid out as RealSR: learning from {len(paths)} LR photos of its training "
        f"split (×{scale})."
    )
    if len(cameras) > 1:
        example = next(p.path for p in layout.photos if p.camera == cameras[0])
        note += (
            f" {' and '.join(cameras)} are two domains and both are used; "
            f"for one camera give {_folder_of(example, cameras[0])}."
        )
    return Selection(paths, note, tuple(listing.others))


def _photo(path: Path) -> Photo:
    return Photo(
        path=path,
        camera=_part_of(path, _CAMERAS) or "",
        split=_part_of(path, _SPLITS),
        scale=realsr_scale(path) or 0,
    )


def _part_of(path: Path, names: tuple[_Name, ...]) -> _Name | None:
    parts = path.resolve().parts[:-1]
    return next((name for name in names if name in parts), None)


def _folder_of(path: Path, name: str) -> Path:
    return next(parent for parent in path.parents if parent.name == name)


def _has_split(layout: RealSRLayout, split: Split) -> bool:
    return any(photo.split == split for photo in layout.photos)
