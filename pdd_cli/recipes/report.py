"""A page about a run that opens anywhere: previews, losses over the steps, settings."""

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory

_WIDTH, _HEIGHT = 320, 120
_NOT_DRAWN = ("step", "measured_after", "lr", "seconds")

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
img { max-width: 100%; image-rendering: pixelated }
figure { margin: 1rem 0 } .curves { display: flex; flex-wrap: wrap; gap: 1rem }
polyline { fill: none; stroke: #2563eb; stroke-width: 1.5 }
pre { background: #8881; padding: 1rem; overflow: auto }
:root { color-scheme: light dark }
"""


def write_report(run: RunDirectory, title: str, verdict: str) -> Path:
    """Write ``report.html`` into a run: one file, with everything in it.

    Args:
        run: a run with its record.
        title: what was adapted to what.
        verdict: in plain words, what came of it.
    """
    previews = sorted(run.previews.glob("*.png"))
    lines = run.metrics.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    steps = [record for record in records if "step" in record]
    measured = [
        {"step": record["measured_after"], **record}
        for record in records
        if "measured_after" in record
    ]
    content = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{_STYLE}</style>
<h1>{html.escape(title)}</h1>
<p>{html.escape(verdict)}</p>
<h2>Before and after</h2>
<p>Each row is the centre of one photo: its own pixels, the un-adapted model, the adapted one.</p>
{_figure(previews[-1], "after the last step") if previews else ""}
<h2>Measured on pictures that were not learnt from</h2>
<div class="curves">{"".join(_curve(name, measured) for name in _figures(measured))}</div>
<h2>Losses over the steps</h2>
<div class="curves">{"".join(_curve(name, steps) for name in _figures(steps))}</div>
<h2>Settings</h2>
<pre>{html.escape(run.config.read_text(encoding="utf-8"))}</pre>
</html>
"""
    path = run.path / "report.html"
    write_text_atomically(path, content)
    return path


def _figures(records: Sequence[Mapping[str, float]]) -> list[str]:
    """Name the figures in the order in which they first come up."""
    names = dict.fromkeys(
        name for record in records for name, value in record.items() if value is not None
    )
    return [name for name in names if name not in _NOT_DRAWN]


def _figure(picture: Path, caption: str) -> str:
    data = base64.b64encode(picture.read_bytes()).decode()
    return (
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _curve(name: str, steps: Sequence[Mapping[str, float]]) -> str:
    """Draw one figure, from the first step that has it to the last."""
    points = [(record["step"], record[name]) for record in steps if record.get(name) is not None]
    first, last = points[0][0], points[-1][0]
    values = [value for _, value in points]
    low, high = min(values), max(values)
    drawn = " ".join(
        f"{(step - first) / max(last - first, 1) * _WIDTH:.1f},"
        f"{_HEIGHT - (value - low) / ((high - low) or 1) * _HEIGHT:.1f}"
        for step, value in points
    )
    caption = f"{name}: {low:.4g} to {high:.4g}, at last {values[-1]:.4g}"
    return (
        f'<figure><svg role="img" aria-label="{caption}" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<polyline points="{drawn}"/></svg><figcaption>{caption}</figcaption></figure>'
    )
