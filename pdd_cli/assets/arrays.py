"""Reading the plain arrays of a numpy archive (``.npz``), and no objects, which can run code."""

import io
import struct
import zipfile
import zlib

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError

# What zipfile and numpy raise at damage in one place or another.
_DAMAGE = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def read_arrays(data: bytes, *, named: str) -> dict[str, Tensor]:
    """Read every array of an archive.

    Args:
        data: the file.
        named: what to call it in messages.

    Returns:
        Arrays by name, of their own types.

    Raises:
        ModelError: the file is another or damaged, or holds more than numbers.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: torch.from_numpy(archive[name]) for name in archive.files}
    except _DAMAGE as error:
        raise ModelError(
            f"{named} is damaged, or holds more than plain arrays ({error}).",
            hint="Fetch it again.",
        ) from error
