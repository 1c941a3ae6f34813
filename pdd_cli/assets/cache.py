"""Where fetched assets are kept."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return ``PDD_CACHE``, else pdd's folder in the platform's usual place for caches."""
    chosen = os.environ.get("PDD_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pdd"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "pdd"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pdd"


def cached_weights(name: str) -> Path:
    """Return where an asset's weights lie once they were fetched."""
    return cache_folder() / "weights" / f"{name}.safetensors"


def dataset_folder() -> Path:
    """Return the folder of the manifests of prepared data sets."""
    return cache_folder() / "datasets"


def cached_photos(name: str) -> Path:
    """Return the folder in which an asset's photos lie once they were fetched."""
    return cache_folder() / "photos" / name
