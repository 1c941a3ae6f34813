"""Drawn weights in the place of those that a training would fetch."""

import pytest
import torch

from pdd_cli.errors import ModelError
from pdd_cli.recipes import assembly, monitors

_CHANNELS = (64, 128, 256, 512, 512)
_ALEXNET = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}


@pytest.fixture
def drawn_features(monkeypatch):
    """A VGG16 and an LPIPS with drawn weights; NIQE cannot be had."""
    generator = torch.Generator().manual_seed(16)
    weights, index, inputs = {}, 0, 3
    for count, outputs in zip((2, 2, 3, 3, 3), _CHANNELS, strict=True):
        for _ in range(count):
            scale = (2 / (9 * inputs)) ** 0.5
            drawn = scale * torch.randn(outputs, inputs, 3, 3, generator=generator)
            weights[f"features.{index}.weight"] = drawn
            weights[f"features.{index}.bias"] = torch.zeros(outputs)
            index, inputs = index + 2, outputs
        index += 1
    alexnet = {f"lin{n}": torch.ones(shape[0]) for n, shape in enumerate(_ALEXNET.values())}
    for place, (outputs, inputs, side) in _ALEXNET.items():
        drawn = torch.randn(outputs, inputs, side, side, generator=generator)
        alexnet[f"features.{place}.weight"] = drawn / (inputs * side**2) ** 0.5
        alexnet[f"features.{place}.bias"] = torch.zeros(outputs)

    def unreachable(*, observer):  # noqa: ARG001
        raise ModelError("niqe cannot be fetched.")

    monkeypatch.setattr(assembly, "feature_weights", lambda _arch, observer: weights)  # noqa: ARG005
    monkeypatch.setattr(monitors, "lpips_weights", lambda _name, observer: alexnet)  # noqa: ARG005
    monkeypatch.setattr(monitors, "niqe_model", unreachable)
