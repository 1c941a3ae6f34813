import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.evaluate import evaluate
from pdd_cli.recipes.infer import infer
from pdd_cli.runtime.events import Warned
from pdd_cli.runtime.run_directory import RunDirectory, mark_latest
from pdd_cli.runtime.weights import read_weights, write_weights


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def upscaled(model, *paths, **settings):
    settings = {"device": "cpu", "precision": "float32", "model": str(model), **settings}
    return infer(InferConfig(paths=tuple(Path(path) for path in paths), **settings))


def expected(model, pixels):
    network = load_network(read_weights(model), named="tiny").eval()
    with torch.inference_mode():
        result = network(pixels_to_tensor(pixels))[0].permute(1, 2, 0).numpy()
    return np.clip(result, 0, 1)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_picture_comes_out_as_the_network_has_it(tiny_model, depth):
    top = np.iinfo(depth).max
    pixels = np.random.default_rng(0).integers(0, top, (10, 12, 3), depth)
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    upscaled(tiny_model, "photos")
    result = read_picture(Path("photos_x4/a.png")).pixels
    assert result.dtype == depth
    assert np.abs(result - expected(tiny_model, pixels) * top).max() <= 0.5 + 1e-6 * top


def test_grey_stays_grey_and_alpha_is_upscaled(tiny_model):
    grey = np.random.default_rng(0).integers(0, 255, (8, 9), np.uint8)
    Path("in").mkdir()
    Path("in/grey.png").write_bytes(cv2.imencode(".png", grey)[1].tobytes())
    rgba = np.random.default_rng(1).integers(0, 255, (8, 9, 4), np.uint8)
    Path("in/rgba.png").write_bytes(cv2.imencode(".png", rgba)[1].tobytes())
    upscaled(tiny_model, "in", output=Path("out"))
    assert read_picture(Path("out/grey.png")).pixels.shape == (32, 36)
    assert read_picture(Path("out/rgba.png")).alpha.shape == (32, 36)


def test_the_tree_is_kept_and_a_bad_file_does_not_stop_the_rest(tiny_model, write):
    write(Path("in/deep/a.png"), 9, 7)
    write(Path("in/b.jpg"), 9, 7)
    Path("in/broken.png").write_bytes(b"nothing")
    result = upscaled(tiny_model, "in")
    assert [failure.input.name for failure in result.failures] == ["broken.png"]
    assert {str(job.output) for job in result.pictures} == {"in_x4/deep/a.png", "in_x4/b.png"}
    assert not list(Path("in_x4").rglob("*.partial"))


def test_nothing_is_overwritten_unless_told(tiny_model, write):
    write(Path("in/a.png"), 8, 8)
    upscaled(tiny_model, "in")
    before = Path("in_x4/a.png").stat().st_mtime_ns
    with pytest.raises(UsageError, match="--overwrite"):
        upscaled(tiny_model, "in")
    assert Path("in_x4/a.png").stat().st_mtime_ns == before
    upscaled(tiny_model, "in", overwrite=True)


def test_two_inputs_for_one_output_are_refused_before_the_first(tiny_model, write):
    write(Path("in/a.png"), 8, 8)
    write(Path("in/a.jpg"), 8, 8)
    with pytest.raises(UsageError, match="both become"):
        upscaled(tiny_model, "in")
    assert not Path("in_x4").exists()


@pytest.mark.parametrize("path", ["missing", "empty"])
def test_a_missing_or_empty_folder_is_named(tiny_model, path):
    Path("empty").mkdir()
    with pytest.raises(DataError, match=path):
        upscaled(tiny_model, path)


def test_a_result_that_is_not_finite_is_no_picture(network_weights, write):
    weights = network_weights()
    weights["body.4.bias"][0] = float("nan")
    write_weights(Path("spoilt.safetensors"), weights)
    write(Path("in/a.png"), 8, 8)
    result = upscaled("spoilt.safetensors", "in")
    assert "not finite" in result.failures[0].reason
    assert not Path("in_x4/a.png").exists()


def write_pairs(write, folder, names):
    """LR and HR by RealSR's names."""
    for number, name in enumerate(names):
        hr = write(Path(folder, f"{name}_HR.png"), 64, 64, number)
        low = cv2.resize(hr, (16, 16), interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".png", low[..., ::-1])[1].tobytes()
        Path(folder, f"{name}_LR4.png").write_bytes(data)


