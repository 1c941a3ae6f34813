"""The job ``prepare``: a folder of pictures in; what is wrong with it, and a name for it, out.

Nothing of the user's is changed, moved or copied.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pdd_cli.assets.archives import is_archive, unpack
from pdd_cli.assets.cache import dataset_folder
from pdd_cli.assets.photos import archived_photos
from pdd_cli.config.prepare import PrepareConfig
from pdd_cli.data.inspection import FileFacts
from pdd_cli.data.known_datasets import KNOWN, Recognised, recognise_dataset
from pdd_cli.data.manifest import (
    Manifest,
    index_path,
    look_at,
    pictures_of,
    read_index,
    write_index,
    write_manifest,
)
from pdd_cli.data.target import TYPICAL_SPECTRUM, Target, measure_against
from pdd_cli.data.tile_store import build_store, tile_folder
from pdd_cli.data.veil import TYPICAL_TONES, Veil, find_veil, tones_of
from pdd_cli.errors import DataError
from pdd_cli.images.codec import PICTURE_SUFFIXES, read_picture
from pdd_cli.images.listing import list_pictures
from pdd_cli.recipes.contact_sheet import write_contact_sheet
from pdd_cli.recipes.findings import Finding, members_by_path, what_is_suspect
from pdd_cli.recipes.sources import warn_of_a_damaged_tree
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started, ignore

# What the catalogue can fetch, of the known data sets.
_FETCHED = {
    "div2k": "div2k-train",
    "flickr2k": "flickr2k",
    "stablesr-crops": "stablesr-crops",
}

# So many photos, and so much of the middle of each, tell what their camera does.
_MEASURED = 24
_MEASURED_SIDE = 1024


@dataclass
class PrepareResult:
    """What was found in a folder."""

    name: str
    folder: Path
    dataset: str | None
    """The known data set that it is, in words."""
    manifest: Path
    sheet: Path | None
    """A page of what is suspect; None where nothing is."""
    pictures: int = 0
    pixels: int = 0
    bytes: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Smallest and largest width and height."""
    roles: dict[str, int] = field(default_factory=dict)
    """Pictures by split and role, of a known data set."""
    camera: Target | None = None
    """What the LR photos tell of the camera that took them; None where there are none."""
    veil: Veil | None = None
    """What lies over the LR photos, haze or fading perhaps; None where nothing does."""
    findings: list[Finding] = field(default_factory=list)
    tiles: int = 0
    """Tiles of HR that were made, where they were asked for."""
    read: int = 0
    """Files that were looked at now; the others are known from before."""
    seconds: float = 0.0


def prepare(config: PrepareConfig, observer: Observer = ignore) -> PrepareResult:
    """Look at every picture of a folder, report what is suspect, and register the folder.

    Raises:
        DataError: the folder is missing or holds no pictures.
    """
    began = time.monotonic()
    folder, name = _find(config, observer)
    pictures = list_pictures(folder).pictures
    recognised = recognise_dataset(folder, pictures)
    title = recognised.dataset.title if recognised else None
    observer(Said(f"{folder}: {len(pictures)} pictures, {title or 'an ordinary folder'}."))
    if recognised is None:
        warn_of_a_damaged_tree(folder, pictures, observer)
    index = index_path(dataset_folder(), name)
    known = read_index(index)
    facts = _look(folder, pictures, known, observer)
    write_index(index, facts)  # before the pairs are compared, so that no interrupt costs it

    findings = what_is_suspect(
        facts, recognised, crop=config.crop, compare=config.pairs, observer=observer
    )
    bad = frozenset(finding.files[0] for finding in findings if finding.excluded)
    manifest = Manifest(
        name, folder.resolve(), recognised.dataset.name if recognised else None, bad
    )
    path = write_manifest(dataset_folder(), manifest, facts)
    tiles = _tile(manifest, path, observer) if config.tiles else 0
    sheet = config.sheet or path.with_name("suspect.html")
    good = [fact for fact in facts if fact.problem is None]
    low = _low_resolution(good, recognised, folder)
    return PrepareResult(
        name=name,
        folder=folder,
        dataset=title,
        manifest=path,
        sheet=write_contact_sheet(sheet, folder, findings) if findings else None,
        pictures=len(facts),
        pixels=sum(fact.width * fact.height for fact in good),
        bytes=sum(fact.size for fact in facts),
        formats=dict(Counter(fact.format for fact in good).most_common()),
        depths=dict(Counter(fact.depth for fact in good).most_common()),
        sizes=_extremes(good),
        roles=_roles(recognised),
        camera=measure_against(low, TYPICAL_SPECTRUM) if low else None,
        veil=find_veil(tones_of(low), TYPICAL_TONES) if low else None,
        findings=findings,
        tiles=tiles,
        read=sum(fact is not known.get(fact.path) for fact in facts),
        seconds=time.monotonic() - began,
    )


