"""How long pictures take in each engine that is installed, beside ``pdd``'s own path.

    python benchmarks/engines.py MODEL PICTURE_OR_FOLDER [SIDE] [ROUNDS]

Of each picture the upper left corner of SIDE×SIDE LR pixels, or all of it where SIDE is 0, is
upscaled by the same network everywhere: eagerly in float32; by what ``pdd infer`` runs; and by ONNX
Runtime, OpenVINO and ncnn, where they are installed (``pip install '.[onnx,ncnn]' openvino``), in
their own float32 and, where they have it, bfloat16. OpenVINO is asked in two ways: compiled anew
for each size that comes, and compiled once for any size. The first picture is for warming up; then
they take turns, and the best of the rounds counts, since other work may share the machine. The
agreement with float32 is told as PSNR.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from pdd_cli.assets.models import resolve_model
from pdd_cli.config.infer import InferConfig
from pdd_cli.images.codec import Picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.images.listing import list_pictures
from pdd_cli.nets.ncnn import ncnn_files
from pdd_cli.nets.network import Network, load_network
from pdd_cli.nets.onnx import write_onnx
from pdd_cli.recipes.upscaling import Upscaler
from pdd_cli.runtime.events import ignore
from pdd_cli.runtime.weights import read_weights

Upscale = Callable[[Picture], Tensor]


def engines(model: str, largest: int, scratch: Path) -> Iterator[tuple[str, Upscale]]:
    """Make what upscales a picture of at most ``largest`` pixels a side, by the engine's name."""
    network = _load(model)
    yield "eager float32", lambda picture: network(_values(picture))
    config = InferConfig(paths=(Path("picture"),), model=model, tile=largest)
    upscaler = Upscaler(_load(model), torch.device("cpu"), config, ignore)

    def by_pdd(picture: Picture) -> Tensor:
        (result,) = upscaler.upscale([picture])
        assert isinstance(result, Picture)
        return pixels_to_tensor(result.pixels)

    yield f"pdd infer, {upscaler.precision}".replace("torch.", ""), by_pdd
    try:
        write_onnx(network, scratch / "model.onnx", half=False, metadata={})
    except ImportError:
        pass
    else:
        yield from _by_onnx_runtime(scratch / "model.onnx")
        yield from _by_openvino(scratch / "model.onnx")
    yield from _by_ncnn(network, scratch)


def _values(picture: Picture) -> Tensor:
    return pixels_to_tensor(picture.rgb8())


def _load(model: str) -> Network:
    return load_network(read_weights(resolve_model(model).weights), named=model).eval()


def _by_onnx_runtime(path: Path) -> Iterator[tuple[str, Upscale]]:
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def upscale(picture: Picture) -> Tensor:
        return torch.from_numpy(session.run(None, {"input": _values(picture).numpy()})[0])

    yield "ONNX Runtime float32", upscale


def _by_openvino(path: Path) -> Iterator[tuple[str, Upscale]]:
    try:
        import openvino
    except ImportError:
        return

    def compiled(precision: str, height: int, width: int) -> Callable[[Picture], Tensor]:
        read = openvino.Core().read_model(path)
        read.reshape([1, 3, height, width])
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        run = openvino.Core().compile_model(read, "CPU", hints)
        return lambda picture: torch.from_numpy(run(_values(picture).numpy())[0].copy())

    def compiled_for_each_size(precision: str) -> Callable[[Picture], Tensor]:
        compiled_once = lru_cache(maxsize=1)(compiled)
        return lambda picture: compiled_once(precision, picture.height, picture.width)(picture)

    for name, precision in (("float32", "f32"), ("bfloat16", "bf16")):
        yield f"OpenVINO {name}, for each size", compiled_for_each_size(precision)
        yield f"OpenVINO {name}, for any size", compiled(precision, -1, -1)


def _by_ncnn(network: Network, folder: Path) -> Iterator[tuple[str, Upscale]]:
    try:
        import ncnn
    except ImportError:
        return
    text, weights = ncnn_files(network, half=False)
    (folder / "model.param").write_text(text, encoding="utf-8")
    (folder / "model.bin").write_bytes(weights)
    for name, bf16 in (("float32", False), ("bfloat16", True)):
        net = ncnn.Net()
        net.opt.use_vulkan_compute = False
        net.opt.num_threads = torch.get_num_threads()
        net.opt.use_bf16_storage = bf16
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.load_param(str(folder / "model.param"))
        net.load_model(str(folder / "model.bin"))

        def upscale(picture: Picture, net: "ncnn.Net" = net) -> Tensor:
            extractor = net.create_extractor()
            values = _values(picture)[0].contiguous().numpy()
            extractor.input(net.input_names()[0], ncnn.Mat(values).clone())
            _, result = extractor.extract(net.output_names()[0])
            return torch.from_numpy(result.numpy().copy())[None]

        yield f"ncnn {name}", upscale


@torch.inference_mode()
def main(model: str, pictures: Sequence[Picture], rounds: int) -> None:
    """Let all engines upscale the pictures in turn, and print a table."""
    best: dict[str, float] = {}
    errors: dict[str, list[Tensor]] = {}
    largest = max(length for picture in pictures for length in (picture.height, picture.width))
    with tempfile.TemporaryDirectory() as scratch:
        ways = dict(engines(model, largest, Path(scratch)))
        for upscale in ways.values():
            upscale(pictures[0])
        for _ in range(rounds):
            exact: list[Tensor] = []
            for name, upscale in ways.items():
                start = time.perf_counter()
                results = [upscale(picture).clamp(0, 1) for picture in pictures]
                took = time.perf_counter() - start
                best[name] = min(took, best.get(name, took))
                exact = exact or results
                errors[name] = [
                    (result - right).square().mean()
                    for result, right in zip(results, exact, strict=True)
                ]
    for name, took in sorted(best.items(), key=lambda entry: -entry[1]):
        agreement = -10 * torch.stack(errors[name]).mean().clamp(min=1e-12).log10().item()
        ratio = best["eager float32"] / took
        sys.stdout.write(f"| {name} | {took:.2f} s | {ratio:.2f} | {agreement:.0f} dB |\n")


def _corners(path: Path, side: int) -> list[Picture]:
    paths = list_pictures(path).pictures if path.is_dir() else [path]
    pixels = [read_picture(each).rgb8() for each in paths]
    return [Picture(whole[:side, :side] if side else whole) for whole in pixels]


if __name__ == "__main__":
    side, rounds = (
        int(sys.argv[place]) if len(sys.argv) > place else usual
        for place, usual in ((3, 128), (4, 3))
    )
    main(sys.argv[1], _corners(Path(sys.argv[2]), side), rounds)
