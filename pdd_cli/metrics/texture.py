"""How sharp and how noisy a picture is, by itself: not better or worse, but a change to be seen."""

import torch.nn.functional as F
from torch import Tensor

from pdd_cli.images.colour import rgb_to_y

_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
# Leaves nothing of slopes and edges, and of white noise six times its deviation.
_NOISE_FILTER = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))
_PATCH = 8
_FLAT_SHARE = 0.1


def sharpness(pictures: Tensor) -> Tensor:
    """Return the deviation of the luma's Laplacian, in 8-bit levels.

    Args:
        pictures: (n, 3, h, w), RGB in [0, 1].

    Returns:
        (n,).
    """
    return 255 * _filtered(pictures, _LAPLACIAN).flatten(1).std(dim=1)


def noise(pictures: Tensor) -> Tensor:
    """Return the deviation of noise in the flattest tenth of the luma, in 8-bit levels.

    By the filter of Immerkær (1996, doi 10.1006/cviu.1996.0060). Arguments and result as for
    ``sharpness``; pictures of at least 8×8.
    """
    power = F.avg_pool2d((255 * _filtered(pictures, _NOISE_FILTER) / 6) ** 2, _PATCH).flatten(1)
    # Flatness is judged on a smoothed picture, or the patches with the least noise would be chosen.
    texture = _patch_variance(F.avg_pool2d(_luma(pictures), 5, 1, 2, count_include_pad=False))
    count = max(1, int(_FLAT_SHARE * power.shape[1]))
    flattest = texture.topk(count, dim=1, largest=False).indices
    return power.gather(1, flattest).mean(dim=1).sqrt()


def _patch_variance(luma: Tensor) -> Tensor:
    mean = F.avg_pool2d(luma, _PATCH)
    return (F.avg_pool2d(luma * luma, _PATCH) - mean * mean).flatten(1)


def _luma(pictures: Tensor) -> Tensor:
    return rgb_to_y(pictures.float())


def _filtered(pictures: Tensor, kernel: tuple[tuple[float, ...], ...]) -> Tensor:
    luma = _luma(pictures)
    weight = luma.new_tensor(kernel)[None, None]
    return F.conv2d(F.pad(luma, (1, 1, 1, 1), mode="replicate"), weight)
