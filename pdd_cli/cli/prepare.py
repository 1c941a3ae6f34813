"""``pdd prepare``: look at a folder of pictures, report, and give it a name."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Json, Quiet
from pdd_cli.config.loader import load
from pdd_cli.config.prepare import PrepareConfig

if TYPE_CHECKING:
    from pdd_cli.recipes.findings import Finding
    from pdd_cli.recipes.prepare import PrepareResult

_NAMED_OF_A_KIND = 3


def prepare_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A folder or an archive of pictures: your own, or RealSR, DRealSR, NTIRE 2020, "
            "City100, DIV2K, Flickr2K, DF2K or StableSR's crops at any level; or the name "
            "div2k, flickr2k or stablesr-crops, to fetch it.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Name to use it by.", show_default="the folder's"
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(help="Side of a crop; smaller pictures are reported.", show_default="32"),
    ] = None,
    no_pairs: Annotated[
        bool, typer.Option("--no-pairs", help="Do not compare LR with HR.")
    ] = False,
    tiles: Annotated[
        bool,
        typer.Option(
            "--tiles", help="Keep sharp pictures as tiles in the cache too, to feed a GPU from."
        ),
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Page of what is suspect.",
            show_default="beside the manifest in the cache",
        ),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Look at a folder of pictures, report what is wrong with it, and give it a name.

    Nothing in it is changed. Afterwards --real-lr NAME and --hr NAME take its good pictures.
    """
    config = load(
        PrepareConfig,
        flags={
            "source": source,
            "name": name,
            "crop": crop,
            "pairs": False if no_pairs else None,
            "tiles": tiles,
            "sheet": sheet,
        },
    )
    from pdd_cli.recipes.prepare import prepare

    with observing(quiet=quiet, json=json) as observer:
        result = prepare(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "prepare", "result": result})
    else:
        _print(result)


def _print(result: "PrepareResult") -> None:
    sizes = result.sizes
    typer.echo(f"{result.name}: {result.dataset or 'an ordinary folder'}")
    typer.echo(f"  pictures  {result.pictures}, {result.pixels / 1e6:.1f} megapixels")
    typer.echo(f"  files     {result.bytes / 1e6:.1f} MB; {_counts(result.formats)}")
    typer.echo(f"  depths    {_counts(result.depths)}")
    if sizes:
        typer.echo(
            f"  sizes     {sizes['smallest_width']} to {sizes['largest_width']} wide, "
            f"{sizes['smallest_height']} to {sizes['largest_height']} high"
        )
    if result.roles:
        typer.echo(f"  parts     {_counts(result.roles)}")
    if result.camera:
        typer.echo(f"  camera    {result.camera.describe()}")
    if result.veil:
        typer.echo(f"  veil      {result.veil.describe()}; pdd adapt --lift-veil can lift it")
    if result.tiles:
        typer.echo(f"  tiles     {result.tiles}, kept in the cache")
    if not result.findings:
        typer.echo("  Nothing is suspect.")
    for kind in dict.fromkeys(finding.kind for finding in result.findings):
        _print_kind(kind, [finding for finding in result.findings if finding.kind == kind])
    typer.echo(f"Use it by its name: pdd adapt --real-lr {result.name}, or --hr {result.name}.")
    if result.sheet:
        typer.echo(f"Look at what is suspect: {result.sheet}")


def _print_kind(kind: str, findings: "list[Finding]") -> None:
    left_out = sum(finding.excluded for finding in findings)
    note = f", {left_out} left out" if left_out else ""
    typer.echo(f"  {kind}: {len(findings)}{note}")
    for finding in findings[:_NAMED_OF_A_KIND]:
        typer.echo(f"    {finding.files[0]}: {finding.text}")
    if len(findings) > _NAMED_OF_A_KIND:
        typer.echo(f"    and {len(findings) - _NAMED_OF_A_KIND} more (--json names all)")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
