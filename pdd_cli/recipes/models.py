"""The job ``models``: what can be fetched, fetching it, and where it lies."""

from dataclasses import dataclass
from pathlib import Path

from pdd_cli.assets.cache import cached_photos, cached_weights
from pdd_cli.assets.catalogue import ASSETS, find_asset
from pdd_cli.assets.hub import cached_hub_model
from pdd_cli.assets.models import resolve_model
from pdd_cli.assets.origins import Asset, HubArchive, PackageMember, Source
from pdd_cli.assets.photos import archived_photos, starter_photos
from pdd_cli.assets.weights import fetch_weights
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, ignore


@dataclass(frozen=True)
class AssetFile:
    """A file that is downloaded for an asset."""

    source: str
    size: int | None
    """Bytes; None where the Hub alone states it."""
    sha256: str | None


@dataclass(frozen=True)
class AssetEntry:
    """One line of the list."""

    name: str
    kind: str
    description: str
    licence: str
    files: tuple[AssetFile, ...]
    """What its sources serve, in the order in which they are tried."""
    path: Path
    """Where it lies once it was fetched."""


def list_assets() -> list[AssetEntry]:
    """List everything that can be fetched."""
    return [
        AssetEntry(
            asset.name,
            asset.kind,
            asset.description,
            asset.licence,
            tuple(_downloaded_from(source) for source in asset.sources),
            _place(asset),
        )
        for asset in ASSETS.values()
    ]


def pull(name: str, observer: Observer = ignore) -> Path:
    """Fetch an asset, or a model of the Hub, unless it is there, and return where it lies.

    Raises:
        ModelError: the name is unknown, or no source can serve.
    """
    if name.startswith("hf:"):
        return resolve_model(name, observer=observer).weights
    asset = find_asset(name)
    if asset.kind != "photos":
        return fetch_weights(asset, observer=observer)
    if name == "starter-photos":
        return starter_photos(observer=observer)
    folder = archived_photos(name, observer=observer)
    if folder is None:
        raise ModelError(f"{name} cannot be fetched.", hint="Check the network and HF_ENDPOINT.")
    return folder


def cached_path(name: str) -> Path:
    """Return where an asset, or a model of the Hub, lies.

    Raises:
        ModelError: the name is unknown, or it was not fetched yet.
    """
    path = cached_hub_model(name) if name.startswith("hf:") else _place(find_asset(name))
    if path is None or not path.exists():
        raise ModelError(f"{name} is not in the cache.", hint=f"Run pdd models pull {name}.")
    return path


def _downloaded_from(source: Source) -> AssetFile:
    if isinstance(source, HubArchive):
        return AssetFile(source.name, None, None)
    file = source.package if isinstance(source, PackageMember) else source
    return AssetFile(source.name, file.size, file.sha256)


def _place(asset: Asset) -> Path:
    return cached_photos(asset.name) if asset.kind == "photos" else cached_weights(asset.name)
