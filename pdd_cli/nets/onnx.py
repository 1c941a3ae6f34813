"""Networks as ONNX files that take pictures of any size."""

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.errors import ModelError
from pdd_cli.nets.network import Network

INPUT, OUTPUT = "input", "output"

# The first that has everything the exporter writes; programs of a few years' age know it.
_OPSET = 18

_TRACED_HEIGHT, _TRACED_WIDTH = 24, 40


def write_onnx(network: Network, path: Path, *, half: bool, metadata: Mapping[str, str]) -> None:
    """Write a network with free height and width, from float32 pictures to float32 pictures.

    Args:
        network: any.
        path: the file to write.
        half: keep the weights and compute in float16.
        metadata: kept in the file's own ``metadata_props``.

    Raises:
        ImportError: onnx or onnxscript is not installed.
        ModelError: the architecture cannot be exported with free sizes.
    """
    import onnx  # noqa: F401 — named here because torch tells of its lack in other ways
    import onnxscript  # noqa: F401

    example = torch.zeros(1, 3, _TRACED_HEIGHT, _TRACED_WIDTH)
    sides = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    wrapped = _FloatPictures(network, half=half).eval()
    # Whatever an architecture does that cannot be traced means the same here: no file.
    try:
        with _silence(), torch.no_grad():
            program = torch.onnx.export(
                wrapped,
                (example,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=(sides,),
                opset_version=_OPSET,
                verbose=False,
            )
    except Exception as error:
        raise ModelError(
            f"{network.architecture} cannot be written as ONNX for pictures of any size "
            f"({type(error).__name__}).",
            hint="Use --format spandrel.",
        ) from error
    assert program is not None
    program.model.metadata_props.update(metadata)
    program.save(path)


def run_onnx(path: Path, picture: Tensor) -> Tensor:
    """Upscale a picture with ONNX Runtime on the CPU.

    Args:
        path: the file.
        picture: (1, 3, h, w), float32.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (result,) = session.run([OUTPUT], {INPUT: picture.numpy()})
    return torch.from_numpy(result)


class _FloatPictures(nn.Module):
    """A network that pads by itself, in arithmetic that a tracer follows for any size."""

    def __init__(self, network: Network, *, half: bool) -> None:
        super().__init__()
        self.inner = copy.deepcopy(network.inner).cpu()
        self.dtype = torch.float16 if half else torch.float32
        self.inner.to(self.dtype)
        self.scale = network.scale
        self.multiple = network.size_multiple

    def forward(self, pictures: Tensor) -> Tensor:
        height, width = pictures.shape[-2:]
        if self.multiple > 1:
            surplus = (0, -width % self.multiple, 0, -height % self.multiple)
            pictures = F.pad(pictures, surplus, mode="replicate")
        upscaled = cast(Tensor, self.inner(pictures.to(self.dtype))).float()
        return upscaled[..., : self.scale * height, : self.scale * width]


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's talk about its own inner life from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
