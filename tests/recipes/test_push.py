"""Model cards and pushes, against a Hub on loopback and the real client."""

import json
import re
from pathlib import Path

import cv2
import pytest
import torch
import yaml
from huggingface_hub import EvalResult, ModelCard
from stand_in_hub import TOKEN, digest

from pdd_cli.assets.hub_rules import broken_rules
from pdd_cli.assets.models import resolve_model
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.infer import InferConfig
from pdd_cli.config.push import CardConfig, PushConfig
from pdd_cli.errors import DataError, ModelError, UsageError
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.card_text import is_untouched
from pdd_cli.recipes.evaluate import evaluate
from pdd_cli.recipes.infer import infer
from pdd_cli.recipes.model_card import Story, write_model
from pdd_cli.recipes.push import card, push
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.runtime.events import Warned
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights, write_weights

VERDICT = Verdict("better", "The model is better than it was, on 2 pairs.", {}, {})


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PDD_CACHE", str(tmp_path / "pdd-cache"))


@pytest.fixture
def finished(network_weights):
    """``finished(name, seed)`` writes a run as an adaptation leaves it."""
    write_weights(Path("base.safetensors"), network_weights())
    base = digest(Path("base.safetensors").read_bytes())

    def make(name="main", seed=1, **facts):
        run = RunDirectory(Path("runs") / name)
        run.previews.mkdir(parents=True)
        (run.previews / "step_000008.png").write_bytes(b"a picture")
        run.config.write_text(json.dumps({"data": {"real_lr": "/home/ann/secret-photos"}}))
        told = {"base_model": "base", "base_source": "a local file", "base_sha256": base}
        told |= {"base_licence": "BSD-3-Clause", "steps": 8, "real_photos": 70, "hr_photos": 80}
        story = Story("adapt", "base ×4, adapted", "Made in 8 steps.", {**told, **facts})
        network = load_network(network_weights(seed=seed), named=name)
        write_model(network, run, story, {"pixel": 0.5}, VERDICT)
        return run

    return make


@pytest.fixture
def pairs(write):
    for number, name in enumerate(("anns-cat", "anns-dog")):
        hr = write(Path(f"test-hr/{name}.png"), 64, 64, number)
        low = cv2.resize(hr, (16, 16), interpolation=cv2.INTER_AREA)
        Path("test-lr").mkdir(exist_ok=True)
        data = cv2.imencode(".png", low[..., ::-1])[1].tobytes()
        Path(f"test-lr/{name}.png").write_bytes(data)


def measure(model, output, *metrics, **settings):
    lr = (Path("test-lr"),)
    chosen = {"device": "cpu", "precision": "float32", "output": Path(output), **settings}
    infer(InferConfig(paths=lr, model=str(model), **chosen))
    config = EvaluateConfig(
        sr=Path(output), gt=Path("test-hr"), metrics=metrics or ("psnr", "ssim"), device="cpu"
    )
    return evaluate(config).means


def front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def pushed(**settings):
    settings = {"run": Path("runs/main"), "repository": "somebody/cat-x4", **settings}
    return push(PushConfig(**settings))