def _find(config: PrepareConfig, observer: Observer) -> tuple[Path, str]:
    """Bring what the user named on the disk: a folder, an archive, or a known data set by name.

    Raises:
        DataError: there is no such thing, or it is to be had from its authors' page only.
    """
    source = config.source
    if is_archive(source):
        name = config.name or source.name.partition(".")[0]
        folder = dataset_folder() / name / "content"
        if not folder.is_dir():
            stage = f"unpacking {source.name}"
            observer(Started(stage, 0, "byte"))
            unpack(source, folder, PICTURE_SUFFIXES, lambda done: observer(Advanced(done)))
            observer(Finished(stage))
        return folder, name
    known = next((dataset for dataset in KNOWN if dataset.name == str(source)), None)
    if source.exists() or known is None:
        return source, config.name or source.resolve().name
    if known.name in _FETCHED:
        fetched = archived_photos(_FETCHED[known.name], observer=observer)
        if fetched is not None:
            return fetched, config.name or known.name
    raise DataError(
        f"{known.title} is not on this disk and pdd cannot fetch it (licence: {known.licence}).",
        hint=f"Get it from {known.page}, and give its folder or archive.",
    )


def _look(
    folder: Path, pictures: Sequence[Path], known: Mapping[str, FileFacts], observer: Observer
) -> list[FileFacts]:
    stage = "looking at pictures"
    observer(Started(stage, len(pictures), "picture"))
    facts = look_at(folder, pictures, known, lambda done: observer(Advanced(done)))
    observer(Finished(stage))
    return facts


def _tile(manifest: Manifest, path: Path, observer: Observer) -> int:
    """Keep the good HR pictures of the training part as tiles beside the manifest."""
    pictures = pictures_of(manifest, {"hr"}, "train", None)
    stage = "cutting tiles"
    observer(Started(stage, len(pictures), "picture"))
    store = build_store(tile_folder(path), pictures, on_done=lambda done: observer(Advanced(done)))
    observer(Finished(stage, f"{len(store.keys)} tiles"))
    return len(store.keys)


def _low_resolution(
    facts: Sequence[FileFacts], recognised: Recognised | None, folder: Path
) -> list[NDArray[np.uint8]]:
    """Read LR photos from all over the folder, to measure what an adaptation would imitate."""
    members = members_by_path(recognised)
    low = [f.path for f in facts if recognised is None or members[f.path].role != "hr"]
    chosen = low[:: max(1, len(low) // _MEASURED)][:_MEASURED]
    return [_middle(folder / path) for path in chosen]


def _middle(path: Path) -> NDArray[np.uint8]:
    pixels = read_picture(path).rgb8()
    top, left = (max(0, length - _MEASURED_SIDE) // 2 for length in pixels.shape[:2])
    return pixels[top : top + _MEASURED_SIDE, left : left + _MEASURED_SIDE]


def _extremes(facts: Sequence[FileFacts]) -> dict[str, int]:
    if not facts:
        return {}
    widths, heights = [f.width for f in facts], [f.height for f in facts]
    return {
        "smallest_width": min(widths),
        "largest_width": max(widths),
        "smallest_height": min(heights),
        "largest_height": max(heights),
    }


def _roles(recognised: Recognised | None) -> dict[str, int]:
    if recognised is None:
        return {}
    counted = Counter(f"{member.split} {member.role}" for member in recognised.members)
    return dict(sorted(counted.items()))
