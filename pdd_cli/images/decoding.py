"""A file's bytes to pixels, by the library that keeps most of each kind of file.

OpenCV keeps 16 bits and floating point; Pillow keeps what has other colours than RGB (CMYK, Lab)
and the transparency of 8-bit TIFF, which OpenCV multiplies into the colours.
"""

import os

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what OpenCV logs, we raise

import io
import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from pdd_cli.errors import DataError
from pdd_cli.images.exif import orientation
from pdd_cli.images.headers import DAMAGED as DAMAGED_FOR_PILLOW
from pdd_cli.images.headers import (
    is_heic,
    is_tiff,
    open_header,
    tiff_directory,
)

DAMAGED = (cv2.error, *DAMAGED_FOR_PILLOW)
"""What the two libraries raise for damaged files."""

_BITS, _PHOTOMETRIC, _CHANNELS, _EXTRA = 258, 262, 277, 338
_WHITE_IS_ZERO, _PALETTE, _LAB = 0, 3, (8, 9, 10)
_PREMULTIPLIED = 1
_PIXELS_AT_MOST = 2**30
"""OpenCV's own limit, held for Pillow too: damaged headers ask for any memory."""


@dataclass(frozen=True)
class Decoded:
    """Pixels as they are shown, upright."""

    colours: NDArray[Any]
    """(h, w) grey or (h, w, 3) RGB."""
    alpha: NDArray[Any] | None
    """(h, w), or None."""
    header: Image.Image | None
    """The file as Pillow sees it, for its metadata."""
    notes: tuple[str, ...] = ()
    converted: bool = False
    """Whether the colours left the space that the file's profile describes."""


