"""Charts with their tables, tables, and what is opened on request."""

from pdd_cli.report.charts import (
    bin_edges,
    count_within,
    direction,
    histogram,
    legend,
    line_chart,
    number,
)
from pdd_cli.report.markup import Markup, element, joined
from pdd_cli.report.page import Histogram, LineChart, Table, Verbatim

_MOST_ROWS = 500
_MOST_CHARACTERS = 100_000
_CHART_ROWS = 12


def chart_markup(chart: LineChart | Histogram) -> Markup:
    """Make a chart, with what can be read off it as a table that is opened on request."""
    drawn = line_chart(chart) if isinstance(chart, LineChart) else histogram(chart)
    table = _points(chart) if isinstance(chart, LineChart) else _bins(chart)
    unit = f", {chart.unit}" if chart.unit else ""
    remarks = "; ".join(remark for remark in (direction(chart.better), legend(chart)) if remark)
    return element(
        "figure",
        element(
            "figcaption",
            element("b", f"{chart.title}{unit}"),
            element("span", f" {remarks}") if remarks else "",
        ),
        drawn,
        table,
        class_="chart",
    )


def _points(chart: LineChart) -> Markup:
    """Tell a curve as a table, a few steps of it."""
    stride = max(1, -(-len(chart.points) // _CHART_ROWS))
    chosen = list(chart.points[::stride])
    if chosen[-1] != chart.points[-1]:
        chosen.append(chart.points[-1])
    rows = [(str(step), number(value)) for step, value in chosen]
    return table_markup(Table(f"{chart.title} as a table", ("step", "value"), rows, folded=True))


def _bins(chart: Histogram) -> Markup:
    edges = bin_edges([*chart.values, *chart.before])
    counts = [count_within(edges, chart.values)]
    columns = ["from", "to", chart.labels[1]]
    if chart.before:
        counts.insert(0, count_within(edges, chart.before))
        columns.insert(2, chart.labels[0])
    rows = [
        (number(left), number(right), *map(str, numbers))
        for left, right, *numbers in zip(edges[:-1], edges[1:], *counts, strict=True)
    ]
    caption = f"{chart.title} as a table"
    return table_markup(Table(caption, tuple(columns), rows, folded=True))


def table_markup(table: Table) -> Markup:
    """Make a table, of at most 500 rows, that scrolls by itself where the screen is narrow."""
    head = element("tr", *(element("th", name, scope="col") for name in table.columns))
    rows = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", value) for value in row[1:]),
        )
        for row in table.rows[:_MOST_ROWS]
    ]
    made = element(
        "div",
        element(
            "table",
            element("caption", table.caption, class_="hidden" if table.folded else None),
            element("thead", head),
            element("tbody", *rows),
        ),
        class_="wide",
        tabindex=0,
        role="group",
        aria_label=table.caption,
    )
    more = len(table.rows) - _MOST_ROWS
    if more > 0:
        made = joined([made, element("p", f"{more} more rows are left out.", class_="note")])
    return _folded(table.caption, made) if table.folded else made


def verbatim_markup(file: Verbatim) -> Markup:
    """Make a file's text, of at most 100,000 characters, that is opened on request."""
    return _folded(file.title, element("pre", _cut(file.text), tabindex=0))


def _folded(title: str, content: Markup) -> Markup:
    return element("details", element("summary", title), content)


def _cut(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[:_MOST_CHARACTERS]}\n… {len(text) - _MOST_CHARACTERS} characters more"
