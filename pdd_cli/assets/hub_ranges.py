"""Reading some tensors of a large safetensors file on the Hub, and leaving the rest there.

The format begins with the length of its header, which tells where each tensor lies
(https://huggingface.co/docs/safetensors). The wanted ones are put together to a smaller file of the
same format.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pdd_cli.assets.cache import cache_folder
from pdd_cli.assets.hub_errors import hub_errors_explained
from pdd_cli.assets.origins import HubFile, HubTensors
from pdd_cli.assets.reachability import hub_address
from pdd_cli.assets.sources import (
    SourceUnavailable,
    cached_hub_file,
    fetch_hub_file,
    refuse_unreachable_hub,
)
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Advanced, Finished, Observer, Started
from pdd_cli.runtime.weights import read_weights

_LENGTH_BYTES = 8
_LARGEST_HEADER = 25_000_000
_CHUNK = 8 << 20
_SECONDS = 30
_PART_OF_A_FILE = 206


def fetch_hub_tensors(
    source: HubTensors, observer: Observer
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Fetch the wanted tensors alone, going on where an earlier try broke off.

    Where the whole file lies in the Hub client's cache already, it is taken out of that.

    Returns:
        Tensors by name, and what their provenance has to say: the commit, and what was checked.

    Raises:
        SourceUnavailable: offline, unreachable, not there, or not what the catalogue knows.
    """
    whole = HubFile(source.repository, source.path, source.sha256, source.size)
    if cached_hub_file(whole) is not None:
        tensors = _wanted(read_weights(fetch_hub_file(whole, observer)), source)
        return tensors, {"checked": "the whole file's hash"}
    refuse_unreachable_hub()
    try:
        with hub_errors_explained(source.name):
            remote = _RemoteFile.find(source)
            partial = _assemble(remote, source, observer)
    except ModelError as error:
        raise SourceUnavailable(error.problem.rstrip(".")) from error
    try:
        tensors = _wanted(read_weights(partial), source)
        return tensors, {"commit": remote.commit, **_check(tensors, source)}
    finally:
        partial.unlink()


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors with their names, types and shapes, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class _RemoteFile:
    """A file of one commit, of which parts can be read."""

    name: str
    address: str
    commit: str

    @classmethod
    def find(cls, source: HubTensors) -> "_RemoteFile":
        """Find the file, and hold on to its commit.

        Raises:
            SourceUnavailable: it is not the file that the catalogue knows.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        place = {"repo_id": source.repository, "filename": source.path, "endpoint": hub_address()}
        stated = get_hf_file_metadata(hf_hub_url(**place), endpoint=hub_address())
        if stated.etag != source.sha256:
            raise SourceUnavailable(
                f"{source.name} is not the file that pdd knows (the Hub states SHA-256 "
                f"{(stated.etag or 'nothing')[:12]}…, not {source.sha256[:12]}…)"
            )
        commit = stated.commit_hash or "main"
        return cls(source.name, hf_hub_url(**place, revision=commit), commit)

    def read(self, first: int, end: int) -> bytes:
        """Read the bytes from ``first`` to before ``end``.

        Raises:
            SourceUnavailable: the Hub, or a mirror, sent something else.
        """
        from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, but untold
            build_hf_headers,
            hf_raise_for_status,
            http_backoff,
        )

        headers = {**build_hf_headers(), "Range": f"bytes={first}-{end - 1}"}
        answer = http_backoff("GET", self.address, headers=headers, timeout=_SECONDS)
        hf_raise_for_status(answer)
        if answer.status_code != _PART_OF_A_FILE or len(answer.content) != end - first:
            raise SourceUnavailable(f"{hub_address()} does not serve parts of {self.name}")
        return bytes(answer.content)


def _assemble(remote: _RemoteFile, source: HubTensors, observer: Observer) -> Path:
    """Put the wanted tensors into a safetensors file of their own, and return it."""
    length = int.from_bytes(remote.read(0, _LENGTH_BYTES), "little")
    if length > _LARGEST_HEADER:
        raise SourceUnavailable(f"{source.name} is no safetensors file")
    data = _LENGTH_BYTES + length
    places = _places(remote.read(_LENGTH_BYTES, data), source)
    header = _header(places, source)
    partial = cache_folder() / "downloads" / f"{source.sha256[:16]}-{remote.commit[:8]}.safetensors"
    partial.parent.mkdir(parents=True, exist_ok=True)
    done = _continue(partial, header)
    stage = f"fetching {source.prefix}* of {source.repository}"
    observer(Started(stage, source.size, "byte", done=done))
    with partial.open("ab") as file:
        for first, end in _chunks(places.values(), done):
            file.write(remote.read(data + first, data + end))
            done += end - first
            observer(Advanced(done))
    observer(Finished(stage))
    return partial


def _places(header: bytes, source: HubTensors) -> dict[str, tuple[int, int]]:
    """Return where each wanted tensor lies behind the header, in the order of the file.

    Raises:
        SourceUnavailable: a tensor is missing, or of another type or shape than is known.
    """
    try:
        told = json.loads(header)
        places = {}
        for name, shape in source.shapes.items():
            first, end = told[name]["data_offsets"]
            if (told[name]["dtype"], tuple(told[name]["shape"])) != ("F32", shape):
                raise ValueError(f"{name} is {told[name]['dtype']} of {told[name]['shape']}")
            places[name] = (int(first), int(end))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceUnavailable(f"{source.name} is laid out unlike what pdd knows ({error})") from (
            error
        )
    ordered = dict(sorted(places.items(), key=lambda place: place[1]))
    if sum(end - first for first, end in ordered.values()) != source.size:
        raise SourceUnavailable(f"{source.name} is laid out unlike what pdd knows (its length)")
    return ordered


def _header(places: Mapping[str, tuple[int, int]], source: HubTensors) -> bytes:
    """Describe the wanted tensors when they lie one after another."""
    described, position = {}, 0
    for name, (first, end) in places.items():
        offsets = [position, position + end - first]
        described[name] = {"dtype": "F32", "shape": source.shapes[name], "data_offsets": offsets}
        position = offsets[1]
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _continue(partial: Path, header: bytes) -> int:
    """Return how many bytes of tensors are there already; begin the file where there are none."""
    if partial.is_file():
        with partial.open("rb") as file:
            if file.read(len(header)) == header:
                return partial.stat().st_size - len(header)
    partial.write_bytes(header)
    return 0


def _chunks(places: Iterable[tuple[int, int]], done: int) -> Iterator[tuple[int, int]]:
    """Cut what is left into requests: neighbours together, and none too large."""
    merged: list[tuple[int, int]] = []
    for first, end in places:
        if merged and merged[-1][1] == first:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((first, end))
    for first, end in merged:
        skipped = min(done, end - first)
        done -= skipped
        for start in range(first + skipped, end, _CHUNK):
            yield start, min(start + _CHUNK, end)


def _wanted(tensors: Mapping[str, Tensor], source: HubTensors) -> dict[str, Tensor]:
    return {name: tensors[name] for name in source.shapes}


def _check(tensors: Mapping[str, Tensor], source: HubTensors) -> dict[str, str]:
    """Compare the tensors with their recorded hash, and say what the provenance rests on."""
    found = tensors_hash(tensors)
    stated = "the file's hash as the Hub states it, its header and its shapes"
    if source.tensors_sha256 is None:
        return {"tensors_sha256": found, "checked": f"{stated}; no hash of the tensors is recorded"}
    if found != source.tensors_sha256:
        raise SourceUnavailable(
            f"{source.name} are not the tensors that pdd knows (SHA-256 {found[:12]}…, "
            f"not {source.tensors_sha256[:12]}…)"
        )
    return {"tensors_sha256": found, "checked": f"{stated}, and the recorded hash of the tensors"}
