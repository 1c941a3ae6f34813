"""The VGG features that pictures are compared in, read before each ReLU."""

from collections.abc import Collection, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.errors import ModelError, UsageError

Architecture = Literal["vgg16", "vgg19"]

# Convolutions in each of the five blocks, and the channels that they give (arXiv 1409.1556).
_CONVOLUTIONS: dict[Architecture, tuple[int, ...]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
_CHANNELS = (64, 128, 256, 512, 512)

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class VGGFeatures(nn.Module):
    """Frozen VGG16 or VGG19 up to the deepest layer asked for; see docs/method.md, Features.

    Args:
        arch: ``vgg16`` or ``vgg19``.
        layers: names such as ``conv3_4``: block, then convolution within the block, from 1.
        weights: tensors by torchvision's names, ``features.N.weight`` and ``features.N.bias``.

    Raises:
        UsageError: the architecture has no such layer.
        ModelError: the weights lack a tensor or have other shapes.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, arch: Architecture, layers: Collection[str], weights: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        known = layer_names(arch)
        unknown = sorted(set(layers) - set(known))
        if unknown:
            raise UsageError(
                f"{arch} has no layer {', '.join(unknown)}.", hint=f"It has {', '.join(known)}."
            )
        self.arch = arch
        self.layers = frozenset(layers)
        deepest = max((known.index(name) for name in layers), default=-1)
        self._names = known[: deepest + 1]
        self.convolutions = nn.ModuleList(_convolution(arch, name, weights) for name in self._names)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Map pictures to feature maps.

        Args:
            pictures: (n, 3, h, w), RGB in [0, 1], h and w at least 16 for layers of block 5.

        Returns:
            ``{layer: (n, c, h / 2^(block - 1), w / 2^(block - 1))}``, before the layer's ReLU.
        """
        maps: dict[str, Tensor] = {}
        flow = (pictures - self.mean) / self.std
        for name, convolution in zip(self._names, self.convolutions, strict=True):
            if _opens_later_block(name):
                flow = F.max_pool2d(flow, kernel_size=2)
            flow = convolution(flow)
            if name in self.layers:
                maps[name] = flow
            flow = F.relu(flow)
        return maps


def layer_names(arch: Architecture) -> list[str]:
    """List an architecture's convolutions from the input on, by name: ``conv1_1`` first."""
    return [
        f"conv{block}_{number}"
        for block, count in enumerate(_CONVOLUTIONS[arch], start=1)
        for number in range(1, count + 1)
    ]


def deepest_in_block(arch: Architecture, layer: str) -> str:
    """Return the layer itself, or the last one of its block where the block is shorter.

    VGG16 has three convolutions where VGG19 has four: ``conv3_4`` becomes ``conv3_3``.
    """
    block, number = int(layer[4]), int(layer[6:])
    return f"conv{block}_{min(number, _CONVOLUTIONS[arch][block - 1])}"


def _opens_later_block(layer: str) -> bool:
    return layer.endswith("_1") and layer != "conv1_1"


def _convolution(arch: Architecture, layer: str, weights: Mapping[str, Tensor]) -> nn.Conv2d:
    block = int(layer[4])
    inputs = 3 if layer == "conv1_1" else _CHANNELS[block - 1 - layer.endswith("_1")]
    with torch.device("meta"):  # no time spent on weights that are replaced at once
        convolution = nn.Conv2d(inputs, _CHANNELS[block - 1], 3, padding=1)
    convolution.to_empty(device="cpu")
    index = _index_in_torchvision(arch, layer)
    try:
        convolution.load_state_dict(
            {kind: weights[f"features.{index}.{kind}"] for kind in ("weight", "bias")}
        )
    except (KeyError, RuntimeError) as error:
        raise ModelError(
            f"The {arch} weights do not hold a fitting features.{index} for {layer}.",
            hint="Fetch them again with pdd models pull.",
        ) from error
    return convolution


def _index_in_torchvision(arch: Architecture, layer: str) -> int:
    """Count as torchvision does: a convolution and its ReLU are two, a pooling is one."""
    position = layer_names(arch).index(layer)
    pools = int(layer[4]) - 1
    return 2 * position + pools
