"""Networks out of ncnn's param and bin files, in the names that Real-ESRGAN gives its weights.

The bin file tells no names and the param file is written in as many ways as there are converters:
with splits or without, activations inside of convolutions or after them, a weighted sum as one
layer or as three. So the graph is not searched for patterns. It is worked out, blob by blob, into
expressions in which equal computations are equal, and must come to the very expression of an
RRDBNet or an SRVGGNetCompact with as many layers. A graph that computes anything else, be it by one
slope, is refused and never yields a wrong picture.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import count
from pathlib import Path

from torch import Tensor

from pdd_cli.errors import ModelError
from pdd_cli.runtime.ncnn_format import LEAKY_RELU, Layer, parse_param, read_bin, with_weights

PARAM_SUFFIX, BIN_SUFFIX = ".param", ".bin"

RESIDUAL_SHARE = 0.2
LEAKY_SLOPE = 0.2
CONVOLUTIONS_IN_A_DENSE_BLOCK = 5
DENSE_BLOCKS_IN_A_RRDB = 3

# The param file of Real-ESRGAN's largest network is of 0.1 MB.
_LARGEST_PARAM = 8 << 20

_PADDING, _ACTIVATION, _SLOPES = 4, 9, 10
_ADDITION, _MULTIPLICATION, _SUM, _NEAREST = 0, 2, 1, 1

# A convolution's parameters: kernel, dilation and stride (width, height), padding (top, right,
# bottom), eight-bit weights, the value of the padding, weights that come as a blob.
_PLAIN = {1: 3, 11: 3, 2: 1, 12: 1, 3: 1, 13: 1, 14: 1, 15: 1, 16: 1, 8: 0, 18: 0, 19: 0}

_INSTEAD = "Give a .safetensors or .pth file of the model."


def is_ncnn(path: Path) -> bool:
    """Tell whether a path names an ncnn pair by either of its files; other pickles end so too."""
    beside = path.with_suffix(PARAM_SUFFIX)
    return path.suffix == PARAM_SUFFIX or (path.suffix == BIN_SUFFIX and beside.is_file())


def read_ncnn(path: Path) -> dict[str, Tensor]:
    """Read the network of an ncnn pair.

    Args:
        path: the ``.param`` file, or the ``.bin`` file beside it.

    Returns:
        As ``import_ncnn``.

    Raises:
        ModelError: one of the files is missing, or see ``import_ncnn``.
    """
    param, weights = path.with_suffix(PARAM_SUFFIX), path.with_suffix(BIN_SUFFIX)
    for file in (param, weights):
        if not file.is_file():
            raise ModelError(
                f"{path} is half of a pair: there is no {file}.",
                hint="ncnn keeps a network in two files of one name.",
            )
    if param.stat().st_size > _LARGEST_PARAM:
        raise ModelError(f"{param} is too large for a list of layers.", hint=_INSTEAD)
    return import_ncnn(param.read_bytes(), weights.read_bytes(), named=str(param))


def import_ncnn(param: bytes, weights: bytes, *, named: str) -> dict[str, Tensor]:
    """Recognise the network that an ncnn pair holds.

    Args:
        param: the bytes of the ``.param`` file.
        weights: the bytes of the ``.bin`` file.
        named: what to call the pair in messages.

    Returns:
        A float32 state dict of an RRDBNet (any number of blocks and of doublings, with or without
        the pixel-unshuffle in front) or an SRVGGNetCompact.

    Raises:
        ModelError: the files are damaged, do not fit each other or hold another network.
    """
    try:
        layers = parse_param(param.decode())
        names = _names(layers)
        if names is not None:
            tensors = read_bin(layers, weights)
            _check_ends(layers, tensors)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise ModelError(
            f"{named} is not a sound pair of ncnn files ({_first_line(error)}).", hint=_INSTEAD
        ) from error
    if names is None:
        raise ModelError(
            f"{named} is neither an RRDBNet nor an SRVGGNetCompact, which are what pdd reads of "
            "ncnn's files.",
            hint=_INSTEAD,
        )
    return {
        f"{name}.{kind}": tensor
        for name, layer in zip(names, tensors, strict=True)
        for kind, tensor in layer.items()
    }


def rrdbnet_names(blocks: int, doublings: int) -> list[str]:
    """Name the convolutions of an RRDBNet as Real-ESRGAN does, in the order in which they run."""
    body = [
        f"body.{block}.rdb{dense}.conv{number}"
        for block in range(blocks)
        for dense in range(1, DENSE_BLOCKS_IN_A_RRDB + 1)
        for number in range(1, CONVOLUTIONS_IN_A_DENSE_BLOCK + 1)
    ]
    upsampling = [f"conv_up{number}" for number in range(1, doublings + 1)]
    return ["conv_first", *body, "conv_body", *upsampling, "conv_hr", "conv_last"]


def _names(layers: Sequence[Layer]) -> list[str] | None:
    """Name the layers that have weights; None where the graph is of no known network."""
    expressions = _Expressions()
    found = _evaluate(layers, expressions)
    if found is None:
        return None
    weighted = list(with_weights(layers))
    if any(layer.kind == "PReLU" for layer in weighted):
        if found != _compact(expressions, len(weighted), _factor(layers, "PixelShuffle")):
            return None
        return [f"body.{index}" for index in range(len(weighted))]
    doublings = sum(layer.kind == "Interp" for layer in layers)
    per_block = DENSE_BLOCKS_IN_A_RRDB * CONVOLUTIONS_IN_A_DENSE_BLOCK
    blocks, remainder = divmod(len(weighted) - len(rrdbnet_names(0, doublings)), per_block)
    if remainder or blocks < 1:
        return None
    if found != _rrdbnet(expressions, blocks, doublings, _factor(layers, "Reorg")):
        return None
    return rrdbnet_names(blocks, doublings)


def _factor(layers: Sequence[Layer], kind: str) -> int:
    return next((int(layer.number(0)) for layer in layers if layer.kind == kind), 1)


def _check_ends(layers: Sequence[Layer], tensors: Sequence[Mapping[str, Tensor]]) -> None:
    """Check that a picture of three channels goes in and comes out."""
    first, last = tensors[0]["weight"].shape, tensors[-1]["weight"].shape
    taken = 3 * _factor(layers, "Reorg") ** 2
    given = 3 * _factor(layers, "PixelShuffle") ** 2
    if first[1] != taken or last[0] != given:
        raise ValueError(
            f"its ends have {first[1]} and {last[0]} channels where {taken} and {given} are needed"
        )


class _Expressions:
    """Numbers for computations: equal computations get equal numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._definitions: list[tuple[object, ...]] = []

    def of(self, *definition: Hashable) -> int:
        if definition not in self._numbers:
            self._numbers[definition] = len(self._definitions)
            self._definitions.append(definition)
        return self._numbers[definition]

    def scaled(self, factor: float, operand: int) -> int:
        return operand if factor == 1 else self.of("scaled", _rounded(factor), operand)

    def sum(self, *operands: int) -> int:
        return self.of("sum", *sorted(operands))


