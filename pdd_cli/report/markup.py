"""HTML and SVG from Python values; what is not markup is escaped, always."""

import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float | bool | None) -> Markup:
    """Make an element.

    Args:
        name: of the element; children come between its two tags.
        children: markup as it is, other text escaped.
        attributes: ``class_`` is ``class`` and ``aria_label`` is ``aria-label``. True stands for an
            attribute without a value, False and None for none.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _WITHOUT_END:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Put parts after one another, escaping what is not markup."""
    return Markup(
        "".join(part if isinstance(part, Markup) else html.escape(part) for part in parts)
    )


_WITHOUT_END = frozenset({"img", "input", "link", "meta"})


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
