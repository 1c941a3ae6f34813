"""The settings of an upscaling."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pdd_cli.config.strict import StrictModel


class InferConfig(StrictModel):
    """Everything about an upscaling."""

    paths: tuple[Path, ...] = ()
    """Pictures and folders; none stands for the photos of the last adaptation."""
    model: str | None = None
    """A known name, a path, a run or hf:user/repo; unset, the newest run, else realesrgan."""
    output: Path | None = None
    """Folder for the results; unset, beside the input."""
    overwrite: bool = False
    """Whether results may replace files that exist."""
    tile: Annotated[int, Field(ge=32)] = 256
    """Height and width of a tile in LR pixels; smaller tiles take less memory."""
    overlap: Annotated[int, Field(ge=1)] = 24
    """LR pixels of context around what is kept of a tile."""
    color_fix: Literal["none", "mean-std", "wavelet"] = "none"
    """Whether results get the colours of their LR back: by each channel's mean and deviation, or
    at coarse scales alone."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the network's arithmetic for 8-bit pictures; deeper ones take float32."""
    runs: Path = Path("runs")
    """Folder of all runs."""

    @model_validator(mode="after")
    def _tiles_have_a_middle(self) -> "InferConfig":
        if self.tile <= 4 * self.overlap:
            raise ValueError(
                f"a tile of {self.tile} is too small for an overlap of {self.overlap}: give a "
                "--tile of more than four times the --overlap"
            )
        return self
