"""The two files of a network in ncnn's format: a text of layers, and their weights.

The ``.param`` file lists the layers in the order in which they run: what each is, which blobs it
takes and gives, and its parameters by number. The ``.bin`` file holds weights without names in the
same order: a convolution's float16 weights behind a tag and padded to 4 bytes, or float32 ones
behind a tag of 0, then its float32 bias; the slopes of a PReLU as float32 without a tag (ncnn's
documentation, "param and model file structure").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

Value = int | float | tuple[int | float, ...]

LEAKY_RELU = 2

_MAGIC = "7767517"
_FLOAT16_TAG = 0x01306B47
_FLOAT32_TAG = 0
_ALIGNMENT = 4

# An array's parameter number is told by how far it lies below this one.
_ARRAYS = -23300

_OUTPUTS, _KERNEL, _HAS_BIAS, _WEIGHTS = 0, 1, 5, 6

_WHOLE = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True)
class Layer:
    """One line of a ``.param`` file."""

    kind: str
    inputs: Sequence[str]
    """Names of the blobs that it takes."""
    outputs: Sequence[str]
    parameters: Mapping[int, Value] = field(default_factory=dict)

    def number(self, key: int, default: float = 0) -> float:
        """Return a parameter that is one number.

        Raises:
            TypeError: it is an array.
        """
        value = self.parameters.get(key, default)
        if isinstance(value, tuple):
            raise TypeError(f"parameter {key} of a {self.kind} is an array")
        return value

    def numbers(self, key: int) -> tuple[float, ...]:
        """Return a parameter that is an array; empty where it is not given."""
        value = self.parameters.get(key, ())
        return value if isinstance(value, tuple) else (value,)


def parse_param(text: str) -> list[Layer]:
    """Read the layers of a ``.param`` file.

    Raises:
        ValueError: the text is none.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != _MAGIC:
        raise ValueError("the param file does not begin with ncnn's number")
    layers = [_parse_layer(line.split()) for line in lines[2:] if line.strip()]
    if len(lines) < 2 or lines[1].split()[:1] != [str(len(layers))]:
        raise ValueError(f"it announces other than the {len(layers)} layers that it lists")
    return layers


def format_param(layers: Sequence[Layer]) -> str:
    """Write the text of a ``.param`` file."""
    blobs = sum(len(layer.outputs) for layer in layers)
    lines = [_MAGIC, f"{len(layers)} {blobs}"]
    for number, layer in enumerate(layers):
        name = f"{layer.kind.lower()}_{number}"
        counts = f"{len(layer.inputs)} {len(layer.outputs)}"
        parameters = (_format_parameter(key, value) for key, value in layer.parameters.items())
        words = (*layer.inputs, *layer.outputs, *parameters)
        lines.append(f"{layer.kind:<16} {name:<24} {counts} {' '.join(words)}")
    return "\n".join(lines) + "\n"


def read_bin(layers: Sequence[Layer], data: bytes) -> list[dict[str, Tensor]]:
    """Read the weights of the convolutions and PReLUs among some layers, as float32.

    Returns:
        For each, ``weight`` of (out, in, k, k), or of (channels,) for a PReLU, and a
        convolution's ``bias``.

    Raises:
        ValueError: the bytes are fewer or more than the layers need, or kept in another way.
    """
    reader = _Reader(data)
    tensors = [reader.layer(layer) for layer in with_weights(layers)]
    if reader.rest:
        raise ValueError(f"{reader.rest} bytes are left over")
    return tensors


def with_weights(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Pick the layers that have weights in the ``.bin`` file."""
    return (layer for layer in layers if layer.kind in ("Convolution", "PReLU"))


def convolution_bytes(weight: Tensor, bias: Tensor, *, half: bool) -> bytes:
    """Write what a ``.bin`` file holds of one convolution, its weights as float16 or float32."""
    stored = weight.detach().cpu().numpy().astype("<f2" if half else "<f4").tobytes()
    tag = (_FLOAT16_TAG if half else _FLOAT32_TAG).to_bytes(4, "little")
    return tag + stored + bytes(-len(stored) % _ALIGNMENT) + float_bytes(bias)


def float_bytes(values: Tensor) -> bytes:
    """Write float32 values without a tag, as biases and slopes are kept."""
    return values.detach().cpu().numpy().astype("<f4").tobytes()


def _parse_layer(fields: list[str]) -> Layer:
    kind, inputs, outputs = fields[0], int(fields[2]), int(fields[3])
    blobs, settings = fields[4 : 4 + inputs + outputs], fields[4 + inputs + outputs :]
    if inputs < 0 or outputs < 0 or len(blobs) != inputs + outputs:
        raise ValueError(f"a {kind} has {inputs} inputs and {outputs} outputs")
    return Layer(
        kind, blobs[:inputs], blobs[inputs:], dict(_parse_parameter(word) for word in settings)
    )


def _parse_parameter(word: str) -> tuple[int, Value]:
    key, equals, text = word.partition("=")
    if not equals:
        raise ValueError(f"{word[:40]} is no parameter")
    number = int(key)
    if number > _ARRAYS:
        return number, _parse_number(text)
    count, *values = (_parse_number(part) for part in text.split(","))
    if count != len(values):
        raise ValueError(f"an array of {count} holds {len(values)} numbers")
    return _ARRAYS - number, tuple(values)


def _parse_number(text: str) -> int | float:
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _format_parameter(key: int, value: Value) -> str:
    if not isinstance(value, tuple):
        return f"{key}={_format_number(value)}"
    return f"{_ARRAYS - key}={len(value)},{','.join(map(_format_number, value))}"


def _format_number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:e}"


class _Reader:
    """Goes through the weights from front to back and never beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def rest(self) -> int:
        return len(self._data) - self._position

    def layer(self, layer: Layer) -> dict[str, Tensor]:
        if layer.kind == "PReLU":
            return {"weight": self._floats(_whole(layer, 0))}
        outputs, kernel = _whole(layer, _OUTPUTS), _whole(layer, _KERNEL)
        count = _whole(layer, _WEIGHTS)
        if outputs < 1 or kernel < 1:
            raise ValueError(f"a convolution of {outputs} kernels of {kernel}×{kernel}")
        inputs, remainder = divmod(count, outputs * kernel * kernel)
        if remainder or inputs < 1:
            raise ValueError(f"{count} weights make no {outputs} kernels of {kernel}×{kernel}")
        weight = self._tagged(count).reshape(outputs, inputs, kernel, kernel)
        if not layer.number(_HAS_BIAS):
            raise ValueError("a convolution has no bias")
        return {"weight": weight, "bias": self._floats(outputs)}

    def _tagged(self, count: int) -> Tensor:
        tag = int.from_bytes(self._take(4), "little")
        if tag == _FLOAT32_TAG:
            return self._floats(count)
        if tag != _FLOAT16_TAG:
            raise ValueError(f"weights are stored in a way that pdd does not know ({tag:#x})")
        padded = 2 * count + -2 * count % _ALIGNMENT
        values = np.frombuffer(self._take(padded), "<f2", count)
        return torch.from_numpy(values.astype(np.float32))

    def _floats(self, count: int) -> Tensor:
        return torch.from_numpy(np.frombuffer(self._take(4 * count), "<f4").astype(np.float32))

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= self.rest:
            raise ValueError(f"{count} bytes are wanted where {self.rest} are left")
        self._position += count
        return self._data[self._position - count : self._position]


def _whole(layer: Layer, key: int) -> int:
    value = layer.parameters[key]
    if not isinstance(value, int):
        raise TypeError(f"parameter {key} of a {layer.kind} is no whole number")
    return value
