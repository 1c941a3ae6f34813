"""What an evaluation does with pairs: which belong together, what is odd, what memory holds."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.errors import DataError, UsageError
from pdd_cli.recipes import foreign_metrics, scoring
from pdd_cli.recipes.evaluate import evaluate
from pdd_cli.runtime.events import PictureDone, Said, Warned


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def scored(events=None, **settings):
    settings = {"device": "cpu", "metrics": ("psnr",), **settings}
    return evaluate(EvaluateConfig(**settings), events.append if events is not None else print)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


@pytest.mark.parametrize(
    ("upscaled", "hr"),
    [
        ("a_LR4_out.png", "a_HR.png"),
        ("a_x4.png", "a_x1.png"),
        ("0801x4.png", "0801.png"),
        ("img_001_SRF_4_LR.png", "img_001_SRF_4_HR.png"),
        ("a_SR.jpg", "a_GT.png"),
        ("a-x4.png", "a.png"),
        ("box2_x4.png", "box2.png"),
    ],
)
def test_known_suffixes_pair(write, upscaled, hr):
    write(Path("sr", upscaled), 32, 32)
    write(Path("gt", hr), 32, 32)
    write(Path("gt/box3.png"), 32, 32, 7)
    result = scored(sr=Path("sr"), gt=Path("gt"))
    assert result.pictures[0].hr == Path("gt", hr)
    assert result.unused == [Path("gt/box3.png")]


def test_of_equal_names_the_one_in_the_folder_of_the_same_name_is_meant(write):
    for number, camera in enumerate(("Canon", "Nikon")):
        write(Path("sr", camera, "1.png"), 32, 32, number)
        write(Path("gt", camera, "1.png"), 32, 32, number)
    result = scored(sr=Path("sr"), gt=Path("gt"))
    assert [p.hr.parent.name for p in result.pictures] == ["Canon", "Nikon"]
    assert result.means["psnr"] == float("inf")
    write(Path("flat/1.png"), 32, 32)
    with pytest.raises(DataError, match="could be compared with"):
        scored(sr=Path("flat"), gt=Path("gt"))


def test_an_explicit_list_pairs_whatever_the_names(write):
    write(Path("x/one.png"), 32, 32, 1)
    write(Path("y/two.png"), 32, 32, 1)
    Path("list.csv").write_text("sr,hr\nx/one.png,y/two.png\n")
    assert scored(pairs=Path("list.csv")).means["psnr"] == float("inf")
    Path("list.csv").write_text("sr,hr\nx/one.png,\n")
    with pytest.raises(DataError, match="line 2"):
        scored(pairs=Path("list.csv"))


def test_a_shifted_pair_and_another_scene_are_flagged_and_a_good_one_is_not(write):
    hr = write(Path("gt/good.png"), 192, 192, 1)
    blurred = cv2.GaussianBlur(hr, (0, 0), 1.2)
    noisy = blurred + np.random.default_rng(0).normal(0, 4, hr.shape)
    save(Path("sr/good.png"), np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1])
    shifted = write(Path("gt/shifted.png"), 192, 192, 2)
    save(Path("sr/shifted.png"), np.roll(shifted, 3, axis=1)[..., ::-1])
    one = write(Path("gt/by_one.png"), 192, 192, 5)
    save(Path("sr/by_one.png"), np.roll(one, 1, axis=0)[..., ::-1])
    write(Path("gt/other.png"), 192, 192, 3)
    write(Path("sr/other.png"), 192, 192, 4)
    events = []
    odd = {p.prediction.stem: p.odd for p in scored(events, sr=Path("sr"), gt=Path("gt")).pictures}
    assert odd["good"] is None
    for name, pixels in (("shifted", 3), ("by_one", 1)):
        told = re.fullmatch(r"they lie ([\d.]+) pixels apart", odd[name])
        assert float(told[1]) == pytest.approx(pixels, abs=0.3)
    assert odd["other"] == "they show different scenes"
    assert sum(isinstance(event, Warned) and "sr/" in event.text for event in events) == 3


def test_batches_of_mixed_sizes_score_like_pictures_alone(write):
    sizes = [(64, 64), (64, 64), (40, 52), (64, 64)]
    for number, size in enumerate(sizes):
        write(Path(f"gt/{number}.png"), *size, number)
        save(Path(f"sr/{number}.png"), cv2.blur(cv2.imread(f"gt/{number}.png"), (3, 3)))
    settings = {"metrics": ("psnr", "ssim-y", "sharpness"), "gt": Path("gt")}
    together = scored(sr=Path("sr"), **settings)
    assert [p.prediction.stem for p in together.pictures] == ["0", "1", "2", "3"]
    for picture in together.pictures:
        save(Path(f"alone/{picture.prediction.name}"), cv2.imread(str(picture.prediction)))
        alone = scored(sr=Path("alone"), **settings).pictures[-1]
        assert alone.scores == pytest.approx(picture.scores)


def test_memory_holds_a_few_pairs_however_many_there_are(write, monkeypatch):
    for number in range(40):
        write(Path(f"gt/{number:02}.png"), 32, 32, number)
        write(Path(f"sr/{number:02}.png"), 32, 32, number)
    read = []
    monkeypatch.setattr(
        scoring,
        "read_picture",
        lambda path, real=scoring.read_picture: read.append(path) or real(path),
    )
    monkeypatch.setattr(scoring, "_BATCH_PIXELS", 4 * 32 * 32)
    ahead, done = [], 0

    def watch(event):
        nonlocal done
        if isinstance(event, PictureDone):
            done += 1
            ahead.append(len(read) // 2 - done)

    evaluate(EvaluateConfig(sr=Path("sr"), gt=Path("gt"), metrics=("psnr",), device="cpu"), watch)
    assert done == 40
    assert max(ahead) <= 4 + 1 + scoring._READ_AHEAD


def test_the_protocol_decides_colour_and_border(write):
    hr = write(Path("gt/a.png"), 64, 64)
    save(Path("sr/a.png"), cv2.blur(hr, (3, 3))[..., ::-1])
    folders = {"sr": Path("sr"), "gt": Path("gt"), "metrics": ("psnr", "psnr-y")}
    crops = scored(**folders, protocol="crops")
    assert crops.means["psnr"] == crops.means["psnr-y"]
    assert crops.protocol.border == 0
    default = scored(**folders)
    assert default.means["psnr"] != default.means["psnr-y"]
    assert scored(**folders, protocol="classic").means["psnr"] == default.means["psnr-y"]
    assert scored(**folders, protocol="crops", border=4).means["psnr"] == default.means["psnr-y"]
    assert (
        scored(**folders, protocol="crops", color="RGB", border=4).means["psnr"]
        == (default.means["psnr"])
    )


def test_without_hr_what_needs_none_is_measured(write, monkeypatch):
    monkeypatch.setattr(scoring, "niqe_model", lambda observer: pytest.fail("unasked"))  # noqa: ARG005
    hr = write(Path("sr/a_x4.png"), 64, 64)
    save(Path("lr/a.png"), cv2.resize(hr, (16, 16), interpolation=cv2.INTER_AREA)[..., ::-1])
    names = ("consistency", "colour-drift", "sharpness", "psnr")
    events = []
    result = scored(events, sr=Path("sr"), lr=Path("lr"), metrics=names)
    assert list(result.means) == ["consistency", "colour-drift", "sharpness"]
    assert result.means["consistency"] > 45
    assert result.means["colour-drift"] < 0.5
    assert result.pictures[0].hr is None
    assert any(isinstance(event, Warned) and "psnr" in event.text for event in events)


def test_by_default_without_hr_nothing_is_asked_for_that_needs_it(write, monkeypatch):
    monkeypatch.setattr(
        scoring,
        "niqe_model",
        lambda observer: {"mean": zeros(36), "covariance": zeros(36, 36)},  # noqa: ARG005
    )
    write(Path("sr/a.png"), 192, 192)
    events = []
    result = scored(events, sr=Path("sr"), metrics=None)
    assert list(result.means) == ["niqe", "sharpness"]
    assert any(isinstance(event, Said) and "no HR" in event.text for event in events)


def zeros(*shape):
    return torch.zeros(*shape)


def test_an_lr_of_another_shape_is_an_error_for_that_pair(write):
    write(Path("sr/a.png"), 64, 64)
    write(Path("lr/a.png"), 16, 20)
    result = scored(sr=Path("sr"), lr=Path("lr"), metrics=("consistency",))
    assert "not a whole number of times" in result.failures["sr/a.png"]
    assert result.means == {}


def test_an_unknown_metric_is_refused_with_the_nearest_one(write):
    write(Path("sr/a.png"), 32, 32)
    with pytest.raises(UsageError, match="Did you mean lpips"):
        scored(sr=Path("sr"), metrics=("lpisp",))


class PyiqaModel:
    """What pyiqa's metrics look like from outside."""

    lower_better = True
    metric_mode = "FR"

    def __call__(self, sr, hr):
        return (sr - hr).abs().mean(dim=(1, 2, 3))[:, None]


def test_a_metric_of_pyiqa_is_taken_by_name_where_it_is_installed(write, monkeypatch):
    made = []
    module = SimpleNamespace(
        __spec__=SimpleNamespace(name="pyiqa"),
        list_models=lambda: ["ahiq", "psnr"],
        create_metric=lambda name, device: made.append(name) or PyiqaModel(),  # noqa: ARG005
    )
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    monkeypatch.setattr(foreign_metrics, "_version", lambda: "0.1")
    foreign_metrics._model.cache_clear()
    for number in range(3):
        write(Path(f"gt/{number}.png"), 32, 32, number)
        save(Path(f"sr/{number}.png"), 255 - cv2.imread(f"gt/{number}.png"))
    result = scored(sr=Path("sr"), gt=Path("gt"), metrics=("ahiq", "psnr", "pyiqa:psnr"))
    assert made == ["ahiq", "psnr"]
    assert "ahiq: RGB, border 0, lower is better" in result.protocol_text
    assert result.means["pyiqa:psnr"] == result.means["ahiq"] > 0
    assert result.means["psnr"] > 0
    with pytest.raises(UsageError, match="'musiq' is no metric"):
        scored(sr=Path("sr"), gt=Path("gt"), metrics=("musiq",))
