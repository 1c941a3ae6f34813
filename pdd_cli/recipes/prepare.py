"""The job ``prepare``: a folder of pictures in; what is wrong with it, and a name for it, out.

Nothing of the user's is changed, moved or copied.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pdd_cli.assets.archives import is_archive, unpack
from pdd_cli.assets.cache import dataset_folder
from pdd_cli.assets.photos import archived_photos
from pdd_cli.config.prepare import PrepareConfig
from pdd_cli.data.comparison import alike, what_does_not_fit
from pdd_cli.data.inspection import FileFacts
from pdd_cli.data.known_datasets import KNOWN, Member, Recognised, pairs_of, recognise_dataset
from pdd_cli.data.manifest import (
    Manifest,
    look_at,
    manifest_path,
    pictures_of,
    read_index,
    write_index,
    write_manifest,
)
from pdd_cli.data.tile_store import build_store, tile_folder
from pdd_cli.errors import DataError
from pdd_cli.images.codec import PICTURE_SUFFIXES
from pdd_cli.images.listing import list_pictures
from pdd_cli.recipes.contact_sheet import write_contact_sheet
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started, ignore

Kind = Literal[
    "unreadable",
    "odd",
    "small",
    "duplicate",
    "train and test",
    "without partner",
    "not fitting",
    "blurred",
    "noisy",
    "compressed",
]

# What the catalogue can fetch, of the known data sets.
_FETCHED = {"div2k": "div2k-train"}

# Of HR that supervises; measured on natural photos, the same blurred, and the same enlarged.
_LEAST_DETAIL = 0.28
_MOST_NOISE = 4.0
_LEAST_QUALITY = 70


@dataclass(frozen=True)
class Finding:
    """Something suspect."""

    kind: Kind
    files: tuple[str, ...]
    """Below the folder."""
    text: str
    """What it is, in words."""
    excluded: bool = False
    """Whether the first file is left out when the data set is used by its name."""


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
    index = manifest_path(dataset_folder(), name).with_name("index.jsonl")
    known = read_index(index)
    facts = _look(folder, pictures, known, observer)
    write_index(index, facts)  # before the pairs are compared, so that no interrupt costs it

    findings = [
        *_of_files(facts),
        *_of_sizes(facts, recognised, config.crop),
        *_of_likeness(facts, recognised),
        *_of_quality(facts, recognised),
    ]
    if recognised:
        findings += _of_pairs(recognised, facts, folder, config, observer)
    bad = frozenset(finding.files[0] for finding in findings if finding.excluded)
    manifest = Manifest(
        name, folder.resolve(), recognised.dataset.name if recognised else None, bad
    )
    path = write_manifest(dataset_folder(), manifest, facts)
    tiles = _tile(manifest, path, observer) if config.tiles else 0
    sheet = config.sheet or path.with_name("suspect.html")
    good = [fact for fact in facts if fact.problem is None]
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


def _of_files(facts: Sequence[FileFacts]) -> Iterator[Finding]:
    for fact in facts:
        if fact.problem:
            yield Finding("unreadable", (fact.path,), fact.problem, excluded=True)
        elif fact.remark:
            yield Finding("odd", (fact.path,), fact.remark)
        elif fact.depth == "uint16":
            yield Finding("odd", (fact.path,), "has 16 bits, of which learning uses 8")


def _of_sizes(
    facts: Sequence[FileFacts], recognised: Recognised | None, crop: int
) -> Iterator[Finding]:
    members = _by_path(recognised)
    for fact in facts:
        member = members.get(fact.path)
        least = crop * (member.scale or 4) if member and member.role == "hr" else crop
        if fact.problem is None and min(fact.width, fact.height) < least:
            text = f"{fact.width}×{fact.height} is smaller than a crop of {least}"
            yield Finding("small", (fact.path,), text, excluded=True)


def _of_likeness(facts: Sequence[FileFacts], recognised: Recognised | None) -> Iterator[Finding]:
    """Report pictures of one look; LR and HR of one scene are no such find."""
    members = _by_path(recognised)
    good = [fact for fact in facts if fact.problem is None]
    for first, second in alike([fact.fingerprint for fact in good]):
        pair = (good[first].path, good[second].path)
        a, b = (members.get(path) for path in pair)
        if a and b and _key(a) == _key(b):
            continue
        if a and b and a.split != b.split:
            text = f"looks like {pair[1]}, which is of the {b.split} part"
            yield Finding("train and test", pair, text)
        elif a is None or b is None or a.role == b.role:
            same = good[first].digest == good[second].digest
            text = f"{'is the same file as' if same else 'looks like'} {pair[1]}"
            yield Finding("duplicate", pair, text)


def _of_quality(facts: Sequence[FileFacts], recognised: Recognised | None) -> Iterator[Finding]:
    """Report HR that would teach blur, noise or blocks; of an ordinary folder, any picture."""
    members = _by_path(recognised)
    for fact in facts:
        member = members.get(fact.path)
        if fact.problem or (member is not None and member.role != "hr"):
            continue
        if 0 < fact.fine_detail < _LEAST_DETAIL:
            text = (
                f"is blurred or was enlarged (fine detail {fact.fine_detail:.2f}, sharp is 0.4 up)"
            )
            yield Finding("blurred", (fact.path,), text)
        if fact.noise > _MOST_NOISE:
            yield Finding("noisy", (fact.path,), f"has noise of {fact.noise:.1f} levels")
        if fact.jpeg_quality is not None and fact.jpeg_quality < _LEAST_QUALITY:
            text = f"shows JPEG compression of quality {fact.jpeg_quality}"
            yield Finding("compressed", (fact.path,), text)


def _of_pairs(
    recognised: Recognised,
    facts: Sequence[FileFacts],
    folder: Path,
    config: PrepareConfig,
    observer: Observer,
) -> list[Finding]:
    findings: list[Finding] = []
    readable = {fact.path for fact in facts if fact.problem is None}
    checks: list[tuple[Path, Path, int | None]] = []
    for scene in pairs_of(recognised.members).values():
        hr = scene.pop("hr", None)
        for role, lr in scene.items():
            path = lr.relative_to(folder).as_posix()
            if role.startswith("lr") and hr is None:
                findings.append(Finding("without partner", (path,), "has no HR", excluded=True))
            elif role.startswith("lr") and hr is not None and path in readable:
                scale = role.removeprefix("lr")
                checks.append((lr, hr, int(scale) if scale else None))
    if not config.pairs or not checks:
        return findings
    stage = "comparing LR with HR"
    observer(Started(stage, len(checks), "pair"))
    with ThreadPoolExecutor() as workers:
        for number, (check, text) in enumerate(
            zip(checks, workers.map(_compare, checks), strict=True), start=1
        ):
            if text:
                files = tuple(path.relative_to(folder).as_posix() for path in check[:2])
                findings.append(Finding("not fitting", files, text, excluded=True))
            observer(Advanced(number))
    observer(Finished(stage))
    return findings


def _compare(check: tuple[Path, Path, int | None]) -> str | None:
    try:
        return what_does_not_fit(*check)
    except DataError as error:
        return error.problem


def _by_path(recognised: Recognised | None) -> dict[str, Member]:
    if recognised is None:
        return {}
    return {
        member.path.relative_to(recognised.folder).as_posix(): member
        for member in recognised.members
    }


def _key(member: Member) -> tuple[str, str, str]:
    return member.split, member.domain, member.scene


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
