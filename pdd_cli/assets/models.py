"""From what a user calls a model to the file of its weights."""

import re
from dataclasses import dataclass
from pathlib import Path

from pdd_cli.assets.catalogue import ASSETS, find_asset
from pdd_cli.assets.hub import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    fetch_hub_model,
    licence_in,
    parse_hub_name,
    read_config,
    refuse_code,
)
from pdd_cli.assets.sources import file_hash
from pdd_cli.assets.weights import fetch_weights
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, ignore
from pdd_cli.runtime.ncnn import BIN_SUFFIX, is_ncnn
from pdd_cli.runtime.weights import read_metadata

_LOCAL = "a local file"
_REPOSITORY = re.compile(r"^[\w.\-]+/[\w.\-]+$")


@dataclass(frozen=True)
class ResolvedModel:
    """A model that is on the disk."""

    weights: Path
    """A safetensors file or a pickle, for ``runtime.weights.read_weights``."""
    name: str
    licence: str | None
    """None where nobody told."""
    source: str
    """Where it came from, in words that can be published: no path of this machine."""
    sha256: str
    """Of the weights file."""

    @property
    def is_local(self) -> bool:
        """Whether it is a file of the user's own."""
        return self.source == _LOCAL


def resolve_model(name: str, *, observer: Observer = ignore) -> ResolvedModel:
    """Find a model by a path, a name of the catalogue, or ``hf:user/repo[@revision][:file]``.

    A path may be a weights file, one of an ncnn pair, a run directory or any folder with
    ``model.safetensors``.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
    """
    path = Path(name)
    if name.startswith("hf:"):
        return _from_hub(name, observer)
    if path.is_dir() and name not in ASSETS:
        return _from_folder(path)
    if path.is_file():
        return ResolvedModel(path, path.stem, None, _LOCAL, _weights_hash(path))
    if _REPOSITORY.match(name) and not path.parent.exists():
        raise ModelError(f"There is no {name} on the disk.", hint=f"On the Hub it is hf:{name}.")
    asset = find_asset(name)
    if asset.kind != "generalist":
        raise ModelError(f"{name} is no super-resolution model.", hint="See pdd models list.")
    weights = fetch_weights(asset, observer=observer)
    source = read_metadata(weights).get("source", _LOCAL)
    return ResolvedModel(weights, name, asset.licence, source, file_hash(weights))


def public_name(name: str) -> str:
    """Leave out of what a user calls a model where it lies on this machine."""
    return name if name.startswith("hf:") else Path(name).name


def _weights_hash(path: Path) -> str:
    """Hash the file that holds the weights, which of an ncnn pair is the ``.bin``."""
    weights = path.with_suffix(BIN_SUFFIX)
    return file_hash(weights if is_ncnn(path) and weights.is_file() else path)


def _from_hub(name: str, observer: Observer) -> ResolvedModel:
    found = fetch_hub_model(parse_hub_name(name), observer=observer)
    return ResolvedModel(
        found.weights,
        found.source.repository,
        found.licence,
        str(found.source),
        file_hash(found.weights),
    )


def _from_folder(folder: Path) -> ResolvedModel:
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise ModelError(
            f"The folder {folder} holds no {WEIGHTS_NAME}.",
            hint="Give a finished run, or a weights file.",
        )
    config = read_config(folder / CONFIG_NAME)
    refuse_code(config, str(folder))
    licence = licence_in(config)
    return ResolvedModel(weights, folder.resolve().name, licence, _LOCAL, file_hash(weights))
