"""EXIF and XMP, corrected in place for a picture that was turned upright and changed its size.

Every other byte of an EXIF block stays where it is: cameras keep notes in it that point to places
in the block, and would be destroyed if it were written anew.
"""

import re
import struct
from collections.abc import Iterator

_PREFIX = b"Exif\x00\x00"
_ORIENTATION = 0x0112
_WIDTHS = (0x0100, 0xA002)
_HEIGHTS = (0x0101, 0xA003)
_EXIF_DIRECTORY = 0x8769
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_ENTRY = 12
_MAGIC = 42


def orientation(exif: bytes) -> int:
    """Read the orientation tag, 1 to 8, from an EXIF block; 1 where there is none."""
    block = bytearray(exif.removeprefix(_PREFIX))
    try:
        order, start = _head(block)
        for tag, place in _entries(block, order, start):
            if tag == _ORIENTATION:
                value = _value(block, order, place)
                return value if 1 <= value <= 8 else 1
    except (struct.error, ValueError):
        pass
    return 1


def corrected_exif(exif: bytes, width: int, height: int) -> bytes:
    """Correct an EXIF block: upright, of this size, and without its thumbnail of the old picture.

    Args:
        exif: the block, with or without ``Exif`` in front.
        width: pixels.
        height: pixels.

    Returns:
        The block without ``Exif`` in front.

    Raises:
        ValueError: it is damaged.
    """
    block = bytearray(exif.removeprefix(_PREFIX))
    try:
        order, start = _head(block)
        directories = [start]
        for tag, place in _entries(block, order, start):
            if tag == _EXIF_DIRECTORY:
                directories.append(_value(block, order, place))
        for directory in directories:
            for tag, place in _entries(block, order, directory):
                if tag == _ORIENTATION:
                    _set(block, order, place, _SHORT, 1)
                elif tag in _WIDTHS:
                    _set(block, order, place, _LONG, width)
                elif tag in _HEIGHTS:
                    _set(block, order, place, _LONG, height)
        _drop_thumbnail(block, order, start)
    except struct.error as error:
        raise ValueError("the EXIF block is damaged") from error
    return bytes(block)


def corrected_xmp(xmp: bytes, width: int, height: int) -> bytes:
    """Correct the orientation and the size that an XMP packet repeats from EXIF."""
    for names, value in (
        (b"tiff:Orientation", 1),
        (b"tiff:ImageWidth|exif:PixelXDimension", width),
        (b"tiff:ImageLength|exif:PixelYDimension", height),
    ):
        xmp = re.sub(rb"((?:%b)(?:\s*=\s*[\"']|>))\d+" % names, rb"\g<1>%d" % value, xmp)
    return xmp


def _head(block: bytearray) -> tuple[str, int]:
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None or struct.unpack_from(f"{order}H", block, 2)[0] != _MAGIC:
        raise ValueError("the block is no EXIF")
    return order, int(struct.unpack_from(f"{order}I", block, 4)[0])


def _entries(block: bytearray, order: str, directory: int) -> Iterator[tuple[int, int]]:
    """Go through a directory: each tag and the place of its entry."""
    count = struct.unpack_from(f"{order}H", block, directory)[0]
    for place in range(directory + 2, directory + 2 + _ENTRY * count, _ENTRY):
        yield int(struct.unpack_from(f"{order}H", block, place)[0]), place


def _value(block: bytearray, order: str, place: int) -> int:
    kind = struct.unpack_from(f"{order}H", block, place + 2)[0]
    return int(struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", block, place + 8)[0])


def _set(block: bytearray, order: str, place: int, kind: int, value: int) -> None:
    struct.pack_into(f"{order}HI", block, place + 2, kind, 1)
    # A short stands in the first half of the field, in either byte order.
    packed = struct.pack(f"{order}{'H' if kind == _SHORT else 'I'}", value).ljust(4, b"\x00")
    struct.pack_into("4s", block, place + 8, packed)


def _drop_thumbnail(block: bytearray, order: str, start: int) -> None:
    link = start + 2 + _ENTRY * struct.unpack_from(f"{order}H", block, start)[0]
    second = struct.unpack_from(f"{order}I", block, link)[0] if link + 4 <= len(block) else 0
    if not second:
        return
    places = dict(_entries(block, order, second))
    if _THUMBNAIL_START in places and _THUMBNAIL_LENGTH in places:
        begin = _value(block, order, places[_THUMBNAIL_START])
        end = min(begin + _value(block, order, places[_THUMBNAIL_LENGTH]), len(block))
        block[begin:end] = bytes(max(0, end - begin))
    struct.pack_into(f"{order}I", block, link, 0)
