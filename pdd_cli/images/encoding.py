"""Pixels to a file's bytes, with the metadata that the format carries.

OpenCV writes PNG and TIFF, at every depth and for PNG three times as fast as Pillow; what it
cannot carry is put into the file afterwards. Pillow writes the others, which have 8 bits.
"""

import os

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what OpenCV logs, we raise

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from pdd_cli.errors import DataError
from pdd_cli.images.exif import corrected_exif, corrected_xmp
from pdd_cli.images.formats import Format
from pdd_cli.images.headers import DESCRIPTIVE_TAGS, tiff_directory
from pdd_cli.images.picture import Metadata, Picture, Pixels

_PNG_SIGNATURE_AND_HEADER = 8 + 25
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_METRES_AN_INCH = 0.0254
_PER_METRE = 1
_EXTRA_SAMPLES, _NOT_PREMULTIPLIED = 338, 2
_STRIP_OFFSETS, _XMP_TAG, _ICC_TAG = 273, 700, 34675
_TIFF_HEADER, _INCH = 8, 2
_FULL_CHROMA_FROM = 90
"""Quality from which a JPEG keeps every pixel's colour, and not one for four pixels."""


def encode(picture: Picture, format_: Format, quality: int | None) -> bytes:
    """Encode a picture that fits its format."""
    metadata = _for_size(picture.metadata or Metadata(), picture)
    if format_.name == "TIFF":
        return _tiff(picture, metadata)
    if format_.name == "PNG" and not _is_transparent_grey_of_8_bits(picture):
        return _png(picture, metadata)
    return _by_pillow(picture, metadata, format_, quality)


def _is_transparent_grey_of_8_bits(picture: Picture) -> bool:
    """Tell what OpenCV would write in three equal channels, and Pillow does not."""
    return picture.grey and picture.alpha is not None and picture.pixels.dtype == np.uint8


def _for_size(metadata: Metadata, picture: Picture) -> Metadata:
    exif, size = metadata.exif, (picture.width, picture.height)
    return Metadata(
        corrected_exif(exif, *size) if exif else b"",
        metadata.icc,
        corrected_xmp(metadata.xmp, *size),
        metadata.pixels_per_inch,
    )


def _by_pillow(picture: Picture, metadata: Metadata, format_: Format, quality: int | None) -> bytes:
    settings: dict[str, Any] = {}
    if metadata.exif and "exif" in format_.metadata:
        settings["exif"] = b"Exif\x00\x00" + metadata.exif
    if metadata.icc and "icc" in format_.metadata:
        settings["icc_profile"] = metadata.icc
    if metadata.pixels_per_inch and "pixels_per_inch" in format_.metadata:
        settings["dpi"] = metadata.pixels_per_inch
    if metadata.xmp and format_.name == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt(_XMP_KEYWORD.decode(), metadata.xmp.decode("utf-8", "replace"))
        settings["pnginfo"] = text
    elif metadata.xmp and "xmp" in format_.metadata:
        settings["xmp"] = metadata.xmp
    quality = format_.quality if quality is None else quality
    match format_.name:
        case "PNG":
            settings["compress_level"] = 4
        case "JPEG":
            settings |= {"quality": quality, "optimize": True}
            settings["subsampling"] = 0 if (quality or 0) >= _FULL_CHROMA_FROM else 2
        case "WEBP" if quality is None:
            settings |= {"lossless": True, "exact": True}
        case "WEBP" | "AVIF":
            settings["quality"] = quality
    file = io.BytesIO()
    Image.fromarray(_joined(picture, grey_alpha=format_.grey_with_alpha)).save(
        file, format_.name, **settings
    )
    return file.getvalue()


