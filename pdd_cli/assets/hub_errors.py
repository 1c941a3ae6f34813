"""What the Hub's client raises, in our words: gated, private, not found, no network, not cached."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pdd_cli.assets.reachability import hub_address, hub_is_offline
from pdd_cli.errors import ModelError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

_HTTP_LIBRARIES = ("httpx", "httpx2", "requests", "urllib3")
_TRY_AGAIN = "Check the network, or set HF_ENDPOINT to a mirror, and try again."


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
            return not_logged_in(name)
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


def _refused(error: "HfHubHTTPError", name: str) -> ModelError:
    status = error.response.status_code
    if status == 401:
        return not_logged_in(name)
    if status == 403:
        return ModelError(
            f"{name}: your token does not allow this ({_first_line(error)}).",
            hint="Log in with a token that may (hf auth login), or choose a place of your own.",
        )
    return ModelError(
        f"{name}: {hub_address()} answers {status} ({_first_line(error)}).", hint="Try again later."
    )


def not_logged_in(name: str) -> ModelError:
    """Say that the Hub wants to know who asks."""
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
