"""The settings of the demonstration."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pdd_cli.config.strict import StrictModel


class DemoConfig(StrictModel):
    """Everything about a demonstration."""

    folder: Path = Path("pdd-demo")
    """Working folder: photos, runs and results."""
    generalist: str = "realesrgan"
    """The model to adapt: a known name, a path, or hf:user/repo."""
    steps: Annotated[int, Field(ge=1)] = 45
    """Steps of the adaptation; 45 take about three and a half minutes on two CPU cores."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
