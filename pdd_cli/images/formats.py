"""What each format that pdd writes can hold, and how a picture is made to fit.

Nothing is saturated or dropped in silence: what has to be converted is noted on the picture.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.picture import Metadata, Picture, Pixels, at_depth

_U8, _U16, _F32 = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)
_LONGEST = 2**31 - 1
_CLASSIC_TIFF_BYTES = 2**32 - 2**20
"""Offsets in a TIFF are of 32 bits; a mebibyte is left for directories and metadata."""
_SEGMENT = 65_500
"""Bytes that a JPEG's segment of 65,535 leaves for EXIF or XMP, behind its name."""


@dataclass(frozen=True)
class Format:
    """A format that pdd writes."""

    name: str
    """As Pillow calls it."""
    depths: tuple[np.dtype[Any], ...] = (_U8,)
    """Types of pixels that it holds, from the shallowest."""
    alpha: bool = True
    grey: bool = True
    """Whether it holds grey as grey, and not as three equal channels."""
    grey_with_alpha: bool = False
    """Whether pdd writes transparent grey of 8 bits as such."""
    longest_side: int = _LONGEST
    bytes_at_most: int | None = None
    """Of the pixels as they lie in memory, where the file's own offsets set a limit."""
    metadata: frozenset[str] = frozenset({"exif", "icc", "xmp", "pixels_per_inch"})
    """Fields of ``Metadata`` that it carries. WebP and AVIF have the resolution in EXIF alone."""
    quality: int | None = None
    """What a lossy format is written with by default; None where the default is lossless."""
    has_quality: bool = False


_TIFF = Format("TIFF", (_U8, _U16, _F32), bytes_at_most=_CLASSIC_TIFF_BYTES)
# The format counts to 65,535, but libjpeg, which everybody writes it with, ends earlier.
_JPEG = Format("JPEG", alpha=False, longest_side=65_500, quality=95, has_quality=True)
_WITHOUT_RESOLUTION = frozenset({"exif", "icc", "xmp"})

FORMATS: dict[str, Format] = {
    ".png": Format(
        "PNG", (_U8, _U16), grey_with_alpha=True, longest_side=1_000_000
    ),  # libpng's limit
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format(
        "WEBP", grey=False, longest_side=16_383, metadata=_WITHOUT_RESOLUTION, has_quality=True
    ),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format(
        "BMP",
        alpha=False,
        bytes_at_most=_CLASSIC_TIFF_BYTES,
        metadata=frozenset({"pixels_per_inch"}),
    ),
    ".avif": Format(
        "AVIF", longest_side=32_768, metadata=_WITHOUT_RESOLUTION, quality=90, has_quality=True
    ),  # libavif's limit for reading
    ".jp2": Format("JPEG2000", grey_with_alpha=True, metadata=frozenset()),
}


def format_of(suffix: str) -> Format:
    """Find the format that a file's suffix names, in any case.

    Raises:
        UsageError: pdd does not write it.
    """
    try:
        return FORMATS[suffix.lower()]
    except KeyError:
        raise UsageError(
            f"pdd does not write {suffix or 'files without a suffix'}.",
            hint=f"Use one of {', '.join(FORMATS)}.",
        ) from None


def refuse_too_large(picture: Picture, suffix: str, *, scale: float = 1) -> None:
    """Refuse what a format cannot hold for its size, before it is computed.

    Args:
        picture: the picture to be upscaled, or with a scale of 1 the one to be written.
        suffix: of the file to be written.
        scale: how many times larger than the picture the file's will be.

    Raises:
        DataError: it would be too wide, too high, or have too many bytes.
        UsageError: pdd does not write such files.
    """
    format_ = format_of(suffix)
    width, height = round(picture.width * scale), round(picture.height * scale)
    if max(width, height) > format_.longest_side:
        raise DataError(
            f"A picture of {width}×{height} does not fit into {suffix}, which ends at "
            f"{format_.longest_side:,} pixels a side.",
            hint=f"Use --format {'tif' if format_.name == 'PNG' else 'png'}.",
        )
    if format_.bytes_at_most is None:
        return
    depth = picture.pixels.dtype if picture.pixels.dtype in format_.depths else format_.depths[-1]
    channels = 1 if picture.grey and picture.alpha is None else 3 + (picture.alpha is not None)
    size = width * height * channels * depth.itemsize
    if size > format_.bytes_at_most:
        raise DataError(
            f"A picture of {width}×{height} has {size / 2**30:.1f} GiB, more than {suffix} holds.",
            hint="Use --format png.",
        )


