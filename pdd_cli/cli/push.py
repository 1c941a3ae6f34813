"""``pdd card`` and ``pdd push``: a model's card, and the model on the Hub."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Json, Quiet
from pdd_cli.config.loader import load
from pdd_cli.config.push import CardConfig, PushConfig

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]
Licence = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="The model's licence, as bsd-3-clause.",
        show_default="what follows from the base model's",
    ),
]
Controls = Annotated[
    list[Path] | None,
    typer.Option(
        "--control",
        metavar="RUN",
        help="A run whose figures on the same pictures stand beside this one's; may be repeated.",
        show_default="the base model, where it was measured",
    ),
]


def card_command(
    run: Run,
    repository: Annotated[
        str | None,
        typer.Argument(
            metavar="USER/REPO",
            help="For the lines that a reader pastes.",
            show_default="the run's own folder",
        ),
    ] = None,
    licence: Licence = None,
    control: Controls = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a card that was edited by hand.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a model's card anew, with what `pdd eval` measured of it since."""
    config = load(
        CardConfig,
        flags={
            "run": run,
            "repository": repository,
            "licence": licence,
            "controls": control or None,
            "overwrite": overwrite,
        },
    )
    from pdd_cli.recipes.push import card

    with observing(quiet=quiet, json=json) as observer:
        result = card(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "card", "result": result})


def push_command(
    run: Run,
    repository: Annotated[
        str, typer.Argument(metavar="USER/REPO", help="Where to; it is made if there is none.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Let nobody else see the repository.")
    ] = False,
    revision: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="The branch to commit to.", show_default="main"),
    ] = None,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="Open a pull request instead of committing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the card and the files; send nothing.")
    ] = False,
    with_previews: Annotated[
        bool,
        typer.Option(
            "--with-previews",
            help="Publish the last preview too, which shows parts of your photos.",
        ),
    ] = False,
    overwrite_card: Annotated[
        bool, typer.Option("--overwrite-card", help="Replace a README.md that is there already.")
    ] = False,
    licence: Licence = None,
    control: Controls = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Publish a run's model on the Hugging Face Hub, with its card, in one commit.

    Log in first with `hf auth login`, or set HF_TOKEN. Your photos stay here.
    """
    config = load(
        PushConfig,
        flags={
            "run": run,
            "repository": repository,
            "private": private,
            "revision": revision,
            "create_pr": create_pr,
            "dry_run": dry_run,
            "previews": with_previews,
            "overwrite_card": overwrite_card,
            "licence": licence,
            "controls": control or None,
        },
    )
    from pdd_cli.recipes.push import push

    with observing(quiet=quiet, json=json) as observer:
        result = push(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "push", "result": result})
        return
    if result.dry_run:
        typer.echo(result.card)
        typer.echo(f"Would be pushed to {result.repository}:")
    for file in result.files:
        typer.echo(f"{file.size:>12,}  {file.path}")
    if not result.dry_run:
        typer.echo(result.pull_request or result.address)
