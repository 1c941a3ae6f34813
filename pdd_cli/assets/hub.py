"""Models on the Hugging Face Hub: from ``hf:user/repo[@revision][:file]`` to a weights file.

Tokens, mirrors, offline mode and the cache are the Hub client's own; what is added here is the
choice of a file, the refusal of code, and errors that say what to do.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pdd_cli.assets.hub_errors import hub_errors_explained, not_in_cache
from pdd_cli.assets.reachability import hub_address, hub_is_offline, reaches
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, Said, ignore
from pdd_cli.runtime.weights import PICKLE_SUFFIXES

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
CARD_NAME = "README.md"

_MODEL_NAME = re.compile(
    r"^hf:(?P<repository>[\w.\-]+/[\w.\-]+)(?:@(?P<revision>[^:]+))?(?::(?P<path>.+))?$"
)
# What a repository's config.json says when its model is to be built by code of its own.
_ASKS_FOR_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")


@dataclass(frozen=True)
class HubName:
    """A model on the Hub, as a user names it."""

    repository: str
    revision: str | None = None
    """A branch, a tag or a commit; None for the main branch."""
    path: str | None = None
    """Of the weights file in the repository; None where pdd chooses."""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        path = f":{self.path}" if self.path else ""
        return f"hf:{self.repository}{revision}{path}"


@dataclass(frozen=True)
class HubModel:
    """A model of the Hub that is on the disk."""

    weights: Path
    """In the Hub client's cache."""
    source: HubName
    """With the commit and the file that were taken."""
    licence: str | None
    """As its ``config.json`` or its card tells; None where neither does."""


def parse_hub_name(name: str) -> HubName:
    """Take ``hf:user/repo[@revision][:file]`` apart.

    Raises:
        ModelError: it is not written so.
    """
    match = _MODEL_NAME.match(name)
    if match is None:
        raise ModelError(
            f"{name} is no model on the Hub.", hint="Write hf:user/repo[@revision][:file]."
        )
    return HubName(match["repository"], match["revision"], match["path"])


def fetch_hub_model(wanted: HubName, *, observer: Observer = ignore) -> HubModel:
    """Choose a repository's weights and fetch them into the Hub client's cache.

    Without a network, or where the user switched the Hub off, the cache alone is asked.

    Raises:
        ModelError: the repository or its file cannot be had, several files could be meant, or its
            model is made by code.
    """
    from huggingface_hub import hf_hub_download

    online = not hub_is_offline() and reaches(hub_address())
    with hub_errors_explained(str(wanted)):
        commit, files = _published(wanted) if online else _cached(wanted)
        fetch = partial(
            hf_hub_download,
            wanted.repository,
            revision=wanted.revision,
            local_files_only=not online,
            endpoint=hub_address(),
        )
        config = read_config(Path(fetch(CONFIG_NAME))) if CONFIG_NAME in files else {}
        refuse_code(config, str(wanted))
        path = wanted.path or choose_weights(files, str(wanted))
        _refuse_other_kinds(path, str(wanted))
        if path not in files:
            raise ModelError(f"{wanted}: there is no {path}.", hint=_one_of(files, wanted))
        licence = _licence(config, Path(fetch(CARD_NAME)) if CARD_NAME in files else None)
        if online:
            observer(Said(f"Taking {path} of {wanted.repository} at {commit[:8]}."))
        weights = Path(fetch(path))
    return HubModel(weights, HubName(wanted.repository, commit, path), licence)


def cached_hub_model(name: str) -> Path | None:
    """Return where ``hf:user/repo[@revision][:file]`` lies in the cache; None if it does not."""
    wanted = parse_hub_name(name)
    try:
        with hub_errors_explained(name):
            _, files = _cached(wanted)
            path = wanted.path or choose_weights(files, name)
    except ModelError:
        return None
    return files.get(path)


def choose_weights(files: Collection[str], name: str) -> str:
    """Choose the weights among a repository's files: safetensors before pickles.

    Raises:
        ModelError: there are none, or there are several and none has the usual name.
    """
    if WEIGHTS_NAME in files:
        return WEIGHTS_NAME
    for suffixes in ({".safetensors"}, PICKLE_SUFFIXES):
        found = sorted(file for file in files if Path(file).suffix in suffixes)
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(
                f"{name} holds several weights files: {', '.join(found)}.",
                hint=f"Name one of them: {name}:{found[0]}.",
            )
    if any(file.endswith(".py") for file in files):
        raise ModelError(
            f"{name} holds code and no weights, and pdd runs no code of a repository.",
            hint="Use a repository of plain weights.",
        )
    raise ModelError(
        f"{name} holds no weights that pdd reads.",
        hint="It needs a .safetensors file, or a .pth of tensors alone.",
    )


def refuse_code(config: Mapping[str, object], name: str) -> None:
    """Refuse a model that its ``config.json`` has built by code.

    Raises:
        ModelError: it has.
    """
    asked = [key for key in _ASKS_FOR_CODE if config.get(key)]
    if asked:
        raise ModelError(
            f"{name} asks to run code of its own ({CONFIG_NAME}: {asked[0]}), which pdd refuses.",
            hint="Use a repository of plain weights.",
        )


def read_config(path: Path) -> dict[str, object]:
    """Read a ``config.json``; what is none, or cannot be read, has nothing to say."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def licence_in(config: Mapping[str, object]) -> str | None:
    """Return the licence that a ``config.json`` of ours tells."""
    told = config.get("licence", config.get("base_licence"))
    return told if isinstance(told, str) else None


def _published(wanted: HubName) -> tuple[str, Collection[str]]:
    """Return a revision's commit and the names of its files."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=hub_address()).model_info(wanted.repository, revision=wanted.revision)
    return info.sha or "main", [file.rfilename for file in info.siblings or ()]


def _cached(wanted: HubName) -> tuple[str, Mapping[str, Path]]:
    """Return the same of what lies in the cache, with the place of each file."""
    from huggingface_hub import constants, scan_cache_dir

    revision = wanted.revision or "main"
    for repository in scan_cache_dir(constants.HF_HUB_CACHE).repos:
        if (repository.repo_type, repository.repo_id) != ("model", wanted.repository):
            continue
        for found in repository.revisions:
            if revision in found.refs or found.commit_hash == revision:
                places = [file.file_path for file in found.files]
                names = [path.relative_to(found.snapshot_path).as_posix() for path in places]
                return found.commit_hash, dict(zip(names, places, strict=True))
    raise not_in_cache(str(wanted))


def _refuse_other_kinds(path: str, name: str) -> None:
    if Path(path).suffix not in {".safetensors", *PICKLE_SUFFIXES}:
        raise ModelError(
            f"{name}: {path} is not a weights file that pdd reads.",
            hint="Name a .safetensors or a .pth file.",
        )


def _one_of(files: Collection[str], wanted: HubName) -> str:
    weights = [file for file in files if Path(file).suffix in {".safetensors", *PICKLE_SUFFIXES}]
    return f"It has {', '.join(sorted(weights))}." if weights else f"{wanted} has no weights."


def _licence(config: Mapping[str, object], card: Path | None) -> str | None:
    if licence_in(config) is not None or card is None:
        return licence_in(config)
    from huggingface_hub import ModelCard

    told = ModelCard.load(card, ignore_metadata_errors=True).data.get("license")
    return told if isinstance(told, str) and told != "unknown" else None
