"""Where an export goes and what it is called, so that the programs that it is for take it."""

import re
from collections.abc import Mapping
from pathlib import Path

from pdd_cli.assets.models import ResolvedModel
from pdd_cli.config.export import ExportConfig, Format, Precision
from pdd_cli.errors import UsageError
from pdd_cli.nets.ncnn import scale_read_from
from pdd_cli.runtime.run_directory import RunDirectory

_SUFFIXES: Mapping[Format, tuple[str, ...]] = {
    "spandrel": (".safetensors",),
    "realesrgan": (".pth", ".safetensors"),
    "onnx": (".onnx",),
    "ncnn": (".param",),
}

# Upscayl takes a folder of models of one's own only by this name.
_NCNN_FOLDER = "models"

_SCALE_IN_A_NAME = re.compile(r"[-_]?(x[234]|[234]x)", re.IGNORECASE)


def usual_precision(format_: Format) -> Precision:
    """Return the type of stored weights where none was asked for."""
    return "float16" if format_ == "ncnn" else "float32"


def export_target(config: ExportConfig, model: ResolvedModel, scale: int, precision: str) -> Path:
    """Return the file to write; of ncnn's pair the ``.param``.

    Raises:
        UsageError: the output's suffix is of another format.
    """
    suffixes = _SUFFIXES[config.format]
    named = config.output
    if named is not None and named.suffix and not named.is_dir():
        if named.suffix not in suffixes:
            raise UsageError(
                f"--output {named}: a file for {config.format} ends in {' or '.join(suffixes)}.",
                hint="Give such a name, or a folder.",
            )
        return named
    mark = "" if precision == usual_precision(config.format) else f"-{precision}"
    stem = name_with_scale(Path(model.name).name, scale) + mark
    return (named or _beside(model, config.format)) / f"{stem}{suffixes[0]}"


def files_of(target: Path) -> list[Path]:
    """Return all files that are written for a target."""
    return [target, target.with_suffix(".bin")] if target.suffix == ".param" else [target]


def refuse_existing(files: list[Path], overwrite: bool) -> None:
    """Refuse to replace a file unless told.

    Raises:
        UsageError: one exists.
    """
    taken = next((file for file in files if file.exists()), None)
    if taken is not None and not overwrite:
        raise UsageError(
            f"{taken} exists already.", hint="Give --overwrite to replace it, or -o for another."
        )


def name_with_scale(name: str, scale: int) -> str:
    """Let a name tell the scale, and no other one."""
    if scale_read_from(name) == scale:
        return name
    while _SCALE_IN_A_NAME.search(name):
        name = _SCALE_IN_A_NAME.sub("", name)
    return f"{name or 'model'}-x{scale}"


def _beside(model: ResolvedModel, format_: Format) -> Path:
    """Return the folder that holds the run or the file; for what was fetched, the working one."""
    folder = model.weights.resolve().parent if model.is_local else Path()
    if model.is_local and model.weights.name == RunDirectory(folder).model.name:
        folder = folder.parent  # of a run, or another folder that is one model
    return folder / _NCNN_FOLDER if format_ == "ncnn" else folder
