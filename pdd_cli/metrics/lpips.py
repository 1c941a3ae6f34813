"""Learned perceptual image patch similarity (LPIPS 0.1, arXiv 1801.03924)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.errors import ModelError
from pdd_cli.metrics.smallest import refuse_small
from pdd_cli.runtime.device import memory_format

Backbone = Literal["alex", "vgg"]


_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_FLOOR = 1e-10


@dataclass(frozen=True)
class _Convolution:
    index: int
    """Among torchvision's ``features``."""
    stride: int = 1
    padding: int = 1
    pooled: tuple[int, int] | None = None
    """Kernel and stride of a pooling before it."""
    tapped: bool = False
    """Whether distances are taken behind its ReLU."""


_BACKBONES: dict[Backbone, tuple[_Convolution, ...]] = {
    "alex": (
        _Convolution(0, stride=4, padding=2, tapped=True),
        _Convolution(3, padding=2, pooled=(3, 2), tapped=True),
        _Convolution(6, pooled=(3, 2), tapped=True),
        _Convolution(8, tapped=True),
        _Convolution(10, tapped=True),
    ),
    "vgg": (
        _Convolution(0),
        _Convolution(2, tapped=True),
        _Convolution(5, pooled=(2, 2)),
        _Convolution(7, tapped=True),
        _Convolution(10, pooled=(2, 2)),
        _Convolution(12),
        _Convolution(14, tapped=True),
        _Convolution(17, pooled=(2, 2)),
        _Convolution(19),
        _Convolution(21, tapped=True),
        _Convolution(24, pooled=(2, 2)),
        _Convolution(26),
        _Convolution(28, tapped=True),
    ),
}


class LPIPS(nn.Module):
    """Distance of pictures as people judge it; 0 for identical ones, lower is better.

    Args:
        backbone: ``alex`` or ``vgg``.
        weights: ``features.N.weight|bias`` by torchvision's names, and ``lin0`` to ``lin4``,
            (channels,).
        precision: of all convolutions but the first. The first meets pixels, of which bfloat16
            would lose a bit or two; the distances are always taken in float32.

    Raises:
        ModelError: a tensor is missing.
    """

    def __init__(
        self,
        backbone: Backbone,
        weights: Mapping[str, Tensor],
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self._precision = precision
        self._convolutions = _BACKBONES[backbone]
        needed = [
            f"features.{convolution.index}.{kind}"
            for convolution in self._convolutions
            for kind in ("weight", "bias")
        ] + [f"lin{number}" for number in range(5)]
        missing = [name for name in needed if name not in weights]
        if missing:
            raise ModelError(
                f"The weights of LPIPS lack {missing[0]}.",
                hint=f"Fetch them again with pdd models pull lpips-{backbone}.",
            )
        for name in needed:
            self.register_buffer(name.replace(".", "_"), self._prepared(name, weights[name]))
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))

    @torch.inference_mode()
    def forward(self, prediction: Tensor, hr: Tensor) -> Tensor:
        """Compare two batches of (n, 3, h, w), RGB in [0, 1], at least 32×32.

        Returns:
            (n,), float32.

        Raises:
            DataError: the pictures are too small.
        """
        refuse_small(prediction, "LPIPS")
        # Both pictures side by side through one pass; what was tapped is compared at once, so
        # that the maps of a large picture are not all kept.
        flow = self._scaled(torch.cat([prediction, hr]))
        distance = flow.new_zeros(len(prediction))
        head = 0
        for convolution in self._convolutions:
            if convolution.pooled is not None:
                flow = F.max_pool2d(flow, *convolution.pooled)
            flow = F.relu_(self._convolve(flow, convolution))
            if convolution.tapped:
                first, second = _unit_length(flow.float()).chunk(2)
                weight = self.get_buffer(f"lin{head}").view(1, -1, 1, 1)
                # A convolution of 1×1 weighs and sums channels in one pass.
                difference = F.conv2d((first - second).square_(), weight)
                distance += difference.mean(dim=(1, 2, 3))
                head += 1
        return distance

    def _prepared(self, name: str, tensor: Tensor) -> Tensor:
        """Give a tensor the type and the layout that it is used in."""
        first = f"features.{self._convolutions[0].index}."
        inner = name.startswith("features.") and not name.startswith(first)
        tensor = tensor.to(self._precision if inner else torch.float32)
        return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor

    def _scaled(self, pictures: Tensor) -> Tensor:
        shift, scale = self.get_buffer("shift"), self.get_buffer("scale")
        scaled = torch.addcmul((-1 - shift) / scale, pictures.float(), 2 / scale)
        return scaled.contiguous(memory_format=memory_format(scaled.device))

    def _convolve(self, flow: Tensor, convolution: _Convolution) -> Tensor:
        name = f"features_{convolution.index}"
        weight = self.get_buffer(f"{name}_weight")
        return F.conv2d(
            flow.to(weight.dtype),
            weight,
            self.get_buffer(f"{name}_bias"),
            stride=convolution.stride,
            padding=convolution.padding,
        )


def _unit_length(features: Tensor) -> Tensor:
    """Scale each position's channels to length 1."""
    norm = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    unit: Tensor = features / (norm + _FLOOR)
    return unit
