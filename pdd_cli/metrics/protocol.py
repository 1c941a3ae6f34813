"""Which metrics there are, and the protocol that a number is stated under."""

from dataclasses import dataclass
from typing import Literal

Colour = Literal["RGB", "Y"]
Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """What a metric is."""

    name: str
    better: Direction
    unit: str
    colour: Colour
    uses_border: bool
    """Whether pixels near the picture's border are left out."""
    source: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr", "higher", "dB", "RGB", True, "10·log10(1/MSE), all channels together"),
        Metric("psnr-y", "higher", "dB", "Y", True, "10·log10(1/MSE), BT.601 luma"),
        Metric("ssim", "higher", "", "RGB", True, "doi 10.1109/TIP.2003.819861, mean of channels"),
        Metric("ssim-y", "higher", "", "Y", True, "doi 10.1109/TIP.2003.819861, BT.601 luma"),
        Metric("lpips", "lower", "", "RGB", False, "arXiv 1801.03924, version 0.1, AlexNet"),
        Metric("lpips-vgg", "lower", "", "RGB", False, "arXiv 1801.03924, version 0.1, VGG16"),
    )
}


@dataclass(frozen=True)
class Protocol:
    """How the numbers of one evaluation were computed."""

    metrics: tuple[str, ...]
    border: int
    """Pixels left out along each side, for the metrics that use a border."""
    scale: int | None
    """The upscaling factor; None where nobody told."""

    def describe(self) -> str:
        """Spell the protocol out in one line."""
        parts = []
        for name in self.metrics:
            metric = METRICS[name]
            border = self.border if metric.uses_border else 0
            parts.append(f"{name}: {metric.colour}, border {border}, {metric.better} is better")
        return "; ".join(parts)
