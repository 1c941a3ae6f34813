"""Models on the Hugging Face Hub: from ``hf:user/repo[@revision][:file]`` to a weights file.

Tokens, mirrors, offline mode and the cache are the Hub client's own; what is added here is the
choice of a file, the refusal of code, and errors that say what to do.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pdd_cli.assets.reachability import hub_address, hub_is_offline, reaches
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, Said, ignore
from pdd_cli.runtime.weights import PICKLE_SUFFIXES

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
CARD_NAME = "README.md"

_MODEL_NAME = re.compile(
    r"^hf:(?P<repository>[\w.\-]+/[\w.\-]+)(?:@(?P<revision>[^:]+))?(?::(?P<path>.+))?$"
)
# What a repository's config.json says when its model is to be built by code of its own.
_ASKS_FOR_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")
_HTTP_LIBRARIES = ("httpx", "httpx2", "requests", "urllib3")


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


def choose_weights(files: Sequence[str], name: str) -> str:
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


@contextmanager
def hub_errors_explained(name: str) -> Iterator[None]:
    """Turn what the Hub's client raises into an error of ours.

    The client raises its own errors, and those of the HTTP library it happens to be built on; a
    token never stands in either.

    Args:
        name: what was asked for, as the user named it.

    Raises:
        ModelError: with what to do next.
    """
    try:
        yield
    except Exception as error:
        explained = _explained(error, name)
        if explained is None:
            raise
        raise explained from error


def _explained(error: Exception, name: str) -> ModelError | None:
    from huggingface_hub import get_token
    from huggingface_hub.errors import (
        CacheNotFound,
        EntryNotFoundError,
        FileMetadataError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub = hub_address()
    match error:
        case ModelError():
            return None
        case LocalEntryNotFoundError(__cause__=(HfHubHTTPError() | FileMetadataError()) as cause):
            return _explained(cause, name)
        case FileMetadataError():
            return ModelError(
                f"{name}: {hub} does not answer as a Hub does.",
                hint="Check HF_ENDPOINT, the proxy and the firewall.",
            )
        case LocalEntryNotFoundError() | CacheNotFound() | OfflineModeIsEnabled():
            return not_in_cache(name)
        case GatedRepoError():
            page = name.removeprefix("hf:").partition("@")[0].partition(":")[0]
            return ModelError(
                f"{name} is gated: its owners want to know who takes it.",
                hint=f"Ask for access at {hub}/{page}, then log in with hf auth login.",
            )
        case RepositoryNotFoundError() if get_token() is None:
            return ModelError(
                f"{name} is not on {hub}, or is private.",
                hint="Check the name; what is private needs hf auth login or HF_TOKEN.",
            )
        case RepositoryNotFoundError():
            return ModelError(
                f"{name} is not on {hub}, or is private and not yours to read.",
                hint="Check the name, and whose token is in use (hf auth whoami).",
            )
        case RevisionNotFoundError():
            return ModelError(f"{name}: there is no such revision.", hint="Name a branch or a tag.")
        case EntryNotFoundError():
            return ModelError(f"{name}: there is no such file.", hint="Look at its page.")
        case HFValidationError():
            return ModelError(f"{name} is no name on the Hub.", hint="Write user/repo.")
        case LocalTokenNotFoundError():
            return _not_logged_in(name)
        case HfHubHTTPError():
            return _refused(error, name)
        case OSError() if error.errno is None or isinstance(error, ConnectionError | TimeoutError):
            return ModelError(f"{name} cannot be fetched ({_first_line(error)}).", hint=_TRY_AGAIN)
    if type(error).__module__.partition(".")[0] in _HTTP_LIBRARIES:
        return ModelError(
            f"{name}: the connection to {hub} failed ({_first_line(error)}).", hint=_TRY_AGAIN
        )
    if isinstance(error.__cause__, Exception):  # the client wraps what its uploads meet
        return _explained(error.__cause__, name)
    return None


_TRY_AGAIN = "Check the network, or set HF_ENDPOINT to a mirror, and try again."


def _refused(error: "HfHubHTTPError", name: str) -> ModelError:
    status = error.response.status_code
    if status == 401:
        return _not_logged_in(name)
    if status == 403:
        return ModelError(
            f"{name}: your token does not allow this ({_first_line(error)}).",
            hint="Log in with a token that may (hf auth login), or choose a place of your own.",
        )
    return ModelError(
        f"{name}: {hub_address()} answers {status} ({_first_line(error)}).", hint="Try again later."
    )


def _not_logged_in(name: str) -> ModelError:
    return ModelError(
        f"{name}: nobody is logged in, or the token is not valid.",
        hint="Log in with hf auth login, or set HF_TOKEN.",
    )


def not_in_cache(name: str) -> ModelError:
    """Say that what is not in the cache cannot be had now, and why."""
    if hub_is_offline():
        return ModelError(
            f"{name} is not in the Hub's cache, and HF_HUB_OFFLINE switches the network off.",
            hint="Unset it, or give the path of a file.",
        )
    return ModelError(
        f"{name} is not in the Hub's cache, and {hub_address()} cannot be reached.",
        hint="Check the network, set HF_ENDPOINT to a mirror, or give the path of a file.",
    )


def _first_line(error: Exception) -> str:
    """Return what an error says in short, without the signatures that addresses carry."""
    told = getattr(error, "server_message", None) or str(error)
    line = next((line for line in told.strip().splitlines() if line), type(error).__name__)
    return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", line).rstrip(".")


def _published(wanted: HubName) -> tuple[str, list[str]]:
    """Return a revision's commit and the names of its files."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=hub_address()).model_info(wanted.repository, revision=wanted.revision)
    return info.sha or "main", [file.rfilename for file in info.siblings or ()]


def _cached(wanted: HubName) -> tuple[str, list[str]]:
    """Return the same of what lies in the cache."""
    from huggingface_hub import scan_cache_dir

    revision = wanted.revision or "main"
    for repository in scan_cache_dir().repos:
        if (repository.repo_type, repository.repo_id) != ("model", wanted.repository):
            continue
        for found in repository.revisions:
            if revision in found.refs or found.commit_hash == revision:
                files = [f.file_path.relative_to(found.snapshot_path) for f in found.files]
                return found.commit_hash, [file.as_posix() for file in files]
    raise not_in_cache(str(wanted))


def _refuse_other_kinds(path: str, name: str) -> None:
    if Path(path).suffix not in {".safetensors", *PICKLE_SUFFIXES}:
        raise ModelError(
            f"{name}: {path} is not a weights file that pdd reads.",
            hint="Name a .safetensors or a .pth file.",
        )


def _one_of(files: Sequence[str], wanted: HubName) -> str:
    weights = [file for file in files if Path(file).suffix in {".safetensors", *PICKLE_SUFFIXES}]
    return f"It has {', '.join(sorted(weights))}." if weights else f"{wanted} has no weights."


def _licence(config: Mapping[str, object], card: Path | None) -> str | None:
    if licence_in(config) is not None or card is None:
        return licence_in(config)
    from huggingface_hub import ModelCard

    told = ModelCard.load(card, ignore_metadata_errors=True).data.get("license")
    return told if isinstance(told, str) and told != "unknown" else None
