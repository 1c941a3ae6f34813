"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write beside the final place, flush to the disk, then put it there in one move.

    A reader, a crash or a full disk never meets half a file. On Linux not even a process that is
    killed leaves one behind: what is written has no name until it is whole.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        if not _write_without_name(partial, data):
            with partial.open("wb") as file:
                _write_out(file.fileno(), data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text; see ``write_bytes_atomically``."""
    write_bytes_atomically(path, text.encode())


def _write_without_name(path: Path, data: bytes) -> bool:
    """Write a file that gets its name at the end; False where the system cannot do that."""
    unnamed = getattr(os, "O_TMPFILE", None)
    if unnamed is None:
        return False
    try:
        file = os.open(path.parent, unnamed | os.O_WRONLY, 0o666)
    except OSError:  # not every file system can; where none can be written, the other way tells
        return False
    try:
        _write_out(file, data)
        # Without a folder's descriptor Python takes a call that does not follow the link in /proc.
        os.link(f"/proc/self/fd/{file}", path, src_dir_fd=file, follow_symlinks=True)
    except (FileNotFoundError, NotImplementedError):  # there is no /proc
        return False
    finally:
        os.close(file)
    return True


def _write_out(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)
