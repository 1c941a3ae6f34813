"""``pdd config``: what can be set, what a preset sets, and whether a file of settings will do."""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import print_json
from pdd_cli.cli.options import Json
from pdd_cli.cli.training_job import settings_source
from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.config.differences import differences
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.infer import InferConfig
from pdd_cli.config.loader import load
from pdd_cli.config.presets import preset_names, preset_opening
from pdd_cli.config.strict import StrictModel
from pdd_cli.config.train import TrainConfig
from pdd_cli.config.training import TrainingConfig
from pdd_cli.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="List, show, check and compare settings.")

_SCHEMAS: dict[str, type[StrictModel]] = {
    "adapt": AdaptConfig,
    "train": TrainConfig,
    "infer": InferConfig,
    "eval": EvaluateConfig,
}
# Photos are the user's and stand in no preset; settings are checked with this in their place.
_PHOTOS = Path("PHOTOS")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A preset, or a file of settings.")]
Job = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="adapt or train.",
        show_default="train for what begins with train, else adapt",
    ),
]


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the presets and what each is for."""
    presets = {name: preset_opening(name) for name in preset_names()}
    if json:
        print_json({"schema_version": 1, "command": "config list", "presets": presets})
        return
    width = max(map(len, presets))
    for name, opening in presets.items():
        typer.echo(f"{name:{width}}  {opening}")


@app.command("show")
def show_command(name: Name, job: Job = None, json: Json = False) -> None:
    """Print every setting as a preset or a file leaves it."""
    import yaml

    settings = _load(name, job).model_dump(mode="json")
    if json:
        print_json({"schema_version": 1, "command": "config show", "settings": settings})
    else:
        typer.echo(yaml.safe_dump(settings, sort_keys=False), nl=False)


@app.command("check")
def check_command(name: Name, job: Job = None, json: Json = False) -> None:
    """Tell whether a file of settings can be used; what cannot be is named with its line."""
    _load(name, job)
    if json:
        print_json({"schema_version": 1, "command": "config check", "usable": True})
    else:
        typer.echo(f"{name} can be used.")


@app.command("diff")
def diff_command(
    first: Name,
    second: Annotated[str, typer.Argument(metavar="NAME", help="What to compare with it.")],
    job: Job = None,
    json: Json = False,
) -> None:
    """Print the settings in which two presets or files differ."""
    found = differences(_load(first, job), _load(second, job))
    if json:
        rows = [{"key": d.key, "before": d.before, "after": d.after} for d in found]
        print_json({"schema_version": 1, "command": "config diff", "differences": rows})
        return
    for difference in found:
        typer.echo(str(difference))


@app.command("schema")
def schema_command(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="adapt, train, infer or eval.")
    ] = "adapt",
) -> None:
    """Print the JSON schema of a job's settings, for editors."""
    if job not in _SCHEMAS:
        raise UsageError(f"There are no settings of {job!r}.", hint=f"Choose {_names()}.")
    typer.echo(json_format.dumps(_SCHEMAS[job].model_json_schema(), indent=2, ensure_ascii=False))


def _names() -> str:
    return ", ".join(_SCHEMAS)


def _load(name: str, job: str | None) -> TrainingConfig:
    source = settings_source(name)
    if job is None:
        job = "train" if Path(name).name.startswith("train") else "adapt"
    match job:
        case "adapt":
            return load(AdaptConfig, **source, fallbacks={"data.real_lr": _PHOTOS})
        case "train":
            return load(TrainConfig, **source, fallbacks={"data.hr": _PHOTOS})
    raise UsageError(f"--job {job} has no presets.", hint="Choose adapt or train.")
