"""Between pixels and tensors, and from RGB to luma."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdd_cli.images.picture import Pixels, white

# ITU-R BT.601 in studio swing, as MATLAB's rgb2ycbcr documents it, for RGB in [0, 1].
_LUMA = (65.481, 128.553, 24.966)
_LUMA_OFFSET = 16.0
_FULL_LUMA = (0.299, 0.587, 0.114)


def pixels_to_tensor(pixels: Pixels) -> Tensor:
    """Turn (h, w, 3) RGB or (h, w) grey pixels into (1, 3, h, w), white at 1.

    Grey is repeated in the three channels.
    """
    levels = torch.from_numpy(np.ascontiguousarray(pixels).astype(np.float32) / white(pixels))
    if levels.ndim == 2:
        return levels.expand(1, 3, *levels.shape).contiguous()
    return levels.permute(2, 0, 1)[None].contiguous()


def tensor_to_pixels(tensor: Tensor, depth: np.dtype[Any]) -> Pixels:
    """Turn (1, 3, h, w) in [0, 1] into (h, w, 3) pixels.

    Values outside the range are cut off and levels rounded to the nearest, halves to even. Float
    pixels are cut off below alone, since they may be brighter than white.
    """
    picture: Pixels = tensor[0].permute(1, 2, 0).float().cpu().numpy()
    if depth.kind == "f":
        return np.maximum(picture, 0).astype(depth)
    top = np.iinfo(depth).max
    return np.rint(np.clip(picture.astype(np.float64), 0, 1) * top).astype(depth)


def rgb_to_y(pictures: Tensor) -> Tensor:
    """Turn RGB (n, 3, h, w) in [0, 1] into luma (n, 1, h, w) in [16/255, 235/255]."""
    weights = pictures.new_tensor(_LUMA).view(1, 3, 1, 1)
    return ((pictures * weights).sum(dim=1, keepdim=True) + _LUMA_OFFSET) / 255


def rgb_to_full_swing_y(pictures: Tensor) -> Tensor:
    """Turn RGB (n, 3, h, w) in [0, 1] into BT.601 luma (n, 1, h, w) in [0, 1], of 8-bit levels.

    This is the Y of YIQ, rounded, as IQA-PyTorch takes it.
    """
    weights = pictures.new_tensor(_FULL_LUMA).view(1, 3, 1, 1)
    return (255 * (pictures * weights).sum(dim=1, keepdim=True)).round() / 255
