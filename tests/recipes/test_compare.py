"""Several models on the same pictures: upscaled once, scored alike, compared pair by pair."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pdd_cli.config.evaluate import CompareConfig
from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.recipes import contestants
from pdd_cli.recipes.compare import compare
from pdd_cli.runtime.weights import write_weights


@pytest.fixture(autouse=True)
def pairs(tmp_path, monkeypatch, write, network_weights):
    """Four pairs, and two tiny networks for ×4."""
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        hr = write(Path(f"gt/{number}_HR.png"), 64, 96, number)
        low = cv2.resize(hr, (24, 16), interpolation=cv2.INTER_AREA)
        Path("lr").mkdir(exist_ok=True)
        Path(f"lr/{number}_LR4.png").write_bytes(cv2.imencode(".png", low[..., ::-1])[1].tobytes())
    for seed, name in enumerate(("first", "second")):
        write_weights(Path(f"{name}.safetensors"), network_weights(4, seed=seed))


def compared(*models, events=None, **settings):
    settings = {"gt": Path("gt"), "metrics": ("psnr", "ssim"), **settings}
    config = CompareConfig(models=models, lr=Path("lr"), device="cpu", **settings)
    return compare(config, events.append if events is not None else print)


def test_every_model_is_scored_on_every_picture_and_against_the_first():
    result = compared("first.safetensors", "second.safetensors")
    assert [model.name for model in result.models] == ["first", "second"]
    assert (result.reference, result.pictures, result.protocol.scale) == ("first", 4, 4)
    first, second = result.models
    assert not first.differences
    gains = [
        b.scores["psnr"] - a.scores["psnr"]
        for a, b in zip(first.result.pictures, second.result.pictures, strict=True)
    ]
    change = second.differences["psnr"]
    assert change.mean.value == pytest.approx(np.mean(gains))
    assert change.won == np.mean([gain > 0 for gain in gains])
    low, high = change.mean.interval
    assert low <= change.mean.value <= high


def test_what_was_upscaled_is_taken_again_until_the_lr_changes(monkeypatch, write):
    upscaled = []

    def watched(config, observer):
        upscaled.append([path.name for path in config.paths])
        return original(config, observer)

    original = contestants.infer
    monkeypatch.setattr(contestants, "infer", watched)
    first = compared("first.safetensors")
    assert [len(names) for names in upscaled] == [4]
    again = compared("first.safetensors")
    assert len(upscaled) == 1
    assert again.models[0].result.means == first.models[0].result.means
    write(Path("lr/2_LR4.png"), 16, 24, 99)
    compared("first.safetensors")
    assert upscaled[1:] == [["2_LR4.png"]]
    assert not Path("runs/last-infer.json").exists()


def test_other_weights_of_the_same_name_are_upscaled_anew(network_weights):
    before = compared("first.safetensors").models[0].result.means
    write_weights(Path("first.safetensors"), network_weights(4, seed=5))
    assert compared("first.safetensors").models[0].result.means != before


def test_controls_are_scored_beside_the_models():
    Path("runs/a").mkdir(parents=True)
    write_weights(
        Path("runs/a/model.safetensors"), contestants.read_weights(Path("second.safetensors"))
    )
    Path("runs/a/config.yaml").write_text("generalist: first.safetensors\n")
    result = compared("runs/a", controls=("bicubic", "generalist", "color-fixed"))
    names = ["bicubic", "first", "first, colour-fixed", "a", "a, colour-fixed"]
    assert [model.name for model in result.models] == names
    assert [model.control for model in result.models] == [True, True, True, False, True]
    assert result.reference == "first"
    scores = {model.name: model.result for model in result.models}
    for scene in scores["a, colour-fixed"].pictures:
        fixed, lr = (
            read_picture(path).pixels.mean(axis=(0, 1)) for path in (scene.prediction, scene.lr)
        )
        assert np.abs(fixed - lr).max() < 1


def test_bicubic_is_that_of_pillow():
    scene = compared("first.safetensors", controls=("bicubic",)).models[0].result.pictures[0]
    lr = read_picture(scene.lr).pixels.astype(np.float32)
    channels = [Image.fromarray(lr[..., channel]) for channel in range(3)]
    enlarged = [channel.resize((96, 64), Image.Resampling.BICUBIC) for channel in channels]
    expected = np.clip(np.stack([np.asarray(channel) for channel in enlarged], axis=2), 0, 255)
    assert np.abs(read_picture(scene.prediction).pixels - expected).max() < 0.51


def test_what_one_lacks_is_left_out_of_all(monkeypatch):
    original = contestants.infer

    def failing(config, observer):
        result = original(config, observer)
        if config.model == "second.safetensors":
            result.pictures = result.pictures[1:]
        return result

    monkeypatch.setattr(contestants, "infer", failing)
    events = []
    result = compared("first.safetensors", "second.safetensors", events=events)
    assert result.pictures == 3
    assert {len(model.result.pictures) for model in result.models} == {3}
    assert "second could not upscale it" in result.failures["lr/0_LR4.png"]


def test_without_hr_models_are_compared_by_what_needs_none():
    result = compared(
        "first.safetensors", "second.safetensors", gt=None, metrics=("consistency", "sharpness")
    )
    assert list(result.models[1].differences) == ["consistency", "sharpness"]
    assert result.models[1].differences["sharpness"].won is None


def test_models_of_different_scales_are_refused(network_weights):
    write_weights(Path("half.safetensors"), network_weights(2))
    with pytest.raises(DataError, match="×2"):
        compared("first.safetensors", "half.safetensors")


def test_the_index_of_what_was_upscaled_may_be_spoilt():
    before = compared("first.safetensors").models[0].result.means
    for index in Path("runs/upscaled").glob("*/index.json"):
        assert len(json.loads(index.read_text())) == 4
        index.write_text("{")
    assert compared("first.safetensors").models[0].result.means == before
