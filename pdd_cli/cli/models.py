"""``pdd models``: what can be fetched, fetching it, and where it lies."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Json, Quiet

app = typer.Typer(no_args_is_help=True, help="List, fetch and find models and other assets.")


@app.command("list")
def list_command(json: Json = False) -> None:
    """List everything that pdd can fetch, with licences and sizes."""
    from pdd_cli.recipes.models import list_assets

    entries = list_assets()
    if json:
        print_json({"schema_version": 1, "command": "models list", "assets": entries})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "what", "licence", "MB", "cached", box=None, header_style="bold")
    for entry in entries:
        table.add_row(
            entry.name,
            entry.description,
            entry.licence,
            _megabytes(entry.files[0].size),
            "yes" if entry.path.exists() else "no",
        )
    Console().print(table)


def _megabytes(size: int | None) -> str:
    return "the Hub tells" if size is None else f"{size / 1e6:.0f}"


@app.command("pull")
def pull_command(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME…", help="Names from the list, or hf:user/repo.")
    ],
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Fetch assets into the cache, once."""
    from pdd_cli.recipes.models import pull

    with observing(quiet=quiet, json=json) as observer:
        paths = {name: pull(name, observer) for name in names}
    _tell(paths, json=json, command="models pull")


@app.command("path")
def path_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name from the list, or hf:user/repo.")
    ],
    json: Json = False,
) -> None:
    """Print where an asset lies in the cache; an asset that was not fetched is an error."""
    from pdd_cli.recipes.models import cached_path

    _tell({name: cached_path(name)}, json=json, command="models path")


def _tell(paths: dict[str, Path], *, json: bool, command: str) -> None:
    if json:
        print_json({"schema_version": 1, "command": command, "paths": paths})
        return
    for path in paths.values():
        typer.echo(path)
