"""One picture file: its bytes to pixels, and pixels to bytes.

Files are decoded from bytes and never by OpenCV's own file reader, which fails on names outside
the system's code page and on rotated TIFF. Depth is told by the pixels' type, never by values.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what OpenCV logs, we raise

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.errors import DataError, UsageError

Pixels = NDArray[Any]
"""uint8, uint16, or float32 with white at 1."""

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".jp2", ".avif"}
)

# What each format that we write can hold, by the type of its pixels.
_DEPTHS: dict[str, tuple[type, ...]] = {
    ".png": (np.uint8, np.uint16),
    ".tif": (np.uint8, np.uint16, np.float32),
    ".tiff": (np.uint8, np.uint16, np.float32),
    ".jpg": (np.uint8,),
    ".jpeg": (np.uint8,),
    ".webp": (np.uint8,),
    ".bmp": (np.uint8,),
}
_WITHOUT_ALPHA = frozenset({".jpg", ".jpeg", ".bmp"})

_TIFF_MAGIC = (b"II*\x00", b"MM\x00*")
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture, upright."""

    pixels: Pixels
    """(h, w, 3) RGB or (h, w) grey; uint8, uint16, or float32 with white at 1."""
    alpha: Pixels | None = None
    """(h, w), of the same type, or None when there is no transparency."""

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def grey(self) -> bool:
        """Whether there is one channel of colour."""
        return self.pixels.ndim == 2

    def rgb8(self) -> NDArray[np.uint8]:
        """Return the colours as 8-bit RGB, (h, w, 3); alpha is left out."""
        pixels = np.repeat(self.pixels[..., None], 3, axis=2) if self.grey else self.pixels
        if pixels.dtype == np.uint8:
            return np.asarray(pixels, np.uint8)
        levels = pixels.astype(np.float32) * (255 / white(pixels))
        return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def white(pixels: Pixels) -> float:
    """Return the value that white has in pixels of this type: 255, 65535 or 1."""
    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0


def read_picture(path: Path) -> Picture:
    """Read and decode a picture file, turned upright as its EXIF orientation says.

    Raises:
        DataError: the file is missing, no picture, truncated, or of a type that pdd does not take.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).", hint="Check it.") from error
    return decode_picture(data, named=str(path))


def decode_picture(data: bytes, *, named: str) -> Picture:
    """Decode a picture file's bytes, turned upright as its EXIF orientation says.

    Args:
        data: the whole file.
        named: what to call it in messages.

    Raises:
        DataError: it is no picture, truncated, or of a type that pdd does not take.
    """
    if _is_truncated(data):
        raise DataError(f"{named} is truncated.", hint="Copy it again from its source.")
    try:
        decoded, exif = _decode(data)
    except cv2.error as error:
        raise DataError(
            f"{named} cannot be decoded ({error.err or error}).", hint="Save it again as PNG."
        ) from error
    if decoded is None:
        raise DataError(f"{named} is not a picture that pdd can decode.", hint="Remove it.")
    if decoded.dtype == np.float64:
        decoded = decoded.astype(np.float32)
    if decoded.dtype not in (np.uint8, np.uint16, np.float32):
        raise DataError(
            f"{named} has pixels of type {decoded.dtype}.", hint="Save it with 8 or 16 bits."
        )
    upright = decoded if data[:4] in _TIFF_MAGIC else _turn_upright(decoded, _orientation(exif))
    return _split_alpha(np.ascontiguousarray(upright))


def encode_picture(picture: Picture, suffix: str) -> bytes:
    """Encode a picture as the format that a file's suffix names.

    Args:
        picture: the picture.
        suffix: ``.png``, ``.jpg``, ``.webp``, ``.tif`` or ``.bmp``, in any case.

    Raises:
        UsageError: the format is unknown, or cannot hold such pixels; nothing is saturated or
            dropped in silence.
    """
    suffix = suffix.lower()
    if suffix not in _DEPTHS:
        raise UsageError(
            f"pdd does not write {suffix or 'files without a suffix'}.",
            hint=f"Use one of {', '.join(sorted(_DEPTHS))}.",
        )
    if picture.pixels.dtype not in _DEPTHS[suffix]:
        raise UsageError(f"{suffix} cannot hold {picture.pixels.dtype} pixels.", hint="Use .tif.")
    if picture.alpha is not None and suffix in _WITHOUT_ALPHA:
        raise UsageError(f"{suffix} cannot hold transparency.", hint="Use .png.")
    done, data = cv2.imencode(suffix, _join_alpha(picture))
    if not done:
        raise UsageError(f"OpenCV could not encode the picture as {suffix}.", hint="Use .png.")
    return data.tobytes()


def _decode(data: bytes) -> tuple[NDArray[Any] | None, bytes]:
    """Decode without a change of type or channels, and return the EXIF block beside."""
    buffer = np.frombuffer(data, np.uint8)
    if not buffer.size:
        return None, b""
    decoded, kinds, blocks = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    exif = [
        bytes(block)
        for kind, block in zip(kinds, blocks, strict=True)
        if kind == cv2.IMAGE_METADATA_EXIF
    ]
    return decoded, exif[0] if exif else b""


def _is_truncated(data: bytes) -> bool:
    """Look for the end marks that decoders do without, filling the rest of the picture in grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64:]
    if data.startswith(b"RIFF") and len(data) > 8:
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    return False


def _orientation(exif: bytes) -> int:
    """Read the orientation tag, 1 to 8, from an EXIF block; 1 where there is none."""
    exif = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    start = struct.unpack_from(f"{order}I", exif, 4)[0]
    if start + 2 > len(exif):
        return 1
    count = struct.unpack_from(f"{order}H", exif, start)[0]
    for entry in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if tag == _ORIENTATION_TAG and 1 <= value <= 8:
            return int(value)
    return 1


def _turn_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo the way the camera was held: EXIF's eight orientations."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _split_alpha(decoded: NDArray[Any]) -> Picture:
    if decoded.ndim == 2:
        return Picture(decoded)
    rgb = np.ascontiguousarray(decoded[..., 2::-1])
    alpha = np.ascontiguousarray(decoded[..., 3]) if decoded.shape[2] == 4 else None
    return Picture(rgb, alpha)


def _join_alpha(picture: Picture) -> Pixels:
    if picture.grey and picture.alpha is None:
        return picture.pixels
    rgb = np.repeat(picture.pixels[..., None], 3, axis=2) if picture.grey else picture.pixels
    channels = [rgb[..., ::-1]]
    if picture.alpha is not None:
        channels.append(picture.alpha[..., None])
    return np.ascontiguousarray(np.concatenate(channels, axis=2))
