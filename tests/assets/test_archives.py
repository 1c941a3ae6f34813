"""Archives of pictures are unpacked whole or not at all, and evil ones are refused."""

import io
import stat
import tarfile
import zipfile

import pytest

from pdd_cli.assets.archives import is_archive, unpack
from pdd_cli.errors import DataError

PNG = frozenset({".png"})


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path, members, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return path


def nothing(_done):
    pass


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar", "photos.tar.gz", "photos.tgz"])
def test_the_pictures_of_an_archive_keep_their_tree(tmp_path, name):
    make = zipped if name.endswith("zip") else tarred
    members = {"set/a.png": b"first", "set/deep/b.PNG": b"second", "set/readme.txt": b"words"}
    archive = make(tmp_path / name, members)
    assert is_archive(archive)
    done = []
    assert unpack(archive, tmp_path / "out", PNG, done.append) == 2
    found = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert found == {"set/a.png", "set/deep/b.PNG"}
    assert done[-1] == len(b"first") + len(b"second")


@pytest.mark.parametrize(
    "name", ["../out.png", "/tmp/out.png", "a/../../out.png", "C:/out.png", "..\\out.png"]
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_path_out_of_the_folder_is_refused(tmp_path, name, make):
    archive = make(tmp_path / f"evil.{'zip' if make is zipped else 'tar'}", {name: b"evil"})
    with pytest.raises(DataError, match="leads out"):
        unpack(archive, tmp_path / "deep" / "out", PNG, nothing)
    assert not list((tmp_path / "deep").iterdir())
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    archive = tarred(tmp_path / "evil.tar", {"a.png": b""}, kind)
    with pytest.raises(DataError, match="link or a device"):
        unpack(archive, tmp_path / "out", PNG, nothing)


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("a.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        unpack(tmp_path / "evil.zip", tmp_path / "out", PNG, nothing)


def test_a_bomb_is_refused(tmp_path):
    archive = zipped(tmp_path / "bomb.zip", {"a.png": bytes(10_000_000)})
    with pytest.raises(DataError, match="would grow"):
        unpack(archive, tmp_path / "out", PNG, nothing)


def test_a_damaged_archive_leaves_nothing(tmp_path):
    archive = zipped(tmp_path / "photos.zip", {"a.png": b"first" * 1000, "b.png": b"x" * 500})
    data = bytearray(archive.read_bytes())
    data[40:60] = bytes(20)
    archive.write_bytes(bytes(data))
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "deep" / "out", PNG, nothing)
    assert not list((tmp_path / "deep").iterdir())
