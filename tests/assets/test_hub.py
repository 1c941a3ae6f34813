"""Models pulled from a Hub on loopback by the real client."""

import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from stand_in_hub import TOKEN

from pdd_cli.assets import hub as hub_room
from pdd_cli.assets.hub import choose_weights, parse_hub_name
from pdd_cli.assets.models import resolve_model
from pdd_cli.errors import ModelError
from pdd_cli.runtime.weights import read_weights, write_weights


@pytest.fixture
def weights_file(tmp_path):
    """``weights_file(seed)`` returns the bytes of a weights file."""

    def make(seed=0):
        path = tmp_path / f"{seed}.safetensors"
        tensor = torch.randn(40, 30, generator=torch.Generator().manual_seed(seed))
        write_weights(path, {"w": tensor})
        return path.read_bytes()

    return make


def test_a_model_comes_back_bit_for_bit_with_its_commit_and_licence(hub, weights_file):
    config = json.dumps({"licence": "BSD-3-Clause", "scale": 4}).encode()
    commit = hub.add("ann/model", {"model.safetensors": weights_file(), "config.json": config})
    model = resolve_model("hf:ann/model")
    assert model.weights.read_bytes() == weights_file()
    assert model.source == f"hf:ann/model@{commit}:model.safetensors"
    assert (model.name, model.licence) == ("ann/model", "BSD-3-Clause")


def test_of_a_foreign_repository_the_card_tells_the_licence(hub, weights_file):
    card = b"---\nlicense: mit\n---\n# A model\n"
    hub.add("ann/model", {"model.safetensors": weights_file(), "README.md": card})
    assert resolve_model("hf:ann/model").licence == "mit"


def test_revisions_and_files_can_be_named(hub, weights_file):
    old = hub.add("ann/model", {"a.safetensors": weights_file(1), "b.pth": b"pickle"})
    hub.add("ann/model", {"a.safetensors": weights_file(2)})
    repository = hub.repositories["ann/model"]
    repository.branches["trial"] = old
    for name, seed in {"": 2, "@trial": 1, f"@{old}": 1, "@trial:a.safetensors": 1}.items():
        assert resolve_model(f"hf:ann/model{name}").weights.read_bytes() == weights_file(seed)


def test_safetensors_are_taken_before_pickles_and_the_usual_name_before_others():
    assert choose_weights(["b.pth", "deep/a.safetensors"], "m") == "deep/a.safetensors"
    assert choose_weights(["a.safetensors", "model.safetensors"], "m") == "model.safetensors"
    assert choose_weights(["README.md", "net.pth"], "m") == "net.pth"


def test_where_several_files_could_be_meant_they_are_listed(hub, weights_file):
    files = {"x2.safetensors": weights_file(2), "x4.safetensors": weights_file(4)}
    hub.add("ann/model", files)
    with pytest.raises(ModelError, match=r"x2\.safetensors, x4\.safetensors") as caught:
        resolve_model("hf:ann/model")
    assert caught.value.hint == "Name one of them: hf:ann/model:x2.safetensors."
    assert resolve_model("hf:ann/model:x4.safetensors").weights.read_bytes() == weights_file(4)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"auto_map": {"AutoModel": "modeling.Net"}}, "auto_map"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_a_model_that_asks_for_code_is_refused_before_its_weights_come(
    hub, weights_file, config, told
):
    files = {"model.safetensors": weights_file(), "config.json": json.dumps(config).encode()}
    hub.add("ann/model", {**files, "modeling.py": b"raise SystemExit"})
    for name in ("hf:ann/model", "hf:ann/model:model.safetensors"):
        with pytest.raises(ModelError, match=f"code of its own .config.json: {told}") as caught:
            resolve_model(name)
        assert "\n" not in str(caught.value)
    assert hub.served == 0


def test_a_repository_of_code_alone_is_refused_in_one_line(hub):
    hub.add("ann/model", {"config.json": b"{}", "modeling.py": b"raise SystemExit"})
    with pytest.raises(ModelError, match="holds code and no weights") as caught:
        resolve_model("hf:ann/model")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="not a weights file"):
        resolve_model("hf:ann/model:modeling.py")


