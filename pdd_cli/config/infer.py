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
    format: Literal["png", "jpg", "webp", "tif", "bmp", "avif", "jp2", "same"] = "png"
    """Of the results; ``same`` is each input's own, or png where pdd does not write that one."""
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    """Of jpg (unset, 95), webp (unset, lossless) and avif (unset, 90)."""
    suffix: Annotated[str, Field(pattern=r"^[^/\\]*$")] | None = None
    """Put behind the names of results; unset, _x and the scale for a single picture that is written
    beside its input, and nothing otherwise."""
    strip_metadata: bool = False
    """Whether results go without the EXIF, XMP, ICC profile and resolution of their inputs."""
    overwrite: bool = False
    """Whether results may replace files that exist."""
    skip_existing: bool = False
    """Whether pictures whose result exists are left alone."""
    tile: Annotated[int, Field(ge=32)] | None = None
    """Largest height and width of a tile in LR pixels; unset, as the memory allows."""
    overlap: Annotated[int, Field(ge=1)] | None = None
    """LR pixels of context around what is kept of a tile; unset, so many that no pixel shows it, by
    the model's architecture. Less is faster."""
    color_fix: Literal["none", "mean-std", "wavelet"] = "none"
    """Whether results get the colours of their LR back: by each channel's mean and deviation, or
    at coarse scales alone."""
    outscale: Annotated[float, Field(gt=0, le=16)] | None = None
    """Size of the results against the input; unset, the model's scale. Any other is reached by
    resizing what the model gives."""
    ensemble: bool = False
    """Whether each result is the mean of those of the picture's eight flips and turns."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the network's arithmetic for 8-bit pictures; deeper ones take float32."""
    runs: Path = Path("runs")
    """Folder of all runs."""

    @model_validator(mode="after")
    def _quality_is_for_lossy_formats(self) -> "InferConfig":
        if self.quality is not None and self.format in ("png", "tif", "bmp", "jp2"):
            raise ValueError(
                f"{self.format} is lossless and has no quality: leave --quality out, or give "
                "--format jpg, webp, avif or same"
            )
        return self

    @model_validator(mode="after")
    def _tiles_have_a_middle(self) -> "InferConfig":
        if self.tile and self.overlap and self.tile <= 2 * self.overlap + 16:
            raise ValueError(
                f"a tile of {self.tile} is too small for an overlap of {self.overlap}: give a "
                "--tile of more than twice the --overlap and 16"
            )
        return self

    @model_validator(mode="after")
    def _existing_results_are_kept_or_replaced(self) -> "InferConfig":
        if self.overwrite and self.skip_existing:
            raise ValueError("--overwrite and --skip-existing exclude each other: give one of them")
        return self
