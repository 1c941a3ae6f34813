"""Options that every training command has, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Steps = Annotated[int | None, typer.Option(help="How many steps.", show_default=False)]
Batch = Annotated[
    int | None,
    typer.Option(
        help="Crops of each kind that are computed together.", show_default="1 on a CPU, else 8"
    ),
]
Crop = Annotated[
    int | None,
    typer.Option(
        help="Side of an LR crop in pixels, a multiple of 8.", show_default="32 on a CPU, else 48"
    ),
]
Rate = Annotated[
    float | None, typer.Option("--lr", help="Learning rate.", show_default="follows the batch")
]
CacheSize = Annotated[
    float | None,
    typer.Option("--cache-gb", help="Gibibytes of memory for decoded photos.", show_default="1"),
]
Seed = Annotated[int | None, typer.Option(help="One seed, one result.", show_default="0")]
Name = Annotated[
    str | None,
    typer.Option(help="Name of the run's folder in runs/.", show_default="job and time"),
]
ValidationLR = Annotated[
    Path | None,
    typer.Option(
        "--val-lr",
        metavar="DIR",
        help="LR photos with known HR, to measure with and choose the best weights by.",
    ),
]
ValidationHR = Annotated[
    Path | None, typer.Option("--val-hr", metavar="DIR", help="Their HR, by the same names.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the run --name, or with the newest that was interrupted. A few settings "
        "may change.",
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Settings in YAML, or the name of a preset (pdd config list); options win over it.",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting: train.lr=1e-5."),
]