def decode(data: bytes) -> Decoded | None:
    """Decode a file.

    Returns:
        None for what is no picture.

    Raises:
        DataError: it is a picture, but not one that can be decoded faithfully.
        What ``DAMAGED`` lists: it is damaged.
    """
    if is_heic(data):
        return _of_heic(data)
    header = open_header(data)
    if is_tiff(data):
        return _of_tiff(data, header)
    if header is not None and _is_better_with_pillow(header):
        return _upright(_by_pillow(header), orientation(header.info.get("exif", b"")))
    pixels = cv2.imdecode(np.frombuffer(_quiet(data, header), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    colours, alpha = _split(pixels)
    if header is not None and header.format == "PNG":
        colours, alpha = _as_png_says(data, header, colours, alpha)
    exif = header.info.get("exif", b"") if header is not None else b""
    # For AVIF Pillow tells in EXIF what the file's own boxes say of its turn.
    return _upright(Decoded(colours, alpha, header), orientation(exif))


def _is_better_with_pillow(header: ImageFile.ImageFile) -> bool:
    return header.mode == "CMYK" or (
        header.format == "JPEG2000" and header.mode in ("L", "LA", "RGB", "RGBA")
    )


def _by_pillow(picture: Image.Image) -> Decoded:
    """Decode with Pillow, to 8 bits, and convert colours that are not grey or RGB."""
    if picture.width * picture.height > _PIXELS_AT_MOST:
        raise DataError(f"it says that it is {picture.width}×{picture.height}")
    picture.load()
    notes: tuple[str, ...] = ()
    profile = picture.info.get("icc_profile")
    converted = False
    if picture.mode in ("CMYK", "LAB"):
        picture, note = _to_srgb(picture, profile)
        notes, converted = (note,), True
    elif picture.mode in ("1",):
        picture = picture.convert("L")
    elif picture.mode in ("P", "PA"):
        clear = picture.mode == "PA" or "transparency" in picture.info
        picture = picture.convert("RGBA" if clear else "RGB")
    elif picture.mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    pixels = np.array(picture)
    if picture.mode == "LA":
        return Decoded(pixels[..., 0], pixels[..., 1], picture, notes, converted)
    if picture.mode == "RGBA":
        return Decoded(pixels[..., :3], pixels[..., 3], picture, notes, converted)
    return Decoded(pixels, None, picture, notes, converted)


def _to_srgb(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert CMYK with its profile, or without where it has none that works, and Lab."""
    srgb = ImageCms.createProfile("sRGB")
    info = picture.info
    try:
        source: Any = (
            ImageCms.createProfile("LAB")
            if picture.mode == "LAB"
            else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        )
        done = ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB")
        assert done is not None  # it is None only for a conversion in place
    except (ImageCms.PyCMSError, OSError):
        done, how = picture.convert("RGB"), "without a profile, since it has none that fits"
    else:
        how = "by its profile" if picture.mode == "CMYK" else "by its definition"
    done.info = info
    dropped = ", and the profile, which no longer fits, was dropped" if profile else ""
    return done, f"The colours were converted from {picture.mode} to sRGB {how}{dropped}."


def _of_tiff(data: bytes, header: ImageFile.ImageFile | None) -> Decoded | None:
    """Decode a TIFF, which both libraries turn upright."""
    try:
        directory = tiff_directory(data)
        bits = directory.get(_BITS, (1,))
        deepest = max(bits) if isinstance(bits, tuple) else int(bits)
        colour_space = int(directory.get(_PHOTOMETRIC, 1))
        extra = directory.get(_EXTRA, ())
        channels = int(directory.get(_CHANNELS, 1))
    except DAMAGED_FOR_PILLOW as error:
        raise DataError("its directory is damaged") from error
    plain = header is not None and header.mode == "RGB"
    if header is not None and not plain and (deepest <= 8 or header.mode == "CMYK"):
        done = _upright(_by_pillow(header), int(header.getexif().get(0x0112, 1)), turned=True)
        if deepest <= 8:
            return done
        note = f"{deepest} bits became 8 in the conversion from CMYK."
        return Decoded(done.colours, done.alpha, done.header, (*done.notes, note), True)
    if colour_space in _LAB or channels == 2:
        what = "Lab colours" if colour_space in _LAB else "transparent grey"
        raise DataError(f"{what} of {deepest} bits cannot be decoded")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    colours, alpha = _split(pixels)
    if colour_space == _WHITE_IS_ZERO and colours.dtype.kind == "u":
        colours = np.iinfo(colours.dtype).max - colours
    if alpha is not None and extra and extra[0] == _PREMULTIPLIED:
        colours = _unmultiplied(colours, alpha)
    return Decoded(colours, alpha, header)


def _of_heic(data: bytes) -> Decoded:
    try:
        import pillow_heif
    except ImportError:
        raise DataError(
            "HEIC needs the package pillow-heif", hint="Install it: pip install 'pdd-cli[heic]'."
        ) from None
    found = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    pixels = np.asarray(found)
    depth = int(found.info.get("bit_depth", 8))
    if pixels.dtype == np.uint16 and not found.mode.endswith(";16"):
        pixels = (pixels.astype(np.float64) * (65535 / (2**depth - 1))).round().astype(np.uint16)
    header = Image.new("RGB", (1, 1))
    header.info = dict(found.info)
    if pixels.ndim == 2:
        return Decoded(pixels, None, header)
    return Decoded(pixels[..., :3], pixels[..., 3] if pixels.shape[2] == 4 else None, header)


def _quiet(data: bytes, header: Image.Image | None) -> bytes:
    """Take a profile that libpng would complain of on standard error out of a PNG."""
    if header is None or header.format != "PNG" or "icc_profile" not in header.info:
        return data
    position = 8
    while position + 12 <= len(data):
        length = struct.unpack_from(">I", data, position)[0]
        if data[position + 4 : position + 8] == b"iCCP":
            return data[:position] + data[position + 12 + length :]
        position += 12 + length
    return data


def _as_png_says(
    data: bytes, header: Image.Image, colours: NDArray[Any], alpha: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Bring back what OpenCV loses of PNG: grey with alpha, and one transparent colour."""
    depth, kind = data[24], data[25]
    if kind == 4 and colours.ndim == 3:
        return np.ascontiguousarray(colours[..., 0]), alpha
    key = header.info.get("transparency")
    if kind in (0, 2) and alpha is None and key is not None:
        if depth < 8:
            key = key * 255 // (2**depth - 1)
        same = colours == np.asarray(key)
        clear = same if same.ndim == 2 else same.all(axis=2)
        return colours, np.where(clear, 0, np.iinfo(colours.dtype).max).astype(colours.dtype)
    return colours, alpha


def _split(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Part OpenCV's BGR and BGRA into RGB and alpha."""
    if pixels.ndim == 2:
        return pixels, None
    if pixels.shape[2] not in (3, 4):
        raise DataError(f"it has {pixels.shape[2]} channels")
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return pixels[..., 2::-1], alpha


def _unmultiplied(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    top = 1.0 if colours.dtype.kind == "f" else float(np.iinfo(colours.dtype).max)
    share = np.maximum(alpha.astype(np.float64), np.finfo(np.float32).tiny)[..., None] / top
    plain = np.where(alpha[..., None] > 0, colours / share, 0)
    if colours.dtype.kind == "f":
        return plain.astype(colours.dtype)
    return np.clip(np.rint(plain), 0, top).astype(colours.dtype)


def _upright(decoded: Decoded, way: int, *, turned: bool = False) -> Decoded:
    if turned or way == 1:
        return decoded
    alpha = None if decoded.alpha is None else turn_upright(decoded.alpha, way)
    return Decoded(
        turn_upright(decoded.colours, way),
        alpha,
        decoded.header,
        decoded.notes,
        decoded.converted,
    )


def turn_upright(pixels: NDArray[Any], way: int) -> NDArray[Any]:
    """Undo the way the camera was held: EXIF's eight orientations."""
    if way in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if way in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if way in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
