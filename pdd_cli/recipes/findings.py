"""What is suspect about the pictures of a data set, and which of them must not be used.

A chapter of the job ``prepare``.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pdd_cli.data.comparison import alike, what_does_not_fit
from pdd_cli.data.inspection import FileFacts
from pdd_cli.data.known_datasets import Member, Recognised, pairs_of
from pdd_cli.errors import DataError
from pdd_cli.runtime.events import Advanced, Finished, Observer, Started

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


def what_is_suspect(
    facts: Sequence[FileFacts],
    recognised: Recognised | None,
    *,
    crop: int,
    compare: bool,
    observer: Observer,
) -> list[Finding]:
    """Tell everything that is suspect about a data set.

    Args:
        facts: of its files.
        recognised: which known data set it is; None for an ordinary folder.
        crop: side of an LR crop in pixels; HR needs its scale times as much.
        compare: whether every LR is compared with its HR.
        observer: told of the progress of that.
    """
    findings = [
        *_of_files(facts),
        *_of_sizes(facts, recognised, crop),
        *_of_likeness(facts, recognised),
        *_of_quality(facts, recognised),
    ]
    if recognised is None:
        return findings
    return findings + _of_pairs(recognised, facts, compare, observer)


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
    members = members_by_path(recognised)
    for fact in facts:
        member = members.get(fact.path)
        least = crop * (member.scale or 4) if member and member.role == "hr" else crop
        if fact.problem is None and min(fact.width, fact.height) < least:
            text = f"{fact.width}×{fact.height} is smaller than a crop of {least}"
            yield Finding("small", (fact.path,), text, excluded=True)


def _of_likeness(facts: Sequence[FileFacts], recognised: Recognised | None) -> Iterator[Finding]:
    """Report pictures of one look; LR and HR of one scene are no such find."""
    members = members_by_path(recognised)
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
    members = members_by_path(recognised)
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
    recognised: Recognised, facts: Sequence[FileFacts], compare: bool, observer: Observer
) -> list[Finding]:
    folder = recognised.folder
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
    if not compare or not checks:
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


def members_by_path(recognised: Recognised | None) -> dict[str, Member]:
    """Return what a known data set's files are, by their paths below its folder."""
    if recognised is None:
        return {}
    return {
        member.path.relative_to(recognised.folder).as_posix(): member
        for member in recognised.members
    }


def _key(member: Member) -> tuple[str, str, str]:
    return member.split, member.domain, member.scene
