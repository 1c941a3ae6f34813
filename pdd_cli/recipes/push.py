"""The jobs ``card`` and ``push``: a finished run in, its card or its published model out."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from pdd_cli.assets.hub import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME, read_config
from pdd_cli.assets.hub_push import publish
from pdd_cli.assets.hub_rules import broken_rules
from pdd_cli.config.push import CardConfig, PushConfig
from pdd_cli.errors import DataError, ModelError, UsageError
from pdd_cli.recipes.card_text import Destination, compose_card, is_untouched, licence_of
from pdd_cli.runtime.events import Finished, Observer, Said, Started, Warned, ignore
from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory

_PREVIEW_NAME = "previews/before-after.png"


@dataclass(frozen=True)
class CardResult:
    """A card that was written."""

    path: Path
    card: str


@dataclass(frozen=True)
class PushedFile:
    """A file as it lies, or would lie, in the repository."""

    path: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class PushResult:
    """What was pushed, or would have been."""

    repository: str
    files: tuple[PushedFile, ...]
    kept: tuple[str, ...]
    """Files that were there already and were left as they are."""
    card: str
    dry_run: bool
    commit: str | None = None
    address: str | None = None
    """Of the commit; None for a dry run."""
    pull_request: str | None = None


def card(config: CardConfig, observer: Observer = ignore) -> CardResult:
    """Write the card of a run's model anew, with the figures that ``pdd eval`` kept since.

    Raises:
        UsageError: the card was edited by hand, or the licence contradicts the base model's.
        ModelError: the run is not finished.
        DataError: a control was not measured.
    """
    run = _finished(config.run)
    if _edited(run) and not config.overwrite:
        raise UsageError(
            f"{run.card} was edited by hand.", hint="Give --overwrite to write it anew."
        )
    text = compose_card(
        run,
        destination=Destination(config.repository) if config.repository else None,
        licence=config.licence,
        controls=[_finished(path) for path in config.controls],
    )
    _refuse_broken(text)
    write_text_atomically(run.card, text)
    observer(Said(f"Wrote {run.card}."))
    return CardResult(run.card, text)


def push(config: PushConfig, observer: Observer = ignore) -> PushResult:
    """Publish a run's model with what it is, how it was made and what was measured, in one commit.

    A dry run needs no network.

    Raises:
        UsageError: settings that contradict each other, or no licence.
        ModelError: the run is not finished, or the Hub cannot be reached or refuses.
        DataError: a control was not measured, or there is no preview.
    """
    run = _finished(config.run)
    if _edited(run):
        observer(Warned(f"{run.card} was edited by hand; what is pushed is written anew."))
    files = _files(run, config)
    text = files[CARD_NAME]
    assert isinstance(text, bytes)
    listed = tuple(PushedFile(path, _size(content)) for path, content in files.items())
    if config.dry_run:
        return PushResult(config.repository, listed, (), text.decode(), dry_run=True)
    total = sum(file.size for file in listed) / 1e6
    stage = f"pushing to {config.repository}"
    observer(Started(stage, 0, "byte"))
    observer(Said(f"Pushing {len(listed)} files ({total:.1f} MB) to {config.repository}."))
    done = publish(
        config.repository,
        files,
        message=_message(run),
        private=config.private,
        revision=config.revision,
        create_pr=config.create_pr,
        keep=() if config.overwrite_card else (CARD_NAME,),
    )
    if done.kept:
        observer(
            Warned(
                f"{config.repository} has a {CARD_NAME} already, which was left as it is. Give "
                "--overwrite-card to replace it."
            )
        )
    observer(Finished(stage, done.pull_request or done.address))
    return PushResult(
        config.repository,
        tuple(file for file in listed if file.path not in done.kept),
        done.kept,
        text.decode(),
        dry_run=False,
        commit=done.commit,
        address=done.address,
        pull_request=done.pull_request,
    )


def _finished(path: Path) -> RunDirectory:
    run = RunDirectory(path)
    if not run.finished:
        raise ModelError(
            f"{path} is no finished run: it holds no {WEIGHTS_NAME}.",
            hint="Give the folder of a run that pdd adapt or pdd train has finished.",
        )
    return run


def _edited(run: RunDirectory) -> bool:
    return run.card.is_file() and not is_untouched(run.card.read_text(encoding="utf-8"))


def _files(run: RunDirectory, config: PushConfig) -> dict[str, bytes | Path]:
    """Bring together what goes into the repository, by its path there."""
    facts = read_config(run.facts)
    licence = licence_of(facts, config.licence)
    if facts and licence is None:
        base = facts.get("base_model")
        reason = f"under which licence {base} comes" if base else "which licence the model has"
        raise UsageError(
            f"Nobody told {reason}.",
            hint="Give --licence, as bsd-3-clause, or unknown to publish it without one.",
        )
    preview = _last_preview(run) if config.previews else None
    text = compose_card(
        run,
        destination=Destination(config.repository, config.revision),
        licence=config.licence,
        controls=[_finished(path) for path in config.controls],
        preview=_PREVIEW_NAME if preview else None,
    )
    _refuse_broken(text)
    described = json.dumps({**facts, "licence": licence}, indent=2, ensure_ascii=False)
    files: dict[str, bytes | Path] = {
        WEIGHTS_NAME: run.model,
        CONFIG_NAME: described.encode() + b"\n",
        CARD_NAME: text.encode(),
    }
    return {**files, _PREVIEW_NAME: preview} if preview else files


def _last_preview(run: RunDirectory) -> Path:
    previews = sorted(run.previews.glob("*.png"))
    if not previews:
        raise DataError(f"--with-previews: {run.path} has none.", hint="Leave the option out.")
    return previews[-1]


def _refuse_broken(card: str) -> None:
    """Hold back what the Hub would refuse: a bug of ours, or a name that nobody foresaw."""
    broken = broken_rules(yaml.safe_load(card.split("---\n")[1]))
    if broken:
        raise ModelError(f"The Hub would refuse the card: {' '.join(broken)}", hint="Report this.")


def _message(run: RunDirectory) -> str:
    return f"{read_config(run.story)['title']}, by pdd"


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size
