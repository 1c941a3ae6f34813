"""Which metrics there are, which way is better, and the protocol that a number is stated under.

Light on purpose: help, progress, tables, cards and reports all ask here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Colour = Literal["RGB", "Y", "YIQ", "Lab", "grey"]
Direction = Literal["higher", "lower"]
Needs = Literal["hr", "lr", "nothing"]
ProtocolName = Literal["default", "iqa", "crops", "classic"]

_SSIM = "doi 10.1109/TIP.2003.819861"
_LPIPS = "arXiv 1801.03924, version 0.1"


@dataclass(frozen=True)
class Metric:
    """What a metric is."""

    name: str
    better: Direction | None
    """None where a figure only shows what changed."""
    unit: str
    colour: Colour
    """RGB; Y, BT.601 luma in studio swing; YIQ, BT.601 luma in full swing; CIE Lab; or grey."""
    uses_border: bool
    """Whether pixels near the picture's border are left out."""
    source: str
    needs: Needs = "hr"
    """What a picture is compared with."""
    lowest: float | None = 0.0
    """None where there is no bound; likewise ``highest``."""
    highest: float | None = None

    @property
    def range(self) -> str:
        """The values that it can take, in words."""
        low, high = (
            "∞" if bound is None else f"{bound:g}" for bound in (self.lowest, self.highest)
        )
        return f"{'-' if self.lowest is None else ''}{low} to {high}"


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "higher", "dB", "RGB", True, "10·log10(1/MSE), all channels together"),
        Metric("psnr-y", "higher", "dB", "Y", True, "10·log10(1/MSE), BT.601 luma"),
        Metric("ssim", "higher", "", "RGB", True, f"{_SSIM}, mean of channels", "hr", -1, 1),
        Metric("ssim-y", "higher", "", "Y", True, f"{_SSIM}, BT.601 luma", "hr", -1, 1),
        Metric("lpips", "lower", "", "RGB", False, f"{_LPIPS}, AlexNet"),
        Metric("lpips-vgg", "lower", "", "RGB", False, f"{_LPIPS}, VGG16"),
        Metric("dists", "lower", "", "RGB", False, "arXiv 2004.07728, whole size", "hr", 0, 1),
        Metric("niqe", "lower", "", "grey", False, "doi 10.1109/LSP.2012.2227726", "nothing"),
        Metric(
            "consistency", "higher", "dB", "RGB", False, "PSNR to the LR, SR reduced by area", "lr"
        ),
        Metric(
            "colour-drift", "lower", "ΔE", "Lab", False, "mean ΔE 1976 to the LR, likewise", "lr"
        ),
        Metric("sharpness", None, "", "Y", False, "deviation of the Laplacian, levels", "nothing"),
        Metric("noise", None, "", "Y", False, "doi 10.1006/cviu.1996.0060, levels", "nothing"),
    )
}

ARROWS: Mapping[Direction | None, str] = {"higher": "↑", "lower": "↓", None: ""}


def direction_of(figure: str) -> Direction | None:
    """Tell which way a figure is better, whatever prefix a training gives it: ``val_psnr``."""
    metric = METRICS.get(figure.removeprefix("val_").replace("_", "-"))
    return metric.better if metric else None


DIRECTIONS: Mapping[str, Direction | None] = {
    name: direction_of(name)
    for name in (
        "val_psnr",
        "val_ssim",
        "val_lpips",
        "consistency",
        "colour_drift",
        "niqe",
        "sharpness",
        "noise",
    )
}
"""Of the figures that watch over a training."""


@dataclass(frozen=True)
class Convention:
    """What a protocol's name stands for."""

    psnr: Colour
    ssim: Colour
    border: int | None
    """Pixels left out along each side; None for as many as the scale."""
    meaning: str


PROTOCOLS: Mapping[ProtocolName, Convention] = {
    "default": Convention("RGB", "RGB", None, "RGB, border = scale"),
    "iqa": Convention("RGB", "YIQ", 0, "IQA-PyTorch's defaults: PSNR in RGB, SSIM in Y, no border"),
    "crops": Convention(
        "Y", "Y", 0, "PSNR and SSIM in Y, no border: how papers score 512×512 crops"
    ),
    "classic": Convention("Y", "Y", None, "Y, border = scale"),
}


@dataclass(frozen=True)
class Protocol:
    """How the numbers of one evaluation were computed."""

    metrics: tuple[str, ...]
    border: int
    """Pixels left out along each side, for the metrics that use a border."""
    scale: int | None
    """The upscaling factor; None where nobody told."""
    name: str = "default"
    """With the word ``changed`` behind it where a part was given in the place of its own."""
    definitions: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    """What each metric is under this protocol."""

    def metric(self, name: str) -> Metric:
        """Return what a metric is under this protocol; its colour may not be the usual one."""
        return self.definitions[name]

    def border_of(self, name: str) -> int:
        """Return how many pixels along each side a metric leaves out."""
        return self.border if self.definitions[name].uses_border else 0

    def describe(self) -> str:
        """Spell the protocol out in one line."""
        return f"protocol {self.name}: {'; '.join(self._describe(name) for name in self.metrics)}"

    def _describe(self, name: str) -> str:
        metric = self.metric(name)
        better = f", {metric.better} is better" if metric.better else ""
        return f"{name}: {metric.colour}, border {self.border_of(name)}{better}"


def make_protocol(
    name: ProtocolName,
    metrics: Iterable[Metric],
    *,
    scale: int | None,
    fallback_border: int,
    border: int | None = None,
    colour: Literal["RGB", "Y"] | None = None,
) -> Protocol:
    """Fill in a named protocol.

    Args:
        name: which one.
        metrics: what is computed, as it usually is.
        scale: the upscaling factor, where somebody told.
        fallback_border: for a protocol whose border is the scale, where nobody told it.
        border: in the place of the protocol's.
        colour: of ``psnr`` and ``ssim``, in the place of the protocol's.
    """
    convention = PROTOCOLS[name]
    usual = (scale or fallback_border) if convention.border is None else convention.border
    colours = {"psnr": colour or convention.psnr, "ssim": colour or convention.ssim}
    definitions = {
        metric.name: _in_colour(metric, colours[metric.name]) if metric.name in colours else metric
        for metric in metrics
    }
    changed = (border is not None and border != usual) or (
        colour is not None and any(colours[m] != getattr(convention, m) for m in colours)
    )
    return Protocol(
        metrics=tuple(definitions),
        border=usual if border is None else border,
        scale=scale,
        name=f"{name}, changed" if changed else name,
        definitions=definitions,
    )


def _in_colour(metric: Metric, colour: Colour) -> Metric:
    if colour == metric.colour:
        return metric
    swing = {"Y": "BT.601 luma", "YIQ": "BT.601 luma in full swing, 8 bits"}.get(colour, colour)
    return replace(metric, colour=colour, source=f"{metric.source.split(',')[0]}, {swing}")
