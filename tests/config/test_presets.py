"""The presets can be loaded, and say what is true."""

from pathlib import Path

import pytest

from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.config.loader import load
from pdd_cli.config.presets import preset_names, preset_path

_PHOTOS = {"data.real_lr": Path("photos")}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_adaptation(name):
    assert load(AdaptConfig, preset=name, flags=_PHOTOS)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_opens_with_what_it_is_for(name):
    opening = preset_path(name).read_text(encoding="utf-8")

    assert opening.startswith("# ")
    assert "pdd adapt" in opening


def test_the_plain_preset_shows_the_defaults():
    assert load(AdaptConfig, preset="adapt", flags=_PHOTOS) == load(AdaptConfig, flags=_PHOTOS)
