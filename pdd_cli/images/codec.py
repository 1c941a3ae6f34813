"""One picture file: its bytes to pixels and metadata, and back.

Files are decoded from bytes and never by OpenCV's own file reader, which fails on names outside
the system's code page and on rotated TIFF. Depth is told by the pixels' type, never by values.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.decoding import DAMAGED, Decoded, decode
from pdd_cli.images.encoding import encode
from pdd_cli.images.formats import FORMATS, format_of, profile_fits, refuse_too_large
from pdd_cli.images.headers import read_metadata
from pdd_cli.images.picture import Metadata, Picture, Pixels, white

__all__ = [
    "PICTURE_SUFFIXES",
    "Picture",
    "Pixels",
    "decode_picture",
    "encode_picture",
    "read_picture",
    "white",
]

PICTURE_SUFFIXES = frozenset({*FORMATS, ".heic", ".heif"})


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
        decoded = decode(data) if data else None
    except DataError as error:
        raise DataError(
            f"{named} cannot be read: {error.problem}.", hint=error.hint or "Save it again as PNG."
        ) from error
    except DAMAGED as error:
        reason = getattr(error, "err", None) or error
        raise DataError(
            f"{named} cannot be decoded ({reason}).", hint="Save it again as PNG."
        ) from error
    if decoded is None:
        raise DataError(f"{named} is not a picture that pdd can decode.", hint="Remove it.")
    return _picture(decoded, data, named)


def encode_picture(picture: Picture, suffix: str, *, quality: int | None = None) -> bytes:
    """Encode a picture as the format that a file's suffix names, with its metadata.

    Metadata that the format does not carry is left out: ``fitted`` notes that, and converts what
    would be refused here.

    Args:
        picture: the picture.
        suffix: a key of ``FORMATS``, in any case.
        quality: 1 to 100 for JPEG, WebP and AVIF, where it stands for the format's default: 95,
            lossless and 90.

    Raises:
        DataError: the picture is larger than the format allows.
        UsageError: the format is unknown, or cannot hold such pixels; nothing is saturated or
            dropped in silence.
    """
    format_, suffix = format_of(suffix), suffix.lower()
    if picture.pixels.dtype not in format_.depths:
        raise UsageError(f"{suffix} cannot hold {picture.pixels.dtype} pixels.", hint="Use .tif.")
    if picture.alpha is not None and not format_.alpha:
        raise UsageError(f"{suffix} cannot hold transparency.", hint="Use .png.")
    if quality is not None and not format_.has_quality:
        raise UsageError(f"{suffix} is lossless and has no quality.", hint="Leave it out.")
    refuse_too_large(picture, suffix)
    return encode(picture, format_, quality)


def _picture(decoded: Decoded, data: bytes, named: str) -> Picture:
    colours, alpha, notes = decoded.colours, decoded.alpha, list(decoded.notes)
    if colours.dtype in (np.float16, np.float64):
        colours = colours.astype(np.float32)
        alpha = None if alpha is None else alpha.astype(np.float32)
    if colours.dtype not in (np.uint8, np.uint16, np.float32):
        raise DataError(
            f"{named} has pixels of type {colours.dtype}.", hint="Save it with 8 or 16 bits."
        )
    height, width = colours.shape[:2]
    try:
        metadata = read_metadata(data, decoded.header, width, height)
    except ValueError:
        metadata = Metadata()
        notes.append("The metadata is damaged and was left out.")
    if metadata.icc and decoded.converted:
        metadata = replace(metadata, icc=b"")
    elif metadata.icc and not profile_fits(metadata.icc, grey=colours.ndim == 2):
        notes.append("The ICC profile was left out, since it is damaged or for other colours.")
        metadata = replace(metadata, icc=b"")
    return Picture(
        np.ascontiguousarray(colours),
        None if alpha is None else np.ascontiguousarray(alpha),
        metadata if metadata != Metadata() else None,
        tuple(notes),
    )


def _is_truncated(data: bytes) -> bool:
    """Look for the end marks that decoders do without, filling the rest of the picture in grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64:]
    if data.startswith(b"RIFF") and len(data) > 8:
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    return False
