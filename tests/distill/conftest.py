"""Feature networks with drawn weights, so that no test needs a download."""

import math

import numpy as np
import pytest
import torch

from pdd_cli.distill.features import Architecture, VGGFeatures, layer_names

_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


def drawn_vgg_weights(arch: Architecture, seed: int) -> dict[str, torch.Tensor]:
    """Weights by torchvision's names, drawn with numpy in torchvision's order."""
    generator = np.random.default_rng(seed)
    weights, index, inputs = {}, 0, 3
    for count, outputs in zip(_CONVOLUTIONS[arch], _CHANNELS, strict=True):
        for _ in range(count):
            shape = (outputs, inputs, 3, 3)
            spread = math.sqrt(2 / math.prod(shape[1:]))
            drawn = {
                "weight": generator.standard_normal(shape) * spread,
                "bias": 0.1 * generator.standard_normal(outputs),
            }
            for kind, values in drawn.items():
                weights[f"features.{index}.{kind}"] = torch.from_numpy(values.astype(np.float32))
            index, inputs = index + 2, outputs
        index += 1
    return weights


@pytest.fixture(scope="session")
def vgg19() -> VGGFeatures:
    """Every layer of a VGG19 with drawn weights."""
    return VGGFeatures("vgg19", layer_names("vgg19"), drawn_vgg_weights("vgg19", 19))


@pytest.fixture(scope="session")
def shallow_features() -> VGGFeatures:
    """The first two blocks alone, fast enough for property tests."""
    return VGGFeatures("vgg16", ("conv1_2", "conv2_1"), drawn_vgg_weights("vgg16", 16))
