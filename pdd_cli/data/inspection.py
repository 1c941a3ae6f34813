"""What can be said of one picture file: whether it can be used, and what would spoil learning."""

import errno
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.grain import FLATTEST, PATCH, grain_of, luma_of, texture_of
from pdd_cli.data.jpeg import estimate_quality
from pdd_cli.errors import DataError
from pdd_cli.images.codec import decode_picture

_FINGERPRINT = 8
"""Side of the grid of differences that a fingerprint is made of."""
_WINDOW = 128
_MIDDLE, _FINE = (0.08, 0.2), (0.3, 0.5)
_QUALITY_CROP = 512

_JPEG_FRAMES = {0xC0, 0xC1, 0xC2}


@dataclass(frozen=True)
class FileFacts:
    """A picture file as it was found."""

    path: str
    """Below the data set's folder, with ``/`` between its parts."""
    size: int
    """Bytes."""
    modified: int
    """Time of the last change, nanoseconds."""
    digest: str
    """Of its bytes: BLAKE2b of 16 bytes, in hexadecimal; "" where it could not be read."""
    problem: str | None = None
    """Why it cannot be used, in words; None for a good picture."""
    remark: str | None = None
    """What was odd about a picture that can be used."""
    format: str = ""
    width: int = 0
    height: int = 0
    depth: str = ""
    """Type of the pixels: uint8, uint16 or float32."""
    fingerprint: int = 0
    """64 bits that pictures of the same look share, whatever their size."""
    fine_detail: float = 0.0
    """Amplitude at 0.3 to ½ cycle a pixel against that at 0.08 to 0.2, times their frequencies:
    about 1 for natural detail, near 0 for what was blurred or enlarged."""
    noise: float = 0.0
    """Deviation in the flattest patches, 8-bit levels."""
    jpeg_quality: int | None = None
    """Of the compression that the pixels show; None for none."""


def inspect_picture(path: Path, folder: Path) -> FileFacts:
    """Look at a file closely; nothing about it raises an error."""
    name = path.relative_to(folder).as_posix()
    try:
        state = path.stat()
        data = path.read_bytes()
    except OSError as error:
        return FileFacts(name, 0, 0, "", problem=_why_unreadable(path, error))
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    known = (name, state.st_size, state.st_mtime_ns, digest)
    try:
        picture = decode_picture(data, named=name)
    except DataError as error:
        return FileFacts(*known, problem=error.problem.removeprefix(f"{name} ").rstrip("."))
    pixels = picture.rgb8()
    luma = luma_of(pixels)
    return FileFacts(
        *known,
        remark=_remark(data),
        format=_format(data),
        width=picture.width,
        height=picture.height,
        depth=str(picture.pixels.dtype),
        fingerprint=fingerprint(pixels),
        fine_detail=fine_detail(luma),
        noise=noise_level(luma),
        jpeg_quality=_quality(pixels),
    )


def _why_unreadable(path: Path, error: OSError) -> str:
    if not path.is_symlink():
        return f"cannot be read ({error.strerror})"
    return "is a circular link" if error.errno == errno.ELOOP else "is a dangling link"


def fingerprint(pixels: NDArray[np.uint8]) -> int:
    """Tell by 64 comparisons of neighbours in a tiny copy what a picture looks like."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    tiny = cv2.resize(grey, (_FINGERPRINT + 1, _FINGERPRINT), interpolation=cv2.INTER_AREA)
    rising = tiny[:, 1:] > tiny[:, :-1]
    return int.from_bytes(np.packbits(rising).tobytes(), "big")


def fine_detail(luma: NDArray[np.float64]) -> float:
    """Compare the amplitude of fine detail with coarser, where there is most of it.

    Args:
        luma: (h, w), 8-bit levels.

    Returns:
        About 0.4 to 1.2 for sharp photos, below 0.25 for what was blurred or enlarged.
    """
    side = min(_WINDOW, *luma.shape)
    if side < 16:
        return 0.0
    window = np.outer(np.hanning(side), np.hanning(side))
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    bands = [(radius >= low) & (radius < high) for low, high in (_MIDDLE, _FINE)]
    found = []
    for seen in _windows(luma, side):
        amplitude = np.abs(np.fft.fft2((seen - seen.mean()) * window)) * radius
        middle, fine = (float(amplitude[band].mean()) for band in bands)
        found.append((middle, fine))
    strongest = max(middle for middle, _ in found)
    if strongest < side * 0.2:  # nothing in the picture has any contrast
        return 0.0
    return max(fine / middle for middle, fine in found if middle > strongest / 2)


def _windows(luma: NDArray[np.float64], side: int) -> Iterator[NDArray[np.float64]]:
    """Cut up to nine windows from all over the picture."""
    rows, columns = (
        np.linspace(0, length - side, min(3, length // side)).astype(int) for length in luma.shape
    )
    for top in rows:
        for left in columns:
            yield luma[top : top + side, left : left + side]


def noise_level(luma: NDArray[np.float64]) -> float:
    """Return the deviation of noise in the flattest tenth of patches, in 8-bit levels."""
    if min(luma.shape) < 2 * PATCH:
        return 0.0
    texture = texture_of(luma)
    return float(np.median(grain_of(luma)[texture <= np.quantile(texture, FLATTEST)]))


def _quality(pixels: NDArray[np.uint8]) -> int | None:
    """Estimate from a part that begins at the corner, for there the grid of blocks begins."""
    part = pixels[:_QUALITY_CROP, :_QUALITY_CROP]
    return estimate_quality([part]) if min(part.shape[:2]) >= 64 else None


def _format(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "png"
    if data.startswith(b"\xff\xd8"):
        return "jpeg"
    if data[8:12] == b"WEBP":
        return "webp"
    if data[:2] in (b"II", b"MM"):
        return "tiff"
    return "bmp" if data.startswith(b"BM") else "other"


def _remark(data: bytes) -> str | None:
    if _moves(data):
        return "is animated, and only its first frame is used"
    if _channels_of_jpeg(data) == 4:
        return "is a CMYK JPEG, and its colours are converted to sRGB"
    return None


def _moves(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return b"acTL" in data[:4096]
    return data[8:12] == b"WEBP" and b"ANIM" in data[:4096]


def _channels_of_jpeg(data: bytes) -> int:
    """Read the number of channels from a JPEG's frame header; 0 for other files."""
    position = 2
    while data.startswith(b"\xff\xd8") and position + 10 < len(data) and data[position] == 0xFF:
        marker, length = (
            data[position + 1],
            int.from_bytes(data[position + 2 : position + 4], "big"),
        )
        if marker in _JPEG_FRAMES:
            return data[position + 9]
        position += 2 + length
    return 0
