"""What infer writes is what the network makes of the picture, within the format's precision."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from pdd_cli.config.infer import InferConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import UsageError
from pdd_cli.images.alpha import colours_without_halo
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.images.picture import Metadata
from pdd_cli.nets.network import load_network
from pdd_cli.recipes.infer import infer
from pdd_cli.runtime.events import Warned
from pdd_cli.runtime.weights import read_weights, write_weights

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS = ("png", "tif", "bmp", "jp2", "webp")
LEVELS_OFF_ON_AVERAGE = {"jpg": 2.0, "avif": 4.0}


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def twofold(tmp_path, network_weights):
    path = tmp_path / "twofold.safetensors"
    write_weights(path, network_weights(2))
    return path


def upscaled(model, *paths, observer=None, **settings):
    settings = {"device": "cpu", "precision": "float32", "model": str(model), **settings}
    config = InferConfig(paths=tuple(Path(path) for path in paths), **settings)
    return infer(config, *([observer] if observer else []))


def by_the_network(model, pixels):
    """The float result for grey or RGB pixels, in their own shape, white at 1."""
    network = load_network(read_weights(model), named="tiny").eval()
    with torch.inference_mode():
        result = network(pixels_to_tensor(pixels))[0].permute(1, 2, 0).numpy()
    return np.clip(result.mean(axis=2) if pixels.ndim == 2 else result, 0, 1)


def scene(depth, *channels, height=14, width=18):
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    planes = [rows, columns, (1 - rows) / 2, 0.2 + 0.7 * columns]
    stack = np.stack(planes, axis=2)[..., : channels[0]] if channels else rows
    if depth == "float32":
        return stack.astype(np.float32)
    return np.rint(stack * np.iinfo(depth).max).astype(depth)


@pytest.mark.parametrize("format_", [*LOSSLESS, "jpg", "avif"])
@pytest.mark.parametrize("channels", ["grey", "rgb", "grey+alpha", "rgba"])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_every_format_gets_what_the_network_makes(twofold, depth, channels, format_):
    colours = scene(depth, 3) if channels.startswith("rgb") else scene(depth)
    alpha = scene(depth, 4)[..., 3] if channels.endswith("a") else None
    before = Picture(colours, alpha)
    Path("in").mkdir()
    Path("in/a.tif").write_bytes(encode_picture(before, ".tif"))
    before = read_picture(Path("in/a.tif"))

    result = upscaled(twofold, "in", format=format_)

    assert not result.failures
    after = read_picture(Path(f"in_x2/a.{format_}"))
    expected = by_the_network(twofold, colours_without_halo(before))
    if alpha is not None:
        shown = by_the_network(twofold, before.alpha)
        if format_ in ("jpg", "bmp"):
            share = shown if expected.ndim == 2 else shown[..., None]
            expected = expected * share + 1 - share
            assert any("white" in note for note in result.pictures[0].notes)
        else:
            assert_near(after.alpha, shown, format_)
    flattened = alpha is not None and after.alpha is None
    # Laid over white, levels bear the rounding of colour, of transparency and of both together.
    assert_near(after.pixels, expected, format_, within=1.5 if flattened else 0.6)
    deeper = depth != "uint8" and after.pixels.dtype != depth
    assert deeper == any("the most that" in note for note in result.pictures[0].notes)


def assert_near(pixels, expected, format_, *, within=0.6):
    if pixels.ndim > expected.ndim:
        assert np.ptp(pixels.astype(int), axis=2).max() <= (0 if format_ in LOSSLESS else 1), "tint"
        expected = expected[..., None]
    top = 1.0 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    off = np.abs(pixels.astype(np.float64) - np.asarray(expected, np.float64) * top)
    if format_ in LEVELS_OFF_ON_AVERAGE:
        assert off.mean() <= LEVELS_OFF_ON_AVERAGE[format_]
    elif top == 1.0:
        assert off.max() <= 1e-5
    else:
        # Half a level by rounding, and a little where deeper levels were rounded before.
        assert off.max() <= within


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format_", ["png", "jpg", "webp", "tif", "avif"])
def test_a_turned_photo_comes_out_upright_with_its_story(twofold, format_, turn):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ExifImageWidth: 18}
    file = io.BytesIO()
    stored = Image.fromarray(scene("uint8", 3))
    stored.save(file, "PNG", exif=exif.tobytes(), icc_profile=SRGB, dpi=(300, 300))
    Path("a.png").write_bytes(file.getvalue())

    result = upscaled(twofold, "a.png", format=format_, output=Path("out"))

    output = result.pictures[0].output
    upright = read_picture(Path("a.png"))
    after = read_picture(output)
    # Shown by another program, it is the same picture: nothing turns it a second time.
    shown = Image.open(output)
    assert shown.size == (2 * upright.width, 2 * upright.height)
    assert shown.getexif().get(ExifTags.Base.Orientation, 1) == 1
    assert shown.getexif()[ExifTags.Base.Make] == "Camera"
    assert shown.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == after.width
    assert shown.info["icc_profile"] == SRGB
    assert_near(after.pixels, by_the_network(twofold, upright.pixels), format_)


def test_metadata_is_left_out_when_asked(twofold):
    picture = Picture(scene("uint8", 3), None, Metadata(icc=SRGB, pixels_per_inch=(300.0, 300.0)))
    Path("a.png").write_bytes(encode_picture(picture, ".png"))
    kept = upscaled(twofold, "a.png").pictures[0].output
    stripped = upscaled(twofold, "a.png", strip_metadata=True, suffix="-bare").pictures[0].output
    assert read_picture(kept).metadata.icc == SRGB
    assert read_picture(stripped).metadata is None
    assert stripped.name == "a-bare.png"


def test_the_same_format_is_kept_and_heic_becomes_png(twofold, write):
    write(Path("in/a.jpg"), 16, 16)
    write(Path("in/b.webp"), 16, 16)
    write(Path("in/C.PNG"), 16, 16)
    result = upscaled(twofold, "in", format="same", quality=80)
    assert {job.output.name for job in result.pictures} == {"a.jpg", "b.webp", "C.PNG"}


def test_cmyk_is_converted_and_the_user_is_told_of_that_picture(twofold):
    file = io.BytesIO()
    Image.fromarray(scene("uint8", 3)).convert("CMYK").save(file, "JPEG", icc_profile=SRGB)
    Path("ink.jpg").write_bytes(file.getvalue())
    events = []
    result = upscaled(twofold, "ink.jpg", observer=events.append)
    told = [event.text for event in events if isinstance(event, Warned)]
    assert any("ink.jpg" in text and "CMYK" in text for text in told)
    assert result.pictures[0].notes
    assert read_picture(result.pictures[0].output).metadata is None


def test_too_large_for_the_format_is_refused_before_the_network_runs(twofold, monkeypatch):
    wide = np.zeros((1, 8_500, 3), np.uint8)
    Path("in").mkdir()
    Path("in/wide.png").write_bytes(cv2.imencode(".png", wide)[1].tobytes())
    monkeypatch.setattr("pdd_cli.recipes.upscaling.Upscaler.upscale", None)
    result = upscaled(twofold, "in", format="webp")
    assert "does not fit into .webp" in result.failures[0].reason


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3, 2)])
def test_the_smallest_and_the_longest_pictures_come_through(twofold, size):
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    Path("a.png").write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    result = upscaled(twofold, "a.png", tile=2048, overlap=24)
    after = read_picture(result.pictures[0].output)
    assert_near(after.pixels, by_the_network(twofold, pixels), "png")


def test_an_original_is_never_replaced(twofold, write):
    write(Path("in/a.jpg"), 16, 16)
    before = Path("in/a.jpg").read_bytes()
    with pytest.raises(UsageError, match="would be replaced"):
        upscaled(twofold, "in", output=Path("in"), format="same", overwrite=True)
    assert Path("in/a.jpg").read_bytes() == before


def test_quality_for_a_lossless_format_is_refused():
    with pytest.raises(UsageError, match="lossless"):
        load(InferConfig, flags={"format": "png", "quality": 90})
