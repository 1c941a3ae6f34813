"""``pdd config`` lists, shows, checks and compares settings."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from pdd_cli.cli.app import app
from pdd_cli.errors import UsageError


@pytest.fixture
def config():
    def run(*arguments):
        result = CliRunner().invoke(app, ["config", *arguments])
        if isinstance(result.exception, UsageError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_list_tells_what_each_preset_is_for(config):
    lines = config("list").splitlines()
    assert any(line.startswith("adapt-quick ") and "quick look" in line for line in lines)
    assert "train-bicubic" in json.loads(config("list", "--json"))["presets"]


def test_show_prints_every_setting(config):
    shown = yaml.safe_load(config("show", "train-bicubic"))
    assert shown["supervision"]["perceptual_weight"] == 0.0
    assert shown["train"]["discriminator_lr"] == 5e-4


def test_check_names_the_line_of_what_cannot_be_used(config, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("data:\n  real_lr: photos\ntrain:\n  stepps: 5\n")
    with pytest.raises(UsageError, match=r"mine\.yaml, line 4.*train\.steps"):
        config("check", str(path))
    path.write_text("data:\n  real_lr: photos\ntrain:\n  steps: 5\n")
    assert "can be used" in config("check", str(path))


def test_diff_prints_what_differs_and_nothing_else(config):
    lines = config("diff", "adapt-paper-ema", "adapt-paper-ema-antialias").splitlines()
    assert lines == [
        "data.resizes: ['bicubic', 'bilinear', 'area'] → ['antialiased']",
        "distances.inter_weight: 1.0 → 0.5",
    ]


@pytest.mark.parametrize("job", ["adapt", "train", "infer", "eval"])
def test_schema_describes_every_setting_of_a_job(config, job):
    schema = json.loads(config("schema", job))
    assert schema["additionalProperties"] is False
    assert all(
        "description" in entry for entry in schema["properties"].values() if "$ref" not in entry
    )


def test_schema_of_an_unknown_job_is_an_error(config):
    with pytest.raises(UsageError, match="Choose adapt"):
        config("schema", "adopt")
