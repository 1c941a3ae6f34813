"""Comparing settings: of a run with its preset, of one preset with another."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pdd_cli.config.strict import StrictModel


class Difference(NamedTuple):
    """A setting that is not the same in two places."""

    key: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.key}: {self.before} → {self.after}"


def differences(before: StrictModel, after: StrictModel) -> list[Difference]:
    """List the settings that differ between two of one schema, by their dotted keys."""
    return list(_compared(before.model_dump(mode="json"), after.model_dump(mode="json"), ""))


def _compared(
    before: Mapping[str, object], after: Mapping[str, object], above: str
) -> Iterator[Difference]:
    for name, old in before.items():
        key, new = f"{above}{name}", after[name]
        if isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys():
            yield from _compared(old, new, f"{key}.")
        elif old != new:
            yield Difference(key, old, new)
