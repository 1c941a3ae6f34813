"""Archives on the Hub whose hash only the Hub states."""

import io
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from pdd_cli.assets import photos
from pdd_cli.assets.hub_archives import fetch_hub_archive
from pdd_cli.assets.origins import Asset, HubArchive
from pdd_cli.assets.sources import SourceUnavailable
from pdd_cli.errors import ResourceError
from pdd_cli.runtime.events import Said, ignore

PHOTOS = HubArchive("somebody/photos", "*.zip")


def archive_of(names):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"a picture")
    return packed.getvalue()


def test_the_archive_that_fits_is_fetched_at_the_commit_that_was_asked_about(hub):
    data = archive_of(["Flickr2K/000001.png"])
    commit = hub.add("somebody/photos", {"README.md": b"photos", "Flickr2K.zip": data})
    said = []
    assert fetch_hub_archive(PHOTOS, said.append).read_bytes() == data
    assert any(isinstance(event, Said) and commit in event.text for event in said)
    assert any(f"/resolve/{commit}/Flickr2K.zip" in path for _, path, _ in hub.requests)


def test_its_photos_are_unpacked_and_nothing_else(hub, monkeypatch):
    data = archive_of(["Flickr2K/000001.png", "Flickr2K/readme.txt"])
    hub.add("somebody/photos", {"Flickr2K.zip": data})
    asset = Asset("photos", "photos", "Photos", "research only", (PHOTOS,))
    monkeypatch.setattr(photos, "find_asset", lambda _name: asset)
    said = []
    folder = photos.archived_photos("photos", observer=said.append)
    assert [path.name for path in folder.rglob("*.*")] == ["000001.png"]
    assert "research only" in said[0].text


@pytest.mark.parametrize("files", [{}, {"a.zip": b"1", "b.zip": b"2"}])
def test_no_archive_and_several_are_told_apart_from_one(hub, files):
    hub.add("somebody/photos", {"README.md": b"photos", **files})
    with pytest.raises(SourceUnavailable, match="one archive was expected"):
        fetch_hub_archive(PHOTOS, ignore)


def test_bytes_that_are_not_what_the_hub_states_are_refused(hub):
    data = archive_of(["000001.png"])
    hub.add("somebody/photos", {"a.zip": data})
    (sha256,) = (key for key, stored in hub.large.items() if stored == data)
    hub.large[sha256] = data[:-1] + b"!"
    with pytest.raises(SourceUnavailable, match="not the expected file"):
        fetch_hub_archive(PHOTOS, ignore)


def test_what_the_disk_cannot_hold_is_refused_before_the_first_byte(hub, monkeypatch):
    hub.add("somebody/photos", {"a.zip": archive_of(["000001.png"])})
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=10))
    with pytest.raises(ResourceError, match="MB left"):
        fetch_hub_archive(PHOTOS, ignore)
    assert not any("/resolve/" in path for _, path, _ in hub.requests)


@pytest.mark.usefixtures("hub")
def test_a_repository_that_is_not_there_is_a_reason_and_no_crash():
    with pytest.raises(SourceUnavailable):
        fetch_hub_archive(HubArchive("nobody/nothing", "*.zip"), ignore)
