"""Figures as a table that says which way is better, and the protocol that they stand under."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pdd_cli.metrics.protocol import METRICS

_ARROWS = {"higher": "↑", "lower": "↓"}


def print_scores(
    heading: str, rows: Iterable[tuple[str, Mapping[str, float]]], protocol: str
) -> None:
    """Write a table to standard output.

    Args:
        heading: what the first column names.
        rows: each with its name and its figures by metric; all have the same metrics.
        protocol: how the figures were computed.
    """
    rows = list(rows)
    metrics = list(rows[0][1]) if rows else []
    table = Table(box=None, header_style="bold")
    table.add_column(heading)
    for name in metrics:
        metric = METRICS[name]
        unit = f" {metric.unit}" if metric.unit else ""
        table.add_column(f"{name}{unit} {_ARROWS[metric.better]}", justify="right")
    for label, scores in rows:
        table.add_row(label, *(_figure(name, scores[name]) for name in metrics))
    console = Console(highlight=False)
    console.print(table)
    console.print(Text(protocol, style="dim"), soft_wrap=True)


def _figure(metric: str, value: float) -> str:
    return f"{value:.2f}" if METRICS[metric].unit == "dB" else f"{value:.4f}"
