"""Reading the plain matrices of a MATLAB level-5 file, and nothing else that such a file can hold.

After the published description of the MAT-File format, level 5: a header of 128 bytes, then
elements, each a type, a length and its data padded to 8 bytes.
"""

import struct
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError

_HEADER = 128
_MATRIX, _DOUBLE, _CHARACTERS, _INTEGERS = 14, 9, 1, 5


def read_matrices(data: bytes, *, named: str) -> dict[str, Tensor]:
    """Read every matrix of real doubles.

    Args:
        data: the file, little-endian and uncompressed.
        named: what to call it in messages.

    Returns:
        Matrices by name, float64.

    Raises:
        ModelError: the file is another or damaged.
    """
    if data[124:128] != b"\x00\x01IM":
        raise ModelError(f"{named} is no MATLAB file of level 5.", hint="Fetch it again.")
    try:
        return dict(_matrix(body) for kind, body in _elements(data[_HEADER:]) if kind == _MATRIX)
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{named} is damaged, or holds more than plain matrices ({error}).",
            hint="Fetch it again.",
        ) from error


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, position)
        if kind >> 16:  # a small element keeps its length and its data in the tag
            kind, length = kind & 0xFFFF, kind >> 16
            yield kind, data[position + 4 : position + 4 + length]
            position += 8
            continue
        body = data[position + 8 : position + 8 + length]
        if len(body) < length:
            raise ValueError("an element ends early")
        yield kind, body
        position += 8 + -(-length // 8) * 8


def _matrix(body: bytes) -> tuple[str, Tensor]:
    (_, _flags), (sizes_kind, sizes), (name_kind, name), (kind, values) = list(_elements(body))
    if (sizes_kind, name_kind, kind) != (_INTEGERS, _CHARACTERS, _DOUBLE):
        raise ValueError("a variable is no matrix of doubles")
    shape = struct.unpack(f"<{len(sizes) // 4}i", sizes)
    # MATLAB keeps columns together.
    matrix = np.frombuffer(values, "<f8").reshape(shape, order="F")
    return name.decode("ascii"), torch.from_numpy(matrix.copy())
