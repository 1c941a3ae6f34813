"""Choosing what an adaptation learns from: real photos, HR ones, and how LR is made of these.

A recipe's chapter of its own, because the choice asks the user's folders, the catalogue of assets
and the network alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pdd_cli.assets.photos import PHOTOGRAPHS, archived_photos, starter_photos
from pdd_cli.config.adapt import DataSettings
from pdd_cli.config.training import MonitorSettings
from pdd_cli.data.batches import HRCrops
from pdd_cli.data.cleanness import FACTORS, clean_reduction
from pdd_cli.data.crops import CropSources, DecodedPictures, RandomCrops, Reduced, read_reduced
from pdd_cli.data.degradations import Degradation, PlainResizes
from pdd_cli.data.imitation import imitate
from pdd_cli.data.layouts import high_resolution_beside
from pdd_cli.data.second_order import SecondOrder
from pdd_cli.data.tile_store import TILE
from pdd_cli.data.veil import Veil, find_veil, tones_of
from pdd_cli.errors import DataError
from pdd_cli.images.listing import name_some
from pdd_cli.recipes.pairs import pairs_by_name
from pdd_cli.recipes.sources import keep_from_learning, real_photos, sharp_photos, sharp_tiles
from pdd_cli.runtime.events import Observer, Said, Warned

OWN_PHOTOS = Path("self")
"""In the place of a folder of HR: the real photos, reduced until they are sharp."""

TRIALS = 8
"""So many made pairs tell well enough how far to go."""

# By which most cameras' photos have to be reduced; how far it is with these is measured.
_USUAL_REDUCTION = 4
_FEWEST_OWN = 8
_SHOWN = 3

# So many photos tell a camera's noise and response; more only take time.
_MEASURED = 32


@dataclass(frozen=True)
class Photos:
    """The files that an adaptation learns from."""

    real: list[Path]
    """LR photos to adapt to."""
    hr: list[Path]
    tried: list[Path]
    """HR photos of which pairs are made to choose by; they supervise too only where there are too
    few to hold any back."""
    watched: list[Path]
    """LR photos of the same kind that the network never learns from."""
    validation: list[tuple[Path, Path]]
    """LR photos whose HR is at hand, and that HR; never learnt from either."""
    shown: list[Path]
    """LR photos for previews, of those that are not learnt from where there are any."""
    settings: DataSettings
    """The settings with the HR and its reduction that were chosen, so that a resumed run takes them
    again."""

    @property
    def reduction(self) -> int:
        """Factor by which HR is reduced before it supervises."""
        assert self.settings.hr_reduction is not None
        return self.settings.hr_reduction


def choose_photos(
    settings: DataSettings, monitor: MonitorSettings, scale: int, observer: Observer
) -> Photos:
    """Find the photos, leave out what cannot be used, and say what was chosen and why.

    Raises:
        DataError: a folder is missing or empty, or none of its pictures can be used.
    """
    lr_crop = settings.crop or 0
    hr_crop = lr_crop * scale
    lr = CropSources.measure(real_photos(settings.real_lr, scale, observer))
    usable = _usable(lr, lr_crop, settings.real_lr, "--real-lr", observer)
    real, watched = keep_from_learning(usable, monitor.held_out)
    folder = settings.hr or _find_hr(lr.of(real), hr_crop, observer)
    if folder == OWN_PHOTOS and not folder.exists():
        reduction = settings.hr_reduction or _reduction_of_own(real)
        supervising = _own_hr(lr.of(real), hr_crop, reduction, observer)
        tried = lr.of(watched).large_enough(hr_crop * reduction)
    else:
        hr = CropSources.measure(sharp_photos(folder, observer))
        least = hr_crop * (settings.hr_reduction or 1)
        sharp = hr.of(_usable(hr, least, folder, "--hr", observer))
        reduction = settings.hr_reduction or _reduction_to_cleanness(sharp, hr_crop, observer)
        supervising, tried = keep_from_learning(sharp.large_enough(hr_crop * reduction), TRIALS)
    pairs = _validation_pairs(monitor, watched)
    return Photos(
        real=real,
        hr=supervising,
        tried=tried or supervising[:TRIALS],
        watched=watched,
        validation=pairs,
        shown=watched or real[:_SHOWN],
        settings=settings.model_copy(update={"hr": folder, "hr_reduction": reduction}),
    )


def _validation_pairs(monitor: MonitorSettings, watched: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Find HR of photos that are not learnt from: as the settings name it, else beside the LR.

    HR lies beside the LR in a RealSR tree, of which only the training split is ever read here.

    Raises:
        DataError: an LR photo of the settings has no HR of its name.
    """
    if monitor.lr is None or monitor.hr is None:
        beside = [(low, high_resolution_beside(low)) for low in watched]
        return [(low, high) for low, high in beside if high is not None]
    return pairs_by_name(monitor.lr, monitor.hr)


def hr_crops(photos: Photos, size: int, seed: Sequence[int]) -> HRCrops:
    """Make what cuts crops from the HR photos: from tiles, where they were prepared so."""
    settings = photos.settings
    tiles = sharp_tiles(settings.hr) if settings.hr else None
    if tiles is not None and size * photos.reduction <= TILE:
        return RandomCrops(tiles.keys, size, Reduced(tiles, photos.reduction), seed)
    # Real photos and HR may be the same files, reduced for the one and whole for the other.
    decoded = DecodedPictures(settings.cache_gb / 2, photos.reduction)
    return RandomCrops(photos.hr, size, decoded, seed)


class Synthesis(NamedTuple):
    """How synthetic LR is made."""

    degradation: Degradation
    veil: Veil | None = None
    """What lies over the real photos and is learnt to be lifted."""


