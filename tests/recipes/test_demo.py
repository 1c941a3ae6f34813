"""The demonstration: three sets of scenes that never meet, and figures that are measured."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pdd_cli.config.demo import DemoConfig
from pdd_cli.errors import Interrupted, UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.recipes import demo as recipe
from pdd_cli.recipes.before_after import Detail, side_by_side
from pdd_cli.runtime.events import Said

pytestmark = pytest.mark.usefixtures("adaptation")

_SCENES = (*recipe._SUPERVISING, *recipe._ADAPTED_TO, *recipe._SCORED)


@dataclass
class Adaptation:
    """Stands for an adaptation: notes what it was asked for, and gives a tiny network back."""

    run: Path
    asked: list = field(default_factory=list)

    def __call__(self, config, _observer):
        self.asked.append(config)
        return self


@pytest.fixture
def starters(tmp_path, write) -> Path:
    folder = tmp_path / "starters"
    for number, name in enumerate(_SCENES):
        write(folder / f"{name}.png", 431, 250, number)
    index = [{"file": f"{name}.png", "author": "A", "licence": "CC0-1.0"} for name in _SCENES]
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def adaptation(monkeypatch, starters, tiny_model) -> Adaptation:
    """A demo in which networks are tiny, LPIPS needs no weights, and nothing is fetched."""
    adaptation = Adaptation(run=tiny_model)
    monkeypatch.setattr(recipe, "starter_photos", lambda observer: starters)  # noqa: ARG005
    monkeypatch.setattr(recipe, "adapt", adaptation)
    monkeypatch.setattr(recipe, "_GENERALIST", str(tiny_model))
    evaluate = recipe.evaluate
    without_lpips = {"metrics": ("psnr", "ssim")}
    monkeypatch.setattr(
        recipe, "evaluate", lambda c, o: evaluate(c.model_copy(update=without_lpips), o)
    )
    return adaptation


@pytest.fixture
def config(tmp_path) -> DemoConfig:
    return DemoConfig(folder=tmp_path / "demo", steps=3, device="cpu")


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.png")}


def test_no_scene_serves_twice():
    assert len(set(_SCENES)) == len(_SCENES)


def test_the_three_sets_of_scenes_lie_in_their_folders_and_are_said(adaptation, config):
    events = []
    recipe.demo(config, events.append)

    assert _stems(config.folder / "hr") == set(recipe._SUPERVISING)
    assert _stems(config.folder / "real") == set(recipe._ADAPTED_TO)
    for folder in ("hr", "lr", "bicubic", "un-adapted", "adapted"):
        assert _stems(config.folder / "score" / folder) == set(recipe._SCORED)
    said = " ".join(event.text for event in events if isinstance(event, Said))
    assert all(name in said for name in _SCENES)
    asked = adaptation.asked[0]
    assert (asked.data.real_lr, asked.data.hr) == (config.folder / "real", config.folder / "hr")
    assert asked.train.steps == 3


def test_who_took_the_photos_stands_beside_them(config):
    recipe.demo(config)

    origins = json.loads((config.folder / "photos.json").read_text())
    assert {Path(origin["file"]).stem for origin in origins} == set(_SCENES)
    assert all(origin["author"] and origin["licence"] for origin in origins)


def test_the_photos_are_a_quarter_of_their_scenes(config):
    recipe.demo(config)

    for name in recipe._SCORED:
        scene = read_picture(config.folder / "score" / "hr" / f"{name}.png")
        photo = read_picture(config.folder / "score" / "lr" / f"{name}.png")
        assert (scene.height, scene.width) == (428, 248)
        assert (photo.height, photo.width) == (107, 62)


def test_the_figures_are_those_of_the_pictures_that_were_written(config):
    scores = recipe.demo(config).scores

    assert list(scores) == ["bicubic", "un-adapted", "adapted"]
    assert scores["un-adapted"] == scores["adapted"]  # one network stands for both here
    assert scores["bicubic"] != scores["adapted"]
    assert all(np.isfinite(list(means.values())).all() for means in scores.values())


def test_a_page_compares_the_adapted_model_with_the_un_adapted_one(config):
    page = recipe.demo(config).report.read_text()

    assert "Nothing tells" not in page
    assert "Of 2 pictures 0 are better than un-adapted, by PSNR." in page


def test_a_demo_can_be_run_again_in_its_folder(config):
    assert recipe.demo(config).scores == recipe.demo(config).scores


def test_a_folder_of_the_users_is_left_alone(config):
    config.folder.mkdir()
    (config.folder / "mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="--output"):
        recipe.demo(config)
    assert [path.name for path in config.folder.iterdir()] == ["mine.txt"]


def test_an_interrupted_demo_says_how_to_start_anew(config, monkeypatch):
    def interrupted(_config, _observer):
        raise Interrupted("Stopped after step 2.", hint="Go on with pdd adapt --resume.")

    monkeypatch.setattr(recipe, "adapt", interrupted)
    with pytest.raises(Interrupted, match=r"Stopped after step 2\. Run pdd demo again"):
        recipe.demo(config)


def test_details_stand_in_columns_of_ways_and_rows_of_pictures():
    dark, light = (np.full((20, 30, 3), level, np.uint8) for level in (50, 200))
    details = [Detail(top=2, left=3, size=10), Detail(top=0, left=0, size=10)]

    picture = side_by_side({"dark": [dark, dark], "light": [light, light]}, details)

    levels, counts = np.unique(picture, return_counts=True)
    shown = dict(zip(levels.tolist(), counts.tolist(), strict=True))
    assert shown[50] >= 2 * 10 * 10 * 3
    assert shown[200] >= 2 * 10 * 10 * 3
    middle = picture.shape[1] // 2
    assert (picture[:, middle:] == 200).sum() >= 2 * 10 * 10 * 3


def test_a_detail_is_cut_where_it_says():
    picture = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)

    cut = Detail(top=4, left=7, size=5).of(picture)

    assert np.array_equal(cut, picture[4:9, 7:12])
