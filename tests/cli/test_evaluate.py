"""What ``pdd eval`` prints."""

import csv
import io
import json
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from pdd_cli.cli.app import app
from pdd_cli.cli.scores import latex, markdown, score_table
from pdd_cli.errors import SomeFilesFailed, UsageError
from pdd_cli.metrics.protocol import METRICS


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for number in range(3):
        hr = write(Path(f"gt/{number}.png"), 32, 32, number)
        Path("sr").mkdir(exist_ok=True)
        Path("sr", f"{number}_x4.png").write_bytes(
            cv2.imencode(".png", cv2.blur(hr, (3, 3))[..., ::-1])[1].tobytes()
        )


def run(*arguments):
    command = ["eval", "--device", "cpu", "-q", *arguments]
    return CliRunner().invoke(app, command, catch_exceptions=False)


SCORED = ("sr", "--gt", "gt", "--metrics", "psnr", "ssim")


def test_the_table_has_arrows_an_interval_and_the_protocol():
    shown = run(*SCORED).stdout
    assert "psnr dB ↑" in shown
    assert "mean of 3" in shown
    assert "[" in shown
    assert "protocol default: psnr: RGB, border 4" in shown


def test_json_keeps_its_keys_and_has_null_for_what_is_not_finite():
    result = json.loads(run("gt", "--gt", "gt", "--metrics", "psnr", "--json").stdout)["result"]
    assert result["means"] == {"psnr": None}
    assert result["pictures"][0]["scores"] == {"psnr": None}
    assert {"protocol", "protocol_text", "model", "failures", "unpaired", "seconds"} <= set(result)
    assert result["protocol"]["definitions"]["psnr"]["colour"] == "RGB"


def test_csv_is_read_back():
    rows = list(csv.DictReader(io.StringIO(run(*SCORED, "--csv").stdout)))
    assert [row["metric"] for row in rows] == ["psnr", "ssim"]
    assert float(rows[0]["low"]) < float(rows[0]["mean"]) < float(rows[0]["high"])


@pytest.mark.parametrize("name", ["scores.csv", "scores.json"])
def test_every_pictures_figures_go_into_a_file(name):
    run(*SCORED, "--scores", name)
    text = Path(name).read_text()
    rows = json.loads(text) if name.endswith("json") else list(csv.DictReader(io.StringIO(text)))
    assert [Path(row["picture"]).name for row in rows] == ["0_x4.png", "1_x4.png", "2_x4.png"]
    assert all(float(row["psnr"]) > 10 for row in rows)


def test_several_formats_at_once_are_refused():
    with pytest.raises(UsageError, match="exclude each other"):
        run(*SCORED, "--csv", "--latex")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--models", "a"), "--lr"),
        (("sr", "--lr", "gt", "--models", "a"), "sr was given too"),
        (("sr", "--controls", "bicubic"), "--models"),
    ],
)
def test_what_models_lacks_or_excludes_is_told(arguments, told):
    with pytest.raises(UsageError, match=told):
        run(*arguments)


def test_a_pair_that_does_not_fit_ends_with_the_others_scored(write):
    write(Path("gt/3.png"), 32, 30)
    write(Path("sr/3_x4.png"), 32, 32)
    with pytest.raises(SomeFilesFailed, match="1 of 4"):
        run(*SCORED)


def test_models_are_compared_in_a_table(tiny_model):
    arguments = ("--lr", "gt", "--metrics", "sharpness", "--controls", "bicubic")
    shown = run("--models", str(tiny_model), *arguments).stdout
    assert "bicubic" in shown
    assert "against tiny" in shown
    rows = list(
        csv.DictReader(io.StringIO(run("--models", str(tiny_model), *arguments, "--csv").stdout))
    )
    assert [(row["model"], row["reference"]) for row in rows] == [
        ("bicubic", "tiny"),
        ("tiny", "tiny"),
    ]
    result = json.loads(run("--models", str(tiny_model), *arguments, "--json").stdout)["result"]
    assert result["models"][0]["differences"]["sharpness"]["mean"]["pictures"] == 3


def test_the_list_names_every_metric_with_its_range():
    shown = run("--list").stdout
    assert all(name in shown for name in METRICS)
    assert all(name in shown for name in ("iqa", "crops", "classic", "-1 to 1"))
    listed = json.loads(run("--list", "--json").stdout)["result"]
    assert {metric["name"] for metric in listed["metrics"]} == set(METRICS)


ROWS = [
    ("a_b", {"psnr": 25.001, "lpips": 0.2}),
    ("c|d", {"psnr": 25.004, "lpips": 0.3}),
    ("e", {"psnr": float("inf"), "lpips": float("nan")}),
]


def table(rows):
    definitions = {name: METRICS[name] for name in ("psnr", "lpips")}
    return score_table("model", rows, definitions, ["how"], mark_best=True)


def test_the_best_is_marked_by_direction_and_what_reads_the_same_is_as_good():
    written = markdown(table(ROWS[:2]))
    assert r"| a_b | **25.00** | **0.2000** |" in written
    assert r"| c\|d | **25.00** | 0.3000 |" in written


def test_latex_is_escaped_and_says_the_protocol():
    written = latex(table(ROWS))
    assert r"a\_b & 25.00 & \textbf{0.2000} \\" in written
    assert r"e & \textbf{$\infty$} & --- \\" in written
    assert written.startswith("% how")
    assert r"psnr dB $\uparrow$ & lpips $\downarrow$" in written
