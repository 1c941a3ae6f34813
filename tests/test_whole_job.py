"""The main job with real weights; needs a package index or the Hub."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from pdd_cli.assets.models import resolve_model
from pdd_cli.assets.photos import starter_photos
from pdd_cli.assets.weights import lpips_weights
from pdd_cli.data.cameras import Camera
from pdd_cli.errors import ModelError
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.nets.network import load_network
from pdd_cli.runtime.weights import read_weights

pytestmark = pytest.mark.whole

CAMERA = Camera(lens_blur=1.6, sensor_noise=2.0, jpeg_quality=90)


@pytest.fixture(scope="module")
def fetched():
    """Everything that the job fetches, or a reason to skip."""
    try:
        model = resolve_model("realesrgan")
        lpips_weights("alex")
        return model, starter_photos()
    except ModelError as error:
        pytest.skip(f"offline: {error}")


def test_the_fetched_realesrgan_is_whole(fetched):
    model, _ = fetched
    network = load_network(read_weights(model.weights), named="realesrgan")
    assert (network.architecture, network.scale) == ("ESRGAN", 4)
    assert sum(parameter.numel() for parameter in network.parameters()) == 16_697_987


@pytest.mark.usefixtures("fetched")
def test_the_heads_of_lpips_are_weights_of_a_distance():
    weights = lpips_weights("alex")
    assert all((weights[f"lin{number}"] >= 0).all() for number in range(5))


def lay_out_realsr(starters: Path, root: Path) -> None:
    """A small RealSR tree: starter photos and what a simulated camera makes of them."""
    for split, names in (("Train", ("coffee", "rocket")), ("Test", ("chelsea",))):
        for seed, name in enumerate(names):
            scene = read_picture(next(starters.rglob(f"{name}.*"))).rgb8()[:256, :256]
            stem = root / "Canon" / split / "4" / f"Canon_{name}"
            stem.parent.mkdir(parents=True, exist_ok=True)
            for suffix, pixels in (("HR", scene), ("LR4", CAMERA.photograph(scene, 4, seed))):
                picture = encode_picture(Picture(pixels), ".png")
                stem.with_name(f"{stem.name}_{suffix}.png").write_bytes(picture)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pdd_cli", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_three_lines_of_daily_use_work_one_after_the_other(fetched, tmp_path):
    _, starters = fetched
    lay_out_realsr(starters, tmp_path / "RealSR")
    short = ("--steps", "2", "--device", "cpu")
    run(tmp_path, "adapt", "--generalist", "realesrgan", "--real-lr", "./RealSR", *short)
    run(tmp_path, "infer", "folder")
    done = run(tmp_path, "eval", "--metrics", "psnr", "lpips", "--report", "page.html", "--json")
    means = json.loads(done.stdout)["result"]["means"]
    assert means["psnr"] > 15
    assert 0 < means["lpips"] < 1
    assert "Where bicubic ends and result begins" in (tmp_path / "page.html").read_text()
    upscaled = list((tmp_path / "RealSR_x4").rglob("*.png"))
    assert [path.name for path in upscaled] == ["Canon_chelsea_LR4.png"]
    assert cv2.imread(str(upscaled[0])).shape == (256, 256, 3)