def fitted(picture: Picture, suffix: str) -> Picture:
    """Convert what a format cannot hold: depth, transparency, metadata; each is noted.

    Pixels deeper than the format go to its deepest type, rounded; transparency is laid over white;
    metadata that it cannot carry, or that would not fit what is written, is left out.

    Raises:
        UsageError: pdd does not write such files.
    """
    format_, suffix = format_of(suffix), suffix.lower()
    notes = list(picture.notes)
    pixels, alpha = picture.pixels, picture.alpha
    if pixels.dtype not in format_.depths:
        deepest = format_.depths[-1]
        if pixels.dtype.kind == "f" and (not np.isfinite(pixels).all() or pixels.max() > 1):
            notes.append(f"What is brighter than white was cut off, since {suffix} ends there.")
        notes.append(
            f"{_depth_in_words(pixels.dtype)} became {_depth_in_words(deepest)}, the most that "
            f"{suffix} holds."
        )
        pixels = at_depth(pixels, deepest)
        alpha = None if alpha is None else at_depth(alpha, deepest)
    if alpha is not None and not format_.alpha:
        pixels = _over_white(pixels, alpha)
        alpha = None
        notes.append(f"Transparency was laid over white, since {suffix} has none.")
    metadata = picture.metadata
    if metadata is not None:
        metadata, left_out = _carried(metadata, format_, suffix)
        notes += left_out
        grey = picture.grey and writes_grey(format_, pixels.dtype, with_alpha=alpha is not None)
        if metadata.icc and not profile_fits(metadata.icc, grey=grey):
            metadata = replace(metadata, icc=b"")
            kind = "grey" if grey else "RGB"
            notes.append(f"The ICC profile was left out, since it is not for the {kind} written.")
    return replace(picture, pixels=pixels, alpha=alpha, metadata=metadata, notes=tuple(notes))


def writes_grey(format_: Format, depth: np.dtype[Any], *, with_alpha: bool) -> bool:
    """Tell whether grey is written as such, and not as three equal channels."""
    return (format_.grey_with_alpha and depth == _U8) if with_alpha else format_.grey


def profile_fits(icc: bytes, *, grey: bool) -> bool:
    """Tell whether an ICC profile is whole and for such pixels: its header names its colours."""
    whole = icc[:4] == len(icc).to_bytes(4, "big") and icc[36:40] == b"acsp"
    return whole and icc[16:20] == (b"GRAY" if grey else b"RGB ")


def _carried(metadata: Metadata, format_: Format, suffix: str) -> tuple[Metadata, list[str]]:
    """Leave out what a format does not carry."""
    named = {"exif": "EXIF", "xmp": "XMP", "icc": "the ICC profile"}
    unknown = [f for f in named if getattr(metadata, f) and f not in format_.metadata]
    long = [
        field
        for field in ("exif", "xmp")
        if format_.name == "JPEG" and len(getattr(metadata, field)) > _SEGMENT
    ]
    notes = []
    if unknown:
        words = " and ".join(named[field] for field in unknown)
        notes.append(f"{suffix} does not carry metadata of this kind: {words} left out.")
    notes += [f"{named[f]} was left out, since {suffix} holds {_SEGMENT:,} bytes." for f in long]
    for field in (*unknown, *long):
        metadata = replace(metadata, **{field: b""})  # type: ignore[arg-type]
    if "pixels_per_inch" not in format_.metadata:
        metadata = replace(metadata, pixels_per_inch=None)
    return metadata, notes


def _over_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    top = float(np.iinfo(pixels.dtype).max)
    share = (alpha if pixels.ndim == 2 else alpha[..., None]).astype(np.float64) / top
    flat: Pixels = np.rint(pixels * share + top * (1 - share)).astype(pixels.dtype)
    return flat


def _depth_in_words(depth: np.dtype[Any]) -> str:
    return "Floating-point levels" if depth.kind == "f" else f"{8 * depth.itemsize} bits"
