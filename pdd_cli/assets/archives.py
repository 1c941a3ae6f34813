"""Unpacking archives of pictures that somebody else made: nothing gets out of the folder."""

import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pdd_cli.errors import DataError, ResourceError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

# Pictures are compressed already: an archive that grows by more than this is no archive of them.
_LARGEST_GROWTH = 50
_COPIED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that can be unpacked."""
    return path.is_file() and path.name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(
    archive: Path, folder: Path, suffixes: frozenset[str], on_done: Callable[[int], None]
) -> int:
    """Unpack the pictures of an archive into a new folder, whole or not at all.

    Args:
        archive: a zip or tar file.
        folder: where to; it does not exist yet.
        suffixes: of the files that are wanted; others are left out.
        on_done: told how many bytes are unpacked.

    Returns:
        How many files were unpacked.

    Raises:
        DataError: the archive is damaged, or holds what no archive of pictures holds: a path out
            of its folder, a link, a device, a thing that grows beyond reason.
        ResourceError: the disk has no room for it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _opened(archive) as entries:
            wanted = [entry for entry in entries if _suffix(entry.name) in suffixes]
            _refuse_growth(archive, folder, sum(entry.size for entry in wanted))
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as name:
                inside = Path(name) / "content"
                _write(wanted, inside, on_done)
                inside.replace(folder)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"{archive} is a damaged archive ({error}).", hint="Fetch it again."
        ) from error
    return len(wanted)


def _write(entries: list[_Entry], folder: Path, on_done: Callable[[int], None]) -> None:
    folder.mkdir()
    done = 0
    for entry in entries:
        target = folder / _safe(entry.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        left = entry.size
        with entry.open() as packed, target.open("wb") as file:
            while chunk := packed.read(_COPIED_AT_ONCE):
                left -= len(chunk)
                if left < 0:
                    raise DataError(
                        f"{entry.name} is larger than its archive says.", hint="Do not use it."
                    )
                file.write(chunk)
                done += len(chunk)
                on_done(done)


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Entry]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as content:
            yield [_zip_entry(content, info) for info in content.infolist() if not info.is_dir()]
        return
    with tarfile.open(archive) as tape:
        yield [_tar_entry(tape, info) for info in tape.getmembers() if not info.isdir()]


def _zip_entry(content: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _refused(info.filename, "is a link")
    return _Entry(info.filename, info.file_size, lambda: content.open(info))


def _tar_entry(tape: tarfile.TarFile, info: tarfile.TarInfo) -> _Entry:
    if not info.isfile():
        raise _refused(info.name, "is a link or a device")

    def open_entry() -> IO[bytes]:
        file = tape.extractfile(info)
        assert file is not None
        return file

    return _Entry(info.name, info.size, open_entry)


def _safe(name: str) -> Path:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in (parts.parts or ("",))[0]:
        raise _refused(name, "leads out of the archive's folder")
    return Path(*parts.parts)


def _refuse_growth(archive: Path, folder: Path, size: int) -> None:
    packed = archive.stat().st_size
    if size > _LARGEST_GROWTH * packed:
        raise _refused(archive.name, f"would grow from {packed} to {size} bytes")
    free = shutil.disk_usage(folder.parent).free
    if size > free:
        raise ResourceError(
            f"{archive} needs {size / 1e6:.0f} MB, and the disk of {folder.parent} has "
            f"{free / 1e6:.0f} MB left.",
            hint="Free some, or set PDD_CACHE to a folder on another disk.",
        )


def _refused(name: str, reason: str) -> DataError:
    return DataError(f"{name} {reason}: the archive is refused.", hint="Do not use it.")


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
