"""Pictures that a comparison has upscaled before, so that it never upscales one twice.

They lie in the folder of all runs, a folder for each way of upscaling and each folder of LR. A
picture is taken again as long as its LR has the same bytes.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdd_cli.assets.sources import file_hash
from pdd_cli.runtime.files import write_text_atomically

_INDEX = "index.json"

Upscale = Callable[[Sequence[Path], Path], dict[Path, Path]]
"""Upscales LR pictures of one folder into another, and returns the results by their LR."""


@dataclass(frozen=True)
class UpscaledCache:
    """What one way of upscaling has made.

    Args:
        runs: the folder of all runs.
        label: the way's name, for people.
        identity: what makes its results: weights, precision, and so on.
    """

    runs: Path
    label: str
    identity: str

    def upscaled(self, pictures: Sequence[Path], upscale: Upscale) -> dict[Path, Path]:
        """Return the upscaled pictures by their LR, making those that are not there yet.

        A picture that ``upscale`` does not return is left out.
        """
        by_folder: dict[Path, list[Path]] = {}
        for picture in pictures:
            by_folder.setdefault(picture.parent, []).append(picture)
        found: dict[Path, Path] = {}
        for folder, members in by_folder.items():
            found |= self._of_folder(folder, members, upscale)
        return {picture: found[picture] for picture in pictures if picture in found}

    def _of_folder(
        self, source: Path, pictures: Sequence[Path], upscale: Upscale
    ) -> dict[Path, Path]:
        folder = self._folder(source)
        index = _read_index(folder)
        hashes = {picture: file_hash(picture) for picture in pictures}
        found: dict[Path, Path] = {}
        for picture in pictures:
            entry = index.get(picture.name)
            if entry and entry["sha256"] == hashes[picture] and (folder / entry["file"]).is_file():
                found[picture] = folder / entry["file"]
        missing = [picture for picture in pictures if picture not in found]
        if missing:
            made = upscale(missing, folder)
            for picture, result in made.items():
                index[picture.name] = {"sha256": hashes[picture], "file": result.name}
            write_text_atomically(folder / _INDEX, json.dumps(index, indent=2) + "\n")
            found |= made
        return found

    def _folder(self, source: Path) -> Path:
        key = hashlib.sha256(f"{self.identity}\n{source.resolve()}".encode()).hexdigest()[:10]
        name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in self.label)
        return self.runs / "upscaled" / f"{name}-{source.resolve().name}-{key}"


def _read_index(folder: Path) -> dict[str, dict[str, str]]:
    """Read what a folder holds; what cannot be read is made again."""
    try:
        index: dict[str, dict[str, str]] = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return index