def _rounded(value: float) -> float:
    """Forget the digits that float32 and a text of seven places do not keep."""
    return round(float(value), 5)


def _evaluate(layers: Sequence[Layer], expressions: _Expressions) -> int | None:
    """Work out what the last layer gives; None where something computes what pdd does not know."""
    blobs: dict[str, int] = {}
    weighted = count()
    result: int | None = None
    for layer in layers:
        inputs = [blobs[name] for name in layer.inputs]
        index = next(weighted) if layer.kind in ("Convolution", "PReLU") else -1
        result = _expression(layer, inputs, index, expressions)
        if result is None:
            return None
        blobs.update(dict.fromkeys(layer.outputs, result))
    return result


def _expression(layer: Layer, x: Sequence[int], index: int, e: _Expressions) -> int | None:
    """Work out one layer; ``index`` counts those that have weights."""
    match layer.kind:
        case "Input":
            return e.of("input")
        case "Split" | "Noop" | "Dropout":
            return x[0]
        case "Convolution" if _is_plain(layer):
            return _activated(layer, e.of("Convolution", index, x[0]), e)
        case "PReLU":
            return e.of("PReLU", index, x[0])
        case "ReLU":
            return e.of("leaky", _rounded(layer.number(0)), x[0])
        case "Concat" if layer.number(0) == 0:
            return e.of("concat", *x)
        case "Eltwise" if layer.number(0) == _SUM:
            factors = layer.numbers(1) or (1.0,) * len(x)
            return e.sum(*(e.scaled(f, operand) for f, operand in zip(factors, x, strict=True)))
        case "BinaryOp" if layer.number(0) == _ADDITION and len(x) == 2:
            return e.sum(*x)
        case "BinaryOp" if layer.number(0) == _MULTIPLICATION and len(x) == layer.number(1) == 1:
            return e.scaled(layer.number(2), x[0])
        case "Interp" if layer.number(0) == _NEAREST and layer.number(1) == layer.number(2):
            if layer.number(3) or layer.number(4) or len(x) != 1:
                return None
            return e.of("nearest", _rounded(layer.number(1)), x[0])
        case "PixelShuffle" | "Reorg" if layer.number(1) == 0:
            return e.of(layer.kind, layer.number(0), x[0])
    return None