def test_a_folder_that_asks_for_code_is_refused_too(tmp_path, weights_file):
    (tmp_path / "model.safetensors").write_bytes(weights_file())
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "a.B"}}))
    with pytest.raises(ModelError, match="asks to run code"):
        resolve_model(str(tmp_path))


def refusal(name):
    with pytest.raises(ModelError) as caught:
        resolve_model(name)
    assert "\n" not in str(caught.value)
    return caught.value


def test_every_refusal_says_what_to_do(hub, weights_file, monkeypatch):
    files = {"model.safetensors": weights_file()}
    hub.add("ann/public", files)
    hub.add("ann/private", files, private=True)
    hub.add("ann/gated", {**files, "README.md": b""}, gated=True)

    private = refusal("hf:ann/private")
    assert "or is private" in private.problem
    assert "hf auth login" in private.hint
    assert "HF_TOKEN" in refusal("hf:ann/missing").hint
    gated = refusal("hf:ann/gated@main")
    assert "is gated" in gated.problem
    assert f"{hub.address}/ann/gated," in gated.hint
    assert "no such revision" in refusal("hf:ann/public@nowhere").problem
    no_file = refusal("hf:ann/public:other.safetensors")
    assert "no other.safetensors" in no_file.problem
    assert "model.safetensors" in no_file.hint

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert resolve_model("hf:ann/private").weights.is_file()
    assert "hf auth whoami" in refusal("hf:ann/missing").hint
    assert "is gated" in refusal("hf:ann/gated").problem
    monkeypatch.setenv("HF_TOKEN", "hf_" + "y" * 34)
    wrong = refusal("hf:ann/public")
    assert "token is not valid" in wrong.problem
    assert "y" * 34 not in str(wrong)
    assert not hub.token_went_astray


@pytest.mark.parametrize("name", ["hf:model", "hf:", "hf:a/b/c", "hf:a--b/..c"])
def test_what_is_no_name_on_the_hub_is_told(hub, name):  # noqa: ARG001 — nothing may leave
    with pytest.raises(ModelError, match=r"is no (model|name) on the Hub"):
        resolve_model(name)


def test_without_the_prefix_the_right_name_is_told():
    with pytest.raises(ModelError, match="hf:ann/model"):
        resolve_model("ann/model")


def test_what_is_cached_needs_no_network(hub, weights_file, monkeypatch):
    config = json.dumps({"licence": "MIT"}).encode()
    commit = hub.add("ann/model", {"net.safetensors": weights_file(), "config.json": config})
    online = resolve_model("hf:ann/model")
    asked = len(hub.requests)
    monkeypatch.setattr(hub_room, "reaches", lambda _address: False)
    assert resolve_model("hf:ann/model") == online
    assert resolve_model(f"hf:ann/model@{commit}") == online
    away = refusal("hf:ann/other")
    assert "cannot be reached" in away.problem
    assert "HF_ENDPOINT" in away.hint

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve_model("hf:ann/model") == online
    assert "HF_HUB_OFFLINE" in refusal("hf:ann/model@other").problem
    assert len(hub.requests) == asked


def test_a_server_that_is_no_hub_is_called_so(hub, weights_file, monkeypatch):
    hub.add("ann/model", {"model.safetensors": weights_file()})
    monkeypatch.setattr(constants, "HUGGINGFACE_HEADER_X_REPO_COMMIT", "X-Not-Sent")
    assert "does not answer as a Hub does" in refusal("hf:ann/model").problem


def test_a_hub_name_is_taken_apart_and_put_together():
    for name in ("hf:a/b", "hf:a/b@v1", "hf:a/b:deep/c.pth", "hf:a/b@refs/pr/1:c.pth"):
        assert str(parse_hub_name(name)) == name


def test_pulled_weights_are_read_as_any_other(hub, tmp_path, network_weights):
    path = tmp_path / "tiny.safetensors"
    write_weights(path, network_weights())
    hub.add("ann/tiny", {"model.safetensors": Path(path).read_bytes()})
    pulled = read_weights(resolve_model("hf:ann/tiny").weights)
    assert all(torch.equal(pulled[name], tensor) for name, tensor in network_weights().items())
