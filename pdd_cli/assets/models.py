"""From what a user calls a model to the file of its weights."""

import re
from dataclasses import dataclass
from pathlib import Path

from pdd_cli.assets.catalogue import ASSETS, find_asset
from pdd_cli.assets.reachability import hub_address, hub_is_offline, reaches
from pdd_cli.assets.sources import file_hash
from pdd_cli.assets.weights import fetch_weights
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, ignore
from pdd_cli.runtime.ncnn import BIN_SUFFIX, is_ncnn
from pdd_cli.runtime.weights import read_metadata

_HUB_NAME = re.compile(
    r"^hf:(?P<repository>[\w.\-]+/[\w.\-]+)(?:@(?P<revision>[^:]+))?(?::(?P<path>.+))?$"
)
_IN_A_FOLDER = "model.safetensors"


@dataclass(frozen=True)
class ResolvedModel:
    """A model that is on the disk."""

    weights: Path
    """A safetensors file or a pickle, for ``runtime.weights.read_weights``."""
    name: str
    licence: str | None
    """None where nobody told."""
    source: str
    """Where it came from, in words."""
    sha256: str
    """Of the weights file."""


def resolve_model(name: str, *, observer: Observer = ignore) -> ResolvedModel:
    """Find a model by a path, a name of the catalogue, or ``hf:user/repo[@revision][:file]``.

    A path may be a weights file, one of an ncnn pair, a run directory or any folder with
    ``model.safetensors``.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
    """
    path = Path(name)
    if name.startswith("hf:"):
        return _from_hub(name)
    if path.is_dir() and name not in ASSETS:
        weights = path / _IN_A_FOLDER
        if not weights.is_file():
            raise ModelError(
                f"The folder {path} holds no {_IN_A_FOLDER}.",
                hint="Give a finished run, or a weights file.",
            )
        return ResolvedModel(weights, path.resolve().name, None, str(path), file_hash(weights))
    if path.is_file():
        return ResolvedModel(path, path.stem, None, str(path), _weights_hash(path))
    asset = find_asset(name)
    if asset.kind != "generalist":
        raise ModelError(f"{name} is no super-resolution model.", hint="See pdd models list.")
    weights = fetch_weights(asset, observer=observer)
    source = read_metadata(weights).get("source", str(weights))
    return ResolvedModel(weights, name, asset.licence, source, file_hash(weights))


def _weights_hash(path: Path) -> str:
    """Hash the file that holds the weights, which of an ncnn pair is the ``.bin``."""
    weights = path.with_suffix(BIN_SUFFIX)
    return file_hash(weights if is_ncnn(path) and weights.is_file() else path)


def _from_hub(name: str) -> ResolvedModel:
    match = _HUB_NAME.match(name)
    if match is None:
        raise ModelError(
            f"{name} is no model on the Hub.", hint="Write hf:user/repo[@revision][:file]."
        )
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if not hub_is_offline() and not reaches(hub_address()):
        raise ModelError(
            f"{name}: {hub_address()} cannot be reached.",
            hint="Check the network, set HF_ENDPOINT to a mirror, or give the path of a file.",
        )
    try:
        weights = Path(
            hf_hub_download(
                match["repository"], match["path"] or _IN_A_FOLDER, revision=match["revision"]
            )
        )
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name} is not in the Hub's cache and the network is not used.",
            hint="Unset HF_HUB_OFFLINE, or give the path of a file.",
        ) from error
    except (HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{name} cannot be fetched ({reason}).",
            hint="Check its name, and that you may read it (hf auth login).",
        ) from error
    return ResolvedModel(weights, match["repository"], None, name, file_hash(weights))
