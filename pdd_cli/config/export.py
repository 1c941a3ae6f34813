"""The settings of an export."""

from pathlib import Path
from typing import Literal

from pdd_cli.config.strict import StrictModel

Format = Literal["spandrel", "realesrgan", "onnx", "ncnn"]
Precision = Literal["float32", "float16"]


class ExportConfig(StrictModel):
    """Everything about an export."""

    format: Format
    """spandrel or realesrgan, which are layouts of keys, or onnx or ncnn, which are programs'."""
    model: str | None = None
    """A run or its name, a known name, a path or hf:user/repo; unset, the newest run."""
    precision: Precision | None = None
    """Type of the stored weights; unset, float32, but float16 for ncnn, whose programs store it."""
    output: Path | None = None
    """File or folder; unset, beside the run or file, in the working folder for a known name. A
    file's suffix chooses between .pth and .safetensors for realesrgan."""
    overwrite: bool = False
    """Whether files that exist may be replaced."""
    runs: Path = Path("runs")
    """Folder of all runs."""
