import pytest

from pdd_cli.metrics.protocol import DIRECTIONS, METRICS, PROTOCOLS, direction_of, make_protocol

TWO = [METRICS["psnr"], METRICS["ssim"], METRICS["ssim-y"], METRICS["lpips"]]


def protocol(name="default", **parts):
    return make_protocol(name, TWO, **{"scale": 4, "fallback_border": 4, **parts})


@pytest.mark.parametrize(
    ("name", "psnr", "ssim", "border"),
    [
        ("default", "RGB", "RGB", 4),
        ("iqa", "RGB", "YIQ", 0),
        ("crops", "Y", "Y", 0),
        ("classic", "Y", "Y", 4),
    ],
)
def test_each_protocol_is_what_its_name_says(name, psnr, ssim, border):
    made = protocol(name)
    assert (made.metric("psnr").colour, made.metric("ssim").colour) == (psnr, ssim)
    assert made.border_of("psnr") == border
    assert made.metric("ssim-y").colour == "Y"
    assert (made.metric("lpips").colour, made.border_of("lpips")) == ("RGB", 0)
    assert f"protocol {name}: psnr: {psnr}, border {border}, higher is better" in made.describe()


def test_a_part_that_is_changed_is_told():
    assert protocol("crops", border=2).name == "crops, changed"
    assert protocol("crops", border=0).name == "crops"
    assert protocol("crops", colour="RGB").metric("psnr").colour == "RGB"
    assert "changed" in protocol("crops", colour="RGB").describe()
    assert protocol("crops", colour="Y").name == "crops"


def test_without_a_scale_the_border_is_the_fallback():
    assert protocol(scale=None).border == 4
    assert protocol("crops", scale=None).border == 0


def test_every_metric_and_protocol_is_described():
    for metric in METRICS.values():
        assert metric.source
        assert " to " in metric.range
    assert all(convention.meaning for convention in PROTOCOLS.values())
    assert METRICS["ssim"].range == "-1 to 1"
    assert METRICS["psnr"].range == "0 to ∞"


def test_figures_of_a_training_have_the_directions_of_their_metrics():
    assert direction_of("val_lpips") == "lower"
    assert direction_of("colour_drift") == "lower"
    assert direction_of("sharpness") is None
    assert direction_of("loss") is None
    assert DIRECTIONS["val_psnr"] == "higher"
