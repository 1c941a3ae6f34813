"""Makes tiles.png: where tiles with little context depart from the whole picture.

Run: python docs/images/tiles.py
"""

import sys
from pathlib import Path

import numpy as np
import torch

from pdd_cli.assets.models import resolve_model
from pdd_cli.assets.photos import starter_photos
from pdd_cli.data.cameras import CAMERAS
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.images.tiles import Mosaic, Tiling
from pdd_cli.nets.network import Network, load_network
from pdd_cli.runtime.weights import read_weights

TILE = 208
OVERLAPS = (10, 24, 80)
BRIGHTENING = 64
SHOWN = slice(None, None, 2)


@torch.inference_mode()
def main() -> None:
    """Write the picture beside this file, and each overlap's largest difference to the terminal."""
    scene = read_picture(next(starter_photos().rglob("astronaut.png"))).rgb8()
    # Dark and noisy: what the network makes of grain hangs on what it sees far away.
    photo = CAMERAS["sensor-noise"].photograph(scene // 3, 2, seed=0)
    network = load_network(read_weights(resolve_model("realesrgan").weights), named="realesrgan")
    whole = _upscaled(network.eval(), photo, tile=max(photo.shape), overlap=0)
    panels = [whole[SHOWN, SHOWN].clip(0, 85) * 3]
    for overlap in OVERLAPS:
        difference = np.abs(_upscaled(network, photo, TILE, overlap).astype(int) - whole)
        sys.stdout.write(f"overlap {overlap}: {difference.max()} levels at most\n")
        panels.append((BRIGHTENING * difference).clip(0, 255).astype(np.uint8)[SHOWN, SHOWN])
    bordered = [np.pad(p, ((0, 0), (0, 4), (0, 0)), constant_values=255) for p in panels]
    data = encode_picture(Picture(np.concatenate(bordered, axis=1)), ".png")
    Path(__file__).with_suffix(".png").write_bytes(data)


def _upscaled(network: Network, photo: np.ndarray, tile: int, overlap: int) -> np.ndarray:
    lr = pixels_to_tensor(photo)
    tiling = Tiling(*lr.shape[-2:], tile, overlap)
    rows: list[torch.Tensor] = []
    mosaic = Mosaic(tiling, network.scale, lambda _, finished: rows.append(finished.clone()))
    for part in tiling.tiles:
        mosaic.put(network(part.cut(lr))[0])
    return tensor_to_pixels(torch.cat(rows, dim=1)[None], photo.dtype)


if __name__ == "__main__":
    main()
