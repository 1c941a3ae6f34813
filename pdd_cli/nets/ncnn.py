"""Networks as ncnn's param and bin files, written without a converter.

The graphs of RRDBNet and SRVGGNetCompact are known, and ncnn's format is documented, so the files
are written directly: no tracing, no binaries fetched at run time, and the same graph that
``runtime/ncnn.py`` recognises again. Blobs are named ``data`` and ``output``, which is what Upscayl
and Real-ESRGAN's ncnn program ask for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError
from pdd_cli.nets.key_layouts import COMPACT, RRDBNET, rrdbnet_weights
from pdd_cli.nets.network import Network
from pdd_cli.runtime.ncnn import (
    CONVOLUTIONS_IN_A_DENSE_BLOCK,
    DENSE_BLOCKS_IN_A_RRDB,
    LEAKY_SLOPE,
    RESIDUAL_SHARE,
)
from pdd_cli.runtime.ncnn_format import (
    LEAKY_RELU,
    Layer,
    Value,
    convolution_bytes,
    float_bytes,
    format_param,
)

INPUT, OUTPUT = "data", "output"

_NEAREST = 1
_SUM = 1


def ncnn_files(network: Network, *, half: bool) -> tuple[str, bytes]:
    """Write a network in ncnn's format.

    Args:
        network: an RRDBNet or an SRVGGNetCompact.
        half: store the convolutions' weights as float16; biases and slopes stay float32.

    Returns:
        The text of the ``.param`` file and the bytes of the ``.bin`` file.

    Raises:
        ModelError: it is another network.
    """
    graph = _Graph(half)
    picture = graph.add("Input")
    if network.architecture == COMPACT:
        _compact(graph, network, picture)
    elif network.architecture == RRDBNET:
        _rrdbnet(graph, rrdbnet_weights(network), picture)
    else:
        raise ModelError(
            f"{network.architecture} cannot be written for ncnn, RRDBNet and SRVGGNetCompact can.",
            hint="Use --format onnx.",
        )
    return format_param(graph.finished()), b"".join(graph.weights)


def run_ncnn(param: Path, weights: Path, picture: Tensor) -> Tensor:
    """Upscale a picture with the ncnn package, on the CPU and in float32.

    Args:
        param: the ``.param`` file.
        weights: the ``.bin`` file.
        picture: (1, 3, h, w).

    Raises:
        ImportError: the package is not installed.
        ModelError: ncnn does not take the files.
    """
    import ncnn

    net = ncnn.Net()
    # The package's own shortcuts are off, so that the files are measured and not the shortcuts.
    for shortcut in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{shortcut}", False)
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = torch.get_num_threads()
    if net.load_param(str(param)) or net.load_model(str(weights)):
        raise ModelError(f"ncnn does not load {param}.")
    extractor = net.create_extractor()
    # A Mat made of an array looks into that array's memory and does not keep it alive.
    array = np.ascontiguousarray(picture[0].numpy())
    extractor.input(INPUT, ncnn.Mat(array))
    failed, result = extractor.extract(OUTPUT)
    if failed:
        raise ModelError(f"ncnn does not run {param}.")
    return torch.from_numpy(np.array(result)).unsqueeze(0)


def scale_read_from(name: str) -> int | None:
    """Return the scale that Upscayl reads out of a model's name; None where it finds none.

    It looks for ``x2`` or ``2x`` anywhere before ``x3`` or ``3x`` before ``x4`` or ``4x``.
    """
    lower = name.lower()
    return next((n for n in (2, 3, 4) if f"x{n}" in lower or f"{n}x" in lower), None)


@dataclass
class _Graph:
    """Layers and weights in the order in which they run; a blob may be taken several times."""

    half: bool
    layers: list[Layer] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, **parameters: Value) -> str:
        """Add a layer, its parameters as ``p0=…``, and name what it gives."""
        output = str(len(self.layers)) if self.layers else INPUT
        numbered = {int(name.removeprefix("p")): value for name, value in parameters.items()}
        self.layers.append(Layer(kind, inputs, [output], numbered))
        return output

    def convolution(self, x: str, weight: Tensor, bias: Tensor, *, leaky: bool = False) -> str:
        self.weights.append(convolution_bytes(weight, bias, half=self.half))
        activation: dict[str, Value] = {"p9": LEAKY_RELU, "p10": (LEAKY_SLOPE,)} if leaky else {}
        outputs, count, kernel = weight.shape[0], weight.numel(), weight.shape[-1]
        return self.add(
            "Convolution", x, p0=outputs, p1=kernel, p4=kernel // 2, p5=1, p6=count, **activation
        )

    def prelu(self, x: str, slopes: Tensor) -> str:
        self.weights.append(float_bytes(slopes))
        return self.add("PReLU", x, p0=slopes.numel())

    def weighted_sum(self, x: str, share: float, y: str) -> str:
        """Add ``share`` times one blob to another."""
        return self.add("Eltwise", x, y, p0=_SUM, p1=(share, 1.0))

    def nearest(self, x: str, scale: int) -> str:
        return self.add("Interp", x, p0=_NEAREST, p1=float(scale), p2=float(scale))

    def finished(self) -> list[Layer]:
        """Name the output, and put a Split behind each blob that is taken more than once.

        ncnn wants every blob to be taken by one layer alone.
        """
        last = self.layers[-1]
        layers = [*self.layers[:-1], replace(last, outputs=[OUTPUT])]
        times = Counter(blob for layer in layers for blob in layer.inputs)
        copies: dict[str, Iterator[str]] = {}
        result: list[Layer] = []
        for layer in layers:
            inputs = [next(copies[blob]) if blob in copies else blob for blob in layer.inputs]
            result.append(replace(layer, inputs=inputs))
            (blob,) = layer.outputs
            if times[blob] > 1:
                names = [f"{blob}_{number}" for number in range(times[blob])]
                result.append(Layer("Split", [blob], names))
                copies[blob] = iter(names)
        return result


def _rrdbnet(graph: _Graph, weights: dict[str, Tensor], picture: str) -> None:
    def convolution(name: str, x: str, *, leaky: bool = False) -> str:
        return graph.convolution(x, weights[f"{name}.weight"], weights[f"{name}.bias"], leaky=leaky)

    def dense_block(name: str, x: str) -> str:
        features = [x]
        for number in range(1, CONVOLUTIONS_IN_A_DENSE_BLOCK):
            together = _concatenated(graph, features)
            features.append(convolution(f"{name}.conv{number}", together, leaky=True))
        together = _concatenated(graph, features)
        residual = convolution(f"{name}.conv{CONVOLUTIONS_IN_A_DENSE_BLOCK}", together)
        return graph.weighted_sum(residual, RESIDUAL_SHARE, x)

    unshuffle = round((weights["conv_first.weight"].shape[1] / 3) ** 0.5)
    if unshuffle > 1:
        picture = graph.add("Reorg", picture, p0=unshuffle)
    first = x = convolution("conv_first", picture)
    blocks = sum(name.endswith(".rdb1.conv1.weight") for name in weights)
    for block in range(blocks):
        start = x
        for dense in range(1, DENSE_BLOCKS_IN_A_RRDB + 1):
            x = dense_block(f"body.{block}.rdb{dense}", x)
        x = graph.weighted_sum(x, RESIDUAL_SHARE, start)
    x = graph.add("BinaryOp", convolution("conv_body", x), first)
    doublings = sum(name.startswith("conv_up") for name in weights) // len(("weight", "bias"))
    for number in range(1, doublings + 1):
        x = convolution(f"conv_up{number}", graph.nearest(x, 2), leaky=True)
    convolution("conv_last", convolution("conv_hr", x, leaky=True))


def _concatenated(graph: _Graph, features: Sequence[str]) -> str:
    return features[0] if len(features) == 1 else graph.add("Concat", *features)


def _compact(graph: _Graph, network: Network, picture: str) -> None:
    weights = network.inner.state_dict()
    x, layers = picture, sum(name.endswith(".weight") for name in weights)
    for index in range(layers):
        weight = weights[f"body.{index}.weight"]
        bias = weights.get(f"body.{index}.bias")
        x = graph.prelu(x, weight) if bias is None else graph.convolution(x, weight, bias)
    if network.scale > 1:
        x = graph.add("PixelShuffle", x, p0=network.scale)
        picture = graph.nearest(picture, network.scale)
    graph.add("BinaryOp", x, picture)
