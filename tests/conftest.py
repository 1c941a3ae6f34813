"""Tiny networks and pictures that tests make themselves, and a browser."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from stand_in_hub import StandInHub

from pdd_cli.assets import reachability
from pdd_cli.runtime.weights import write_weights

# What Chromium needs in a container, and what keeps it from calling home.
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def tiny_network(scale: int = 4, channels: int = 8, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of an SRVGGNetCompact with two convolutions, near to plain enlargement."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return 0.02 * torch.randn(*shape, generator=generator)

    return {
        "body.0.weight": drawn(channels, 3, 3, 3),
        "body.0.bias": drawn(channels),
        "body.1.weight": torch.full((channels,), 0.1),
        "body.2.weight": drawn(channels, channels, 3, 3),
        "body.2.bias": drawn(channels),
        "body.3.weight": torch.full((channels,), 0.1),
        "body.4.weight": drawn(3 * scale**2, channels, 3, 3),
        "body.4.bias": drawn(3 * scale**2),
    }


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An 8-bit RGB picture with edges and gradients."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def write_scene(path: Path, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Write a scene and return its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = scene(height, width, seed)
    done, data = cv2.imencode(path.suffix, pixels[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())
    return pixels


@pytest.fixture
def tiny_model(tmp_path) -> Path:
    path = tmp_path / "tiny.safetensors"
    write_weights(path, tiny_network())
    return path


@pytest.fixture
def write():
    """``write(path, height, width, seed)`` writes a scene."""
    return write_scene


@pytest.fixture
def network_weights():
    """``network_weights(scale)`` draws a tiny network."""
    return tiny_network


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, driven by its own driver; tests are skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no Chromium with its driver is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on loopback in the place of the real one, with an empty cache and nobody logged in."""
    from huggingface_hub import constants

    with StandInHub() as running:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("PDD_CACHE", str(tmp_path / "pdd-cache"))
        # The client read its environment when it was imported.
        for name, value in {
            "ENDPOINT": running.address,
            "HUGGINGFACE_CO_URL_TEMPLATE": (
                running.address + "/{repo_id}/resolve/{revision}/{filename}"
            ),
            "HF_HUB_CACHE": str(tmp_path / "hub-cache"),
            "HF_TOKEN_PATH": str(tmp_path / "no-token"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_DISABLE_PROGRESS_BARS": True,
        }.items():
            monkeypatch.setattr(constants, name, value)
        reachability._accepts.cache_clear()
        yield running
        reachability._accepts.cache_clear()
