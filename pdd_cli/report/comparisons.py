"""The same place of a scene under a slider, with one zoom for all its pictures."""

from collections.abc import Sequence

from pdd_cli.report.markup import Markup, element, joined
from pdd_cli.report.page import Comparison, Shown


def comparison_markup(comparison: Comparison, addresses: Sequence[str], name: str) -> Markup:
    """Make a comparison.

    Args:
        comparison: what is shown.
        addresses: of its pictures, in their order.
        name: its heading's identifier, the only one of its page.
    """
    before, after, *others = (
        _image(comparison.title, shown, address)
        for shown, address in zip(comparison.pictures, addresses, strict=True)
    )
    slider = element(
        "div",
        element("div", before, class_="under"),
        element("div", after, class_="over"),
        element("span", comparison.before.label, class_="label", aria_hidden="true"),
        element("span", comparison.after.label, class_="label after", aria_hidden="true"),
        element("span", class_="divider", aria_hidden="true"),
        class_="stage slider",
        tabindex=0,
        role="group",
        aria_label=f"{comparison.title}: arrow keys move the section when zoomed, "
        "plus and minus zoom, 0 shows the whole",
    )
    beside = [
        element(
            "figure",
            element("div", image, class_="stage"),
            _caption(shown),
        )
        for shown, image in zip(comparison.others, others, strict=True)
    ]
    return element(
        "article",
        element("h3", comparison.title, id=name),
        element("p", comparison.figures, class_="figures") if comparison.figures else "",
        element(
            "div",
            element("div", slider, _controls(comparison), class_="main"),
            element("div", *beside, class_="others") if beside else "",
            class_="pictures" if beside else "pictures alone",
        ),
        class_="comparison",
        aria_labelledby=name,
    )


def _controls(comparison: Comparison) -> Markup:
    before, after = comparison.before.label, comparison.after.label
    notes = " ".join(shown.note for shown in (comparison.before, comparison.after) if shown.note)
    return joined(
        [
            element(
                "div",
                element(
                    "input",
                    type="range",
                    min=0,
                    max=100,
                    value=50,
                    class_="split",
                    aria_label=f"Where {before} ends and {after} begins",
                ),
                element(
                    "div",
                    element(
                        "button",
                        Markup("&minus;"),
                        type="button",
                        class_="out",
                        aria_label="Zoom out",
                    ),
                    element("output", "1×", aria_label="Zoom"),
                    element("button", "+", type="button", class_="in", aria_label="Zoom in"),
                    element("button", "whole", type="button", class_="whole", disabled=True),
                    class_="zoom",
                    role="group",
                    aria_label="Zoom",
                ),
                class_="controls",
            ),
            element("p", notes, class_="note") if notes else "",
        ]
    )


def _image(title: str, shown: Shown, address: str) -> Markup:
    height, width = shown.pixels.shape[:2]
    return element(
        "img",
        src=address,
        alt=f"{title}: {shown.label}",
        width=width,
        height=height,
        draggable="false",
    )


def _caption(shown: Shown) -> Markup:
    note = element("span", f" {shown.note}") if shown.note else ""
    return element("figcaption", element("b", shown.label), note)
