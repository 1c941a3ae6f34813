"""A data set that was looked at once: its index of files, and its name.

A manifest lies in the cache and points to the user's folder, in which nothing is changed. Looked at
again, only files whose size or time is another are read.
"""

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from pdd_cli.data.inspection import FileFacts, inspect_picture
from pdd_cli.data.known_datasets import Role, Split, recognise_dataset
from pdd_cli.errors import DataError
from pdd_cli.images.listing import list_pictures
from pdd_cli.runtime.files import write_text_atomically

_SCHEMA_VERSION = 1
_BATCH = 256


@dataclass(frozen=True)
class Manifest:
    """A registered data set."""

    name: str
    folder: Path
    """The user's folder, absolute."""
    dataset: str | None
    """The known data set that it is, by its short name; None for an ordinary folder."""
    bad: frozenset[str]
    """Files that must not be used, below the folder."""


def pictures_of(
    manifest: Manifest, roles: Collection[Role], split: Split | None, scale: int | None
) -> list[Path]:
    """List the good pictures of a registered data set that play a part.

    Args:
        manifest: the data set.
        roles: of a known data set, which pictures are meant; an ordinary folder gives all.
        split: likewise, of which split; DIV2K's HR, say, has a train and a validation part. None
            for any.
        scale: likewise, of which scale; None for any.

    Raises:
        DataError: there are none.
    """
    paths = list_pictures(manifest.folder).pictures
    recognised = recognise_dataset(manifest.folder, paths) if manifest.dataset else None
    if recognised is not None:
        paths = [
            member.path
            for member in recognised.members
            if member.role in roles
            and split in (None, member.split)
            and (scale is None or member.scale in (None, scale))
        ]
    good = [p for p in paths if p.relative_to(manifest.folder).as_posix() not in manifest.bad]
    if not good:
        raise DataError(
            f"{manifest.name} ({manifest.folder}) has no good pictures"
            f"{f' of the {split} part' if split else ''} that are "
            f"{' or '.join(sorted(roles)).upper()}.",
            hint="See pdd prepare for what it holds.",
        )
    return good


def manifest_path(root: Path, name: str) -> Path:
    """Return where the manifest of a name lies below the folder of all manifests."""
    return root / name / "dataset.yaml"


def index_path(root: Path, name: str) -> Path:
    """Return where the index of the files lies, beside the manifest."""
    return manifest_path(root, name).with_name("index.jsonl")


def write_manifest(root: Path, manifest: Manifest, facts: Sequence[FileFacts]) -> Path:
    """Register a data set by its description; its index is written by ``write_index``."""
    path = manifest_path(root, manifest.name)
    content = {
        "schema_version": _SCHEMA_VERSION,
        "name": manifest.name,
        "folder": str(manifest.folder),
        "dataset": manifest.dataset,
        "pictures": sum(fact.problem is None for fact in facts),
        "bad": sorted(manifest.bad),
    }
    write_text_atomically(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path


def read_manifest(root: Path, name: str) -> Manifest | None:
    """Return the data set registered under a name, or None.

    Raises:
        DataError: its manifest cannot be read, or its folder is gone.
    """
    path = manifest_path(root, name)
    if not path.is_file():
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            content["name"],
            Path(content["folder"]),
            content["dataset"],
            frozenset(content["bad"]),
        )
    except (yaml.YAMLError, KeyError, TypeError, OSError) as error:
        raise DataError(
            f"The manifest {path} cannot be read.", hint="Run pdd prepare again."
        ) from error
    if not manifest.folder.is_dir():
        raise DataError(
            f"{name} was prepared from {manifest.folder}, which is not there any more.",
            hint="Run pdd prepare on its new place.",
        )
    return manifest


def write_index(path: Path, facts: Sequence[FileFacts]) -> None:
    """Write one JSON object for each file."""
    lines = [json.dumps(vars(fact), ensure_ascii=False) for fact in facts]
    write_text_atomically(path, "".join(f"{line}\n" for line in lines))


def read_index(path: Path) -> dict[str, FileFacts]:
    """Read an index, by the files' paths; empty where there is none or it is of another version."""
    if not path.is_file():
        return {}
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {record["path"]: FileFacts(**record) for record in records}
    except (ValueError, TypeError, KeyError):
        return {}


def look_at(
    folder: Path,
    pictures: Sequence[Path],
    known: Mapping[str, FileFacts],
    on_done: Callable[[int], None],
) -> list[FileFacts]:
    """Inspect every picture that is new or was changed, on all cores.

    Args:
        folder: above all pictures.
        pictures: the files.
        known: what was found before, by path.
        on_done: told how many are done.
    """
    facts: list[FileFacts] = []
    # OpenCV and numpy leave the interpreter's lock while they work, so threads suffice.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        for start in range(0, len(pictures), _BATCH):
            part = pictures[start : start + _BATCH]
            facts += workers.map(lambda path: _fact(path, folder, known), part)
            on_done(len(facts))
    return facts


def _fact(path: Path, folder: Path, known: Mapping[str, FileFacts]) -> FileFacts:
    before = known.get(path.relative_to(folder).as_posix())
    if before is not None and before.problem is None:
        state = path.stat()
        if (state.st_size, state.st_mtime_ns) == (before.size, before.modified):
            return before
    return inspect_picture(path, folder)
