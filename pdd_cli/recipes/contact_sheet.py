"""A page of pictures that are suspect, for somebody to look at: one file, opens anywhere."""

import base64
import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import cv2

from pdd_cli.errors import DataError
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.runtime.files import write_text_atomically

_SIDE = 160
_SHOWN = 300

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0 }
li { width: 21rem } img { max-height: 10rem } code { overflow-wrap: anywhere }
:root { color-scheme: light dark }
"""


class Suspect(Protocol):
    """What is shown of a finding."""

    @property
    def kind(self) -> str:
        """Under which heading it stands."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Which pictures, below the folder."""
        ...

    @property
    def text(self) -> str:
        """What is wrong with the first."""
        ...


def write_contact_sheet(path: Path, folder: Path, suspects: Sequence[Suspect]) -> Path:
    """Write the page.

    Args:
        path: an HTML file.
        folder: above all files.
        suspects: what to show, grouped by kind; of very many the first 300.
    """
    kinds = dict.fromkeys(suspect.kind for suspect in suspects)
    parts = [
        f"<h2>{html.escape(kind)}</h2><ul>"
        + "".join(_entries(folder, [s for s in suspects[:_SHOWN] if s.kind == kind]))
        + "</ul>"
        for kind in kinds
    ]
    more = len(suspects) - _SHOWN
    note = f"<p>{more} more are in the report.</p>" if more > 0 else ""
    title = f"Suspect pictures in {html.escape(str(folder))}"
    write_text_atomically(
        path,
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>{''.join(parts)}{note}</html>\n",
    )
    return path


def _entries(folder: Path, suspects: Sequence[Suspect]) -> Iterator[str]:
    for suspect in suspects:
        pictures = "".join(_thumbnail(folder / name, name) for name in suspect.files)
        name = html.escape(suspect.files[0])
        yield f"<li>{pictures}<br><code>{name}</code> {html.escape(suspect.text)}</li>"


def _thumbnail(path: Path, name: str) -> str:
    try:
        pixels = read_picture(path).rgb8()
    except DataError:
        return ""
    factor = _SIDE / max(pixels.shape[:2])
    size = tuple(max(1, round(length * factor)) for length in (pixels.shape[1], pixels.shape[0]))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype("uint8", copy=False)
    data = base64.b64encode(encode_picture(Picture(small), ".jpg")).decode()
    return f'<img alt="{html.escape(name)}" src="data:image/jpeg;base64,{data}"> '
