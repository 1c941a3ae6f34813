"""The pictures of a folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pdd_cli.errors import DataError
from pdd_cli.images.codec import PICTURE_SUFFIXES

_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Listing:
    """A folder's files, sorted by path."""

    pictures: list[Path]
    """Files with a picture's suffix."""
    others: list[Path]
    """Everything else but hidden files and the records that pdd writes itself."""


def list_pictures(folder: Path) -> Listing:
    """Find the pictures below a folder, at any depth.

    Hidden files and folders are passed over, and links to folders are not followed, so that a
    circular one does no harm.

    Raises:
        DataError: the folder is missing, is no folder, or holds no pictures.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"The folder {folder} {reason}.", hint="Check the path.")
    files = sorted(_visible_files(folder))
    pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise DataError(
            f"The folder {folder} holds no pictures.",
            hint=f"pdd takes {', '.join(sorted(PICTURE_SUFFIXES))}.",
        )
    others = [p for p in files if p.suffix.lower() not in PICTURE_SUFFIXES | {".json"}]
    return Listing(pictures, others)


def name_some(paths: Sequence[Path]) -> str:
    """Name the first few of many files, for a message, and count the rest."""
    named = ", ".join(path.name for path in paths[:_NAMED_AT_MOST])
    more = len(paths) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named


def _visible_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return found