@pytest.fixture
def logged_in(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub


def test_what_is_pushed_comes_back_bit_for_bit(logged_in, finished):
    run = finished()
    result = pushed()
    repository = logged_in.repositories["somebody/cat-x4"]
    assert len(repository.messages) == 2  # the Hub's own, and one for everything
    assert result.commit == repository.branches["main"]
    assert set(repository.commits[result.commit]) == {
        ".gitattributes", "model.safetensors", "config.json", "README.md",
    }  # fmt: skip
    assert any(path.startswith("/upload/") for _, path, _ in logged_in.requests)
    pulled = resolve_model("hf:somebody/cat-x4")
    assert pulled.weights != run.model
    assert pulled.weights.read_bytes() == run.model.read_bytes()
    assert pulled.licence == "BSD-3-Clause"
    assert not logged_in.token_went_astray


def test_large_files_go_in_parts_where_the_hub_asks_for_it(logged_in, finished):
    logged_in.part_size = 1000
    run = finished()
    pushed()
    parts = [path for _, path, _ in logged_in.requests if path.startswith("/part/")]
    assert len(parts) == -(-run.model.stat().st_size // 1000)
    assert resolve_model("hf:somebody/cat-x4").weights.read_bytes() == run.model.read_bytes()


def test_branches_and_pull_requests_leave_the_main_branch_alone(logged_in, finished):
    finished()
    pushed(private=True)
    repository = logged_in.repositories["somebody/cat-x4"]
    assert repository.private
    main = repository.branches["main"]
    finished("other", seed=2)
    pushed(run=Path("runs/other"), revision="trial")
    request = pushed(run=Path("runs/other"), create_pr=True)
    assert request.pull_request == f"{logged_in.address}/somebody/cat-x4/discussions/1"
    assert repository.branches["main"] == main
    for revision in ("trial", "refs/pr/1"):
        weights = resolve_model(f"hf:somebody/cat-x4@{revision}").weights
        assert weights.read_bytes() == Path("runs/other/model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="--create-pr"):
        PushConfig(run=Path("r"), repository="a/b", revision="trial", create_pr=True)


def test_a_card_that_is_there_stays_unless_told(logged_in, finished):
    finished()
    logged_in.add("somebody/cat-x4", {"README.md": b"# Mine\n"})
    result = pushed()
    repository = logged_in.repositories["somebody/cat-x4"]
    assert result.kept == ("README.md",)
    assert repository.commits[result.commit]["README.md"] == b"# Mine\n"
    result = pushed(overwrite_card=True)
    assert repository.commits[result.commit]["README.md"].decode() == result.card


def test_a_dry_run_sends_nothing_and_shows_what_would_be_sent(hub, finished):
    finished()
    result = pushed(dry_run=True)
    sizes = {file.path: file.size for file in result.files}
    assert sizes.keys() == {"model.safetensors", "config.json", "README.md"}
    assert sizes["model.safetensors"] == Path("runs/main/model.safetensors").stat().st_size
    assert sizes["README.md"] == len(result.card.encode())
    assert hub.requests == []


def test_previews_go_along_with_consent_alone(hub, finished):
    run = finished()
    assert "previews" not in pushed(dry_run=True).card
    result = pushed(dry_run=True, previews=True)
    assert "previews/before-after.png" in {file.path for file in result.files}
    assert "(previews/before-after.png)" in result.card
    for preview in run.previews.iterdir():
        preview.unlink()
    with pytest.raises(DataError, match="--with-previews"):
        pushed(dry_run=True, previews=True)
    assert hub.requests == []


def test_a_private_push_never_goes_to_a_public_repository(logged_in, finished):
    finished()
    logged_in.add("somebody/cat-x4", {"README.md": b""})
    with pytest.raises(UsageError, match="is public"):
        pushed(private=True)
    assert len(logged_in.repositories["somebody/cat-x4"].messages) == 1


def test_who_may_not_push_is_told_what_to_do(hub, finished, monkeypatch):
    finished()
    with pytest.raises(ModelError, match=r"nobody is logged in.*hf auth login"):
        pushed()
    assert hub.requests == []
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(ModelError, match="token does not allow this"):
        pushed(repository="another/cat-x4")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="--dry-run"):
        pushed()
    assert hub.repositories == {}


def test_a_run_that_is_not_finished_is_refused():
    Path("runs/half").mkdir(parents=True)
    with pytest.raises(ModelError, match="no finished run"):
        pushed(run=Path("runs/half"), dry_run=True)
    with pytest.raises(ModelError, match="no finished run"):
        card(CardConfig(run=Path("runs/half")))


@pytest.mark.usefixtures("pairs")
def test_figures_in_the_card_are_those_of_eval_with_protocol_and_controls(finished):
    run = finished()
    control = finished("control", seed=3)
    means = measure(run.path, "out-main")
    fixed = measure(run.path, "out-fixed", color_fix="mean-std")
    base = measure("base.safetensors", "out-base")
    beside = measure(control.path, "out-control")
    text = card(CardConfig(run=run.path, controls=(control.path,))).card
    assert run.card.read_text() == text
    (index,) = front_matter(text)["model-index"]
    (result,) = index["results"]
    told = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert told == means
    assert result["metrics"][0]["name"] == "psnr (RGB, border 4)"
    rows = {
        "**this model**": means,
        "**this model, colours fixed (mean-std)**": fixed,
        "base, un-adapted": base,
        "control: control": beside,
    }
    for label, figures in rows.items():
        assert f"| {label} | {figures['psnr']:.2f} | {figures['ssim']:.4f} |" in text
    assert "2 pictures of the author's own, ×4, by `pdd eval` (psnr: RGB, border 4" in text


@pytest.mark.usefixtures("pairs")
def test_metrics_of_several_evaluations_come_together(finished):
    run = finished()
    first = measure(run.path, "out", "psnr")
    config = EvaluateConfig(
        sr=Path("out"), gt=Path("test-hr"), metrics=("ssim-y",), device="cpu", border=0
    )
    second = evaluate(config).means
    (result,) = front_matter(card(CardConfig(run=run.path)).card)["model-index"][0]["results"]
    assert {m["type"]: m["value"] for m in result["metrics"]} == {**first, **second}


@pytest.mark.usefixtures("pairs")
def test_figures_of_other_weights_than_the_runs_are_not_told(finished, network_weights):
    run = finished()
    measure(run.path, "out")
    write_weights(run.model, network_weights(seed=9))
    text = card(CardConfig(run=run.path)).card
    assert "model-index" not in front_matter(text)
    assert "Nothing has been measured" in text


@pytest.mark.usefixtures("pairs")
def test_an_evaluation_in_which_pictures_failed_is_not_kept(finished, write):
    run = finished()
    write(Path("test-hr/anns-dog.png"), 60, 60)
    measure(run.path, "out")
    assert not (run.path / "evaluations").exists()


@pytest.mark.usefixtures("pairs")
def test_a_control_that_was_not_measured_is_named(finished):
    run = finished()
    finished("control", seed=3)
    measure(run.path, "out")
    with pytest.raises(DataError, match=r"--control runs.control"):
        card(CardConfig(run=run.path, controls=(Path("runs/control"),)))


@pytest.mark.usefixtures("pairs")
def test_photos_are_counted_and_never_named(finished, tmp_path):
    run = finished()
    measure(run.path, "out")
    measure("base.safetensors", "out-base")
    card(CardConfig(run=run.path))
    published = [run.card, run.facts, run.story, *Path("runs").rglob("evaluations/*.json")]
    assert len(published) == 5
    for path in published:
        text = path.read_text()
        assert not re.search(f"anns|secret|/home|{tmp_path}", text), path


@pytest.mark.usefixtures("pairs")
def test_the_front_matter_survives_the_hubs_own_reader(finished):
    run = finished(base_source="hf:ann/model@abc:net.pth")
    measure(run.path, "out")
    text = card(CardConfig(run=run.path, repository="somebody/cat-x4")).card
    read = ModelCard(text)
    assert str(read) == text
    assert yaml.safe_load(read.data.to_yaml()) == front_matter(text)
    assert read.data.base_model == "ann/model"
    assert read.data.license == "bsd-3-clause"
    results = read.data.eval_results
    assert [type(result) for result in results] == [EvalResult, EvalResult]
    assert {result.metric_type for result in results} == {"psnr", "ssim"}
    assert broken_rules(front_matter(text)) == []


def test_a_known_data_set_is_named_and_not_taken_for_ones_own(finished, write):
    run = finished()
    for number, name in enumerate(("anns-1", "anns-2")):
        hr = write(Path(f"RealSR/Canon/Test/4/{name}_HR.png"), 64, 64, number)
        low = cv2.resize(hr, (16, 16), interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".png", low[..., ::-1])[1].tobytes()
        Path(f"RealSR/Canon/Test/4/{name}_LR4.png").write_bytes(data)
    lr = (Path("RealSR"),)
    infer(InferConfig(paths=lr, model=str(run.path), device="cpu", output=Path("out")))
    evaluate(EvaluateConfig(sr=Path("out"), metrics=("psnr",), device="cpu"))
    (result,) = front_matter(card(CardConfig(run=run.path)).card)["model-index"][0]["results"]
    assert result["dataset"]["name"] == "RealSR (version 3), test, 2 pictures"
    assert result["dataset"]["split"] == "test"


@pytest.mark.usefixtures("pairs")
def test_two_test_sets_stay_two_for_the_hub(finished, write):
    run = finished()
    measure(run.path, "out")
    for name in ("anns-cat", "anns-dog"):
        write(Path(f"test-hr/{name}.png"), 64, 64, 7)
    measure(run.path, "out-2")
    text = card(CardConfig(run=run.path)).card
    assert len(front_matter(text)["model-index"][0]["results"]) == 2
    assert str(ModelCard(text)) == text


def test_a_card_that_was_edited_by_hand_is_not_lost(finished):
    run = finished()
    assert is_untouched(run.card.read_text())
    card(CardConfig(run=run.path))
    run.card.write_text(run.card.read_text().replace("8 steps", "nine steps"))
    with pytest.raises(UsageError, match="edited by hand"):
        card(CardConfig(run=run.path))
    events = []
    settings = {"run": run.path, "repository": "a/b", "dry_run": True}
    assert "nine steps" not in push(PushConfig(**settings), events.append).card
    assert any(isinstance(event, Warned) and "by hand" in event.text for event in events)
    card(CardConfig(run=run.path, overwrite=True))
    assert is_untouched(run.card.read_text())


def test_the_licence_follows_from_the_base(finished):
    finished()
    finished("unknown", base_licence=None)
    finished("own", base_model=None, base_licence=None, base_source=None)
    assert "BSD-3-Clause. Weights derived from base inherit" in pushed(dry_run=True).card
    with pytest.raises(UsageError, match=r"--licence mit: the base model base comes under BSD"):
        pushed(dry_run=True, licence="mit")
    with pytest.raises(UsageError, match="Nobody told under which licence base comes"):
        pushed(run=Path("runs/unknown"), dry_run=True)
    with pytest.raises(UsageError, match="which licence the model has"):
        pushed(run=Path("runs/own"), dry_run=True)
    for name, licence, identifier in (
        ("unknown", "unknown", "unknown"),
        ("own", "MIT", "mit"),
        ("own", "My Own Licence", "other"),
    ):
        result = pushed(run=Path(f"runs/{name}"), dry_run=True, licence=licence)
        assert front_matter(result.card)["license"] == identifier
        assert broken_rules(front_matter(result.card)) == []


def test_the_hub_refuses_a_card_before_anything_is_sent(logged_in, finished, monkeypatch):
    from pdd_cli.recipes import card_text
    from pdd_cli.recipes import push as recipe

    finished()
    monkeypatch.setattr(card_text, "licence_id", lambda _licence: "beer-licence")
    with pytest.raises(ModelError, match="beer-licence"):
        pushed()
    monkeypatch.setattr(recipe, "_refuse_broken", lambda _card: None)
    with pytest.raises(ModelError, match="the Hub does not take the card"):
        pushed()
    assert not logged_in.large


@pytest.mark.usefixtures("logged_in")
def test_the_pulled_network_computes_the_same(finished):
    run = finished()
    pushed()
    picture = torch.rand(1, 3, 9, 7)
    own, pulled = (
        load_network(read_weights(path), named=str(path)).eval()
        for path in (run.model, resolve_model("hf:somebody/cat-x4").weights)
    )
    with torch.inference_mode():
        assert torch.equal(own(picture), pulled(picture))
