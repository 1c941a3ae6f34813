"""What a result rests on, as reports tell it: programs, models, and their licences."""

import json
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pdd_cli.assets.catalogue import ASSETS
from pdd_cli.report.page import Section, Table

WEIGHTS_OF_METRICS = {"lpips": "lpips-alex", "niqe": "niqe-live"}
"""Names of the weights that metrics need, where those are not the metrics' own."""


def made_by() -> str:
    """Say what makes a report, and when."""
    return f"Made by pdd {version('pdd-cli')} on {date.today():%Y-%m-%d}."


def licences(used: Mapping[str, str | None]) -> Section:
    """List what a result rests on, by what it was used for; None where nobody told."""
    rows = [(name, licence or "not known") for name, licence in used.items()]
    return Section(
        "Licences",
        [Table("What was used, and its licence", ("what", "licence"), rows)],
        "Weights derived from others inherit their terms. The pictures on this page belong to "
        "whoever took them.",
    )


def licence_of(model: str) -> str | None:
    """Ask the catalogue, or what a run tells about its base model."""
    if model in ASSETS:
        return ASSETS[model].licence
    facts = Path(model) / "config.json"
    if not facts.is_file():
        return None
    licence = json.loads(facts.read_text(encoding="utf-8")).get("base_licence")
    return f"{licence}, that of its base model" if licence else None


def sentence(text: str) -> str:
    """Write a remark, such as a protocol, as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."
