"""``pdd infer``: upscale pictures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.config.infer import InferConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import DataError, SomeFilesFailed


def infer_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH…",
            help="Pictures, folders and patterns; - for a list on the standard input. None, or "
            "`folder` where there is no such folder: the photos of the last adaptation.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A name from `pdd models list`, a file, a run's folder or hf:user/repo.",
            show_default="the newest run, else realesrgan",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the results.",
            show_default="beside the input, with _x and the scale behind its name",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Of the results: png, jpg, webp, tif, bmp, avif, jp2, or same as each input.",
            show_default="png",
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="PERCENT",
            help="Of jpg, webp and avif, 1 to 100.",
            show_default="95 for jpg, lossless for webp, 90 for avif",
        ),
    ] = None,
    suffix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Put behind the names of results.",
            show_default="_x and the scale for a picture beside its input, else none",
        ),
    ] = None,
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata", help="Leave out EXIF, XMP, the ICC profile and the resolution."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Let results replace files that exist.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave pictures alone whose result exists."),
    ] = False,
    outscale: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR",
            help="Size of the results against the input, whatever the model's scale.",
            show_default="the model's",
        ),
    ] = None,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble", help="Average the results of eight flips and turns: better, 8 × slower."
        ),
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option(
            help="Largest side of a tile in LR pixels; smaller takes less memory.",
            show_default="as memory allows",
        ),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(
            help="LR pixels of context around what is kept of a tile; less is faster.",
            show_default="as many as leave no trace",
        ),
    ] = None,
    color_fix: Annotated[
        str | None,
        typer.Option(
            "--color-fix",
            metavar="WAY",
            help="Give results the colours of their LR: none, mean-std or wavelet.",
            show_default="none",
        ),
    ] = None,
    device: Device = "auto",
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="float32, bfloat16 or float16.",
            show_default="bfloat16 where the device gains from it",
        ),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Upscale pictures with an adapted model, or with any other."""
    config = load(
        InferConfig,
        flags={
            "paths": _with_standard_input(paths or []) or None,
            "model": model,
            "output": output,
            "format": format_,
            "quality": quality,
            "suffix": suffix,
            "strip_metadata": strip_metadata,
            "overwrite": overwrite,
            "skip_existing": skip_existing,
            "outscale": outscale,
            "ensemble": ensemble,
            "tile": tile,
            "overlap": overlap,
            "color_fix": color_fix,
            "device": device,
            "precision": precision,
        },
    )
    from pdd_cli.recipes.infer import infer

    with observing(quiet=quiet, json=json) as observer:
        result = infer(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "infer", "result": result})
    if result.failures:
        names = ", ".join(str(failure.input) for failure in result.failures[:3])
        more = len(result.failures) - 3
        raise SomeFilesFailed(
            f"{len(result.failures)} of {len(result.failures) + len(result.pictures)} pictures "
            f"could not be done: {names}{f' and {more} more' if more > 0 else ''}.",
            hint="The reasons stand above.",
        )


def _with_standard_input(paths: list[Path]) -> list[Path]:
    """Put the lines of the standard input in the place of ``-``."""
    if Path("-") not in paths:
        return paths
    listed = [Path(line) for line in sys.stdin.read().splitlines() if line.strip()]
    if not listed:
        raise DataError("The standard input names no pictures.", hint="Give one path a line.")
    return [p for path in paths for p in (listed if path == Path("-") else [path])]
