"""Making HR of somebody's own photos: reduced so far that blur and noise are gone.

A camera's blur spans a few pixels whatever the scene. Reduced in size, a large photo is as sharp as
its new pixels can show, and shows the user's own kind of scenes. See docs/method.md, Your own HR.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.crops import reduced
from pdd_cli.data.grain import luma_of
from pdd_cli.data.inspection import fine_detail, noise_level

FACTORS = (1, 2, 3, 4, 6, 8)

_SHARP = 0.4
_CLEAN = 1.5


def clean_reduction(photos: Sequence[NDArray[np.uint8]]) -> int | None:
    """Find the smallest factor at which photos are sharp and free of noise.

    Args:
        photos: (h, w, 3) RGB each, at full size.

    Returns:
        The factor by which sides are divided, or None where even the largest does not suffice.
    """
    return next((factor for factor in FACTORS if _is_clean(photos, factor)), None)


def _is_clean(photos: Sequence[NDArray[np.uint8]], factor: int) -> bool:
    lumas = [luma_of(reduced(photo, factor)) for photo in photos]
    detail = median(fine_detail(luma) for luma in lumas)
    return detail >= _SHARP and median(noise_level(luma) for luma in lumas) <= _CLEAN