def _png(picture: Picture, metadata: Metadata) -> bytes:
    kinds, blocks = [], []
    for kind, block in (
        (cv2.IMAGE_METADATA_EXIF, metadata.exif),
        (cv2.IMAGE_METADATA_ICCP, metadata.icc),
    ):
        if block:
            kinds.append(kind)
            blocks.append(np.frombuffer(block, np.uint8))
    done, data = cv2.imencodeWithMetadata(".png", _blue_first(picture), kinds, blocks)
    if not done:
        raise DataError("The PNG could not be encoded.", hint="Try --strip-metadata.")
    chunks = b""
    if metadata.pixels_per_inch is not None:
        across, down = (round(value / _METRES_AN_INCH) for value in metadata.pixels_per_inch)
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", across, down, _PER_METRE))
    if metadata.xmp:
        # Not compressed, of no language: what the XMP specification asks for.
        chunks += _png_chunk(b"iTXt", _XMP_KEYWORD + b"\x00" * 5 + metadata.xmp)
    png = data.tobytes()
    return png[:_PNG_SIGNATURE_AND_HEADER] + chunks + png[_PNG_SIGNATURE_AND_HEADER:]


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _tiff(picture: Picture, metadata: Metadata) -> bytes:
    """Let OpenCV write the pixels, and put a directory with the metadata in front of them."""
    done, encoded = cv2.imencode(".tif", _blue_first(picture))
    if not done:
        raise DataError("The TIFF could not be encoded.", hint="Try --format png.")
    data = encoded.tobytes()
    old = tiff_directory(data)
    new = TiffImagePlugin.ImageFileDirectory_v2(b"II*\x00\x08\x00\x00\x00")
    for tag, value in old.items():
        new.tagtype[tag] = old.tagtype[tag]
        new[tag] = value
    # Pillow counts the places of pixels from the end of the directory.
    new[_STRIP_OFFSETS] = tuple(place - _TIFF_HEADER for place in old[_STRIP_OFFSETS])
    if picture.alpha is not None:
        new[_EXTRA_SAMPLES] = _NOT_PREMULTIPLIED
    _describe(new, metadata)
    end_of_pixels = struct.unpack_from("<I", data, 4)[0]
    head = b"II*\x00" + struct.pack("<I", _TIFF_HEADER)
    return head + new.tobytes(_TIFF_HEADER) + data[_TIFF_HEADER:end_of_pixels]


def _describe(directory: TiffImagePlugin.ImageFileDirectory_v2, metadata: Metadata) -> None:
    if metadata.exif:
        exif = Image.Exif()
        exif.load(metadata.exif)
        for tag in DESCRIPTIVE_TAGS:
            if tag in exif:
                directory[tag] = exif[tag]
        for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if found := exif.get_ifd(part):
                directory[part] = found
    if metadata.icc:
        directory[_ICC_TAG] = metadata.icc
    if metadata.xmp:
        directory[_XMP_TAG] = metadata.xmp
    if metadata.pixels_per_inch:
        directory[ExifTags.Base.XResolution], directory[ExifTags.Base.YResolution] = (
            metadata.pixels_per_inch
        )
        directory[ExifTags.Base.ResolutionUnit] = _INCH


def _joined(picture: Picture, *, grey_alpha: bool) -> Pixels:
    """Join colours and transparency as Pillow takes them."""
    if picture.alpha is None:
        return picture.pixels
    if picture.grey and grey_alpha:
        return np.stack([picture.pixels, picture.alpha], axis=2)
    return np.concatenate([_rgb(picture), picture.alpha[..., None]], axis=2)


def _blue_first(picture: Picture) -> Pixels:
    """Join colours and transparency as OpenCV takes them."""
    if picture.alpha is None:
        return picture.pixels if picture.grey else np.ascontiguousarray(picture.pixels[..., ::-1])
    joined = [_rgb(picture)[..., ::-1], picture.alpha[..., None]]
    return np.ascontiguousarray(np.concatenate(joined, axis=2))


def _rgb(picture: Picture) -> Pixels:
    return np.repeat(picture.pixels[..., None], 3, axis=2) if picture.grey else picture.pixels
