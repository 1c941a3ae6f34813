"""Weights files that lie: refused in one line, and never run, read beyond, or believed."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdd_cli.errors import ModelError
from pdd_cli.nets.network import load_network
from pdd_cli.runtime.weights import read_weights, write_pickle, write_weights

CHANNELS = 3


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape, begin, end, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        safetensors({"a": tensor([2], 0, 8)}, bytes(8), length=2**62),
        safetensors({"a": tensor([2], 0, 8)}, bytes(8), length=2**64 - 1),
        safetensors({"a": tensor([2], 0, 8)}, bytes(8), length=4),
        safetensors({"a": tensor([2], 0, 8)}, bytes(4)),
        safetensors({"a": tensor([2], 0, 8)}, bytes(16)),
        safetensors({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, bytes(12)),
        safetensors({"a": tensor([2], 0, 8), "b": tensor([2], 0, 8)}, bytes(8)),
        safetensors({"a": tensor([2], 4, 12)}, bytes(12)),
        safetensors({"a": tensor([2], 8, 0)}, bytes(8)),
        safetensors({"a": tensor([3], 0, 8)}, bytes(8)),
        safetensors({"a": tensor([-2], 0, 8)}, bytes(8)),
        safetensors({"a": tensor([2**40, 2**40], 0, 8)}, bytes(8)),
        safetensors({"a": tensor([2], 0, 8, "F33")}, bytes(8)),
        safetensors(b"[" * 10_000),
        safetensors(b'{"a": 3}'),
    ],
)
def test_a_lying_safetensors_header_is_refused(tmp_path, content):
    path = tmp_path / "lying.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"lying\.safetensors") as refusal:
        read_weights(path)
    assert "\n" not in str(refusal.value)


class Runs:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def zipped(pickled):
    """A checkpoint as torch lays it out, around any pickle."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", b"3\n")
        archive.writestr("archive/byteorder", b"little")
    return content.getvalue()


def hostile_pickles(witness):
    return {
        "open": pickle.dumps(Runs(open, str(witness), "w")),
        "eval": pickle.dumps({"params": Runs(eval, f"open({str(witness)!r}, 'w')")}),
        "old protocol": pickle.dumps(Runs(exec, f"open({str(witness)!r}, 'w')"), protocol=0),
        "global alone": b"cos\nsystem\n(S'touch " + str(witness).encode() + b"'\ntR.",
        "attribute": b"ctorch\nload\n(V" + str(witness).encode() + b"\ntR.",
        "endless string": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
        "nothing": b".",
        "stack underflow": b"0000.",
        "memo": b"h\x07.",
    }


@pytest.mark.parametrize("kind", hostile_pickles("x"))
@pytest.mark.parametrize("lay_out", [bytes, zipped], ids=["plain", "zipped"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, kind, lay_out, suffix):
    witness, path = tmp_path / "it-ran", tmp_path / f"evil{suffix}"
    path.write_bytes(lay_out(hostile_pickles(witness)[kind]))
    with pytest.raises(ModelError, match="evil") as refusal:
        read_weights(path)
    assert "\n" not in str(refusal.value)
    assert not witness.exists()


@pytest.fixture(scope="module")
def sound_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    weights = {
        "body.0.weight": torch.rand(4, CHANNELS, 3, 3),
        "body.0.bias": torch.rand(4),
        "body.1.weight": torch.rand(4),
        "body.2.weight": torch.rand(4 * CHANNELS, 4, 3, 3),
        "body.2.bias": torch.rand(4 * CHANNELS),
    }
    write_weights(folder / "x.safetensors", weights, {"scale": "2"})
    write_pickle(folder / "x.pth", weights)
    torch.save(weights, folder / "x.pt", _use_new_zipfile_serialization=False)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), suffix=st.sampled_from([".safetensors", ".pth", ".pt"]))
def test_a_file_with_changed_bytes_is_read_or_refused(sound_files, tmp_path, data, suffix):
    content = np.frombuffer(sound_files[suffix], np.uint8).copy()
    # Heads and tails are where formats keep what they believe.
    reach = data.draw(st.sampled_from([64, 1024, len(content)]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(-reach, reach - 1)) % len(content)
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content.tobytes()[: data.draw(st.sampled_from([None, None, 700]))])
    try:
        load_network(read_weights(path), named=path.name, scales=None)
    except ModelError as refusal:
        assert "\n" not in str(refusal)