def _activated(layer: Layer, convolved: int, e: _Expressions) -> int | None:
    """Apply the activation that a converter has drawn into a convolution."""
    match layer.number(_ACTIVATION), layer.numbers(_SLOPES):
        case 0, _:
            return convolved
        case type_, (slope, *_) if type_ == LEAKY_RELU:
            return e.of("leaky", _rounded(slope), convolved)
    return None


def _is_plain(layer: Layer) -> bool:
    """Tell whether a convolution is of 3×3, keeps the picture's size and does nothing else."""
    return layer.number(_PADDING) == 1 and all(
        layer.number(key, usual) == usual for key, usual in _PLAIN.items()
    )


def _rrdbnet(e: _Expressions, blocks: int, doublings: int, unshuffle: int) -> int:
    weighted = count()

    def convolution(x: int) -> int:
        return e.of("Convolution", next(weighted), x)

    def leaky(x: int) -> int:
        return e.of("leaky", LEAKY_SLOPE, x)

    def dense_block(x: int) -> int:
        features = [x]
        for _ in range(CONVOLUTIONS_IN_A_DENSE_BLOCK - 1):
            features.append(leaky(convolution(_concatenated(e, features))))
        residual = convolution(_concatenated(e, features))
        return e.sum(e.scaled(RESIDUAL_SHARE, residual), x)

    x = e.of("input")
    first = convolution(x if unshuffle == 1 else e.of("Reorg", unshuffle, x))
    x = first
    for _ in range(blocks):
        start = x
        for _ in range(DENSE_BLOCKS_IN_A_RRDB):
            x = dense_block(x)
        x = e.sum(e.scaled(RESIDUAL_SHARE, x), start)
    x = e.sum(first, convolution(x))
    for _ in range(doublings):
        x = leaky(convolution(e.of("nearest", 2.0, x)))
    return convolution(leaky(convolution(x)))


def _concatenated(e: _Expressions, features: Sequence[int]) -> int:
    return features[0] if len(features) == 1 else e.of("concat", *features)


def _compact(e: _Expressions, layers: int, scale: int) -> int:
    picture = x = e.of("input")
    for index in range(layers):
        x = e.of("PReLU" if index % 2 else "Convolution", index, x)
    if scale == 1:
        return e.sum(x, picture)
    return e.sum(e.of("PixelShuffle", scale, x), e.of("nearest", float(scale), picture))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
