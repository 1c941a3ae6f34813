"""What goes in comes out: colours, depth, transparency, orientation and metadata, by format."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.codec import Picture, decode_picture, encode_picture
from pdd_cli.images.decoding import turn_upright
from pdd_cli.images.exif import corrected_exif, corrected_xmp, orientation
from pdd_cli.images.formats import FORMATS, fitted, refuse_too_large
from pdd_cli.images.picture import Metadata

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6" exif:PixelXDimension="5"/>'
NAMES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
}
SMOOTH = {"JPEG": 6, "AVIF": 8}
"""By how many levels the lossy formats may differ in a smooth picture."""


def exif_of(turn, thumbnail=b""):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    exif[ExifTags.Base.Make] = "Camera & Sons"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.ExifImageWidth: 5,
        ExifTags.Base.ExifImageHeight: 4,
        ExifTags.Base.DateTimeOriginal: "2020:02:20 20:20:20",
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (47.0, 22.0, 10.5)}
    block = exif.tobytes().removeprefix(b"Exif\x00\x00")
    return with_thumbnail(block, thumbnail) if thumbnail else block


def with_thumbnail(block, thumbnail):
    order = "little" if block[:2] == b"II" else "big"
    first = int.from_bytes(block[4:8], order)
    link = first + 2 + 12 * int.from_bytes(block[first : first + 2], order)
    second = len(block)
    entries = b"".join(
        tag.to_bytes(2, order)
        + (4).to_bytes(2, order)
        + (1).to_bytes(4, order)
        + v.to_bytes(4, order)
        for tag, v in ((0x0201, second + 30), (0x0202, len(thumbnail)))
    )
    directory = (2).to_bytes(2, order) + entries + bytes(4)
    return block[:link] + second.to_bytes(4, order) + block[link + 4 :] + directory + thumbnail


def tags_of(block):
    exif = Image.Exif()
    exif.load(block)
    return exif


def smooth(height=24, width=40):
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 255 * rows / height, 255 * columns / width
    return np.stack([red, green, 255 - (red + green) / 2], axis=2).astype(np.uint8)


def saved(image, kind, **settings):
    file = io.BytesIO()
    lossless = {
        "WEBP": {"lossless": True, "exact": True},
        "JPEG": {"quality": 98, "subsampling": 0},
    }
    image.save(file, kind, **lossless.get(kind, {}), **settings)
    return file.getvalue()


def noise(depth, *shape, seed=0):
    generator = np.random.default_rng(seed)
    if depth == "float32":
        return generator.random(shape, dtype=np.float32)
    return generator.integers(0, np.iinfo(depth).max, shape, dtype=depth, endpoint=True)


def as_mode(mode):
    """A picture of a mode, with the grey or RGB and the transparency that it shows."""
    rgb = Image.fromarray(smooth())
    clear = Image.fromarray(noise("uint8", 24, 40))
    match mode:
        case "L" | "RGB" | "CMYK":
            image = rgb.convert(mode)
            shown = image.convert("RGB") if mode == "CMYK" else image
            return image, np.array(shown), None
        case "P":
            image = rgb.quantize(64)
            return image, np.array(image.convert("RGB")), None
        case "LA" | "RGBA":
            image = rgb.convert(mode)
            image.putalpha(clear)
            pixels = np.array(image)
            return image, pixels[..., 0] if mode == "LA" else pixels[..., :3], np.array(clear)
    raise AssertionError(mode)


CARRIED_MODES = [
    *((kind, mode) for kind in ("PNG", "TIFF") for mode in ("L", "RGB", "LA", "RGBA", "P")),
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
    ("TIFF", "CMYK"),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
    *(("AVIF", mode) for mode in ("L", "RGB", "RGBA")),
]


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize(("kind", "mode"), CARRIED_MODES)
def test_every_kind_of_8_bit_file_is_read_as_it_is_shown(kind, mode, turn):
    image, colours, alpha = as_mode(mode)
    profile = {} if mode in ("L", "LA", "CMYK") else {"icc_profile": SRGB}
    data = saved(image, kind, exif=b"Exif\x00\x00" + exif_of(turn), **profile)

    picture = decode_picture(data, named="it")

    expected = turn_upright(colours, turn)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected).max() <= SMOOTH.get(kind, 0)
    assert (picture.alpha is None) == (alpha is None)
    if alpha is not None:
        off = np.abs(picture.alpha.astype(int) - turn_upright(alpha, turn))
        assert off.mean() <= (6 if kind == "AVIF" else 0)
    assert orientation(picture.metadata.exif) == 1
    assert tags_of(picture.metadata.exif)[ExifTags.Base.Make] == "Camera & Sons"
    assert picture.metadata.icc == profile.get("icc_profile", b"")


@pytest.mark.parametrize("kind", ["BMP", "JPEG2000"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_formats_without_metadata_are_read_as_they_are(kind, mode):
    image, colours, _ = as_mode(mode)
    assert np.array_equal(decode_picture(saved(image, kind), named="it").pixels, colours)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("suffix", "depth"), [(".png", "uint16"), (".tif", "uint16"), (".tif", "float32")]
)
def test_deep_files_are_read_at_their_depth(suffix, depth, channels, turn):
    stored = noise(depth, 6, 9, *([channels] if channels > 1 else []))
    colours = stored if channels == 1 else stored[..., :3]
    alpha = stored[..., 3] if channels == 4 else None
    data = encode_picture(Picture(colours, alpha, Metadata(exif_of(1))), suffix)
    data = turned_file(data, turn)

    picture = decode_picture(data, named="it")

    assert picture.pixels.dtype == depth
    assert np.array_equal(picture.pixels, turn_upright(colours, turn))
    assert alpha is None or np.array_equal(picture.alpha, turn_upright(alpha, turn))
    assert orientation(picture.metadata.exif) == 1


def turned_file(data, turn):
    """Set the orientation in the only EXIF or TIFF entry of a file that holds it."""
    for order in ("little", "big"):
        entry = b"".join(
            n.to_bytes(size, order) for n, size in ((0x0112, 2), (3, 2), (1, 4), (1, 2))
        )
        if data.count(entry) == 1:
            data = data.replace(entry, entry[:-2] + turn.to_bytes(2, order))
            return corrected_checksum(data)
    raise AssertionError("there is no orientation, or more than one")


def corrected_checksum(data):
    if not data.startswith(b"\x89PNG"):
        return data
    import zlib

    start = data.index(b"eXIf")
    length = int.from_bytes(data[start - 4 : start], "big")
    body = data[start : start + 4 + length]
    return (
        data[: start + 4 + length]
        + zlib.crc32(body).to_bytes(4, "big")
        + data[start + 8 + length :]
    )


@given(
    suffix=st.sampled_from([".png", ".tif", ".bmp", ".webp", ".jp2"]),
    size=st.one_of(
        st.tuples(st.integers(1, 20), st.integers(1, 20)),
        st.sampled_from([(1, 1), (1, 5000), (5000, 1)]),
    ),
    channels=st.sampled_from([1, 2, 3, 4]),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_lossless_formats_round_trip_bit_for_bit(suffix, size, channels, data):
    depth = data.draw(st.sampled_from(FORMATS[suffix].depths))
    seed = data.draw(st.integers(0, 2**16))
    colours = noise(str(depth), *size, *([3] if channels > 2 else []), seed=seed)
    has_alpha = channels in (2, 4) and FORMATS[suffix].alpha
    alpha = noise(str(depth), *size, seed=seed + 1) if has_alpha else None
    before = Picture(colours, alpha)

    after = decode_picture(encode_picture(before, suffix), named="it")

    assert after.pixels.dtype == depth
    same_shape = (
        np.repeat(colours[..., None], 3, 2) if after.pixels.ndim > colours.ndim else colours
    )
    assert np.array_equal(after.pixels, same_shape)
    # Webp and others leave out transparency that hides nothing.
    opaque = alpha is None or (after.alpha is None and (alpha == np.iinfo(depth).max).all())
    assert opaque or np.array_equal(after.alpha, alpha)


@given(
    suffix=st.sampled_from(sorted(FORMATS)),
    cut=st.floats(0, 1),
    spoilt=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
)
@settings(max_examples=400, deadline=None)
def test_truncated_and_spoilt_files_are_data_errors_at_worst(suffix, cut, spoilt):
    metadata = Metadata(exif_of(6), SRGB, XMP, (300.0, 300.0))
    data = bytearray(encode_picture(Picture(smooth(), metadata=metadata), suffix))
    for place, value in spoilt:
        data[int(place * len(data))] = value
    try:
        decode_picture(bytes(data[: int(cut * len(data)) + 1]), named="it")
    except DataError as error:
        assert "it" in error.problem


@given(
    head=st.sampled_from(
        [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"BM", b"RIFF"]
    ),
    tail=st.binary(max_size=200),
)
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_data_errors(head, tail):
    try:
        decode_picture(head + tail, named="it")
    except DataError:
        return


@given(block=st.binary(max_size=120), order=st.sampled_from([b"II*\x00", b"MM\x00*"]))
def test_damaged_exif_is_told_and_not_followed(block, order):
    assert 1 <= orientation(order + block) <= 8
    try:
        corrected_exif(order + block, 10, 10)
    except ValueError:
        return


def test_exif_is_corrected_and_otherwise_left_alone():
    thumbnail = b"\xff\xd8 the old picture \xff\xd9"
    before = exif_of(6, thumbnail)
    after = corrected_exif(b"Exif\x00\x00" + before, 70_000, 400)
    tags = tags_of(after)
    assert tags[ExifTags.Base.Orientation] == 1
    assert thumbnail not in after
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 70_000
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageHeight] == 400
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal].startswith("2020")
    assert tags.get_ifd(ExifTags.IFD.GPSInfo)[2] == (47.0, 22.0, 10.5)
    assert len(after) == len(before)
    assert corrected_exif(after, 70_000, 400) == after


def test_xmp_repeats_the_corrected_orientation_and_size():
    element = b"<tiff:Orientation>8</tiff:Orientation>"
    assert b'Orientation="1"' in corrected_xmp(XMP, 20, 16)
    assert b'PixelXDimension="20"' in corrected_xmp(XMP, 20, 16)
    assert corrected_xmp(element, 20, 16) == b"<tiff:Orientation>1</tiff:Orientation>"


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".avif", ".jp2"])
def test_metadata_is_carried_or_its_loss_is_said(suffix, depth):
    metadata = Metadata(exif_of(1), SRGB, XMP, (300.0, 150.0))
    picture = fitted(Picture(noise(depth, 8, 9, 3), metadata=metadata), suffix)
    after = decode_picture(encode_picture(picture, suffix), named="it").metadata or Metadata()
    said = " ".join(picture.notes)
    if "exif" in FORMATS[suffix].metadata:
        assert tags_of(after.exif)[ExifTags.Base.Make] == "Camera & Sons"
        assert tags_of(after.exif).get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
        size = tags_of(after.exif).get_ifd(ExifTags.IFD.Exif)
        assert size[ExifTags.Base.ExifImageWidth] == 9
        assert after.icc == SRGB
        assert b"adobe:ns:meta" in after.xmp
        assert "left out" not in said
    else:
        assert "EXIF and XMP and the ICC profile left out" in said
    if "pixels_per_inch" in FORMATS[suffix].metadata:
        assert after.pixels_per_inch == pytest.approx((300, 150), abs=0.02)
    assert ("bits" in said) == (np.dtype(depth) not in FORMATS[suffix].depths)


@pytest.mark.parametrize("depth", ["uint16", "float32"])
def test_depth_that_a_format_lacks_is_rounded_and_never_saturated(depth):
    levels = np.linspace(0, 1, 256)
    ramp = (levels * (65535 if depth == "uint16" else 1)).astype(depth)[None].repeat(3, 0)
    picture = fitted(Picture(ramp), ".bmp")
    assert np.abs(picture.pixels.astype(int) - np.arange(256)).max() <= 1
    assert "8 bits" in picture.notes[0]


def test_float_brighter_than_white_is_said_to_be_cut_off():
    bright = fitted(Picture(np.full((2, 2), 1.5, np.float32)), ".png")
    assert bright.pixels.dtype == np.uint16
    assert bright.pixels.min() == 65535
    assert "brighter than white" in bright.notes[0]
    kept = fitted(Picture(np.full((2, 2), 1.5, np.float32)), ".tif")
    assert kept.pixels.max() == 1.5
    assert not kept.notes


def test_transparency_is_laid_over_white_where_there_is_none():
    black, alpha = np.zeros((1, 3, 3), np.uint8), np.array([[0, 128, 255]], np.uint8)
    picture = fitted(Picture(black, alpha), ".jpg")
    assert picture.alpha is None
    assert picture.pixels[0, :, 0].tolist() == [255, 127, 0]
    assert "white" in picture.notes[0]


def test_cmyk_is_converted_by_its_profile_or_without_and_that_is_said():
    image = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    plain = decode_picture(saved(image, "JPEG"), named="it")
    assert "CMYK to sRGB without a profile" in plain.notes[0]
    wrong = decode_picture(saved(image, "JPEG", icc_profile=SRGB), named="it")
    assert "profile, which no longer fits, was dropped" in wrong.notes[0]
    assert wrong.metadata is None or not wrong.metadata.icc
    assert np.array_equal(plain.pixels, wrong.pixels)


def test_a_profile_for_other_colours_is_dropped_and_that_is_said():
    grey = decode_picture(
        saved(Image.fromarray(noise("uint8", 8, 8)), "JPEG", icc_profile=SRGB), named="it"
    )
    assert grey.grey
    assert "ICC profile was left out" in grey.notes[0]
    assert grey.metadata is None or not grey.metadata.icc


def test_damaged_metadata_does_not_cost_the_picture():
    data = saved(Image.fromarray(smooth()), "JPEG", exif=b"Exif\x00\x00nonsense")
    picture = decode_picture(data, named="it")
    assert picture.width == 40
    assert "damaged" in picture.notes[0]


def test_a_transparent_colour_of_png_is_kept():
    image = Image.fromarray(np.array([[0, 9, 200]], np.uint8))
    picture = decode_picture(saved(image, "PNG", transparency=9), named="it")
    assert picture.grey
    assert picture.alpha.tolist() == [[255, 0, 255]]


@pytest.mark.parametrize(
    ("photometric", "stored"),
    [("miniswhite", [[0, 65535, 100]]), ("minisblack", [[65535, 0, 65435]])],
)
def test_tiff_whose_zero_is_white_is_not_shown_as_a_negative(photometric, stored):
    array = np.array(stored, np.uint16)
    data = bytearray(encode_picture(Picture(array), ".tif"))
    entry = (262).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    place = data.index(entry) + 8
    data[place] = 0 if photometric == "miniswhite" else 1
    assert decode_picture(bytes(data), named="it").pixels.tolist() == [[65535, 0, 65435]]


def test_colours_of_transparent_tiff_are_not_multiplied_twice():
    rgba = noise("uint8", 5, 6, 4)
    picture = decode_picture(saved(Image.fromarray(rgba), "TIFF"), named="it")
    assert np.array_equal(picture.pixels, rgba[..., :3])
    assert np.array_equal(picture.alpha, rgba[..., 3])


@pytest.mark.parametrize(
    ("suffix", "width", "fits"),
    [
        (".jpg", 16_375, True),
        (".jpg", 16_376, False),
        (".webp", 4_095, True),
        (".webp", 4_096, False),
        (".png", 100_000, True),
        (".tif", 100_000, True),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_it_is_computed(suffix, width, fits):
    picture = Picture(np.zeros((1, width, 3), np.uint8))
    if fits:
        refuse_too_large(picture, suffix, scale=4)
        return
    with pytest.raises(DataError, match="does not fit"):
        refuse_too_large(picture, suffix, scale=4)


def test_the_largest_side_that_is_let_through_can_be_written():
    for suffix in (".jpg", ".webp"):
        longest = FORMATS[suffix].longest_side
        data = encode_picture(Picture(np.zeros((1, longest, 3), np.uint8)), suffix)
        assert decode_picture(data, named="it").width == longest


def test_a_tiff_of_more_than_4_gib_is_refused():
    picture = Picture(np.broadcast_to(np.float32(0), (10_000, 10_000, 3)))
    with pytest.raises(DataError, match="GiB"):
        refuse_too_large(picture, ".tif", scale=4)


def test_quality_matters_to_lossy_formats_and_is_refused_by_others():
    picture = Picture(noise("uint8", 64, 64, 3))
    for suffix in (".jpg", ".webp", ".avif"):
        sizes = [len(encode_picture(picture, suffix, quality=q)) for q in (10, 90)]
        assert sizes[0] < sizes[1]
    for suffix in (".png", ".tif", ".bmp", ".jp2"):
        with pytest.raises(UsageError, match="quality"):
            encode_picture(picture, suffix, quality=90)


def test_heic_is_read_with_its_depth_and_turned_once():
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    stored = smooth()
    heif = pillow_heif.from_pillow(Image.fromarray(stored))
    heif.save(file, quality=-1, chroma=444, exif=b"Exif\x00\x00" + exif_of(6))
    picture = decode_picture(file.getvalue(), named="it")
    assert picture.pixels.dtype == np.uint8
    shown = turn_upright(stored, 6)
    assert picture.pixels.shape == shown.shape
    assert np.abs(picture.pixels.astype(int) - shown).max() <= 4
    assert orientation(picture.metadata.exif) == 1


def test_heic_without_its_package_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = bytes(4) + b"ftypheic" + bytes(40)
    with pytest.raises(DataError, match=r"pdd-cli\[heic\]"):
        decode_picture(data, named="it")
