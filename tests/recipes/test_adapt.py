import json
import os
import signal
from pathlib import Path

import pytest
import torch
import yaml

from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.errors import DataError, Interrupted, TrainingDiverged, UsageError
from pdd_cli.nets.network import load_network
from pdd_cli.recipes import adapt as recipe
from pdd_cli.runtime.events import Advanced, Warned
from pdd_cli.runtime.run_directory import RunDirectory, latest_run
from pdd_cli.runtime.weights import read_weights

CHANNELS = (64, 128, 256, 512, 512)


@pytest.fixture
def drawn_features(monkeypatch):
    """A VGG16 with drawn weights in the place of the fetched one."""
    generator = torch.Generator().manual_seed(16)
    weights, index, inputs = {}, 0, 3
    for count, outputs in zip((2, 2, 3, 3, 3), CHANNELS, strict=True):
        for _ in range(count):
            scale = (2 / (9 * inputs)) ** 0.5
            drawn = scale * torch.randn(outputs, inputs, 3, 3, generator=generator)
            weights[f"features.{index}.weight"] = drawn
            weights[f"features.{index}.bias"] = torch.zeros(outputs)
            index, inputs = index + 2, outputs
        index += 1
    monkeypatch.setattr(recipe, "feature_weights", lambda _arch, observer: weights)  # noqa: ARG005


@pytest.fixture
def settings(tmp_path, tiny_model, write, drawn_features):  # noqa: ARG001 — replaces a download
    """A tiny adaptation: blocks 1 to 3 of the features, 16-pixel crops."""
    for number in range(3):
        write(tmp_path / "real" / f"{number}.png", 24, 20, number)
        write(tmp_path / "hr" / f"{number}.png", 72, 80, 10 + number)

    def make(**changes):
        values = {
            "generalist": str(tiny_model),
            "features": "vgg16",
            "runs": tmp_path / "runs",
            "device": "cpu",
            "data": {"real_lr": tmp_path / "real", "hr": tmp_path / "hr", "crop": 16},
            "distances": {"inter_layers": {"conv2_1": 1.0}, "intra_layers": {"conv2_2": 1.0}},
            "supervision": {"perceptual_layers": {"conv1_2": 1.0}},
            "train": {"steps": 8, "discriminator_steps": 1, "supervised_steps": 1},
        }
        for key, value in changes.items():
            values[key] = {**values[key], **value} if isinstance(value, dict) else value
        return AdaptConfig.model_validate(values)

    return make


class StopAt:
    """An observer that presses Ctrl-C after a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, event):
        if isinstance(event, Advanced) and event.done == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_directory_tells_all(settings, tmp_path):
    result = recipe.adapt(settings(name="first"))

    run = tmp_path / "runs" / "first"
    assert result.run == run
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.yaml", "command.txt", "environment.json", "metrics.jsonl", "previews",
        "checkpoints", "model.safetensors", "config.json", "README.md", "report.html",
    }  # fmt: skip
    assert latest_run(tmp_path / "runs") == run
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [record for record in records if "step" in record]
    assert [record["step"] for record in steps] == list(range(1, 9))
    assert {"pixel", "perceptual", "adversarial", "inter", "intra"} <= steps[-1].keys()
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["train"]["lr"] > 0
    assert resolved["data"]["batch"] == 1


def test_the_written_model_is_an_ordinary_network_that_has_changed(settings, tiny_model):
    result = recipe.adapt(settings())
    adapted = load_network(read_weights(result.model), named="adapted")
    before = load_network(read_weights(tiny_model), named="before")
    picture = torch.rand(1, 3, 12, 12)
    assert adapted.scale == 4
    assert not torch.equal(adapted(picture), before(picture))


@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_resumed_run_equals_one_that_was_never_interrupted(settings, tmp_path, stop):
    whole = recipe.adapt(settings(name="whole"))
    with pytest.raises(Interrupted, match="--resume"):
        recipe.adapt(settings(name="broken"), StopAt(stop))
    broken = RunDirectory(tmp_path / "runs" / "broken")
    assert not broken.finished
    resumed = recipe.resume(broken)

    expected, found = read_weights(whole.model), read_weights(resumed.model)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert resumed.losses == whole.losses
    steps = [json.loads(line).get("step") for line in broken.metrics.read_text().splitlines()]
    assert [step for step in steps if step] == list(range(1, 9))


def test_one_seed_gives_one_result_and_another_another(settings):
    results = [
        read_weights(recipe.adapt(settings(name=str(index), train={"seed": seed})).model)
        for index, seed in enumerate((1, 1, 2))
    ]
    name = next(iter(results[0]))
    assert torch.equal(results[0][name], results[1][name])
    assert not torch.equal(results[0][name], results[2][name])


@pytest.mark.parametrize("steps", [1, 2, 13])
def test_any_number_of_steps_runs(settings, steps):
    config = settings(train={"steps": steps, "discriminator_steps": None, "supervised_steps": None})
    assert recipe.adapt(config).steps == steps


def test_a_run_too_short_for_distillation_says_so(settings):
    events = []
    recipe.adapt(settings(train={"steps": 2}), events.append)
    assert any(isinstance(event, Warned) and "distillation" in event.text for event in events)


def test_a_taken_name_is_refused_before_anything_is_written(settings, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match="exists already"):
        recipe.adapt(settings(name="mine"))


def test_photos_smaller_than_the_crop_are_refused(settings, tmp_path):
    with pytest.raises(DataError, match=r"--real-lr .* at least 32×32"):
        recipe.adapt(settings(data={"crop": 32}))
    assert not (tmp_path / "runs").exists()


def test_files_that_are_no_pictures_are_skipped_and_named(settings, tmp_path):
    (tmp_path / "real" / "notes.txt").write_text("not a picture")
    (tmp_path / "real" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    events = []
    recipe.adapt(settings(), events.append)
    warnings = " ".join(event.text for event in events if isinstance(event, Warned))
    assert "notes.txt" in warnings
    assert "broken.png" in warnings


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(
    settings, tmp_path, monkeypatch
):
    take = recipe.DistillationStep.take

    def spoilt(self, batch, step):
        if step == 6:
            batch = batch._replace(hr=torch.full_like(batch.hr, float("nan")))
        return take(self, batch, step)

    monkeypatch.setattr(recipe.DistillationStep, "take", spoilt)
    with pytest.raises(TrainingDiverged, match="step 6"):
        recipe.adapt(settings(name="spoilt", train={"checkpoint_every": 4}))
    run = RunDirectory(tmp_path / "runs" / "spoilt")
    assert not run.finished
    monkeypatch.setattr(recipe.DistillationStep, "take", take)
    assert recipe.resume(run).steps == 8


def test_without_distances_only_supervision_trains(settings):
    config = settings(distances={"inter_weight": 0, "intra_weight": 0})
    losses = recipe.adapt(config).losses
    assert "pixel" in losses
    assert "inter" not in losses


def test_a_finished_run_cannot_be_resumed(settings):
    result = recipe.adapt(settings())
    with pytest.raises(UsageError, match="finished"):
        recipe.resume(RunDirectory(Path(result.run)))
