"""From presets, files, ``--set`` and options to one checked configuration.

What comes later wins: a preset gives way to the user's file, that to ``--set``, and that to the
command's own options. Whatever is wrong is told all at once, each with where it was written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Protocol, TypeVar, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pdd_cli.config.presets import preset_path
from pdd_cli.config.strict import StrictModel
from pdd_cli.errors import UsageError

Settings = TypeVar("Settings", bound=StrictModel)

_Key = tuple[str, ...]
_Values = Mapping[str, object]


class _Layer(Protocol):
    """Settings from one place."""

    def over(self, below: _Values, schema: type[StrictModel]) -> dict[str, object]:
        """Lay these settings over those of weaker places."""

    def where(self, key: _Key) -> str | None:
        """Tell where a key was written; None when this layer does not hold it."""


def load(
    schema: type[Settings],
    *,
    preset: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    fallbacks: Mapping[str, object] | None = None,
) -> Settings:
    """Make a checked configuration of everything that the user said.

    Args:
        schema: the job's settings.
        preset: the name of one of the project's own settings files.
        file: the user's YAML file.
        assignments: ``section.key=value`` each, the value in YAML.
        flags: values of the command's own options by dotted key; None stands for an option that
            was not given.
        fallbacks: values by dotted key that everything else wins over.

    Raises:
        UsageError: something cannot be read, is unknown, or has a value that does not do.
    """
    paths = [path for path in (preset_path(preset) if preset else None, file) if path]
    layers: list[_Layer] = [
        *(_option(key, value) for key, value in (fallbacks or {}).items()),
        *(_read_file(path) for path in paths),
        *(_read_assignment(text) for text in assignments),
        *(_option(key, value) for key, value in (flags or {}).items() if value is not None),
    ]
    merged: dict[str, object] = {}
    for layer in layers:
        merged = layer.over(merged, schema)
    try:
        return schema.model_validate(merged)
    except ValidationError as error:
        raise _explain(error, schema, layers) from error


@dataclass(frozen=True)
class _File:
    """A settings file."""

    path: Path
    values: _Values
    lines: Mapping[_Key, int]

    def over(self, below: _Values, schema: type[StrictModel]) -> dict[str, object]:
        return _merge(below, self.values, schema)

    def where(self, key: _Key) -> str | None:
        return f"{self.path}, line {self.lines[key]}" if key in self.lines else None


@dataclass(frozen=True)
class _Assignment:
    """One value, from ``--set`` or an option."""

    key: _Key
    value: object
    written: str

    def over(self, below: _Values, schema: type[StrictModel]) -> dict[str, object]:
        return _assign(below, self.key, self.value, schema)

    def where(self, key: _Key) -> str | None:
        common = min(len(key), len(self.key))
        return self.written if key[:common] == self.key[:common] else None


def _read_file(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"{path} cannot be read as settings: {reason}.", hint="Give a YAML file."
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(
            f"{path} is not YAML: {' '.join(str(error).split())}.", hint="Mend that line."
        ) from error
    if values is not None and not isinstance(values, dict):
        raise UsageError(f"{path} holds no settings.", hint="Write one `key: value` a line.")
    return _File(path, values or {}, _unique(_lines(node), path))


def _lines(node: yaml.Node | None, above: _Key = ()) -> Iterator[tuple[_Key, int]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            key = (*above, str(name.value))
            yield key, name.start_mark.line + 1
            yield from _lines(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            key = (*above, str(index))
            yield key, item.start_mark.line + 1
            yield from _lines(item, key)


def _unique(lines: Iterable[tuple[_Key, int]], path: Path) -> dict[_Key, int]:
    """Refuse a key that is written twice, of which YAML would drop the first in silence."""
    found: dict[_Key, int] = {}
    for key, line in lines:
        if key in found:
            raise UsageError(
                f"{path}, line {line}: {'.'.join(key)} is set already in line {found[key]}.",
                hint="Remove one of them.",
            )
        found[key] = line
    return found


def _read_assignment(text: str) -> _Assignment:
    dotted, equals, value = text.partition("=")
    key = tuple(dotted.strip().split("."))
    if not equals or not all(key):
        raise UsageError(
            f"--set {text}: that is no assignment.", hint="Write --set section.key=value."
        )
    try:
        return _Assignment(key, yaml.safe_load(value), f"--set {text}")
    except yaml.YAMLError as error:
        raise UsageError(
            f"--set {text}: the value is not YAML.", hint="Put it in quotation marks."
        ) from error


def _option(dotted: str, value: object) -> _Assignment:
    return _Assignment(tuple(dotted.split(".")), value, "from the command line")


def _merge(below: _Values, above: _Values, schema: type[StrictModel]) -> dict[str, object]:
    """Lay a file over weaker settings: section by section, and value for value within one.

    A setting that is itself a mapping, such as weights by layer, is one value. It is replaced
    whole, so that a file can also leave a layer out.
    """
    merged = dict(below)
    for name, value in above.items():
        section, present = _section(schema, name), merged.get(name)
        if section and isinstance(value, Mapping) and isinstance(present, Mapping):
            merged[name] = _merge(present, value, section)
        else:
            merged[name] = value
    return merged


def _assign(
    below: _Values, key: _Key, value: object, schema: type[StrictModel]
) -> dict[str, object]:
    """Set one value; a key that leads into a mapping changes that entry alone."""
    name, *rest = key
    if not rest:
        return {**below, name: value}
    section, present = _section(schema, name), below.get(name)
    if section:
        inside = present if isinstance(present, Mapping) else {}
        return {**below, name: _assign(inside, tuple(rest), value, section)}
    field = schema.model_fields.get(name)
    if present is None and field is not None:
        present = field.get_default(call_default_factory=True)
    entries = present if isinstance(present, Mapping) else {}
    return {**below, name: {**entries, ".".join(rest): value}}


def _section(schema: type[StrictModel], name: str) -> type[StrictModel] | None:
    """Return the schema of a section, or None where the name is a setting or unknown."""
    field = schema.model_fields.get(name)
    annotation = field.annotation if field else None
    candidates = [kind for kind in get_args(annotation) if kind is not NoneType] or [annotation]
    for kind in candidates:
        if isinstance(kind, type) and issubclass(kind, StrictModel):
            return kind
    return None


def _explain(
    error: ValidationError, schema: type[StrictModel], layers: Sequence[_Layer]
) -> UsageError:
    details = error.errors(include_url=False)
    complaints = [_complaint(detail, schema, layers) for detail in details]
    if len(complaints) == 1:
        return UsageError(complaints[0])
    return UsageError(f"{len(complaints)} settings cannot be used:\n  " + "\n  ".join(complaints))


def _complaint(detail: ErrorDetails, schema: type[StrictModel], layers: Sequence[_Layer]) -> str:
    key = tuple(str(part) for part in detail["loc"])
    written = _where(key, layers)
    place = f" ({written})" if written else ""
    match detail["type"]:
        case "extra_forbidden":
            return f"{'.'.join(key)}{place} is no setting. {_suggestion(key, schema)}"
        case "missing":
            return f"{'.'.join(key)} is not set. Give it a value."
    reason = detail["msg"].removeprefix("Value error, ").removesuffix(".")
    if not key:
        return f"{reason}."
    value = detail["input"]
    shown = "" if isinstance(value, Mapping | list) else f" = {value!r}"
    return f"{'.'.join(key)}{shown}{place}: {reason}."


def _where(key: _Key, layers: Sequence[_Layer]) -> str | None:
    """Find where a key, or else the closest one above it, was written last."""
    for length in range(len(key), 0, -1):
        for layer in reversed(layers):
            if place := layer.where(key[:length]):
                return place
    return None


def _suggestion(key: _Key, schema: type[StrictModel]) -> str:
    known = list(_dotted_keys(schema))
    dotted, name = ".".join(key), key[-1]
    same_name = [other for other in known if other.split(".")[-1] == name]
    close = same_name or get_close_matches(dotted, known, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    above = ".".join(key[:-1])
    beside = [other for other in known if other.rpartition(".")[0] == above]
    return f"Known here: {', '.join(beside)}."


def _dotted_keys(schema: type[StrictModel], above: str = "") -> Iterator[str]:
    for name in schema.model_fields:
        yield above + name
        section = _section(schema, name)
        if section:
            yield from _dotted_keys(section, f"{above}{name}.")
