"""Choosing what an adaptation learns from: real photos, HR ones, and how LR is made of these.

A recipe's chapter of its own, because the choice asks the user's folders, the catalogue of assets
and the network alike.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pdd_cli.assets.photos import div2k_validation, starter_photos
from pdd_cli.config.adapt import DataSettings
from pdd_cli.data.crops import large_enough, read_reduced
from pdd_cli.data.degradations import Degradation, PlainResizes
from pdd_cli.data.imitation import imitate
from pdd_cli.data.layouts import photos_to_adapt_to
from pdd_cli.errors import DataError
from pdd_cli.images.listing import list_pictures, name_some
from pdd_cli.runtime.events import Observer, Said, Warned

# Photos reduced to a quarter have lost the blur and the noise of an ordinary camera.
_OWN_REDUCTION = 4
_FEWEST_OWN = 8

# So many photos tell a camera's noise and response; more only take time.
_MEASURED = 32


@dataclass(frozen=True)
class Photos:
    """The files that an adaptation learns from."""

    real: list[Path]
    hr: list[Path]
    settings: DataSettings
    """The settings with the HR folder that was chosen, so that a resumed run takes it again."""


def choose_photos(settings: DataSettings, scale: int, observer: Observer) -> Photos:
    """Find the photos, leave out what cannot be used, and say what was chosen and why.

    Raises:
        DataError: a folder is missing or empty, or none of its pictures can be used.
    """
    crop = settings.crop or 0
    selection = photos_to_adapt_to(settings.real_lr, scale)
    if selection.note:
        observer(Said(selection.note))
    if selection.skipped:
        observer(Warned(f"Skipped, as they are no pictures: {name_some(selection.skipped)}."))
    real = _usable(selection.paths, crop, settings.real_lr, "--real-lr", observer)
    chosen = settings if settings.hr else _find_hr(settings, real, scale, observer)
    assert chosen.hr is not None
    listing = list_pictures(chosen.hr)
    if listing.others:
        observer(Warned(f"Skipped, as they are no pictures: {name_some(listing.others)}."))
    least = crop * scale * chosen.hr_reduction
    hr = _usable(listing.pictures, least, chosen.hr, "--hr", observer)
    return Photos(real, hr, chosen)


def choose_degradation(photos: Photos, scale: int, seed: int, observer: Observer) -> Degradation:
    """Make what turns HR into synthetic LR, as the settings ask."""
    settings = photos.settings
    if settings.degradation == "resizes":
        return PlainResizes(settings.resizes)
    imitation = imitate(
        _some_of(photos.real, reduction=1),
        _some_of(photos.hr, reduction=scale * settings.hr_reduction),
        seed,
    )
    observer(Said(f"Synthetic LR imitates the real photos: {imitation.target.describe()}."))
    return imitation


def _some_of(paths: list[Path], *, reduction: int) -> list[NDArray[np.uint8]]:
    """Read some photos from all over a list, reduced in size."""
    stride = -(-len(paths) // _MEASURED)
    return [read_reduced(path, reduction) for path in paths[::stride]]


def _usable(
    paths: list[Path], size: int, folder: Path, option: str, observer: Observer
) -> list[Path]:
    good, small, unreadable = large_enough(paths, size)
    if unreadable:
        observer(Warned(f"Skipped, as they cannot be read: {name_some(unreadable)}."))
    if small:
        observer(Warned(f"Skipped, as they are smaller than {size}×{size}: {name_some(small)}."))
    if not good:
        raise DataError(
            f"{option} {folder}: none of its {len(paths)} pictures is readable and at least "
            f"{size}×{size}, which a crop needs.",
            hint="Give larger pictures or a smaller --crop.",
        )
    return good


def _find_hr(
    settings: DataSettings, real: list[Path], scale: int, observer: Observer
) -> DataSettings:
    """Choose HR photos for a user who named none: the best that can be had here."""
    div2k = div2k_validation(observer=observer)
    if div2k is not None:
        observer(Said(f"No --hr: supervising with DIV2K's validation photos in {div2k}."))
        return settings.model_copy(update={"hr": div2k})
    size = (settings.crop or 0) * scale
    own, _, _ = large_enough(real, 2 * size * _OWN_REDUCTION)
    if len(own) >= _FEWEST_OWN:
        observer(
            Said(
                f"No --hr and no Hub: supervising with your own {len(own)} large photos, reduced "
                f"to 1/{_OWN_REDUCTION}. A few hundred sharp photos given by --hr would be better."
            )
        )
        return settings.model_copy(update={"hr": settings.real_lr, "hr_reduction": _OWN_REDUCTION})
    starters = starter_photos(observer=observer)
    observer(
        Warned(
            f"No --hr and no Hub: supervising with the starter photos in {starters}: few. "
            "A few hundred sharp photos given by --hr would be better."
        )
    )
    return settings.model_copy(update={"hr": starters})
