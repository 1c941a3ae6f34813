"""How long a folder takes: ``pdd infer`` beside the loop that upscalers usually have.

    python benchmarks/infer.py MODEL FOLDER [ROUNDS]

The usual loop reads a picture, upscales it eagerly in float32 and in tiles of 256 with 10 pixels
around them, writes it as PNG, and goes on to the next. Both load the model and write every result.
They take turns, and the best of the rounds counts, since other work may share the machine.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pdd_cli.assets.models import resolve_model
from pdd_cli.config.infer import InferConfig
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.images.listing import list_pictures
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.infer import infer
from pdd_cli.runtime.weights import read_weights

TILE, PAD = 256, 10


def usual_loop(model: str, folder: Path, output: Path) -> None:
    """Upscale a folder as most tools do."""
    network = load_network(read_weights(resolve_model(model).weights), named=model).eval()
    for path in list_pictures(folder).pictures:
        picture = read_picture(path)
        with torch.inference_mode():
            upscaled = _tiled(network, pixels_to_tensor(picture.rgb8()), network.scale)
        pixels = tensor_to_pixels(upscaled, picture.rgb8().dtype)
        (output / f"{path.stem}.png").write_bytes(encode_picture(Picture(pixels), ".png"))


def _tiled(network: Callable[[Tensor], Tensor], picture: Tensor, scale: int) -> Tensor:
    height, width = picture.shape[-2:]
    padded = F.pad(picture, (PAD, PAD, PAD, PAD), mode="reflect")
    result = torch.empty(1, 3, scale * height, scale * width)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            bottom, right = min(height, top + TILE), min(width, left + TILE)
            tile = network(padded[..., top : bottom + 2 * PAD, left : right + 2 * PAD])
            inner = tile[..., scale * PAD : -scale * PAD, scale * PAD : -scale * PAD]
            result[..., scale * top : scale * bottom, scale * left : scale * right] = inner
    return result


def pdd(model: str, folder: Path, output: Path) -> None:
    """Upscale a folder by ``pdd infer``."""
    infer(InferConfig(paths=(folder,), model=model, output=output, overwrite=True))


def main(model: str, folder: Path, rounds: int) -> None:
    """Let both upscale the folder in turn, and print a table."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for upscale in (usual_loop, pdd):
            with tempfile.TemporaryDirectory() as output:
                start = time.perf_counter()
                upscale(model, folder, Path(output))
                took = time.perf_counter() - start
            best[upscale.__name__] = min(took, best.get(upscale.__name__, took))
    for name, took in best.items():
        sys.stdout.write(f"| {name} | {took:.1f} s | {best['usual_loop'] / took:.2f} |\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2)
