"""Options that mean the same in every command, declared once."""

from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]

Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")
]

Device = Annotated[
    str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")
]
