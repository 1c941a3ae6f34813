"""The job ``export``: a model in the form that other programs read, measured before it is kept.

Every file is first written beside its place, read back by the program that it is for, and compared
with the network on pictures of two sizes. What does not agree is never put in its place.
"""

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.assets.models import ResolvedModel, resolve_model
from pdd_cli.config.export import ExportConfig, Format
from pdd_cli.errors import ModelError, ResourceError, UsageError
from pdd_cli.nets.key_layouts import realesrgan_layout, spandrel_layout
from pdd_cli.nets.ncnn import ncnn_files, run_ncnn, scale_read_from
from pdd_cli.nets.network import Network, load_network
from pdd_cli.nets.onnx import run_onnx, write_onnx
from pdd_cli.recipes.export_target import (
    export_target,
    files_of,
    refuse_existing,
    usual_precision,
)
from pdd_cli.runtime.events import Finished, Observer, Said, Started, Warned, ignore
from pdd_cli.runtime.run_directory import RunDirectory, latest_run
from pdd_cli.runtime.weights import flush_to_disk, read_weights, write_pickle, write_weights

_NEEDED: Mapping[Format, tuple[str, ...]] = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "ncnn": ("ncnn",),
}
_SIZES = ((24, 40), (33, 17))

# The largest difference of a value in [0, 1] that counts as the same picture: for float32 the order
# of additions, for float16 what rounding the weights of a deep network to 11 bits does.
_TOLERANCES = {"float32": 1e-4, "float16": 1e-2}

_Upscale = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Agreement:
    """How far an exported file's picture is from the network's own."""

    height: int
    """Of the LR picture."""
    width: int
    largest_difference: float
    """Of all values, which lie in [0, 1]."""


@dataclass(frozen=True)
class ExportResult:
    """What was exported, and how well it agrees."""

    model: str
    architecture: str
    scale: int
    format: Format
    precision: str
    files: list[Path]
    checked_with: str
    """The program that read the files back."""
    agreements: list[Agreement]
    largest_difference: float
    tolerance: float
    seconds: float


