"""From what a user names, a folder or a prepared data set, to the pictures that are meant.

A recipe's chapter of its own, because trainings and adaptations ask it alike.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pdd_cli.assets.cache import dataset_folder
from pdd_cli.data.known_datasets import Role, nearly_recognised
from pdd_cli.data.layouts import photos_to_adapt_to
from pdd_cli.data.manifest import manifest_path, pictures_of, read_manifest
from pdd_cli.data.tile_store import TileStore, open_store, tile_folder
from pdd_cli.images.listing import list_pictures, name_some
from pdd_cli.runtime.events import Observer, Said, Warned

_SHARE_TO_LEARN_FROM = 5

Item = TypeVar("Item")


def real_photos(source: Path, scale: int, observer: Observer) -> list[Path]:
    """List the LR photos that a model of a scale adapts to; never any of a test part.

    Args:
        source: a folder, or the name of a prepared data set where there is no such folder.
        scale: of the model.
        observer: told of what was recognised and skipped.

    Raises:
        DataError: there is no such folder or name, or nothing in it that is meant.
    """
    manifest = None if source.exists() else read_manifest(dataset_folder(), str(source))
    if manifest is not None:
        photos = pictures_of(manifest, {"lr", "real"}, "train", scale)
        observer(Said(f"{manifest.name}: {len(photos)} LR photos in {manifest.folder}."))
        return photos
    selection = photos_to_adapt_to(source, scale)
    if selection.note:
        observer(Said(selection.note))
    else:
        warn_of_a_damaged_tree(source, selection.paths, observer)
    _warn_of_strangers(list(selection.skipped), observer)
    return selection.paths


def sharp_photos(source: Path, observer: Observer) -> list[Path]:
    """List the HR photos that supervise; see ``real_photos``."""
    manifest = None if source.exists() else read_manifest(dataset_folder(), str(source))
    if manifest is not None:
        photos = pictures_of(manifest, {"hr"}, "train", None)
        observer(Said(f"{manifest.name}: {len(photos)} HR photos in {manifest.folder}."))
        return photos
    listing = list_pictures(source)
    _warn_of_strangers(listing.others, observer)
    return listing.pictures


def any_pictures(source: Path, role: Role) -> list[Path]:
    """List the pictures of a folder, or those of a role in a prepared data set, of every part.

    Raises:
        DataError: there is no such folder or name, or nothing in it that is meant.
    """
    manifest = None if source.exists() else read_manifest(dataset_folder(), str(source))
    if manifest is None:
        return list_pictures(source).pictures
    return pictures_of(manifest, {role}, None, None)


def sharp_tiles(source: Path) -> TileStore | None:
    """Return the tiles of a prepared data set, where ``pdd prepare --tiles`` has made some."""
    if source.exists():
        return None
    return open_store(tile_folder(manifest_path(dataset_folder(), str(source))))


def keep_from_learning(items: Sequence[Item], count: int) -> tuple[list[Item], list[Item]]:
    """Hold some items, from all over a list, back to measure with; never more than a fifth.

    Returns:
        Those to learn from, and those that were held back.
    """
    count = min(count, len(items) // _SHARE_TO_LEARN_FROM)
    held = set(range(0, len(items), len(items) // count)[:count]) if count else set()
    return (
        [item for number, item in enumerate(items) if number not in held],
        [item for number, item in enumerate(items) if number in held],
    )


def warn_of_a_damaged_tree(folder: Path, pictures: Sequence[Path], observer: Observer) -> None:
    """Say why an ordinary folder is not the known data set that most of its pictures lie as."""
    near = nearly_recognised(folder, pictures)
    if near is None or not near.strangers:
        return
    observer(
        Warned(
            f"{folder} is not taken as {near.dataset.title}, in which these have no place: "
            f"{name_some(near.strangers)}. So all its pictures count as ordinary photos, HR and "
            "the test part among them. Take those away to have it recognised."
        )
    )


def _warn_of_strangers(paths: list[Path], observer: Observer) -> None:
    if paths:
        observer(Warned(f"Skipped, as they are no pictures: {name_some(paths)}."))
