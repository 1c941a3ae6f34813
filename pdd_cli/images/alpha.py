"""Colours under transparency, which nobody sees until an upscaler smears them over the edge."""

import cv2
import numpy as np

from pdd_cli.images.picture import Picture, Pixels


def colours_without_halo(picture: Picture) -> Pixels:
    """Give every fully transparent pixel the colour of the nearest one that is not.

    Editors leave black or white there, which would bleed into the visible edge as a halo.

    Returns:
        Pixels of the picture's own shape and type; the picture's own where it has no transparency,
        or nothing but.
    """
    if picture.alpha is None:
        return picture.pixels
    hidden = (picture.alpha <= 0).astype(np.uint8)
    if not hidden.any() or hidden.all():
        return picture.pixels
    _, labels = cv2.distanceTransformWithLabels(
        hidden, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    visible = np.flatnonzero(hidden == 0)
    nearest = np.empty(int(labels.max()) + 1, np.int64)
    nearest[labels.ravel()[visible]] = visible
    rows, columns = np.unravel_index(nearest[labels], hidden.shape)
    filled: Pixels = picture.pixels[rows, columns]
    return filled
