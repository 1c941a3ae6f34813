import pytest
import torch
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.nets.network import load_network
from pdd_cli.nets.onnx import run_onnx, write_onnx

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

NETWORKS = {
    "rrdbnet ×2, unshuffled": lambda: ESRGAN(
        in_nc=12, num_filters=4, num_blocks=1, scale=4, shuffle_factor=2
    ),
    "compact ×4": lambda: Compact(num_feat=4, num_conv=1, upscale=4),
}


@pytest.mark.parametrize(
    "kind", [pytest.param("rrdbnet ×2, unshuffled", marks=pytest.mark.whole), "compact ×4"]
)
@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-5), (True, 1e-2)])
def test_onnx_runtime_makes_the_same_picture_of_any_size(tmp_path, kind, half, tolerance):
    torch.manual_seed(0)
    network = load_network(NETWORKS[kind]().state_dict(), named=kind, scales=None).eval()
    path = tmp_path / "a.onnx"
    write_onnx(network, path, half=half, metadata={"scale": str(network.scale)})
    for height, width in ((24, 40), (33, 17), (7, 10)):
        picture = torch.rand(1, 3, height, width)
        with torch.inference_mode():
            found = run_onnx(path, picture)
            assert torch.allclose(found, network(picture), rtol=0, atol=tolerance)
    stored = onnx.load(path)
    assert {entry.key: entry.value for entry in stored.metadata_props}["scale"] == str(
        network.scale
    )
    kinds = {tensor.data_type for tensor in stored.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT}
