"""How fast pairs are scored: by ``evaluate``, and one by one as is usual.

One by one means: decode both pictures with OpenCV, PSNR and SSIM of scikit-image, LPIPS of the
package ``lpips`` in float32, with the same weights. Both in one run on the same pictures, so that
the ratio holds on any machine. The pairs are made of scikit-image's photographs: 512×512 crops, and
what area reduction and bicubic enlargement leave of them.

Run: python benchmarks/evaluate.py [PAIRS]
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import lpips as lpips_package
import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pdd_cli.assets.photos import starter_photos
from pdd_cli.assets.weights import lpips_weights
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.images.listing import list_pictures
from pdd_cli.recipes.evaluate import evaluate

SIDE = 512
PAIRS = 100
TURNS = 4
METRICS = ("psnr", "ssim", "lpips")


def make_pairs(folder: Path, count: int) -> None:
    """Write ``count`` crops and what is left of them at a quarter of their size."""
    chance = np.random.default_rng(0)
    photos = [cv2.imread(str(path)) for path in list_pictures(starter_photos()).pictures]
    for number in range(count):
        photo = photos[number % len(photos)]
        assert photo is not None
        if min(photo.shape[:2]) < SIDE:
            enlarged = SIDE / min(photo.shape[:2])
            photo = cv2.resize(photo, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
        top, left = (int(chance.integers(length - SIDE + 1)) for length in photo.shape[:2])
        hr = photo[top : top + SIDE, left : left + SIDE]
        lr = cv2.resize(hr, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
        sr = cv2.resize(lr, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        for name, picture in (("hr", hr), ("sr", sr)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name / f"{number:04d}.png"), picture)


def reference_lpips() -> lpips_package.LPIPS:
    """Return the package's LPIPS with the weights that pdd has."""
    weights = lpips_weights("alex")
    model = lpips_package.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False).eval()
    for name, tensor in model.net.state_dict().items():
        _, index, kind = name.split(".")
        tensor.copy_(weights[f"features.{index}.{kind}"])
    for number in range(5):
        getattr(model, f"lin{number}").model[1].weight.data.copy_(
            weights[f"lin{number}"].view(1, -1, 1, 1)
        )
    return model


@torch.inference_mode()
def one_by_one(folder: Path) -> Iterator[tuple[float, float, float]]:
    """Score every pair by the packages, in the order of their names."""
    model = reference_lpips()
    for path in sorted((folder / "sr").iterdir()):
        read = [cv2.imread(str(place / path.name)) for place in (folder / "sr", folder / "hr")]
        sr, hr = (
            np.ascontiguousarray(picture[..., ::-1]) for picture in read if picture is not None
        )
        tensors = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 127.5 - 1 for p in (sr, hr)]
        similarity = structural_similarity(
            hr,
            sr,
            data_range=255,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        yield (
            peak_signal_noise_ratio(hr, sr, data_range=255),
            float(similarity),
            model(*tensors).item(),
        )


def by_evaluate(folder: Path, precision: str) -> list[tuple[float, ...]]:
    """Score every pair by the recipe."""
    config = EvaluateConfig(
        sr=folder / "sr",
        gt=folder / "hr",
        metrics=METRICS,
        border=0,
        device="cpu",
        precision=precision,
    )
    pictures = evaluate(config).pictures
    return [tuple(picture.scores[name] for name in METRICS) for picture in pictures]


def largest_difference(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> str:
    """Tell how far the figures of two ways lie apart at most, metric by metric."""
    apart = np.abs(np.array(first) - np.array(second)).max(axis=0)
    return ", ".join(f"{name} {value:.1e}" for name, value in zip(METRICS, apart, strict=True))


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    ways: dict[str, Callable[[Path], list[tuple[float, ...]]]] = {
        "one by one, packages": lambda folder: list(one_by_one(folder)),
        "evaluate, float32": lambda folder: by_evaluate(folder, "float32"),
        "evaluate, auto": lambda folder: by_evaluate(folder, "auto"),
    }
    figures: dict[str, list[tuple[float, ...]]] = {name: [] for name in ways}
    spent = dict.fromkeys(ways, np.zeros(2))
    with tempfile.TemporaryDirectory() as temporary:
        # In turns, so that what else the machine does falls on all of them.
        for turn in range(TURNS):
            folder = Path(temporary, str(turn))
            make_pairs(folder, count // TURNS)
            for name, score in ways.items():
                start = np.array([time.perf_counter(), time.process_time()])
                figures[name] += score(folder)
                now = np.array([time.perf_counter(), time.process_time()])
                spent[name] = spent[name] + now - start
    usual, expected = next(iter(spent.values())), next(iter(figures.values()))
    print(f"{len(expected)} pairs of {SIDE}×{SIDE}, {torch.get_num_threads()} threads")  # noqa: T201
    for name, (seconds, processor) in spent.items():
        ratios = usual / (seconds, processor)
        print(  # noqa: T201
            f"{name:20} {seconds:6.1f} s, of processors {processor:6.1f} s; "
            f"{ratios[0]:.1f} and {ratios[1]:.1f} times as fast; "
            f"apart at most: {largest_difference(figures[name], expected)}"
        )


if __name__ == "__main__":
    main()
