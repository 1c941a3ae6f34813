"""Which pictures are upscaled, and where the result of each goes.

A chapter of the job ``infer``. Everything that can be refused is refused here, before the first
picture is computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from pdd_cli.config.infer import InferConfig
from pdd_cli.data.layouts import pictures_to_upscale
from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.formats import FORMATS
from pdd_cli.images.listing import name_some
from pdd_cli.runtime.events import Observer, Said, Warned
from pdd_cli.runtime.run_directory import RunDirectory, latest_run

_LAST_ADAPTATION = Path("folder")
_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Upscaled:
    """One picture and what is made of it."""

    input: Path
    output: Path
    notes: tuple[str, ...] = ()
    """What had to be converted or left out."""


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    jobs: list[Upscaled]
    done_before: list[Upscaled]
    """Pictures whose results are there already."""
    folder: Path
    """Where the record goes."""


def plan(config: InferConfig, scale: int, observer: Observer) -> Plan:
    """Decide what is upscaled and where to.

    Raises:
        DataError: there is nothing to upscale.
        UsageError: two inputs would give one output, or an output exists already.
    """
    jobs: list[Upscaled] = []
    folders: list[Path] = []
    for path in _inputs(config, observer):
        if path.is_file():
            folders.append(config.output or path.parent)
            usual = "" if config.output else f"_x{scale}"
            jobs.append(Upscaled(path, folders[-1] / _output_name(path, config, usual)))
            continue
        selection = pictures_to_upscale(path, scale)
        if selection.note:
            observer(Said(selection.note))
        if selection.skipped:
            observer(Warned(f"Skipped, as they are no pictures: {name_some(selection.skipped)}."))
        folders.append(config.output or _beside(path, scale))
        jobs += [
            Upscaled(
                file, folders[-1] / file.relative_to(path).with_name(_output_name(file, config))
            )
            for file in selection.paths
        ]
    _refuse_collisions(jobs)
    there = [job for job in jobs if job.output.exists()]
    if there and not (config.overwrite or config.skip_existing):
        raise UsageError(
            f"{there[0].output} exists already.",
            hint="Give --skip-existing to do only the others, --overwrite to replace it, or -o for "
            "another folder.",
        )
    skipped = there if config.skip_existing else []
    if skipped:
        observer(Said(f"{len(skipped)} of {len(jobs)} results are there already."))
    kept = set(skipped)
    return Plan([job for job in jobs if job not in kept], skipped, folders[0])


def _output_name(file: Path, config: InferConfig, usual_suffix: str = "") -> str:
    extension = f".{config.format}"
    if config.format == "same":
        extension = file.suffix if file.suffix.lower() in FORMATS else ".png"
    suffix = usual_suffix if config.suffix is None else config.suffix
    return f"{file.stem}{suffix}{extension}"


def _beside(folder: Path, scale: int) -> Path:
    # ``.`` and ``..`` have no name of their own to add to.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(f"{named.name}_x{scale}")


def _inputs(config: InferConfig, observer: Observer) -> tuple[Path, ...]:
    """Return what was asked for; nothing, or the bare word ``folder``, is the last adaptation's."""
    named_by_word = config.paths == (_LAST_ADAPTATION,) and not _LAST_ADAPTATION.exists()
    if config.paths and not named_by_word:
        return tuple(found for path in config.paths for found in _existing(path))
    run = latest_run(config.runs)
    if run is None:
        asked = f"{_LAST_ADAPTATION} does not exist" if named_by_word else "No pictures were named"
        raise DataError(
            f"{asked}, and no adaptation in {config.runs} tells which photos to take.",
            hint="Name a picture or a folder: pdd infer PHOTOS.",
        )
    settings = yaml.safe_load(RunDirectory(run).config.read_text(encoding="utf-8"))
    photos = Path(settings["data"]["real_lr"])
    observer(Said(f"Taking the photos of the last adaptation, {photos}."))
    return (photos,)


def _existing(path: Path) -> Iterator[Path]:
    """Return a path, or what a pattern stands for where a shell left it as it is."""
    if path.exists():
        yield path
        return
    top = Path(path.anchor)
    found = sorted(top.glob(str(path.relative_to(top)))) if _PATTERN.intersection(str(path)) else []
    if not found:
        raise DataError(f"{path} does not exist.", hint="Check the path.")
    yield from map(Path, found)


def _refuse_collisions(jobs: list[Upscaled]) -> None:
    taken: dict[Path, Path] = {}
    originals = {job.input.resolve(): job.input for job in jobs}
    for job in jobs:
        if (original := originals.get(job.output.resolve())) is not None:
            raise UsageError(
                f"{original} would be replaced by what is made of {job.input}.",
                hint="Give --suffix, another --format, or -o for another folder.",
            )
        if job.output in taken:
            raise UsageError(
                f"{taken[job.output]} and {job.input} would both become {job.output}.",
                hint="Rename one of them, or upscale them in two calls.",
            )
        taken[job.output] = job.input
