"""``pdd export``: a model in the form that other programs read."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Json, Quiet
from pdd_cli.config.export import ExportConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import UsageError


def export_command(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN|NAME",
            help="A run or its name, a name from `pdd models list`, a file or hf:user/repo.",
            show_default="the newest run",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="spandrel (ComfyUI, chaiNNer), realesrgan (its own script), onnx, or ncnn "
            "(Upscayl).",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Type of the stored weights: float32 or float16.",
            show_default="float32, for ncnn float16",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File or folder; .pth or .safetensors for realesrgan.",
            show_default="beside the run, named with its scale",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a model for other programs, and check that it gives the same pictures there."""
    if form is None:
        raise UsageError("--format is missing.", hint="Give spandrel, realesrgan, onnx or ncnn.")
    config = load(
        ExportConfig,
        flags={
            "format": form,
            "model": model,
            "precision": precision,
            "output": output,
            "overwrite": overwrite,
        },
    )
    from pdd_cli.recipes.export import export

    with observing(quiet=quiet, json=json) as observer:
        result = export(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "export", "result": result})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("picture", "largest difference", box=None, header_style="bold")
    for agreement in result.agreements:
        table.add_row(
            f"{agreement.height}×{agreement.width}", f"{agreement.largest_difference:.2g}"
        )
    for file in result.files:
        typer.echo(file)
    if not quiet:
        console = Console()
        console.print(
            f"{result.architecture} ×{result.scale} in {result.precision}, checked with "
            f"{result.checked_with} against the network:",
            highlight=False,
        )
        console.print(table)
