"""How long one picture takes in each engine that is installed, beside ``pdd``'s own path.

    python benchmarks/engines.py MODEL PICTURE [SIDE] [ROUNDS]

The picture's upper left corner of SIDE×SIDE LR pixels is upscaled by the same network everywhere:
eagerly in float32; by what ``pdd infer`` runs; and by ONNX Runtime, OpenVINO and ncnn, where they
are installed (``pip install '.[onnx,ncnn]' openvino``), in their own float32 and, where they have
it, bfloat16. They take turns, and the best of the rounds counts, since other work may share the
machine. The agreement with float32 is told as PSNR.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from pdd_cli.assets.models import resolve_model
from pdd_cli.config.infer import InferConfig
from pdd_cli.images.codec import Picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.nets.ncnn import ncnn_files
from pdd_cli.nets.network import Network, load_network
from pdd_cli.nets.onnx import write_onnx
from pdd_cli.recipes.upscaling import Upscaler
from pdd_cli.runtime.events import ignore
from pdd_cli.runtime.weights import read_weights

Upscale = Callable[[], Tensor]


def engines(model: str, picture: Picture, scratch: Path) -> Iterator[tuple[str, Upscale]]:
    """Make what upscales the picture, by the engine's name."""
    lr = pixels_to_tensor(picture.rgb8())
    network = _load(model)
    yield "eager float32", lambda: network(lr)
    config = InferConfig(paths=(Path("picture"),), model=model, tile=max(lr.shape[-2:]))
    upscaler = Upscaler(_load(model), torch.device("cpu"), config, ignore)

    def by_pdd() -> Tensor:
        (result,) = upscaler.upscale([picture])
        assert isinstance(result, Picture)
        return pixels_to_tensor(result.pixels)

    yield f"pdd infer, {upscaler.precision}".replace("torch.", ""), by_pdd
    yield from _of_onnx_file(network, lr, scratch / "model.onnx")
    yield from _of_ncnn_files(network, lr, scratch)


def _load(model: str) -> Network:
    return load_network(read_weights(resolve_model(model).weights), named=model).eval()


def _of_onnx_file(network: Network, lr: Tensor, path: Path) -> Iterator[tuple[str, Upscale]]:
    try:
        write_onnx(network, path, half=False, metadata={})
    except ImportError:
        return
    values = lr.numpy()
    try:
        import onnxruntime
    except ImportError:
        pass
    else:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        yield (
            "ONNX Runtime float32",
            lambda: torch.from_numpy(session.run(None, {"input": values})[0]),
        )
    try:
        import openvino
    except ImportError:
        return
    for precision in ("f32", "bf16"):
        read = openvino.Core().read_model(path)
        read.reshape([*lr.shape])
        compiled = openvino.Core().compile_model(
            read, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        )
        name = {"f32": "float32", "bf16": "bfloat16"}[precision]
        yield (
            f"OpenVINO {name}",
            lambda compiled=compiled: torch.from_numpy(compiled(values)[0].copy()),
        )


def _of_ncnn_files(network: Network, lr: Tensor, folder: Path) -> Iterator[tuple[str, Upscale]]:
    try:
        import ncnn
    except ImportError:
        return
    text, weights = ncnn_files(network, half=False)
    (folder / "model.param").write_text(text, encoding="utf-8")
    (folder / "model.bin").write_bytes(weights)
    values = lr[0].contiguous().numpy()
    for name, bf16 in (("float32", False), ("bfloat16", True)):
        net = ncnn.Net()
        net.opt.use_vulkan_compute = False
        net.opt.num_threads = torch.get_num_threads()
        net.opt.use_bf16_storage = bf16
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.load_param(str(folder / "model.param"))
        net.load_model(str(folder / "model.bin"))

        def upscale(net: "ncnn.Net" = net) -> Tensor:
            extractor = net.create_extractor()
            extractor.input(net.input_names()[0], ncnn.Mat(values).clone())
            _, result = extractor.extract(net.output_names()[0])
            return torch.from_numpy(result.numpy().copy())[None]

        yield f"ncnn {name}", upscale


@torch.inference_mode()
def main(model: str, path: Path, side: int, rounds: int) -> None:
    """Let all engines upscale the picture in turn, and print a table."""
    picture = Picture(read_picture(path).rgb8()[:side, :side])
    best: dict[str, float] = {}
    results: dict[str, Tensor] = {}
    with tempfile.TemporaryDirectory() as scratch:
        ways = dict(engines(model, picture, Path(scratch)))
        for number in range(rounds + 1):
            for name, upscale in ways.items():
                start = time.perf_counter()
                results[name] = upscale()
                took = time.perf_counter() - start
                if number:  # the first one warms up
                    best[name] = min(took, best.get(name, took))
    exact = results["eager float32"].clamp(0, 1)
    for name, took in sorted(best.items(), key=lambda entry: -entry[1]):
        error = (results[name].clamp(0, 1) - exact).square().mean().clamp(min=1e-12)
        agreement = -10 * torch.log10(error).item()
        ratio = best["eager float32"] / took
        sys.stdout.write(f"| {name} | {took:.2f} s | {ratio:.2f} | {agreement:.0f} dB |\n")


if __name__ == "__main__":
    side, rounds = (
        int(sys.argv[place]) if len(sys.argv) > place else usual
        for place, usual in ((3, 128), (4, 3))
    )
    main(sys.argv[1], Path(sys.argv[2]), side, rounds)
