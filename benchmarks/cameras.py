"""Photos of the simulated cameras, to study adaptations with: where the HR is known, gains are too.

    python benchmarks/cameras.py FOLDER_OF_HR OUTPUT [REDUCTION]

The first half of the scenes, by name, becomes ``OUTPUT/hr``; every camera of
``pdd_cli.data.cameras`` photographs the third quarter, ``OUTPUT/CAMERA/real-lr``, to adapt to, and
the last one, ``OUTPUT/CAMERA/test-lr``, to be scored against ``OUTPUT/test-hr``. No scene serves
twice. With a REDUCTION the scenes are first divided by it in size: photos of the web, which JPEG
has smoothed, are at half their size what a lens sees. The HR stays as it is.

``OUTPUT/CAMERA/large`` has the third quarter once more, as photos of twice a scene's height and
width: four scenes beside each other, taken at their own size with a lens that blurs a pixel of
theirs as much as one of the small photos. They are for ``--hr self``.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pdd_cli.data.cameras import CAMERAS
from pdd_cli.data.crops import read_reduced
from pdd_cli.images.codec import Picture, Pixels, encode_picture, read_picture
from pdd_cli.images.listing import list_pictures
from pdd_cli.runtime.files import write_bytes_atomically

SCALE = 4


def main(source: Path, output: Path, reduction: int = 1) -> None:
    """Write HR and photos of every camera below ``output``."""
    scenes = list_pictures(source).pictures
    half, three_quarters = len(scenes) // 2, len(scenes) * 3 // 4
    for path in scenes[:half]:
        _write(output / "hr" / path.name, read_picture(path).pixels)
    for number, path in enumerate(scenes[half:], start=half):
        scene = read_reduced(path, reduction)
        scored = number >= three_quarters
        height, width = (length // SCALE * SCALE for length in scene.shape[:2])
        if scored:
            _write(output / "test-hr" / f"{path.stem}.png", scene[:height, :width])
        for name, camera in CAMERAS.items():
            folder = output / name / ("test-lr" if scored else "real-lr")
            _write(folder / f"{path.stem}.png", camera.photograph(scene, SCALE, seed=number))
    _write_large(scenes[half:three_quarters], output, reduction)


def _write_large(scenes: Sequence[Path], output: Path, reduction: int) -> None:
    for first in range(0, len(scenes) - 3, 4):
        four = [read_reduced(path, reduction) for path in scenes[first : first + 4]]
        height, width = (min(scene.shape[axis] for scene in four) for axis in (0, 1))
        cut = [scene[:height, :width] for scene in four]
        mosaic = np.concatenate([np.concatenate(cut[:2], axis=1), np.concatenate(cut[2:], axis=1)])
        for name, camera in CAMERAS.items():
            as_blurred = replace(camera, lens_blur=camera.lens_blur / SCALE)
            photo = as_blurred.photograph(mosaic, 1, seed=first)
            _write(output / name / "large" / f"{scenes[first].stem}.png", photo)


def _write(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, encode_picture(Picture(pixels), ".png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
