"""The presets can be loaded, and say what is true."""

from pathlib import Path

import pytest

from pdd_cli.config.adapt import AdaptConfig, sized_for
from pdd_cli.config.loader import load
from pdd_cli.config.presets import preset_names, preset_opening, preset_path
from pdd_cli.config.train import TrainConfig
from pdd_cli.config.train import sized_for as sized_for_training

_PHOTOS = {"data.real_lr": Path("photos")}


def _load(name):
    if name.startswith("train"):
        return load(TrainConfig, preset=name, fallbacks={"data.hr": Path("photos")})
    return load(AdaptConfig, preset=name, fallbacks=_PHOTOS)


def test_every_preset_that_is_promised_is_there():
    assert preset_names() == [
        "adapt",
        "adapt-paper-ema",
        "adapt-paper-ema-antialias",
        "adapt-paper-static",
        "adapt-quick",
        "train-bicubic",
        "train-realesrgan",
    ]


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_every_preset_is_valid_and_can_be_sized(name, device):
    config = _load(name)
    sized = (sized_for_training if isinstance(config, TrainConfig) else sized_for)(config, device)
    assert sized.train.lr
    assert sized.train.steps


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_opens_with_what_it_is_for_what_it_needs_and_how_long_it_takes(name):
    text = preset_path(name).read_text(encoding="utf-8")
    job = "train" if name.startswith("train") else "adapt"
    assert text.startswith("# ")
    assert preset_opening(name).endswith(".")
    for heading in ("# Needs:", "# Takes:", f"# Run:    pdd {job}", f"--config {name}"):
        assert heading in text


def test_the_plain_preset_shows_the_defaults():
    assert load(AdaptConfig, preset="adapt", flags=_PHOTOS) == load(AdaptConfig, flags=_PHOTOS)


def test_the_papers_presets_have_the_published_schedule():
    ema, static = (sized_for(_load(f"adapt-paper-{name}"), "gpu") for name in ("ema", "static"))
    assert ema.train.steps == static.train.steps == 100_000
    assert (ema.train.discriminator_steps, ema.train.supervised_steps) == (300, 5)
    assert (static.train.discriminator_steps, static.train.supervised_steps) == (300, 0)
    assert (ema.distances.detach_synthetic, static.distances.detach_synthetic) == (False, True)
    antialias = _load("adapt-paper-ema-antialias")
    assert antialias.distances.inter_weight == 0.5
    assert antialias.data.resizes == ("antialiased",)


def test_an_average_remembers_an_adaptation_but_not_the_start_of_a_training():
    adapting = sized_for(load(AdaptConfig, flags={**_PHOTOS, "train.steps": 200}), "cpu")
    flags = {"data.hr": Path("photos"), "train.steps": 200}
    training = sized_for_training(load(TrainConfig, flags=flags), "cpu")
    assert adapting.train.ema_decay**200 > 0.3
    assert training.train.ema_decay**200 < 1e-4
