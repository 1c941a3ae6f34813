"""Photos of the simulated cameras, to study adaptations with: where the HR is known, gains are too.

    python benchmarks/cameras.py FOLDER_OF_HR OUTPUT

The first half of the scenes, by name, becomes ``OUTPUT/hr``; every camera of
``pdd_cli.data.cameras`` photographs the third quarter, ``OUTPUT/CAMERA/real-lr``, to adapt to, and
the last one, ``OUTPUT/CAMERA/test-lr``, to be scored against ``OUTPUT/test-hr``. No scene serves
twice.
"""

import sys
from pathlib import Path

from pdd_cli.data.cameras import CAMERAS
from pdd_cli.images.codec import Picture, Pixels, encode_picture, read_picture
from pdd_cli.images.listing import list_pictures
from pdd_cli.runtime.files import write_bytes_atomically

SCALE = 4


def main(source: Path, output: Path) -> None:
    """Write HR and photos of every camera below ``output``."""
    scenes = list_pictures(source).pictures
    half, three_quarters = len(scenes) // 2, len(scenes) * 3 // 4
    for path in scenes[:half]:
        _write(output / "hr" / path.name, read_picture(path).pixels)
    for number, path in enumerate(scenes[half:], start=half):
        scene = read_picture(path).rgb8()
        scored = number >= three_quarters
        height, width = (length // SCALE * SCALE for length in scene.shape[:2])
        if scored:
            _write(output / "test-hr" / f"{path.stem}.png", scene[:height, :width])
        for name, camera in CAMERAS.items():
            folder = output / name / ("test-lr" if scored else "real-lr")
            _write(folder / f"{path.stem}.png", camera.photograph(scene, SCALE, seed=number))


def _write(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, encode_picture(Picture(pixels), ".png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
