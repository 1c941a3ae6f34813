"""The settings of preparing a data set."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pdd_cli.config.strict import StrictModel


class PrepareConfig(StrictModel):
    """Everything about looking at a data set and registering it."""

    source: Path
    """Folder or archive of pictures: ordinary ones, or a known data set at any level of its tree.
    Or the name of a known one that can be fetched."""
    name: Annotated[str, Field(pattern=r"^[\w][\w.\-]*$")] | None = None
    """Name to register it under; unset, the folder's own."""
    crop: Annotated[int, Field(ge=16)] = 32
    """LR pictures smaller than this, and HR smaller than this times their scale, are reported."""
    pairs: bool = True
    """Whether every LR is compared with its HR."""
    tiles: bool = False
    """Whether HR is kept as tiles too, from which training reads crops at once."""
    sheet: Path | None = None
    """File for the contact sheet of what is suspect; unset, beside the manifest."""
