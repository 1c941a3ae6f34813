import pickle
import shutil
from types import SimpleNamespace

import pytest
import torch

from pdd_cli.errors import ModelError, ResourceError
from pdd_cli.runtime.checkpoint import load_checkpoint, save_checkpoint
from pdd_cli.runtime.weights import read_metadata, read_weights, write_weights


class RunsCode:
    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return (open, (str(self.witness), "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, zipped):
    witness, path = tmp_path / "it-ran", tmp_path / "evil.pth"
    if zipped:
        torch.save({"params": RunsCode(witness)}, path)
    else:
        path.write_bytes(pickle.dumps({"params": RunsCode(witness)}))
    with pytest.raises(ModelError, match="refused"):
        read_weights(path)
    assert not witness.exists()


def test_the_averaged_weights_of_a_released_checkpoint_are_taken(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"params": {"w": torch.zeros(2)}, "params_ema": {"w": torch.ones(2)}}, path)
    assert torch.equal(read_weights(path)["w"], torch.ones(2))


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.pkl"])
def test_a_corrupt_file_is_refused_by_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00not json at all")
    with pytest.raises(ModelError, match=name):
        read_weights(path)


def test_weights_and_their_metadata_come_back(tmp_path):
    path = tmp_path / "w.safetensors"
    write_weights(path, {"w": torch.arange(6.0).view(2, 3).t()}, {"scale": "4"})
    assert torch.equal(read_weights(path)["w"], torch.arange(6.0).view(2, 3).t())
    assert read_metadata(path)["scale"] == "4"
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_checkpoint_gives_back_the_whole_tree(tmp_path):
    state = {
        "step": 3,
        "optimizer": {"state": {0: {"step": torch.tensor(2.0)}}, "groups": [{"lr": 1e-5}]},
        "none": None,
        "rate": 0.1,
    }
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, state)
    loaded = load_checkpoint(path)
    assert loaded["optimizer"]["state"][0]["step"] == 2
    assert loaded["optimizer"]["groups"] == [{"lr": 1e-5}]
    assert (loaded["step"], loaded["none"], loaded["rate"]) == (3, None, 0.1)


def test_a_full_disk_is_found_out_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(ResourceError, match="does not fit"):
        save_checkpoint(tmp_path / "c.safetensors", {"w": torch.zeros(100)})
    assert not list(tmp_path.iterdir())
