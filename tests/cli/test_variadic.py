import pytest
from typer.core import TyperCommand

from pdd_cli.cli.variadic import MetricsCommand, repeat_option
from pdd_cli.errors import UsageError

MODELS = ["--models", "realesrgan", "--models", "out"]
TWICE = ["--metrics", "psnr", "--metrics", "lpips"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--metrics", "psnr", "lpips"], TWICE),
        (["--metrics", "psnr,lpips"], TWICE),
        (["--metrics=psnr,lpips"], TWICE),
        (TWICE, TWICE),
        (["--metrics", "psnr", "lpips", "out"], [*TWICE, "out"]),
        (["out", "--metrics", "psnr", "lpips"], ["out", *TWICE]),
        (["--metrics", "psnr", "lpips", "--gt", "hr"], [*TWICE, "--gt", "hr"]),
        (["--metrics", "psnr", "lpips", "--", "x"], [*TWICE, "--", "x"]),
        (["out", "--json"], ["out", "--json"]),
        (["--metrics"], ["--metrics"]),
        (["--metrics", "--json"], ["--metrics", "--json"]),
        (["--models", "realesrgan", "out", "--json"], [*MODELS, "--json"]),
        (["--controls", "bicubic", "--metrics", "psnr,lpips"], ["--controls", "bicubic", *TWICE]),
    ],
)
def test_values_may_stand_apart_or_joined_in_any_order(given, expected):
    assert repeat_option(given) == expected


def test_an_unknown_metric_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match="Did you mean lpips"):
        repeat_option(["--metrics", "psnr", "lpisp"])


def test_typer_still_has_the_method_that_is_overridden():
    assert callable(TyperCommand.parse_args)
    assert MetricsCommand.parse_args is not TyperCommand.parse_args