def test_what_infer_wrote_last_is_scored_against_hr_beside_the_lr(tiny_model, write):
    write_pairs(write, "pairs", ["a", "b"])
    upscaled(tiny_model, "pairs")
    result = evaluate(EvaluateConfig(metrics=("psnr", "ssim-y"), device="cpu"))
    assert [picture.hr.name for picture in result.pictures] == ["a_HR.png", "b_HR.png"]
    assert result.protocol.border == 4
    assert "psnr: RGB, border 4" in result.protocol_text
    by_hand = []
    for name in ("a", "b"):
        sr, hr = (
            read_picture(Path(path)).pixels[4:-4, 4:-4].astype(float)
            for path in (f"pairs_x4/{name}_LR4.png", f"pairs/{name}_HR.png")
        )
        by_hand.append(10 * np.log10(255**2 / np.mean((sr - hr) ** 2)))
    assert result.means["psnr"] == pytest.approx(np.mean(by_hand), abs=1e-4)


def finished_run(real_lr):
    run = RunDirectory(Path("runs/done"))
    run.path.mkdir(parents=True)
    run.config.write_text(json.dumps({"data": {"real_lr": str(real_lr)}}))
    return run


def test_hr_is_found_in_the_tree_of_the_last_adaptation(tiny_model, write):
    write_pairs(write, "RealSR/Canon/Test/4", ["c"])
    run = finished_run("RealSR")
    write_weights(run.model, read_weights(tiny_model))
    mark_latest(run)
    low = Path("RealSR/Canon/Test/4/c_LR4.png")
    Path("folder").mkdir()
    os.link(low, "folder/c_LR4.png")
    infer(InferConfig(paths=(Path("folder"),), device="cpu"))
    result = evaluate(EvaluateConfig(metrics=("psnr",), device="cpu"))
    assert result.pictures[0].hr == low.with_name("c_HR.png")


def test_the_bare_word_folder_stands_for_the_photos_of_the_last_adaptation(tiny_model, write):
    write_pairs(write, "RealSR/Canon/Test/4", ["c"])
    write_pairs(write, "RealSR/Canon/Train/4", ["d"])
    run = finished_run("RealSR")
    write_weights(run.model, read_weights(tiny_model))
    mark_latest(run)
    result = infer(InferConfig(paths=(Path("folder"),), device="cpu"))
    assert [job.input.name for job in result.pictures] == ["c_LR4.png"]


def test_pairs_are_made_by_name_and_what_is_alone_is_named(write):
    for number, name in enumerate(("b", "a", "c")):
        write(Path(f"sr/{name}_x4.png"), 32, 32, number)
    for number, name in enumerate(("b", "a")):
        write(Path(f"gt/{name}.png"), 32, 32, number)
    events = []
    config = EvaluateConfig(sr=Path("sr"), gt=Path("gt"), metrics=("psnr",), device="cpu")
    result = evaluate(config, events.append)
    assert result.means["psnr"] == float("inf")
    assert any(isinstance(event, Warned) and "c_x4.png" in event.text for event in events)


def test_sizes_that_do_not_fit_fail_that_pair_alone(write):
    write(Path("sr/a.png"), 32, 32)
    write(Path("sr/b.png"), 32, 32)
    write(Path("gt/a.png"), 32, 32)
    write(Path("gt/b.png"), 32, 30)
    config = EvaluateConfig(sr=Path("sr"), gt=Path("gt"), metrics=("psnr",), device="cpu")
    result = evaluate(config)
    assert len(result.pictures) == 1
    assert "32×32" in result.failures["sr/b.png"]
    assert "30×32" in result.failures["sr/b.png"]


def test_without_hr_anywhere_gt_is_asked_for(tiny_model, write):
    write(Path("in/a.png"), 16, 16)
    upscaled(tiny_model, "in")
    with pytest.raises(DataError, match="--gt"):
        evaluate(EvaluateConfig(metrics=("psnr",), device="cpu"))


def test_without_an_earlier_infer_a_folder_is_asked_for():
    with pytest.raises(DataError, match="SR_DIR"):
        evaluate(EvaluateConfig(metrics=("psnr",), device="cpu"))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_network_of_any_scale_upscales(tmp_path, network_weights, write, scale):
    write_weights(tmp_path / "other.safetensors", network_weights(scale))
    write(Path("photos/a.png"), 10, 12)
    result = upscaled(tmp_path / "other.safetensors", "photos")
    assert read_picture(result.pictures[0].output).pixels.shape == (10 * scale, 12 * scale, 3)


@pytest.mark.parametrize("way", ["mean-std", "wavelet"])
def test_a_colour_fix_is_applied_and_recorded(tiny_model, write, way):
    pixels = write(Path("photos/a.png"), 48, 40)
    plain = upscaled(tiny_model, "photos", output=Path("plain"))
    fixed = upscaled(tiny_model, "photos", output=Path("fixed"), color_fix=way)
    means = [
        read_picture(result.pictures[0].output).pixels.mean(axis=(0, 1))
        for result in (plain, fixed)
    ]
    wanted = pixels.mean(axis=(0, 1))
    assert np.abs(means[1] - wanted).max() < np.abs(means[0] - wanted).max()
    assert json.loads(fixed.record.read_text())["color_fix"] == way