def choose_degradation(photos: Photos, scale: int, seed: int, observer: Observer) -> Synthesis:
    """Make what turns HR into synthetic LR, as the settings ask."""
    settings = photos.settings
    match settings.degradation:
        case "resizes":
            return Synthesis(PlainResizes(settings.resizes))
        case "second-order":
            return Synthesis(SecondOrder())
    real = _some_of(photos.real, reduction=1)
    sharp = _some_of(photos.hr, reduction=scale * photos.reduction)
    veil = _veil_to_lift(find_veil(tones_of(real), tones_of(sharp)), settings.lift_veil, observer)
    imitation = imitate(real, sharp, seed, veil)
    observer(Said(f"Synthetic LR imitates the real photos: {imitation.measured.describe()}."))
    return Synthesis(imitation.degradation, veil)


def _veil_to_lift(found: Veil | None, asked: bool, observer: Observer) -> Veil | None:
    if found is None:
        if asked:
            observer(Warned("--lift-veil: no veil lies over the real photos. None is lifted."))
    elif asked:
        observer(Said(f"A veil lies over the real photos, and is lifted: {found.describe()}."))
    else:
        observer(
            Said(
                f"A veil lies over the real photos, haze or fading perhaps: {found.describe()}. It "
                "stays; with --lift-veil the model learns to see through it."
            )
        )
    return found if asked else None


def _some_of(paths: list[Path], *, reduction: int) -> list[NDArray[np.uint8]]:
    """Read some photos from all over a list, reduced in size."""
    stride = -(-len(paths) // _MEASURED)
    return [read_reduced(path, reduction) for path in paths[::stride]]


def _usable(
    found: CropSources, size: int, folder: Path, option: str, observer: Observer
) -> list[Path]:
    """Return the pictures that are large enough, and say which are not.

    Raises:
        DataError: none is.
    """
    if found.unreadable:
        observer(Warned(f"Skipped, as they cannot be read: {name_some(found.unreadable)}."))
    if small := found.too_small(size):
        observer(Warned(f"Skipped, as they are smaller than {size}×{size}: {name_some(small)}."))
    good = found.large_enough(size)
    if not good:
        count = len(found.sides) + len(found.unreadable)
        raise DataError(
            f"{option} {folder}: none of its {count} pictures is readable and at least "
            f"{size}×{size}, which a crop needs.",
            hint="Give larger pictures or a smaller --crop.",
        )
    return good


def _find_hr(real: CropSources, crop: int, observer: Observer) -> Path:
    """Choose HR photos for a user who named none: the best that can be had here."""
    div2k = archived_photos("div2k-validation", observer=observer)
    if div2k is not None:
        observer(Said(f"No --hr: supervising with DIV2K's validation photos in {div2k}."))
        return div2k
    if len(real.large_enough(crop * _USUAL_REDUCTION)) >= _FEWEST_OWN:
        observer(
            Said(
                "No --hr and no Hub: supervising with your own large photos, reduced in size. "
                "A few hundred sharp photos given by --hr would be better."
            )
        )
        return OWN_PHOTOS
    starters = starter_photos(observer=observer) / PHOTOGRAPHS
    observer(
        Warned(
            f"No --hr and no Hub: supervising with the starter photos in {starters}: few. "
            "A few hundred sharp photos given by --hr would be better."
        )
    )
    return starters


def _reduction_to_cleanness(hr: CropSources, crop: int, observer: Observer) -> int:
    """Find by which factor HR photos are reduced, so that what is smooth in them is so in truth.

    Compression and smoothing take weak texture away, and a network that learns from such photos
    learns to do so too. See docs/method.md, HR that is clean.
    """
    clean = clean_reduction(_some_of(list(hr.sides), reduction=1))
    if clean is None:
        observer(
            Warned(
                f"The HR photos are blurred or noisy even at 1/{FACTORS[-1]} of their size, and "
                "supervise as they are. Sharp photos given by --hr would be better."
            )
        )
        return 1
    reduction = max(
        factor
        for factor in FACTORS
        if factor <= clean and 2 * len(hr.large_enough(crop * factor)) >= len(hr.sides)
    )
    if reduction > 1:
        small = len(hr.too_small(crop * reduction))
        observer(
            Said(
                f"The HR photos supervise at 1/{reduction} of their size: "
                f"{'' if reduction == clean else 'not yet '}sharp and clean there. "
                + (f"Left out, as too small for that: {small}. " if small else "")
                + "With --set data.hr_reduction=1 they supervise as they are."
            )
        )
    return reduction


def _reduction_of_own(real: list[Path]) -> int:
    """Find by which factor the real photos have to be reduced to be HR themselves.

    Raises:
        DataError: they are not clean enough at any size.
    """
    reduction = clean_reduction(_some_of(real, reduction=1))
    if reduction is None:
        raise DataError(
            f"--hr self: the photos are blurred or noisy even at 1/{FACTORS[-1]} of their size.",
            hint="Give sharp photos with --hr.",
        )
    return reduction


def _own_hr(real: CropSources, crop: int, reduction: int, observer: Observer) -> list[Path]:
    """Choose HR among the real photos themselves.

    Raises:
        DataError: all are too small at the size at which they are sharp.
    """
    own = real.large_enough(crop * reduction)
    if not own:
        raise DataError(
            f"--hr self: the photos are sharp at 1/{reduction} of their size, and none is then "
            f"as large as a crop of {crop}.",
            hint="Give sharp photos with --hr.",
        )
    observer(
        Said(f"Your own {len(own)} photos supervise, at 1/{reduction} of their size: there sharp.")
    )
    return own
