"""Makes degradations.png: one photo made small in every way that pdd supervises with.

Run: python docs/images/degradations.py
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pdd_cli.assets.photos import starter_photos
from pdd_cli.data.cameras import CAMERAS
from pdd_cli.data.crops import read_reduced
from pdd_cli.data.degradations import PlainResizes
from pdd_cli.data.imitation import imitate
from pdd_cli.data.second_order import SecondOrder
from pdd_cli.images.codec import Picture, encode_picture, read_picture

SCALE = 4
SCENES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "brick.png", "gravel.png")


def main() -> None:
    """Write the picture beside this file."""
    paths = [next(starter_photos().rglob(name)) for name in SCENES]
    scenes = [read_picture(path).rgb8() for path in paths]
    photos = [CAMERAS["phone"].photograph(s, SCALE, seed) for seed, s in enumerate(scenes)]
    imitation = imitate(photos, [read_reduced(path, SCALE) for path in paths], seed=0)
    imitated = imitation.degradation
    hr = torch.from_numpy(scenes[0][40:424, 60:444].copy()).permute(2, 0, 1)[None] / 255
    draws = [np.random.default_rng(seed) for seed in range(4)]
    rows = [
        [PlainResizes((m,))(hr, SCALE, draws[0]) for m in ("bicubic", "bilinear", "area")]
        + [PlainResizes(("antialiased",))(hr, SCALE, draws[0])],
        [SecondOrder()(hr, SCALE, draw) for draw in draws],
        [imitated(hr, SCALE, draw) for draw in draws],
    ]
    grid = np.concatenate([np.concatenate([shown(lr) for lr in row], axis=1) for row in rows])
    data = encode_picture(Picture(grid), ".png")
    Path(__file__).with_suffix(".png").write_bytes(data)


def shown(lr: Tensor) -> np.ndarray:
    """Show each pixel as four, with a white border."""
    pixels = (lr[0] * 255).round().byte().permute(1, 2, 0).numpy()
    large = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    return np.pad(large, ((0, 4), (0, 4), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
