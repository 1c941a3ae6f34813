import pytest
import torch
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.nets.ncnn import ncnn_files, run_ncnn, scale_read_from
from pdd_cli.nets.network import load_network
from pdd_cli.runtime.ncnn_format import parse_param

NETWORKS = {
    "rrdbnet ×4": lambda: ESRGAN(num_filters=8, num_blocks=2, scale=4),
    "rrdbnet ×2": lambda: ESRGAN(num_filters=8, num_blocks=1, scale=2),
    "rrdbnet ×2, unshuffled": lambda: ESRGAN(
        in_nc=12, num_filters=8, num_blocks=1, scale=4, shuffle_factor=2
    ),
    "compact ×4": lambda: Compact(num_feat=8, num_conv=2, upscale=4),
    "compact ×3": lambda: Compact(num_feat=5, num_conv=1, upscale=3),
    "compact ×1": lambda: Compact(num_feat=4, num_conv=1, upscale=1),
}


def network(kind):
    torch.manual_seed(0)
    return load_network(NETWORKS[kind]().state_dict(), named=kind, scales=None).eval()


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-5), (True, 1e-3)])
def test_ncnn_makes_the_same_picture(tmp_path, kind, half, tolerance):
    pytest.importorskip("ncnn", reason="the extra ncnn is not installed")
    original = network(kind)
    param, weights = tmp_path / "a.param", tmp_path / "a.bin"
    text, data = ncnn_files(original, half=half)
    param.write_text(text)
    weights.write_bytes(data)
    for height, width in ((12, 20), (32, 16), (4, 4)):
        picture = torch.rand(1, 3, height, width)
        with torch.inference_mode():
            found = run_ncnn(param, weights, picture)
            assert torch.allclose(found, original(picture), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_blobs_are_named_as_upscayl_asks_and_taken_once(kind):
    layers = parse_param(ncnn_files(network(kind), half=True)[0])
    given = [blob for layer in layers for blob in layer.outputs]
    taken = [blob for layer in layers for blob in layer.inputs]
    assert (layers[0].kind, given[0], given[-1]) == ("Input", "data", "output")
    assert len(set(given)) == len(given)
    assert sorted([*taken, "output"]) == sorted(given)


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("film-x4", 4),
        ("4x_film", 4),
        ("Film-X3", 3),
        ("film-x2plus", 2),
        ("nikonx200-x4", 2),
        ("film", None),
        ("film-x8", None),
    ],
)
def test_upscayl_s_reading_of_a_name(name, scale):
    assert scale_read_from(name) == scale
