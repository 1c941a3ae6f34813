"""From a report's data to its one HTML file, which loads nothing and never grows large."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pdd_cli.report.comparisons import comparison_markup
from pdd_cli.report.figures import chart_markup, table_markup, verbatim_markup
from pdd_cli.report.markup import Markup, element
from pdd_cli.report.page import (
    Comparison,
    Histogram,
    LineChart,
    Report,
    Section,
    Shown,
    Table,
    Verbatim,
)
from pdd_cli.report.pictures import data_address
from pdd_cli.runtime.files import write_text_atomically

LARGEST_PICTURES = 8_000_000
"""Bytes that the pictures of one page may take; comparisons beyond are left out, and named."""


def write_report(report: Report, path: Path) -> Path:
    """Write a report; a reader never meets half of it.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    write_text_atomically(path, render(report))
    return path


def render(report: Report) -> str:
    """Return the page.

    Its policy forbids every request and every script and style but its own, so that nothing in a
    file's name or a setting can do harm.
    """
    style, script = (_own_file(name) for name in ("report.css", "report.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    )
    pictures = _Pictures()
    sections = [_section(section, place, pictures) for place, section in enumerate(report.sections)]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", report.title),
        element("link", rel="icon", href="data:,"),
        element("style", style),
    )
    body = element(
        "body",
        element("header", element("h1", report.title), element("p", report.summary)),
        _contents(report.sections),
        element("main", *sections),
        element("footer", element("p", report.made)) if report.made else "",
        element("script", script),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


class _Pictures:
    """The room that is left for pictures."""

    def __init__(self) -> None:
        self._left = LARGEST_PICTURES

    def take(self, shown: Sequence[Shown]) -> list[str] | None:
        """Encode the pictures of a comparison; None where they do not fit any more."""
        addresses = [data_address(picture.pixels) for picture in shown]
        size = sum(len(address) for address in addresses)
        if size > self._left:
            return None
        self._left -= size
        return addresses


def _own_file(name: str) -> Markup:
    return Markup(files("pdd_cli.report").joinpath(name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _contents(sections: Sequence[Section]) -> Markup:
    links = [
        element("li", element("a", section.heading, href=f"#section-{place}"))
        for place, section in enumerate(sections)
    ]
    return element("nav", element("ul", *links), aria_label="Sections")


def _section(section: Section, place: int, pictures: _Pictures) -> Markup:
    name = f"section-{place}"
    parts: list[Markup] = []
    charts: list[Markup] = []
    left_out: list[str] = []
    for index, block in enumerate(section.blocks):
        match block:
            case LineChart() | Histogram():
                charts.append(chart_markup(block))
            case Table():
                parts.append(table_markup(block))
            case Verbatim():
                parts.append(verbatim_markup(block))
            case Comparison():
                addresses = pictures.take(block.pictures)
                if addresses is None:
                    left_out.append(block.title)
                else:
                    parts.append(comparison_markup(block, addresses, f"{name}-{index}"))
    if charts:
        parts.append(element("div", *charts, class_="charts"))
    if left_out:
        limit = LARGEST_PICTURES // 1_000_000
        note = f"Left out, as a page holds {limit} MB of pictures: {', '.join(left_out)}."
        parts.append(element("p", note, class_="note"))
    return element(
        "section",
        element("h2", section.heading, id=name),
        element("p", section.text) if section.text else "",
        *parts,
        aria_labelledby=name,
    )
