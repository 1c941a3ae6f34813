"""What a file's header says, read by Pillow without decoding a pixel: kind, channels, metadata."""

import io
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pdd_cli.images.exif import corrected_exif, corrected_xmp
from pdd_cli.images.picture import Metadata

# What Pillow warns of, damaged tags, is left out of the metadata; nothing here prints.
warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

TIFF_BEGINNINGS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
DAMAGED = (
    *(SyntaxError, ValueError, OSError, TypeError, LookupError, ArithmeticError),
    *(EOFError, AttributeError, RuntimeError, struct.error, zlib.error),
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged files."""

_BEGINNING = 64
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_XMP_TAG, _ICC_TAG = 700, 34675

DESCRIPTIVE_TAGS = (
    *(ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model),
    *(ExifTags.Base.Orientation, ExifTags.Base.XResolution, ExifTags.Base.YResolution),
    *(ExifTags.Base.ResolutionUnit, ExifTags.Base.Software, ExifTags.Base.DateTime),
    *(ExifTags.Base.Artist, ExifTags.Base.Copyright),
)
"""Of a TIFF's tags those that describe the picture and not how it is stored."""


def is_tiff(data: bytes) -> bool:
    """Tell whether a file is a TIFF, of 32 or 64 bits."""
    return data[:4] in TIFF_BEGINNINGS


def is_heic(data: bytes) -> bool:
    """Tell whether a file is a HEIC picture, which takes a package of its own."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[8:64]


def open_header(data: bytes) -> ImageFile.ImageFile | None:
    """Open a file with the plugin for its kind, so that Pillow's registry and limits stay as is.

    Returns:
        The picture, not yet decoded, or None where Pillow does not know such a file.
    """
    kind = _plugin(data)
    if kind is None:
        return None
    try:
        return kind(io.BytesIO(data))
    except DAMAGED:
        return None


def size_in_pixels(path: Path) -> tuple[int, int] | None:
    """Return a picture's height and width by the first bytes of its file; None if they do not tell.

    They are those of the file; a picture that its EXIF orientation turns has them exchanged.
    """
    try:
        with path.open("rb") as file:
            kind = _plugin(file.read(_BEGINNING))
            if kind is None:
                return None
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of sizes that Pillow finds alarming
                header = kind(file)
            return header.height, header.width
    except DAMAGED:
        return None


def read_metadata(data: bytes, header: Image.Image | None, width: int, height: int) -> Metadata:
    """Collect a file's metadata, corrected for a picture that was turned upright.

    Args:
        data: the whole file.
        header: as ``open_header`` returned it.
        width: of the upright picture.
        height: likewise.

    Raises:
        ValueError: the metadata is damaged.
    """
    try:
        if is_tiff(data):
            metadata = _of_tiff(data)
        elif header is not None:
            metadata = Metadata(
                header.info.get("exif", b"") or b"",
                header.info.get("icc_profile", b"") or b"",
                _as_bytes(header.info.get("xmp", b"")),
                _resolution(header.info.get("dpi")),
            )
        else:
            return Metadata()
        exif = corrected_exif(metadata.exif, width, height) if metadata.exif else b""
        return replace(metadata, exif=exif, xmp=corrected_xmp(metadata.xmp, width, height))
    except DAMAGED as error:
        raise ValueError("the metadata is damaged") from error


def tiff_directory(data: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Read the first directory of a TIFF.

    Raises:
        SyntaxError, ValueError, OSError, TypeError, LookupError, struct.error: it is damaged.
    """
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if data[2] == 43 else 8])
    file = io.BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    return directory


def _plugin(data: bytes) -> type[ImageFile.ImageFile] | None:
    if data.startswith(b"\xff\xd8"):
        return JpegImagePlugin.JpegImageFile
    if data.startswith(b"\x89PNG"):
        return PngImagePlugin.PngImageFile
    if is_tiff(data):
        return TiffImagePlugin.TiffImageFile
    if data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if data.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile
    if data[4:8] == b"jP  " or data.startswith(b"\xff\x4f\xff\x51"):
        return Jpeg2KImagePlugin.Jpeg2KImageFile
    if data[4:8] == b"ftyp" and b"avif" in data[8:64]:
        return AvifImagePlugin.AvifImageFile
    return None


def _of_tiff(data: bytes) -> Metadata:
    directory = tiff_directory(data)
    whole = Image.Exif()
    whole.load(data)
    described = Image.Exif()
    for tag in DESCRIPTIVE_TAGS:
        if tag in directory:
            described[tag] = directory[tag]
    for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if part in directory:
            described[part] = whole.get_ifd(part)
    return Metadata(
        described.tobytes() if len(described) else b"",
        _as_bytes(directory.get(_ICC_TAG, b"")),
        _as_bytes(directory.get(_XMP_TAG, b"")),
        _tiff_resolution(directory),
    )


def _tiff_resolution(
    directory: TiffImagePlugin.ImageFileDirectory_v2,
) -> tuple[float, float] | None:
    inches = {2: 1.0, 3: 2.54}.get(directory.get(ExifTags.Base.ResolutionUnit, 2))
    across = directory.get(ExifTags.Base.XResolution)
    down = directory.get(ExifTags.Base.YResolution)
    if inches is None or across is None or down is None:
        return None
    return _resolution((float(across) * inches, float(down) * inches))


def _as_bytes(value: Any) -> bytes:  # noqa: ANN401 — a tag's value is whatever the file says
    return value.encode() if isinstance(value, str) else bytes(value or b"")


def _resolution(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    if not dpi or not all(0 < value < 1e6 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])
