"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write beside the final place, flush to the disk, then rename over it.

    A reader, a crash or a full disk never meets half a file.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text; see ``write_bytes_atomically``."""
    write_bytes_atomically(path, text.encode())
