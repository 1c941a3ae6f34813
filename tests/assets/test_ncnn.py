import numpy as np
import pytest
import torch

from pdd_cli.assets.ncnn import import_ncnn
from pdd_cli.errors import ModelError
from pdd_cli.nets.network import load_network

FLOAT16_TAG = (0x01306B47).to_bytes(4, "little")
FLOAT32_TAG = (0).to_bytes(4, "little")


def convolution(outputs, inputs, weights, *, half):
    """A layer's line and its bytes, as ncnn stores them."""
    count = outputs * inputs * 9
    line = f"Convolution c 1 1 a b 0={outputs} 1=3 4=1 5=1 6={count}"
    kernel = weights.astype("<f2" if half else "<f4").tobytes()
    padding = b"\x00" * (-len(kernel) % 4)
    tag = FLOAT16_TAG if half else FLOAT32_TAG
    return line, tag + kernel + padding, np.arange(outputs, dtype="<f4").tobytes()


def pair(layers):
    lines = ["7767517", f"{len(layers)} {len(layers)}", *(layer[0] for layer in layers)]
    return "\n".join(lines), b"".join(part for layer in layers for part in layer[1:])


def compact(scale=2, half=True):
    generator = np.random.default_rng(0)
    shapes = [(5, 3), (5, 5), (3 * scale**2, 5)]
    layers = []
    for outputs, inputs in shapes:
        weights = generator.normal(0, 0.1, (outputs, inputs, 3, 3))
        layers.append(convolution(outputs, inputs, weights, half=half))
        if outputs == 5:
            slopes = np.full(5, 0.25, "<f4").tobytes()
            layers.append(("PReLU p 1 1 a b 0=5", slopes))
    return pair(layers)


def rrdbnet(blocks=1, features=4, growth=32):
    ends = [(features, features)] * 4 + [(3, features)]
    dense = [(growth, features + n * growth) for n in range(4)] + [
        (features, features + 4 * growth)
    ]
    shapes = [(features, 3), *dense * 3 * blocks, *ends]
    generator = np.random.default_rng(1)
    return pair(
        [convolution(o, i, generator.normal(0, 0.1, (o, i, 3, 3)), half=True) for o, i in shapes]
    )


@pytest.mark.parametrize("half", [True, False])
def test_a_compact_network_is_imported_and_runs(half):
    network = load_network(import_ncnn(*compact(half=half), named="tiny"), named="tiny")
    assert (network.architecture, network.scale) == ("Compact", 2)
    assert network(torch.rand(1, 3, 4, 5)).shape == (1, 3, 8, 10)


@pytest.mark.parametrize("blocks", [1, 2])
def test_an_rrdbnet_of_any_depth_is_imported_and_runs(blocks):
    weights = import_ncnn(*rrdbnet(blocks), named="tiny")
    assert f"body.{blocks - 1}.rdb3.conv5.bias" in weights
    network = load_network(weights, named="tiny")
    assert network(torch.rand(1, 3, 4, 5)).shape == (1, 3, 16, 20)


def test_float16_weights_of_odd_length_keep_their_place():
    param, data = pair([convolution(1, 1, np.full(9, 0.5), half=True)] * 21)
    weights = import_ncnn(param, data, named="odd")
    assert (weights["conv_last.weight"] == 0.5).all()


@pytest.mark.parametrize(
    "change", [lambda d: d[:-3], lambda d: d + b"1234", lambda d: b"\xff" + d[1:]]
)
def test_a_damaged_bin_is_refused(change):
    param, data = compact()
    with pytest.raises(ModelError, match="not a sound pair"):
        import_ncnn(param, change(data), named="damaged")


@pytest.mark.parametrize(
    "param",
    [
        "",
        "PK\x03\x04",
        "7767517\n1 1\nConvolution c 1 1 a b 0=99999999999 1=3 5=1 6=899999999991",
        "7767517\n1 1\nConvolution c 1 1 a b 0=-4 1=3 5=1 6=-36",
        "7767517\n1 1\nConvolution c 1 1 a b 0=0 1=0 5=1 6=0",
        "7767517\n1 1\nConvolution c",
    ],
)
def test_an_absurd_param_is_refused(param):
    with pytest.raises(ModelError, match="absurd"):
        import_ncnn(param, b"\x00" * 64, named="absurd")


def test_another_network_is_refused():
    param, data = pair([convolution(2, 2, np.zeros(36), half=True)] * 7)
    with pytest.raises(ModelError, match="neither"):
        import_ncnn(param, data, named="other")
