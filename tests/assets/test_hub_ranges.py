"""Some tensors out of a large file on a Hub on loopback."""

import dataclasses

import pytest
import torch
from stand_in_hub import digest

from pdd_cli.assets import hub_ranges
from pdd_cli.assets.cache import cache_folder
from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.assets.hub_ranges import fetch_hub_tensors, tensors_hash
from pdd_cli.assets.origins import Asset, HubTensors
from pdd_cli.assets.sources import SourceUnavailable
from pdd_cli.assets.weights import fetch_weights
from pdd_cli.runtime.events import Advanced, ignore
from pdd_cli.runtime.weights import read_metadata, read_weights, write_weights

SHAPES = {"features.0.weight": (8, 3, 3, 3), "features.0.bias": (8,), "features.2.bias": (5000,)}


@pytest.fixture
def published(hub, tmp_path):
    """A file of which a twentieth is wanted: its tensors, and where they are."""
    generator = torch.Generator().manual_seed(0)
    shapes = {**SHAPES, "classifier.weight": (600, 150), "z.bias": (10_000,)}
    tensors = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    path = tmp_path / "vgg.safetensors"
    write_weights(path, tensors)
    data = path.read_bytes()
    commit = hub.add("ann/vgg", {"model.safetensors": data})
    source = HubTensors("ann/vgg", "model.safetensors", digest(data), "features.", SHAPES)
    wanted = {name: tensors[name] for name in SHAPES}
    return wanted, source, commit


def test_only_what_is_wanted_is_fetched_and_it_is_bit_for_bit_the_same(hub, published):
    wanted, source, commit = published
    found, told = fetch_hub_tensors(source, ignore)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    header = hub.served - source.size
    assert 0 < header < 1000
    assert source.size < len(hub.large[source.sha256]) / 10
    assert told["commit"] == commit
    assert told["tensors_sha256"] == tensors_hash(wanted)
    assert "no hash of the tensors is recorded" in told["checked"]
    assert not list((cache_folder() / "downloads").iterdir())


def test_a_recorded_hash_is_checked_and_the_provenance_says_so(published):
    wanted, source, _ = published
    right = dataclasses.replace(source, tensors_sha256=tensors_hash(wanted))
    asset = Asset("tiny-vgg", "features", "a test", "MIT", (right,))
    metadata = read_metadata(fetch_weights(asset))
    assert "and the recorded hash of the tensors" in metadata["checked"]
    wrong = dataclasses.replace(source, tensors_sha256="0" * 64)
    with pytest.raises(SourceUnavailable, match="not the tensors that pdd knows"):
        fetch_hub_tensors(wrong, ignore)


class BreaksOff(Exception):
    pass


def test_what_broke_off_goes_on_where_it_was(hub, published, monkeypatch):
    wanted, source, _ = published
    monkeypatch.setattr(hub_ranges, "_CHUNK", 4096)

    def interrupted(event):
        if isinstance(event, Advanced) and event.done > 8000:
            raise BreaksOff

    with pytest.raises(BreaksOff):
        fetch_hub_tensors(source, interrupted)
    before = hub.served
    found, _ = fetch_hub_tensors(source, ignore)
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    assert hub.served - before < source.size - 4096


def test_a_file_that_the_hub_states_to_be_another_is_left_there(hub, published):
    _, source, _ = published
    other = dataclasses.replace(source, sha256="0" * 64)
    with pytest.raises(SourceUnavailable, match="not the file that pdd knows"):
        fetch_hub_tensors(other, ignore)
    assert hub.served == 0


@pytest.mark.parametrize(
    "shapes", [{"features.0.bias": (9,)}, {"features.9.bias": (8,)}, {"z.bias": (100, 101)}]
)
def test_a_header_that_is_laid_out_otherwise_is_refused(hub, published, shapes):
    _, source, _ = published
    with pytest.raises(SourceUnavailable, match="laid out unlike"):
        fetch_hub_tensors(dataclasses.replace(source, shapes=shapes), ignore)
    assert hub.served < 1000


def test_a_mirror_without_ranges_is_named(hub, published):
    hub.serves_ranges = False
    with pytest.raises(SourceUnavailable, match="does not serve parts"):
        fetch_hub_tensors(published[1], ignore)


def test_a_file_that_is_whole_in_the_cache_is_used(hub, published):
    from huggingface_hub import hf_hub_download

    wanted, source, _ = published
    hf_hub_download("ann/vgg", "model.safetensors", endpoint=hub.address)
    asked = len(hub.requests)
    found, told = fetch_hub_tensors(source, ignore)
    assert len(hub.requests) == asked
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    assert told == {"checked": "the whole file's hash"}


def test_weights_of_the_catalogue_come_in_ranges_and_say_what_was_checked(hub, published):
    wanted, source, commit = published
    asset = Asset("tiny-vgg", "features", "a test", "MIT", (source,))
    path = fetch_weights(asset)
    assert read_weights(path).keys() == wanted.keys()
    metadata = read_metadata(path)
    assert metadata["commit"] == commit
    assert "no hash" in metadata["checked"]
    assert hub.served < len(hub.large[source.sha256]) / 10


def test_vgg19_costs_eighty_megabytes():
    (source,) = ASSETS["vgg19"].sources
    assert source.size == 4 * 20_024_384
    assert source.shapes["features.34.weight"] == (512, 512, 3, 3)
    assert len(source.shapes) == 32
