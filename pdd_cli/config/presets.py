"""Presets: the project's own settings files, found by name wherever the package is installed."""

from difflib import get_close_matches
from pathlib import Path

from pdd_cli.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent.parent


def preset_names() -> list[str]:
    """List the presets, in alphabetical order."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def preset_path(name: str) -> Path:
    """Find a preset's file.

    Raises:
        UsageError: there is no preset of this name.
    """
    names = preset_names()
    if name in names:
        return _folder() / f"{name}.yaml"
    close = get_close_matches(name, names, n=1)
    raise UsageError(
        f"There is no preset {name!r}.",
        hint=f"Did you mean {close[0]}?" if close else f"Choose from: {', '.join(names)}.",
    )


def preset_opening(name: str) -> str:
    """Return the first line of a preset: what it is for."""
    return preset_path(name).read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def _folder() -> Path:
    # A wheel carries the presets inside the package; in a checkout, which an editable install
    # points to, they lie beside it.
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.parent / "configs"
