"""Training a network on pairs: from scratch or from weights, synthetic or real."""

import os
import signal

import cv2
import pytest
import torch

from pdd_cli.config.train import TrainConfig
from pdd_cli.errors import DataError, Interrupted, UsageError
from pdd_cli.nets.network import load_network
from pdd_cli.nets.scratch import untrained_network
from pdd_cli.recipes import train as recipe
from pdd_cli.runtime.events import Advanced
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights


@pytest.fixture
def settings(tmp_path, tiny_model, write, drawn_features):  # noqa: ARG001 — replaces a download
    """A tiny training on 16-pixel crops, by the pixel loss alone."""
    for number in range(6):
        write(tmp_path / "hr" / f"{number}.png", 160, 144, 10 + number)

    def make(**changes):
        values = {
            "weights": str(tiny_model),
            "runs": tmp_path / "runs",
            "device": "cpu",
            "data": {"hr": tmp_path / "hr", "crop": 16},
            "supervision": {"perceptual_weight": 0, "adversarial_weight": 0},
            "train": {"steps": 6},
            "monitor": {"crop": 32},
        }
        for key, value in changes.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
        return TrainConfig.model_validate(values)

    return make


@pytest.fixture
def real_pairs(tmp_path):
    """The HR photos reduced in size, as real LR of the same names."""

    def make():
        (tmp_path / "lr").mkdir()
        for path in (tmp_path / "hr").iterdir():
            hr = cv2.imread(str(path))
            low = cv2.resize(hr, (36, 40), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(tmp_path / "lr" / path.name), low)
        return {"lr": tmp_path / "lr"}

    return make


def test_training_writes_a_network_that_has_learnt(settings, tiny_model):
    result = recipe.train(settings())
    before, after = read_weights(tiny_model), read_weights(result.model)
    assert set(result.losses) == {"pixel"}
    assert not torch.equal(before["body.0.weight"], after["body.0.weight"])
    assert {"val_psnr", "val_ssim", "val_lpips"} <= result.verdict.after.keys()


def test_all_losses_take_part_when_they_have_a_weight(settings):
    config = settings(
        features="vgg16",
        supervision={
            "perceptual_weight": 1,
            "adversarial_weight": 0.01,
            "perceptual_layers": {"conv1_2": 1.0},
        },
        train={"discriminator_steps": 1},
    )
    losses = recipe.train(config).losses
    assert {"pixel", "perceptual", "adversarial", "discriminator_real"} <= losses.keys()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_network_can_be_trained_from_scratch_for_every_scale(settings, scale):
    config = settings(
        weights=None,
        network="compact",
        scale=scale,
        data={"degradation": "second-order"},
        train={"steps": 2},
    )
    result = recipe.train(config)
    network = load_network(read_weights(result.model), named="trained", scales=(scale,))
    assert network(torch.rand(1, 3, 8, 8)).shape == (1, 3, 8 * scale, 8 * scale)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_an_rrdbnet_can_be_made_for_every_scale_that_its_weights_tell(scale):
    network = untrained_network("rrdbnet-6", scale)
    assert network.scale == scale
    assert network.architecture == "ESRGAN"


def test_an_rrdbnet_of_scale_3_is_refused():
    with pytest.raises(UsageError, match="compact"):
        untrained_network("rrdbnet", 3)


def test_a_network_of_scale_1_learns_nothing_from_a_change_of_size(settings):
    with pytest.raises(UsageError, match="second-order"):
        recipe.train(settings(weights=None, network="compact", scale=1))


def test_real_pairs_are_learnt_from_as_they_are(settings, real_pairs):
    assert recipe.train(settings(data=real_pairs())).steps == 6


def test_pairs_that_do_not_fit_are_refused(settings, real_pairs, tmp_path, write):
    data = real_pairs()
    write(tmp_path / "lr" / "3.png", 44, 36, 1)
    with pytest.raises(DataError, match="not 4 times as large"):
        recipe.train(settings(data=data))
    write(tmp_path / "lr" / "stranger.png", 40, 36, 1)
    with pytest.raises(DataError, match=r"stranger\.png"):
        recipe.train(settings(data=data))


def test_a_resumed_training_equals_one_that_was_never_interrupted(settings, tmp_path):
    def stop(event):
        if isinstance(event, Advanced) and event.done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    whole = recipe.train(settings(name="whole"))
    with pytest.raises(Interrupted, match="pdd train --resume"):
        recipe.train(settings(name="broken"), stop)
    resumed = recipe.resume(RunDirectory(tmp_path / "runs" / "broken"))
    expected, found = read_weights(whole.model), read_weights(resumed.model)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_photos_smaller_than_a_crop_are_refused(settings):
    with pytest.raises(DataError, match="256×256"):
        recipe.train(settings(data={"crop": 64}))


@pytest.mark.parametrize("weights", ["given", None])
def test_the_report_shows_what_was_learnt(settings, weights):
    changes = {} if weights else {"weights": None, "network": "compact", "scale": 4}
    page = (recipe.train(settings(**changes)).run / "report.html").read_text()
    before = "as it began" if weights else "bicubic"
    assert f"Where {before} ends and trained begins" in page
    assert "PSNR against HR" in page
