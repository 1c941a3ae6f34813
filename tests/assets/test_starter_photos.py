"""The starter photos: ordinary photographs apart from the others, with the origin of each."""

import json

from pdd_cli.assets import photos


def test_photographs_lie_apart_from_textures_and_every_origin_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PDD_CACHE", str(tmp_path))
    fetched = []

    def members(source, _observer):
        fetched.append(source)
        return dict.fromkeys(source.members, b"a picture")

    monkeypatch.setattr(photos, "fetch_members", members)
    folder = photos.starter_photos()
    assert photos.starter_photos() == folder
    assert len(fetched) == 1

    index = json.loads((folder / "index.json").read_text())
    assert len(index) == 8
    assert all((folder / entry["file"]).is_file() for entry in index)
    assert all(entry["author"] and entry["licence"] for entry in index)
    names = {path.stem for path in (folder / photos.PHOTOGRAPHS).iterdir()}
    assert names == {"astronaut", "chelsea", "coffee", "rocket"}
