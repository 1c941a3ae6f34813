"""The settings of an evaluation, and of a comparison of several models."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pdd_cli.config.strict import StrictModel

Control = Literal["bicubic", "generalist", "color-fixed"]


class ScoringSettings(StrictModel):
    """What is measured, and under which protocol."""

    gt: Path | None = None
    """Folder of the HR pictures, or the name of a prepared data set; unset, HR beside the LR, or in
    the tree of the last adaptation."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """What to compute; unset, psnr, ssim and lpips, or without HR what needs none."""
    protocol: Literal["default", "iqa", "crops", "classic"] = "default"
    """Colour of psnr and ssim, and the border: RGB and the scale; IQA-PyTorch's defaults; Y and
    none, as papers score 512×512 crops; Y and the scale."""
    border: Annotated[int, Field(ge=0)] | None = None
    """Pixels left out along each side; unset, the protocol's, 4 where it is the scale and nobody
    tells that."""
    color: Literal["RGB", "Y"] | None = None
    """Colour of psnr and ssim; unset, the protocol's."""
    report: Path | None = None
    """HTML file to write about it; unset, none."""
    show: tuple[str, ...] = ()
    """Pictures that the report shows besides those that gained and lost most."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the networks' arithmetic; auto is bfloat16 where the device gains from it, which
    moves LPIPS by less than 0.0005."""
    runs: Path = Path("runs")
    """Folder of all runs."""

    @field_validator("report")
    @classmethod
    def _page(cls, report: Path | None) -> Path | None:
        if report is not None and report.suffix.lower() not in (".html", ".htm"):
            raise ValueError("a report is an HTML file: give it a name that ends in .html")
        return report


class EvaluateConfig(ScoringSettings):
    """Everything about an evaluation."""

    sr: Path | None = None
    """Folder of upscaled pictures; unset, what the last ``infer`` wrote."""
    lr: Path | None = None
    """Folder of their LR, or the name of a prepared data set; unset, what the record of ``infer``
    tells."""
    pairs: Path | None = None
    """List of pairs in the place of a folder: a CSV file with the columns sr, hr and lr, of which
    sr and one of the others are needed."""
    before: Path | None = None
    """Folder of the same pictures upscaled in another way, which the report compares with; unset,
    bicubic enlargement."""


class CompareConfig(ScoringSettings):
    """Everything about a comparison of models."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    """Known names, paths, runs or hf:user/repo. The first is what the others are compared with,
    unless the generalist is among the controls."""
    lr: Path
    """Folder of the LR pictures, or the name of a prepared data set."""
    controls: tuple[Control, ...] = ()
    """What else is scored: enlargement, the un-adapted model, each model with the LR's colours."""
