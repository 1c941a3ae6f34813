"""Deep image structure and texture similarity (DISTS, arXiv 2004.07728)."""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.errors import ModelError
from pdd_cli.metrics.smallest import refuse_small
from pdd_cli.runtime.device import memory_format

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_CHANNELS = [3, 64, 128, 256, 512, 512]
# Torchvision's convolutions of VGG16, stage by stage.
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_BLUR = (0.25, 0.5, 0.25)
_FLOOR = 1e-6


class DISTS(nn.Module):
    """Distance of structure and of texture; 0 for identical pictures, lower is better.

    As the authors' released code computes it, at the pictures' own size.

    Args:
        weights: ``features.N.weight|bias`` of VGG16 by torchvision's names, and ``alpha`` and
            ``beta``, (1475,), for texture and structure.

    Raises:
        ModelError: a tensor is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        needed = [
            f"features.{index}.{kind}"
            for stage in _STAGES
            for index in stage
            for kind in ("weight", "bias")
        ] + ["alpha", "beta"]
        missing = [name for name in needed if name not in weights]
        if missing:
            raise ModelError(
                f"The weights of DISTS lack {missing[0]}.",
                hint="Fetch them again with pdd models pull dists vgg16.",
            )
        total = (weights["alpha"].sum() + weights["beta"].sum()).float()
        for name in needed:
            tensor = weights[name].float()
            if name in ("alpha", "beta"):
                tensor = tensor.flatten() / total
            elif tensor.ndim == 4:
                tensor = tensor.to(memory_format=torch.channels_last)
            self.register_buffer(name.replace(".", "_"), tensor)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    @torch.inference_mode()
    def forward(self, prediction: Tensor, hr: Tensor) -> Tensor:
        """Compare two batches of (n, 3, h, w), RGB in [0, 1], at least 32×32.

        Returns:
            (n,), float32.

        Raises:
            DataError: the pictures are too small.
        """
        refuse_small(prediction, "DISTS")
        textures = torch.split(self.get_buffer("alpha"), _CHANNELS)
        structures = torch.split(self.get_buffer("beta"), _CHANNELS)
        similarity = prediction.new_zeros(len(prediction), dtype=torch.float32)
        stages = self._stages(torch.cat([prediction, hr]).float())
        for features, texture, structure in zip(stages, textures, structures, strict=True):
            likeness = _likeness(*features.chunk(2))
            similarity += likeness[0] @ texture + likeness[1] @ structure
        return 1 - similarity

    def _stages(self, pictures: Tensor) -> Iterator[Tensor]:
        """Yield the pictures and what VGG16 sees in them, from stage to stage at half the size."""
        yield pictures
        flow = (pictures - self.get_buffer("mean")) / self.get_buffer("deviation")
        flow = flow.contiguous(memory_format=memory_format(flow.device))
        for number, stage in enumerate(_STAGES):
            if number:
                flow = _pooled(flow)
            for index in stage:
                name = f"features_{index}"
                weight, bias = (self.get_buffer(f"{name}_{kind}") for kind in ("weight", "bias"))
                flow = F.relu_(F.conv2d(flow, weight, bias, padding=1))
            yield flow


def _likeness(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Compare each channel's means, and its values around them: two of (n, channels)."""
    axes = (2, 3)
    mean_a, mean_b = first.mean(dim=axes), second.mean(dim=axes)
    texture = (2 * mean_a * mean_b + _FLOOR) / (mean_a**2 + mean_b**2 + _FLOOR)
    a, b = first - mean_a[..., None, None], second - mean_b[..., None, None]
    variances = a.square().mean(dim=axes) + b.square().mean(dim=axes)
    structure = (2 * (a * b).mean(dim=axes) + _FLOOR) / (variances + _FLOOR)
    return texture, structure


def _pooled(features: Tensor) -> Tensor:
    """Halve the size by the root of smoothed squares, which keeps no pattern of the sampling."""
    line = features.new_tensor(_BLUR)
    window = torch.outer(line, line).expand(features.shape[1], 1, 3, 3)
    smoothed = F.conv2d(features.square(), window, stride=2, padding=1, groups=features.shape[1])
    return smoothed.add_(1e-12).sqrt_()
