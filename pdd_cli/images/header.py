"""The size of a picture, told by the first bytes of its file."""

import warnings
from pathlib import Path

from PIL import Image


def size_in_pixels(path: Path) -> tuple[int, int] | None:
    """Return a picture's height and width without decoding it, or None where they do not show.

    They are those of the file; a picture that its EXIF orientation turns has them exchanged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a size that Pillow finds alarming is only told here
            with Image.open(path) as picture:
                return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
