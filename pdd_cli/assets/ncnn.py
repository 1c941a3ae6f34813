"""Weights out of ncnn's param and bin files.

ncnn stores weights without names, in the order in which its layers run: a convolution's float16
weights behind a tag and padded to 4 bytes, or float32 ones behind a tag of 0, then its float32
bias; the slopes of a PReLU as float32 without a tag (ncnn's documentation, "param and model file
structure"). The architectures that pdd imports run their layers in the order of their definition.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError

_MAGIC = "7767517"
_FLOAT16_TAG = 0x01306B47
_FLOAT32_TAG = 0

_OUTPUTS, _KERNEL, _HAS_BIAS, _WEIGHTS = 0, 1, 5, 6

_CONVOLUTIONS_IN_A_DENSE_BLOCK = 5
_DENSE_BLOCKS_IN_A_RRDB = 3
_RRDBNET_ENDS = ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


@dataclass(frozen=True)
class _Layer:
    kind: str
    parameters: dict[int, int]


def import_ncnn(param: str, weights: bytes, *, named: str) -> dict[str, Tensor]:
    """Read the network that an ncnn pair holds, in Real-ESRGAN's names.

    Args:
        param: the text of the ``.param`` file.
        weights: the bytes of the ``.bin`` file.
        named: what to call the pair in messages.

    Returns:
        A float32 state dict of an RRDBNet (×4, any number of blocks) or an SRVGGNetCompact.

    Raises:
        ModelError: the files do not fit each other or hold another network.
    """
    try:
        layers = [layer for layer in _layers(param) if layer.kind in ("Convolution", "PReLU")]
        reader = _Reader(weights)
        tensors = [reader.layer(layer) for layer in layers]
        if reader.rest:
            raise ValueError(f"{reader.rest} bytes are left over")
    except (ValueError, KeyError, IndexError) as error:
        raise ModelError(
            f"{named} is not a sound pair of ncnn files ({error}).", hint="Fetch it again."
        ) from error
    if any(layer.kind == "PReLU" for layer in layers):
        return _name_compact(layers, tensors)
    return _name_rrdbnet(tensors, named)


def _layers(param: str) -> Iterator[_Layer]:
    lines = param.split("\n")
    if lines[0].strip() != _MAGIC:
        raise ValueError("the param file does not begin with ncnn's number")
    for line in lines[2:]:
        fields = line.split()
        if not fields:
            continue
        inputs, outputs = int(fields[2]), int(fields[3])
        settings = (field.split("=") for field in fields[4 + inputs + outputs :])
        parameters = {int(key): int(v) for key, v in settings if v.lstrip("-").isdigit()}
        yield _Layer(fields[0], parameters)


class _Reader:
    """Goes through the weights from front to back and never beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def rest(self) -> int:
        return len(self._data) - self._position

    def layer(self, layer: _Layer) -> dict[str, Tensor]:
        if layer.kind == "PReLU":
            return {"weight": self._floats(layer.parameters[0])}
        outputs, kernel = layer.parameters[_OUTPUTS], layer.parameters[_KERNEL]
        count = layer.parameters[_WEIGHTS]
        if outputs < 1 or kernel < 1:
            raise ValueError(f"a convolution of {outputs} kernels of {kernel}×{kernel}")
        inputs, remainder = divmod(count, outputs * kernel * kernel)
        if remainder or inputs < 1:
            raise ValueError(f"{count} weights make no {outputs} kernels of {kernel}×{kernel}")
        weight = self._tagged(count).reshape(outputs, inputs, kernel, kernel)
        if not layer.parameters.get(_HAS_BIAS):
            return {"weight": weight}
        return {"weight": weight, "bias": self._floats(outputs)}

    def _tagged(self, count: int) -> Tensor:
        tag = int.from_bytes(self._take(4), "little")
        if tag == _FLOAT32_TAG:
            return self._floats(count)
        if tag != _FLOAT16_TAG:
            raise ValueError(f"weights are stored in a way that pdd does not know ({tag:#x})")
        padded = math.ceil(2 * count / 4) * 4
        values = np.frombuffer(self._take(padded), "<f2", count)
        return torch.from_numpy(values.astype(np.float32))

    def _floats(self, count: int) -> Tensor:
        return torch.from_numpy(np.frombuffer(self._take(4 * count), "<f4").astype(np.float32))

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= self.rest:
            raise ValueError(f"{count} bytes are wanted where {self.rest} are left")
        self._position += count
        return self._data[self._position - count : self._position]


def _name_rrdbnet(tensors: list[dict[str, Tensor]], named: str) -> dict[str, Tensor]:
    per_block = _DENSE_BLOCKS_IN_A_RRDB * _CONVOLUTIONS_IN_A_DENSE_BLOCK
    blocks, remainder = divmod(len(tensors) - 1 - len(_RRDBNET_ENDS), per_block)
    if remainder or blocks < 1:
        raise ModelError(
            f"{named} is neither an RRDBNet nor an SRVGGNetCompact.",
            hint="Give a .safetensors or .pth file of the model.",
        )
    body = [
        f"body.{block}.rdb{dense}.conv{number}"
        for block in range(blocks)
        for dense in range(1, _DENSE_BLOCKS_IN_A_RRDB + 1)
        for number in range(1, _CONVOLUTIONS_IN_A_DENSE_BLOCK + 1)
    ]
    names = ["conv_first", *body, *_RRDBNET_ENDS]
    return {
        f"{name}.{kind}": tensor
        for name, layer in zip(names, tensors, strict=True)
        for kind, tensor in layer.items()
    }


def _name_compact(layers: list[_Layer], tensors: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {
        f"body.{index}.{kind}": tensor
        for index, (_, layer) in enumerate(zip(layers, tensors, strict=True))
        for kind, tensor in layer.items()
    }
