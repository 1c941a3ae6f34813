"""How far photos have to be reduced in size to be HR: until blur, noise and compression are gone.

A camera's blur spans a few pixels whatever the scene, and so does what JPEG and smoothing take of
weak texture. Reduced in size, a photo is as sharp and as rich as its new pixels can show. See
docs/method.md, HR that is clean.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.crops import reduced
from pdd_cli.data.grain import luma_of
from pdd_cli.data.inspection import fine_detail, noise_level
from pdd_cli.data.jpeg import estimate_quality, recompressed

FACTORS = (1, 2, 3, 4, 6, 8)

_SHARP = 0.4
# Levels of 8 bits, of noise and of what compression changed.
_CLEAN = 1.75

# Shifted by this, a photo's blocks are not those that it was compressed in.
_HALF_A_BLOCK = 4


def clean_reduction(photos: Sequence[NDArray[np.uint8]]) -> int | None:
    """Find the smallest factor at which photos are sharp and free of noise and of JPEG's traces.

    Args:
        photos: (h, w, 3) RGB each, at full size.

    Returns:
        The factor by which sides are divided, or None where even the largest does not suffice.
    """
    quality = estimate_quality(photos)
    return next((factor for factor in FACTORS if _is_clean(photos, quality, factor)), None)


def _is_clean(photos: Sequence[NDArray[np.uint8]], quality: int | None, factor: int) -> bool:
    lumas = [luma_of(reduced(photo, factor)) for photo in photos]
    if median(fine_detail(luma) for luma in lumas) < _SHARP:
        return False
    if median(noise_level(luma) for luma in lumas) > _CLEAN:
        return False
    return (
        quality is None
        or median(_compression_error(photo, quality, factor) for photo in photos) <= _CLEAN
    )


def _compression_error(photo: NDArray[np.uint8], quality: int, factor: int) -> float:
    """Tell what is left, after the reduction, of what JPEG changed in a photo.

    It is what the same compression changes in other blocks: root mean square in levels of luma.
    """
    before = np.ascontiguousarray(photo[_HALF_A_BLOCK:, _HALF_A_BLOCK:])
    after = recompressed(before, quality)
    change = luma_of(reduced(before, factor)) - luma_of(reduced(after, factor))
    return float(np.sqrt(np.square(change).mean()))