def export(config: ExportConfig, observer: Observer = ignore) -> ExportResult:
    """Write a model in the form that other programs read, and check it there.

    Args:
        config: which model, in what form and where to.
        observer: told of choices.

    Raises:
        UsageError: a file exists already, or the output does not fit the format.
        ModelError: the model cannot be had, the format has no place for its architecture, or what
            was written does not give the same picture.
        ResourceError: a package that the format needs is not installed.
    """
    began = time.monotonic()
    _require_packages(config.format)
    model = _resolve(config, observer)
    network = load_network(read_weights(model.weights), named=model.name, scales=None).eval()
    precision = config.precision or usual_precision(config.format)
    target = export_target(config, model, network.scale, precision)
    places = files_of(target)
    refuse_existing(places, config.overwrite)
    stage = f"writing {model.name} for {config.format} and checking it"
    observer(Started(stage, 0, "picture"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        draft = Path(folder) / target.name
        metadata = _metadata(model, network, config.format, precision)
        written = _WRITERS[config.format](network, draft, precision == "float16", metadata)
        agreements = [_compare(network, written.upscale, size, written.multiple) for size in _SIZES]
        largest = max(agreement.largest_difference for agreement in agreements)
        _refuse_disagreement(target, largest, precision)
        for file in files_of(draft):
            flush_to_disk(file)
            file.replace(target.with_name(file.name))
    observer(Finished(stage, f"the largest difference is {largest:.2g}"))
    _tell_of_ncnn(config.format, target, network, observer)
    return ExportResult(
        model=model.name,
        architecture=network.architecture,
        scale=network.scale,
        format=config.format,
        precision=precision,
        files=places,
        checked_with=written.checked_with,
        agreements=agreements,
        largest_difference=largest,
        tolerance=_TOLERANCES[precision],
        seconds=time.monotonic() - began,
    )


def _require_packages(format_: Format) -> None:
    missing = [name for name in _NEEDED.get(format_, ()) if find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"--format {format_} needs {' and '.join(missing)}, not installed here.",
            hint=f"Install the extra: pip install 'pdd-cli[{format_}]'.",
        )


def _resolve(config: ExportConfig, observer: Observer) -> ResolvedModel:
    name = config.model
    if name is None:
        run = latest_run(config.runs)
        if run is None:
            raise UsageError(
                f"No model was named, and there is no finished run in {config.runs}.",
                hint="Name a run, or a model of pdd models list.",
            )
        observer(Said(f"Exporting the newest run, {run}."))
        return resolve_model(str(run), observer=observer)
    if not Path(name).exists() and name not in ASSETS and (config.runs / name).is_dir():
        name = str(config.runs / name)
    return resolve_model(name, observer=observer)


def _metadata(
    model: ResolvedModel, network: Network, format_: Format, precision: str
) -> dict[str, str]:
    """Say what a file is and where it comes from; what nobody told is left out."""
    facts = _facts_of_run(model)
    told: dict[str, object] = {
        "name": model.name,
        "architecture": network.architecture,
        "scale": network.scale,
        "colour": "RGB in [0, 1]",
        "key_layout": format_ if format_ in ("spandrel", "realesrgan") else None,
        "precision": precision,
        "base_model": facts.get("base_model", model.name),
        "licence": facts.get("base_licence", model.licence),
        "pdd_version": version("pdd-cli"),
    }
    return {key: str(value) for key, value in told.items() if value is not None}


def _facts_of_run(model: ResolvedModel) -> Mapping[str, object]:
    path = model.weights.with_name("config.json")
    if model.weights != RunDirectory(model.weights.parent).model or not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(
            f"{path} is damaged ({error}).", hint="Export model.safetensors from another folder."
        ) from error
    return facts if isinstance(facts, dict) else {}


@dataclass(frozen=True)
class _Written:
    """A file read back by the program that it is for."""

    upscale: _Upscale
    checked_with: str
    multiple: int = 1
    """The program takes sides that are multiples of this alone."""


def _write_layout(
    layout: Callable[[Network], dict[str, Tensor]],
    network: Network,
    path: Path,
    half: bool,
    metadata: Mapping[str, str],
) -> _Written:
    weights = {
        name: tensor.half() if half and tensor.is_floating_point() else tensor
        for name, tensor in layout(network).items()
    }
    write = write_pickle if path.suffix == ".pth" else write_weights
    write(path, weights, metadata)
    read_back = load_network(read_weights(path), named=path.name, scales=None).eval()
    return _Written(read_back, f"spandrel {version('spandrel')}")


def _write_onnx(network: Network, path: Path, half: bool, metadata: Mapping[str, str]) -> _Written:
    write_onnx(network, path, half=half, metadata=metadata)
    return _Written(partial(run_onnx, path), f"ONNX Runtime {version('onnxruntime')}")


def _write_ncnn(network: Network, path: Path, half: bool, _metadata: Mapping[str, str]) -> _Written:
    text, weights = ncnn_files(network, half=half)
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".bin").write_bytes(weights)
    upscale = partial(run_ncnn, path, path.with_suffix(".bin"))
    return _Written(upscale, f"ncnn {version('ncnn')}", network.size_multiple)


_WRITERS: Mapping[Format, Callable[[Network, Path, bool, Mapping[str, str]], _Written]] = {
    "spandrel": partial(_write_layout, spandrel_layout),
    "realesrgan": partial(_write_layout, realesrgan_layout),
    "onnx": _write_onnx,
    "ncnn": _write_ncnn,
}


@torch.inference_mode()
def _compare(
    network: Network, upscale: _Upscale, size: tuple[int, int], multiple: int
) -> Agreement:
    height, width = (side // multiple * multiple for side in size)
    picture = _test_picture(height, width)
    expected, found = network(picture), upscale(picture)
    if expected.shape != found.shape:
        raise ModelError(
            f"The exported file makes {tuple(found.shape)} of a picture of which the network "
            f"makes {tuple(expected.shape)}."
        )
    return Agreement(height, width, (expected - found).abs().max().item())


def _test_picture(height: int, width: int) -> Tensor:
    """Draw a picture with smooth parts, edges and grain, the same one every time."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.rand(1, 3, 4, 4, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bilinear")
    smooth[..., height // 2 :, width // 3 :] = 1 - smooth[..., height // 2 :, width // 3 :]
    grain = 0.05 * torch.randn(1, 3, height, width, generator=generator)
    return (smooth + grain).clamp(0, 1)


def _refuse_disagreement(target: Path, largest: float, precision: str) -> None:
    # What is not a number is no agreement either.
    if not largest <= _TOLERANCES[precision]:
        raise ModelError(
            f"{target} was not written: its pictures differ from the network's by up to "
            f"{largest:.3g}, more than {precision} explains ({_TOLERANCES[precision]:g}).",
            hint="Use --precision float32." if precision == "float16" else "Use another format.",
        )


def _tell_of_ncnn(format_: Format, target: Path, network: Network, observer: Observer) -> None:
    if format_ != "ncnn":
        return
    read = scale_read_from(target.name)
    if read != network.scale:
        told = "no scale" if read is None else f"×{read}"
        observer(
            Warned(
                f"Upscayl reads {told} out of the name {target.stem}, which is ×{network.scale}."
            )
        )
    if network.size_multiple > 1:
        observer(
            Said(f"ncnn does not pad: give it sides that are multiples of {network.size_multiple}.")
        )
