"""The settings of an evaluation."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pdd_cli.config.strict import StrictModel

MetricName = Literal["psnr", "psnr-y", "ssim", "ssim-y", "lpips", "lpips-vgg"]


class EvaluateConfig(StrictModel):
    """Everything about an evaluation."""

    sr: Path | None = None
    """Folder of upscaled pictures; unset, what the last ``infer`` wrote."""
    gt: Path | None = None
    """Folder of their HR; unset, HR beside the LR, or in the tree of the last adaptation."""
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)] = ("psnr", "ssim", "lpips")
    """What to compute."""
    border: Annotated[int, Field(ge=0)] | None = None
    """Pixels left out along each side; unset, the scale, or 4 where nobody tells the scale."""
    report: Path | None = None
    """HTML file to write about the evaluation; unset, none."""
    before: Path | None = None
    """Folder of the same pictures upscaled in another way, which the report compares with; unset,
    bicubic enlargement."""
    show: tuple[str, ...] = ()
    """Pictures that the report shows besides those that gained and lost most."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    runs: Path = Path("runs")
    """Folder of all runs."""

    @field_validator("report")
    @classmethod
    def _page(cls, report: Path | None) -> Path | None:
        if report is not None and report.suffix.lower() not in (".html", ".htm"):
            raise ValueError("a report is an HTML file: give it a name that ends in .html")
        return report
