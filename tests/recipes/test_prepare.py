"""Planted faults are each found and named, none ends the run, and nothing of the user's changes."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pdd_cli.config.adapt import DataSettings
from pdd_cli.config.prepare import PrepareConfig
from pdd_cli.config.training import MonitorSettings
from pdd_cli.data.cameras import Camera
from pdd_cli.data.crops import reduced
from pdd_cli.data.inspection import inspect_picture
from pdd_cli.data.manifest import read_manifest
from pdd_cli.errors import DataError
from pdd_cli.recipes.pairs import pairs_by_name
from pdd_cli.recipes.prepare import prepare
from pdd_cli.recipes.sources import real_photos, sharp_photos, sharp_tiles
from pdd_cli.recipes.supervision import choose_photos, hr_crops
from pdd_cli.runtime.events import Warned, ignore


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDD_CACHE", str(tmp_path / "cache"))


def natural(height: int, width: int, seed: int) -> np.ndarray:
    """A picture with the spectrum of nature, fine detail, and a quarter that is flat."""
    chance = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    radius[0, 0] = 1
    waves = np.fft.fft2(chance.standard_normal((height, width, 3)), axes=(0, 1))
    texture = np.real(np.fft.ifft2(waves / radius[..., None], axes=(0, 1)))
    picture = np.clip(128 + 45 * texture / texture.std(), 0, 255).astype(np.uint8)
    picture[: height // 2, : width // 2] = chance.integers(40, 216, 3)
    return picture


def save(path: Path, pixels: np.ndarray, *options: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, pixels[..., ::-1], options)
    assert done
    path.write_bytes(data.tobytes())


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(4):
        save(tmp_path / "photos" / f"good {number}.png", natural(160, 192, number))
    return tmp_path / "photos"


def found(folder: Path, **settings) -> dict[str, dict[str, str]]:
    """What is reported: by kind, the files and the texts."""
    report: dict[str, dict[str, str]] = {}
    for finding in prepare(PrepareConfig(source=folder, **settings)).findings:
        report.setdefault(finding.kind, {})[finding.files[0]] = finding.text
    return report


def test_a_good_folder_has_nothing_suspect_and_its_facts_are_told(folder):
    result = prepare(PrepareConfig(source=folder))
    assert result.findings == []
    assert result.sheet is None
    assert (result.pictures, result.pixels) == (4, 4 * 160 * 192)
    assert result.formats == {"png": 4}
    assert result.depths == {"uint8": 4}


def test_a_truncated_file_is_named(folder):
    path = folder / "good 1.png"
    path.write_bytes(path.read_bytes()[:-200])
    assert found(folder)["unreadable"] == {"good 1.png": "is truncated"}


def test_a_file_that_is_no_picture_is_named(folder):
    (folder / "letter.jpg").write_bytes(b"Dear Sir")
    assert "letter.jpg" in found(folder)["unreadable"]


def test_a_dangling_link_is_named_and_a_circular_one_does_no_harm(folder):
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self.png").symlink_to(folder / "self.png")
    report = found(folder)["unreadable"]
    assert report == {"gone.png": "is a dangling link", "self.png": "is a circular link"}


def test_names_in_other_scripts_with_spaces_are_taken(folder):
    save(folder / "假日 照片" / "海边 一.png", natural(160, 192, 9))
    result = prepare(PrepareConfig(source=folder))
    assert result.pictures == 5
    assert result.findings == []


def test_a_picture_of_16_bits_is_told(folder):
    deep = natural(160, 192, 9).astype(np.uint16) * 257
    save(folder / "deep.png", deep)
    assert "16 bits" in found(folder)["odd"]["deep.png"]


def test_an_animated_picture_is_told(folder):
    data = (folder / "good 0.png").read_bytes()
    control = b"acTL" + struct.pack(">II", 1, 0)
    chunk = struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control))
    (folder / "moving.png").write_bytes(data[:33] + chunk + data[33:])
    assert "animated" in found(folder)["odd"]["moving.png"]


def test_a_cmyk_jpeg_is_told(folder):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(natural(160, 192, 9)).convert("CMYK").save(folder / "print.jpg", quality=95)
    assert "CMYK" in found(folder)["odd"]["print.jpg"]


def test_a_picture_smaller_than_a_crop_is_left_out(folder):
    save(folder / "tiny.png", natural(20, 300, 9))
    assert found(folder)["small"] == {"tiny.png": "300×20 is smaller than a crop of 32"}


def test_duplicates_are_found_in_other_sizes_and_formats(folder):
    pixels = natural(160, 192, 0)
    (folder / "same.png").write_bytes((folder / "good 0.png").read_bytes())
    save(folder / "smaller.jpg", cv2.resize(pixels, (144, 120), interpolation=cv2.INTER_AREA))
    findings = prepare(PrepareConfig(source=folder)).findings
    texts = {finding.files: finding.text for finding in findings if finding.kind == "duplicate"}
    assert texts["good 0.png", "same.png"] == "is the same file as same.png"
    assert texts["good 0.png", "smaller.jpg"] == "looks like smaller.jpg"


def test_hr_that_was_blurred_enlarged_noisy_or_compressed_is_told(folder):
    pixels = natural(256, 256, 9)
    small = cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_AREA)
    save(folder / "enlarged.png", cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC))
    save(folder / "blurred.png", cv2.GaussianBlur(natural(256, 256, 10), (0, 0), 2.0))
    grain = np.random.default_rng(0).normal(0, 12, (256, 256, 3))
    smooth = cv2.GaussianBlur(natural(256, 256, 11), (0, 0), 6.0)
    save(folder / "noisy.png", np.clip(smooth + grain, 0, 255).astype(np.uint8))
    save(folder / "blocky.jpg", natural(256, 256, 12), cv2.IMWRITE_JPEG_QUALITY, 30)
    report = found(folder)
    assert set(report["blurred"]) == {"enlarged.png", "blurred.png"}
    assert set(report["noisy"]) == {"noisy.png"}
    assert "quality 30" in report["compressed"]["blocky.jpg"]


@pytest.fixture
def realsr(tmp_path) -> Path:
    """Four scenes of RealSR, the last in the test part."""
    root = tmp_path / "RealSR"
    for number in range(4):
        part = "Test" if number == 3 else "Train"
        hr = natural(192, 160, 20 + number)
        stem = root / "Canon" / part / "4" / f"Canon_{number:03}"
        save(stem.with_name(f"{stem.name}_HR.png"), hr)
        low = cv2.resize(hr, (40, 48), interpolation=cv2.INTER_AREA)
        save(stem.with_name(f"{stem.name}_LR4.png"), low)
    return root


def pair(realsr: Path, number: int) -> tuple[Path, Path]:
    folder = realsr / "Canon" / "Train" / "4"
    return tuple(folder / f"Canon_{number:03}_{mark}.png" for mark in ("LR4", "HR"))


def test_good_pairs_fit(realsr):
    result = prepare(PrepareConfig(source=realsr))
    assert result.dataset == "RealSR (version 3)"
    assert result.roles == {"test hr": 1, "test lr": 1, "train hr": 3, "train lr": 3}
    assert [f for f in result.findings if f.kind == "not fitting"] == []


def test_a_damaged_tree_is_no_known_data_set_and_the_reason_is_told(realsr):
    stray = realsr / "Canon" / "Train" / "4" / "holiday.png"
    save(stray, natural(64, 64, 9))
    prepared, adapted = [], []
    result = prepare(PrepareConfig(source=realsr), prepared.append)
    real_photos(realsr, 4, adapted.append)
    assert result.dataset is None
    for events in (prepared, adapted):
        (warning,) = [event.text for event in events if isinstance(event, Warned)]
        assert "not taken as RealSR (version 3)" in warning
        assert "holiday.png" in warning


def test_swapped_shifted_and_mistaken_pairs_are_told_apart(realsr):
    low, high = pair(realsr, 0)
    a, b = low.read_bytes(), high.read_bytes()
    low.write_bytes(b)
    high.write_bytes(a)
    _, shifted = pair(realsr, 1)
    save(shifted, np.roll(natural(192, 160, 21), 3, axis=1))
    _, other = pair(realsr, 2)
    save(other, natural(192, 160, 77))
    report = found(realsr)["not fitting"]
    texts = [report[f"Canon/Train/4/Canon_00{number}_LR4.png"] for number in range(3)]
    assert "swapped" in texts[0]
    assert "apart" in texts[1]
    assert float(texts[1].split()[2]) == pytest.approx(3, abs=0.3)
    assert "different scenes" in texts[2]


def test_an_lr_without_hr_is_named(realsr):
    _, high = pair(realsr, 1)
    high.unlink()
    assert "Canon/Train/4/Canon_001_LR4.png" in found(realsr)["without partner"]


def test_a_scene_of_the_test_part_in_the_train_part_is_told(realsr):
    test = realsr / "Canon" / "Test" / "4"
    for mark in ("LR4", "HR"):
        source = realsr / "Canon" / "Train" / "4" / f"Canon_000_{mark}.png"
        (test / f"Canon_009_{mark}.png").write_bytes(source.read_bytes())
    assert found(realsr)["train and test"]


def test_looked_at_again_only_what_changed_is_read(folder):
    assert prepare(PrepareConfig(source=folder)).read == 4
    assert prepare(PrepareConfig(source=folder)).read == 0
    save(folder / "good 2.png", natural(160, 192, 50))
    save(folder / "new.png", natural(160, 192, 51))
    assert prepare(PrepareConfig(source=folder)).read == 2


def test_nothing_in_the_folder_changes(folder):
    (folder / "letter.jpg").write_bytes(b"Dear Sir")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    prepare(PrepareConfig(source=folder))
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    assert before == after


def test_a_prepared_folder_is_used_by_its_name_without_its_bad_pictures(folder, tmp_path):
    (folder / "letter.jpg").write_bytes(b"Dear Sir")
    prepare(PrepareConfig(source=folder, name="mine"))
    assert [path.name for path in sharp_photos(Path("mine"), ignore)] == [
        f"good {number}.png" for number in range(4)
    ]
    assert len(real_photos(Path("mine"), 4, ignore)) == 4
    manifest = read_manifest(tmp_path / "cache" / "datasets", "mine")
    assert manifest.bad == {"letter.jpg"}


def test_by_its_name_a_known_data_set_gives_the_part_that_is_meant(realsr):
    prepare(PrepareConfig(source=realsr, name="realsr"))
    names = [path.name for path in real_photos(Path("realsr"), 4, ignore)]
    assert names == [f"Canon_{number:03}_LR4.png" for number in range(3)]
    with pytest.raises(DataError, match="train part"):
        real_photos(Path("realsr"), 2, ignore)


def test_names_stand_for_pairs_too(realsr):
    prepare(PrepareConfig(source=realsr, name="realsr"))
    pairs = pairs_by_name(Path("realsr"), Path("realsr"))
    assert len(pairs) == 4
    assert all(low.stem.replace("_LR4", "_HR") == high.stem for low, high in pairs)


def test_a_name_whose_folder_is_gone_says_so(folder):
    prepare(PrepareConfig(source=folder, name="mine"))
    folder.rename(folder.with_name("moved"))
    with pytest.raises(DataError, match="not there any more"):
        sharp_photos(Path("mine"), ignore)


def test_the_contact_sheet_shows_what_is_suspect(folder):
    (folder / "same.png").write_bytes((folder / "good 0.png").read_bytes())
    (folder / "<b>.jpg").write_bytes(b"no picture")
    result = prepare(PrepareConfig(source=folder))
    page = result.sheet.read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "&lt;b&gt;.jpg" in page
    assert "<b>.jpg" not in page


def test_the_index_is_one_line_of_json_for_each_file(folder):
    result = prepare(PrepareConfig(source=folder))
    lines = result.manifest.with_name("index.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["path"] for line in lines] == [f"good {n}.png" for n in range(4)]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (17, 9), (128, 128)])
def test_flat_pictures_of_any_size_are_inspected(tmp_path, size):
    save(tmp_path / "flat.png", np.full((*size, 3), 90, np.uint8))
    fact = inspect_picture(tmp_path / "flat.png", tmp_path)
    assert (fact.problem, fact.height, fact.width) == (None, *size)


def test_inspection_never_raises(tmp_path):
    chance = np.random.default_rng(0)
    good = tmp_path / "good.png"
    save(good, natural(64, 64, 0))
    data = good.read_bytes()
    for number in range(200):
        damaged = bytearray(data)
        for place in chance.integers(len(data), size=3):
            damaged[place] = int(chance.integers(256))
        path = tmp_path / f"{number}.png"
        path.write_bytes(bytes(damaged))
        fact = inspect_picture(path, tmp_path)
        assert fact.problem or fact.width


def test_an_archive_is_prepared_like_its_folder(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"2024/{path.name}")
    assert prepare(PrepareConfig(source=tmp_path / "holiday.zip")).pictures == 4
    assert len(sharp_photos(Path("holiday"), ignore)) == 4
    assert prepare(PrepareConfig(source=tmp_path / "holiday.zip")).read == 0


def test_a_data_set_that_only_its_authors_offer_names_their_page():
    with pytest.raises(DataError, match=r"RealSR.*csjcai/RealSR"):
        prepare(PrepareConfig(source=Path("realsr")))


def test_tiles_are_made_when_asked_for_and_used_by_the_name(folder):
    save(folder / "large.png", natural(800, 400, 30))
    result = prepare(PrepareConfig(source=folder, name="mine", tiles=True))
    assert result.tiles == 6
    assert len(sharp_tiles(Path("mine")).keys) == 6
    assert sharp_tiles(folder) is None


def test_crops_are_cut_from_tiles_at_the_size_at_which_hr_is_clean(folder):
    save(folder / "large.png", natural(800, 400, 30))
    prepare(PrepareConfig(source=folder, name="mine", tiles=True))
    settings = DataSettings(real_lr=folder, hr=Path("mine"), hr_reduction=2, crop=16)
    photos = choose_photos(settings, MonitorSettings(held_out=0), 4, ignore)
    tiles = sharp_tiles(Path("mine"))
    crop = hr_crops(photos, 192, (0, 1)).take(0)
    assert crop.sum() in {reduced(tiles[key], 2).sum() for key in tiles.keys}


def test_the_report_tells_what_the_camera_does_to_photos(tmp_path):
    camera = Camera(lens_blur=2.0, sensor_noise=4.0, jpeg_quality=60)
    for number in range(8):
        photo = camera.photograph(natural(640, 640, number), 4, number)
        save(tmp_path / "photos" / f"{number}.png", photo)
    measured = prepare(PrepareConfig(source=tmp_path / "photos")).camera
    assert measured is not None
    assert measured.jpeg_quality == pytest.approx(60, abs=3)
    sharp = {"sharp": Camera(), "blurred": Camera(lens_blur=4.0)}
    for name, one in sharp.items():
        for number in range(8):
            save(tmp_path / name / f"{number}.png", one.photograph(natural(640, 640, number), 4, 0))
    detail = {}
    for name in sharp:
        found = prepare(PrepareConfig(source=tmp_path / name)).camera
        assert found is not None
        detail[name] = found.response[len(found.response) // 2]
    assert detail["blurred"] < 0.6 * detail["sharp"]


def test_the_report_tells_of_a_veil_over_the_photos(tmp_path):
    for number in range(8):
        scene = natural(640, 640, number)
        scene[:40, :40], scene[-40:, -40:] = 0, 255
        for name, camera in (("hazy", Camera(haze=0.5)), ("clear", Camera())):
            save(tmp_path / name / f"{number}.png", camera.photograph(scene, 4, number))
    veil = prepare(PrepareConfig(source=tmp_path / "hazy")).veil
    assert veil is not None
    assert veil.black == pytest.approx([112.5] * 3, abs=5)
    assert prepare(PrepareConfig(source=tmp_path / "clear")).veil is None


def test_hr_alone_has_no_camera_to_imitate(tmp_path):
    for number in range(1, 4):
        save(tmp_path / "DIV2K_train_HR" / f"000{number}.png", natural(160, 192, number))
    assert prepare(PrepareConfig(source=tmp_path / "DIV2K_train_HR")).camera is None
