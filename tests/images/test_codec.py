import cv2
import numpy as np
import pytest

from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.alpha import colours_without_halo
from pdd_cli.images.codec import Picture, encode_picture, read_picture

LOSSLESS = {".png": ("uint8", "uint16"), ".tif": ("uint8", "uint16", "float32"), ".bmp": ("uint8",)}
CASES = [(suffix, depth) for suffix, depths in LOSSLESS.items() for depth in depths]


def pixels(depth, *shape, seed=0):
    generator = np.random.default_rng(seed)
    if depth == "float32":
        return generator.random(shape, dtype=np.float32)
    return generator.integers(0, np.iinfo(depth).max, shape, dtype=depth, endpoint=True)


@pytest.mark.parametrize(("suffix", "depth"), CASES)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_give_back_what_they_got(tmp_path, suffix, depth, channels):
    shape = (7, 9) if channels == 1 else (7, 9, 3)
    before = pixels(depth, *shape)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode_picture(Picture(before), suffix))
    after = read_picture(path)
    assert after.pixels.dtype == depth
    if suffix == ".bmp" and channels == 1:
        assert np.array_equal(after.rgb8()[..., 0], before)
    else:
        assert np.array_equal(after.pixels, before)
    assert after.alpha is None


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_alpha_is_kept_apart_from_colours(tmp_path, depth):
    before = Picture(pixels(depth, 5, 6, 3), pixels(depth, 5, 6, seed=1))
    path = tmp_path / "a.png"
    path.write_bytes(encode_picture(before, ".png"))
    after = read_picture(path)
    assert np.array_equal(after.pixels, before.pixels)
    assert np.array_equal(after.alpha, before.alpha)


def exif_with_orientation(orientation):
    entry = (0x0112).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    value = orientation.to_bytes(2, "little") + b"\x00\x00"
    return b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + value + b"\x00\x00\x00\x00"


TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_photos_are_turned_upright_once(tmp_path, orientation):
    stored = pixels("uint8", 6, 9, 3)
    exif = np.frombuffer(exif_with_orientation(orientation), np.uint8)
    done, data = cv2.imencodeWithMetadata(
        ".png", stored[..., ::-1].copy(), [cv2.IMAGE_METADATA_EXIF], [exif]
    )
    assert done
    path = tmp_path / "turned.png"
    path.write_bytes(data.tobytes())
    assert np.array_equal(read_picture(path).pixels, TURNS[orientation](stored))


def test_a_dark_16_bit_picture_stays_16_bit_and_dark(tmp_path):
    dark = np.full((4, 4, 3), 200, np.uint16)
    path = tmp_path / "dark.png"
    path.write_bytes(encode_picture(Picture(dark), ".png"))
    picture = read_picture(path)
    assert picture.pixels.dtype == np.uint16
    assert picture.rgb8().max() == 1


def test_names_in_any_script_are_read(tmp_path):
    path = tmp_path / "相片 一.png"
    path.write_bytes(encode_picture(Picture(pixels("uint8", 4, 4, 3)), ".png"))
    assert read_picture(path).width == 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    data = encode_picture(Picture(pixels("uint8", 64, 64, 3)), suffix)
    path = tmp_path / f"half{suffix}"
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DataError, match="truncated"):
        read_picture(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"x" * 80 + b"IEND"]
)
def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path, content):
    path = tmp_path / "strange.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"strange\.png"):
        read_picture(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png"):
        read_picture(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("picture", "suffix"),
    [
        (Picture(np.zeros((2, 2, 3), np.uint16)), ".jpg"),
        (Picture(np.zeros((2, 2, 3), np.float32)), ".png"),
        (Picture(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)), ".jpg"),
        (Picture(np.zeros((2, 2, 3), np.uint8)), ".xyz"),
    ],
)
def test_nothing_is_saturated_or_dropped_in_silence(picture, suffix):
    with pytest.raises(UsageError):
        encode_picture(picture, suffix)


def test_hidden_colours_become_those_of_the_nearest_visible_pixel():
    colours = np.zeros((3, 5, 3), np.uint8)
    colours[:, 3:] = (200, 100, 50)
    alpha = np.zeros((3, 5), np.uint8)
    alpha[:, 3:] = 255
    filled = colours_without_halo(Picture(colours, alpha))
    assert (filled == (200, 100, 50)).all()
