"""Networks come back out of ncnn's files, however written, or the files are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.errors import ModelError
from pdd_cli.nets.ncnn import ncnn_files
from pdd_cli.nets.network import load_network
from pdd_cli.runtime.ncnn import import_ncnn
from pdd_cli.runtime.ncnn_format import Layer, format_param, parse_param
from pdd_cli.runtime.weights import read_weights

NETWORKS = {
    "rrdbnet ×4": lambda: ESRGAN(num_filters=4, num_blocks=2, scale=4),
    "rrdbnet ×2": lambda: ESRGAN(num_filters=4, num_blocks=1, scale=2),
    "rrdbnet ×1": lambda: ESRGAN(num_filters=4, num_blocks=1, scale=1),
    "rrdbnet ×2, unshuffled": lambda: ESRGAN(
        in_nc=12, num_filters=4, num_blocks=1, scale=4, shuffle_factor=2
    ),
    "compact ×4": lambda: Compact(num_feat=4, num_conv=1, upscale=4),
    "compact ×3": lambda: Compact(num_feat=5, num_conv=2, upscale=3),
    "compact ×1": lambda: Compact(num_feat=4, num_conv=1, upscale=1),
}


def network(kind):
    torch.manual_seed(0)
    return load_network(NETWORKS[kind]().state_dict(), named=kind, scales=None).eval()


def pair(kind, *, half=False):
    text, weights = ncnn_files(network(kind), half=half)
    return text.encode(), weights


def rewritten(param, change):
    """Rewrite each layer of a param file by ``change``, which returns one or several."""
    layers = []
    for layer in parse_param(param.decode()):
        changed = change(layer)
        layers += changed if isinstance(changed, list) else [changed]
    return format_param(layers).encode()


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("half", [False, True])
def test_a_network_comes_back_with_its_scale_and_its_pictures(kind, half):
    original = network(kind)
    weights = import_ncnn(*pair(kind, half=half), named="pair")
    found = load_network(weights, named="pair", scales=None).eval()
    picture = torch.rand(1, 3, 8, 12)
    assert (found.architecture, found.scale) == (original.architecture, original.scale)
    difference = (found(picture) - original(picture)).abs().max()
    assert difference < 1e-3 if half else difference == 0


def test_weights_have_the_names_of_real_esrgan():
    weights = import_ncnn(*pair("rrdbnet ×4"), named="pair")
    ends = ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    assert {f"{end}.weight" for end in [*ends, "body.0.rdb1.conv1", "body.1.rdb3.conv5"]} <= {
        *weights
    }


def activations_apart(layer):
    if layer.number(9) != 2:
        return layer
    (output,) = layer.outputs
    plain = {key: value for key, value in layer.parameters.items() if key not in (9, 10)}
    return [
        replace(layer, outputs=[f"{output}_raw"], parameters=plain),
        Layer("ReLU", [f"{output}_raw"], [output], {0: 0.2}),
    ]


def sums_apart(layer):
    if layer.kind != "Eltwise":
        return layer
    x, y = layer.inputs
    scaled = f"{layer.outputs[0]}_scaled"
    return [
        Layer("BinaryOp", [x], [scaled], {0: 2, 1: 1, 2: 0.2}),
        Layer("BinaryOp", [y, scaled], layer.outputs, {0: 0}),
    ]


def sums_turned(layer):
    return replace(layer, inputs=layer.inputs[::-1]) if layer.kind == "BinaryOp" else layer


@pytest.mark.parametrize("change", [activations_apart, sums_apart, sums_turned])
def test_other_converters_write_the_same_network_otherwise(change):
    param, weights = pair("rrdbnet ×2, unshuffled")
    assert (again := rewritten(param, change)) != param
    assert import_ncnn(again, weights, named="pair").keys() == (
        import_ncnn(param, weights, named="pair").keys()
    )


def changed_parameter(kind, key, value):
    def change(layer):
        found = layer.kind == kind
        return replace(layer, parameters={**layer.parameters, key: value}) if found else layer

    return change


def turned_around(layer):
    return replace(layer, inputs=layer.inputs[::-1]) if layer.kind == "Concat" else layer


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("rrdbnet ×4", changed_parameter("Convolution", 3, 2)),
        ("rrdbnet ×4", changed_parameter("Convolution", 2, 2)),
        ("rrdbnet ×4", changed_parameter("Convolution", 4, 0)),
        ("rrdbnet ×4", changed_parameter("Convolution", 16, 0)),
        ("rrdbnet ×4", changed_parameter("Convolution", 10, (0.1,))),
        ("rrdbnet ×4", changed_parameter("Convolution", 9, 3)),
        ("rrdbnet ×4", changed_parameter("Eltwise", 1, (0.3, 1.0))),
        ("rrdbnet ×4", changed_parameter("Eltwise", 0, 2)),
        ("rrdbnet ×4", changed_parameter("Interp", 0, 2)),
        ("rrdbnet ×4", changed_parameter("Interp", 2, 3.0)),
        ("rrdbnet ×4", changed_parameter("BinaryOp", 0, 1)),
        ("rrdbnet ×4", turned_around),
        ("rrdbnet ×2, unshuffled", changed_parameter("Reorg", 1, 1)),
        ("compact ×4", changed_parameter("PixelShuffle", 1, 1)),
        ("compact ×4", changed_parameter("Interp", 1, 3.0)),
        ("compact ×4", lambda la: replace(la, kind="Sigmoid") if la.kind == "PReLU" else la),
    ],
)
def test_a_graph_that_computes_something_else_is_refused(kind, change):
    param, weights = pair(kind)
    with pytest.raises(ModelError, match="neither an RRDBNet nor an SRVGGNetCompact"):
        import_ncnn(rewritten(param, change), weights, named="other")


def test_a_network_that_shrinks_its_result_is_refused():
    param, weights = pair("compact ×4")
    lines = param.decode().replace(" output", " large")
    layers = parse_param(lines)
    layers.append(Layer("Interp", ["large"], ["output"], {0: 3, 1: 0.5, 2: 0.5}))
    with pytest.raises(ModelError, match="neither"):
        import_ncnn(format_param(layers).encode(), weights, named="shrinking")


def test_a_reorg_that_does_not_fit_the_first_convolution_is_refused():
    param, weights = pair("rrdbnet ×2, unshuffled")
    wrong = rewritten(param, changed_parameter("Reorg", 0, 4))
    with pytest.raises(ModelError, match="12 and 3 channels where 48 and 3"):
        import_ncnn(wrong, weights, named="wrong")


@pytest.mark.parametrize(
    "change", [lambda d: d[:-3], lambda d: d + b"1234", lambda d: b"\xff" + d[1:], lambda _: b""]
)
def test_a_damaged_bin_is_refused(change):
    param, data = pair("compact ×4", half=True)
    with pytest.raises(ModelError, match="not a sound pair"):
        import_ncnn(param, change(data), named="damaged")


def test_float16_weights_of_odd_length_keep_their_place():
    param, data = pair("compact ×3", half=True)
    weights = import_ncnn(param, data, named="odd")
    assert weights["body.0.weight"].numel() % 2
    expected = network("compact ×3").inner.state_dict()
    assert torch.equal(weights["body.4.bias"], expected["body.4.bias"])


HEAD = b"7767517\n1 1\n"


@pytest.mark.parametrize(
    "param",
    [
        b"",
        b"PK\x03\x04",
        b"\xff\xfe\x00",
        b"7767517\n5 5\nInput a 0 1 data",
        HEAD + b"Convolution c 0 1 b 0=99999999999 1=3 4=1 5=1 6=899999999991",
        HEAD + b"Input c 0 99999999999 data",
        HEAD + b"Input c -1 1 data",
        HEAD + b"Input c 0 1 data 0=" + b"9" * 5000,
        HEAD + b"Input c 0 1 data -23310=3,1",
        HEAD + b"Convolution c",
        HEAD + b"ReLU c 1 1 nowhere b",
    ],
)
def test_an_absurd_param_is_refused(param):
    with pytest.raises(ModelError, match="absurd"):
        import_ncnn(param, b"\x00" * 64, named="absurd")


@pytest.mark.parametrize("size", ["99999999999", "-4", "0", "1e9", "nan", "1"])
@pytest.mark.parametrize("key", ["0", "1", "6"])
def test_absurd_sizes_in_a_sound_graph_are_refused(key, size):
    param, data = pair("compact ×4")
    layers = param.decode().splitlines()
    place = next(i for i, line in enumerate(layers) if line.startswith("Convolution"))
    words = [f"{key}={size}" if w.startswith(f"{key}=") else w for w in layers[place].split()]
    layers[place] = " ".join(words)
    with pytest.raises(ModelError, match="absurd"):
        import_ncnn("\n".join(layers).encode(), data, named="absurd")


@pytest.mark.parametrize("missing", [".param", ".bin"])
def test_half_of_a_pair_is_named(tmp_path, missing):
    param, data = pair("compact ×4")
    (tmp_path / "my.param").write_bytes(param)
    (tmp_path / "my.bin").write_bytes(data)
    assert read_weights(tmp_path / "my.param").keys() == read_weights(tmp_path / "my.bin").keys()
    (tmp_path / f"my{missing}").unlink()
    with pytest.raises(ModelError, match=r"my\.(param|bin)"):
        read_weights(tmp_path / "my.param")


def test_a_list_of_layers_beyond_all_measure_is_not_even_read(tmp_path):
    (tmp_path / "my.bin").write_bytes(b"")
    with (tmp_path / "my.param").open("wb") as file:
        file.truncate(1 << 24)
    with pytest.raises(ModelError, match="too large for a list of layers"):
        read_weights(tmp_path / "my.param")


@pytest.fixture(scope="module")
def sound():
    return pair("rrdbnet ×2, unshuffled", half=True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_pair_with_changed_bytes_is_read_or_refused(sound, data):
    def damage(content):
        array = np.frombuffer(content, np.uint8).copy()
        for _ in range(data.draw(st.integers(0, 4))):
            array[data.draw(st.integers(0, len(array) - 1))] = data.draw(st.integers(0, 255))
        return array.tobytes()[: data.draw(st.sampled_from([None, None, len(content) // 2]))]

    param, weights = damage(sound[0]), damage(sound[1])
    try:
        found = import_ncnn(param, weights, named="damaged")
    except ModelError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert all(tensor.dtype == torch.float32 for tensor in found.values())
