"""What the pages about evaluations and runs tell, and whether their figures are true."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from pdd_cli.cli.app import app
from pdd_cli.config.evaluate import CompareConfig, EvaluateConfig
from pdd_cli.errors import UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.metrics.protocol import METRICS
from pdd_cli.recipes.compare import compare
from pdd_cli.recipes.comparison_report import report_of_comparison
from pdd_cli.recipes.evaluate import evaluate
from pdd_cli.recipes.evaluation_report import report_of_evaluation
from pdd_cli.recipes.gains import gains_over_bicubic
from pdd_cli.recipes.model_card import Story
from pdd_cli.recipes.training_report import report_of_training
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.report.page import Comparison, Histogram, LineChart, Table
from pdd_cli.report.rendering import render, write_report
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import write_weights


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", pixels[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())


def psnr(first, second, border=4):
    inside = slice(border, -border)
    error = (first[inside, inside].astype(float) - second[inside, inside]) ** 2
    return 10 * np.log10(255**2 / error.mean())


@pytest.fixture
def scenes(write):
    """Six HR pictures, their LR, and two upscalings: noise grows, or falls, with the number."""
    generator = np.random.default_rng(0)
    entries = []
    for number in range(6):
        name = f"{number}.png"
        hr = write(Path("hr", name), 64, 64, number)
        save(Path("lr", name), cv2.resize(hr, (16, 16), interpolation=cv2.INTER_AREA))
        for folder, sigma in (("after", 2 + 4 * number), ("before", 24 - 4 * number)):
            noisy = hr + generator.normal(0, sigma, hr.shape)
            save(Path(folder, name), np.clip(noisy, 0, 255).astype(np.uint8))
        pair = {"input": f"lr/{name}", "output": f"after/{name}"}
        entries.append({role: str(Path(path).resolve()) for role, path in pair.items()})
    content = {"model": "realesrgan", "scale": 4, "pictures": entries}
    Path("after/pdd-infer.json").write_text(json.dumps(content))


def scored(folder, *metrics):
    metrics = metrics or ("psnr", "ssim")
    return evaluate(
        EvaluateConfig(sr=Path(folder), gt=Path("hr"), metrics=metrics, border=4, device="cpu")
    )


def sections(report):
    return {section.heading: section for section in report.sections}


def shown(section):
    return [block.title for block in section.blocks if isinstance(block, Comparison)]


@pytest.mark.usefixtures("scenes")
def test_the_result_is_compared_with_bicubic_enlargement_of_its_lr():
    for entry in gains_over_bicubic(scored("after")):
        hr, sr, lr = (
            read_picture(Path(folder, f"{entry.name}.png")).pixels
            for folder in ("hr", "after", "lr")
        )
        plain = cv2.resize(lr, (64, 64), interpolation=cv2.INTER_CUBIC)
        assert entry.gain == pytest.approx(psnr(sr, hr) - psnr(plain, hr), abs=1e-6)
    report = report_of_evaluation(scored("after"))
    comparison = sections(report)["Largest gains"].blocks[0]
    assert [picture.label for picture in comparison.pictures] == ["bicubic", "result", "HR", "Gain"]
    assert comparison.title == "0"


@pytest.mark.usefixtures("scenes")
def test_what_gained_and_lost_most_against_another_model_comes_first():
    report = report_of_evaluation(scored("after"), scored("before"))
    found = sections(report)
    assert shown(found["Largest gains"]) == ["0", "1", "2"]
    assert shown(found["Largest losses"]) == ["5", "4", "3"]
    assert "Of 6 pictures 3 are better than before, by PSNR." in report.summary
    assert found["Largest gains"].text == "3 of 6 pictures are better than before, by PSNR."


@pytest.mark.usefixtures("scenes")
def test_a_lower_figure_is_a_gain_where_lower_is_better():
    results = []
    for folder in ("after", "before"):
        result = scored(folder, "psnr")
        pictures = [
            replace(picture, scores={"lpips": picture.scores["psnr"]})
            for picture in result.pictures
        ]
        protocol = replace(result.protocol, metrics=("lpips",), definitions=METRICS)
        results.append(replace(result, protocol=protocol, pictures=pictures))
    report = report_of_evaluation(*results)
    assert shown(sections(report)["Largest gains"]) == ["5", "4", "3"]


@pytest.mark.usefixtures("scenes")
def test_means_are_over_the_pictures_that_both_have():
    Path("before/5.png").unlink()
    after, before = scored("after"), scored("before")
    table = sections(report_of_evaluation(after, before))["Means and protocol"].blocks[0]
    both = np.mean([picture.scores["psnr"] for picture in after.pictures[:5]])
    assert table.caption == "Means over 5 pictures"
    assert table.rows[0][1:3] == (f"{before.means['psnr']:.2f}", f"{both:.2f}")
    assert table.rows[0][3] == f"{both - before.means['psnr']:+.2f}"


@pytest.mark.usefixtures("scenes")
def test_pictures_that_were_asked_for_come_first_and_once():
    report = report_of_evaluation(scored("after"), show=["5", "2.png"])
    assert shown(report.sections[0]) == ["5", "2"]
    everywhere = [title for section in report.sections for title in shown(section)]
    assert len(everywhere) == len(set(everywhere))


@pytest.mark.usefixtures("scenes")
def test_a_picture_that_nobody_scored_cannot_be_shown():
    with pytest.raises(UsageError, match="--show 7"):
        report_of_evaluation(scored("after"), show=["7"])


@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize("spoil", ["no record", "no LR"])
def test_without_lr_results_are_shown_beside_their_hr(spoil):
    match spoil:
        case "no record":
            Path("after/pdd-infer.json").unlink()
        case "no LR":
            for path in Path("lr").iterdir():
                path.unlink()
    found = sections(report_of_evaluation(scored("after")))
    assert shown(found["Best by PSNR, dB"]) == ["0", "1", "2", "3"]
    assert shown(found["Worst by PSNR, dB"]) == ["5", "4"]
    first = found["Best by PSNR, dB"].blocks[0]
    assert [picture.label for picture in first.pictures] == ["result", "HR", "Change"]


@pytest.mark.usefixtures("scenes")
def test_without_hr_results_are_shown_beside_their_enlarged_lr():
    config = EvaluateConfig(sr=Path("after"), metrics=("sharpness",), device="cpu")
    report = report_of_evaluation(evaluate(config))
    first = sections(report)["Lowest by SHARPNESS"].blocks[0]
    assert [picture.label for picture in first.pictures] == ["bicubic", "result", "Change"]


@pytest.mark.usefixtures("scenes")
def test_pictures_with_nothing_beside_them_are_told_in_figures_alone():
    Path("after/pdd-infer.json").unlink()
    config = EvaluateConfig(sr=Path("after"), metrics=("sharpness",), device="cpu")
    report = report_of_evaluation(evaluate(config))
    assert [title for section in report.sections for title in shown(section)] == []
    assert len(sections(report)["Every picture"].blocks[0].rows) == 6


@pytest.mark.usefixtures("scenes")
def test_means_come_with_their_interval():
    result = scored("after")
    table = sections(report_of_evaluation(result))["Means and protocol"].blocks[0]
    low, high = result.intervals["psnr"]
    assert table.columns == ("metric", "result", "95 % interval", "better")
    assert table.rows[0][2] == f"{low:.2f} to {high:.2f}"


@pytest.mark.usefixtures("scenes")
def test_of_several_models_the_last_stands_beside_the_reference(network_weights):
    for seed, name in enumerate(("first", "second", "third")):
        write_weights(Path(f"{name}.safetensors"), network_weights(seed=seed))
    config = CompareConfig(
        models=("first.safetensors", "second.safetensors", "third.safetensors"),
        controls=("bicubic",),
        lr=Path("lr"),
        gt=Path("hr"),
        metrics=("psnr",),
        device="cpu",
        precision="float32",
    )
    result = compare(config)
    report = report_of_comparison(result, config)
    assert report.summary.startswith("third against first. On average: PSNR ")
    table = report.sections[0].blocks[0]
    assert [row[0] for row in table.rows] == ["bicubic", "first", "second", "third"]
    first, third = (
        next(m.result.means["psnr"] for m in result.models if m.name == name)
        for name in ("first", "third")
    )
    assert table.rows[1][1] == f"{first:.2f}"
    assert table.rows[3][1] == f"{third:.2f} ({third - first:+.2f})"
    comparison = next(
        block for s in report.sections for block in s.blocks if isinstance(block, Comparison)
    )
    assert [picture.label for picture in comparison.pictures[:2]] == ["first", "third"]


@pytest.mark.usefixtures("scenes")
def test_every_metric_is_distributed_with_what_was_before():
    charts = sections(report_of_evaluation(scored("after"), scored("before")))["Distributions"]
    assert [chart.title for chart in charts.blocks] == ["PSNR", "SSIM", "Gain over before, by PSNR"]
    assert isinstance(charts.blocks[0], Histogram)
    assert (len(charts.blocks[0].values), len(charts.blocks[0].before)) == (6, 6)


@pytest.mark.usefixtures("scenes")
def test_equal_pictures_have_no_finite_figure_and_still_a_page():
    page = render(report_of_evaluation(scored("hr", "psnr")))
    assert "inf" in page


@pytest.mark.usefixtures("scenes")
def test_the_command_writes_the_page_and_prints_as_ever():
    arguments = ["eval", "after", "--gt", "hr", "--metrics", "psnr", "--before", "before"]
    done = CliRunner().invoke(
        app, [*arguments, "--report", "out/page.html", "--show", "3", "--json", "--device", "cpu"]
    )
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["result"]["pictures"]) == 6
    page = Path("out/page.html").read_text()
    assert "Chosen pictures" in page
    assert "psnr: RGB, border 4, higher is better" in page
    assert "before: before" in page  # the settings


@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize("name", ["hr/0.png", "hr", "hr/0.png/page.html"])
def test_a_page_takes_the_place_of_nothing_else(name):
    before = Path("hr/0.png").read_bytes()
    arguments = ["eval", "after", "--gt", "hr", "--metrics", "psnr", "--device", "cpu"]
    with pytest.raises(UsageError, match="report"):
        CliRunner().invoke(app, [*arguments, "--report", name], catch_exceptions=False)
    assert Path("hr/0.png").read_bytes() == before


@pytest.fixture
def run():
    """The folder of a run whose figures are known."""
    made = RunDirectory(Path("runs/one"))
    made.path.mkdir(parents=True)
    made.config.write_text("train:\n  steps: 4\n")
    (made.path / "command.txt").write_text("pdd adapt --real-lr <photos>\n")
    made.append_metrics({"measured_after": 0, "val_psnr": 24.0, "niqe": 5.0})
    made.append_metrics({"event": "warned", "text": "NIQE is slow."})
    for step in range(1, 5):
        made.append_metrics(
            {"step": step, "pixel": 1 / step, "inter": float("nan"), "lr": 2e-5, "seconds": step}
        )
    made.append_metrics({"measured_after": 4, "val_psnr": 25.0, "niqe": 4.5})
    return made


@pytest.fixture
def training_report(run):
    story = Story(
        "adapt",
        "Title",
        "A network,\nadapted by [Distillation](https://example.org).",
        {
            "base_model": "realesrgan",
            "base_licence": "BSD-3-Clause",
            "features": "vgg16",
            "written_step": 4,
        },
    )
    figures = ({"val_psnr": 24.0, "niqe": 5.0}, {"val_psnr": 25.0, "niqe": 4.5})
    verdict = Verdict("better", "The model is better than it was.", *figures)
    return report_of_training(run, "realesrgan, adapted to 3 photos", verdict, story, [])


def test_monitors_are_drawn_with_their_direction_and_baseline(training_report):
    measured = sections(training_report)["Measured on pictures that were not learnt from"]
    table, *charts = measured.blocks
    assert table.rows[0] == ("PSNR against HR, dB", "24", "25", "+1", "higher")
    assert [chart.title for chart in charts] == ["PSNR against HR", "NIQE"]
    assert [chart.better for chart in charts] == ["higher", "lower"]
    assert [chart.baseline for chart in charts] == [24.0, 5.0]
    assert charts[0].points == [(0, 24.0), (4, 25.0)]
    assert charts[0].marked == 4


def test_losses_are_drawn_where_they_are_numbers_that_change(training_report):
    losses = sections(training_report)["Losses over the steps"].blocks
    assert [chart.title for chart in losses] == ["Pixel loss", "Time of a step"]
    assert isinstance(losses[0], LineChart)
    assert [step for step, _ in losses[0].points] == [1, 2, 3, 4]


def test_a_run_is_told_with_its_verdict_warnings_settings_and_licences(training_report):
    page = render(training_report)
    for told in (
        "The model is better than it was.",
        "NIQE is slow.",
        "train:\n  steps: 4",
        "pdd adapt --real-lr &lt;photos&gt;",
        "adapted by Distillation (https://example.org).",
    ):
        assert told in page
    table = sections(training_report)["Licences"].blocks[0]
    assert isinstance(table, Table)
    assert table.rows[0] == ("Base model: realesrgan", "BSD-3-Clause")
    assert [row[0] for row in table.rows[1:]] == [
        "vgg16, to compare with",
        "niqe-live, to compare with",
    ]


@pytest.mark.browser
@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_of_both_kinds_are_whole_in_a_browser(browser, training_report, width):
    evaluation = report_of_evaluation(scored("after"), scored("before"), settings={"gt": "/" * 99})
    for report in (training_report, evaluation):
        page = write_report(report, Path("page.html").resolve())
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        browser.get_log("browser")
        browser.get(page.as_uri())
        seen, wide = browser.execute_script(
            """for (const part of document.querySelectorAll("details")) part.open = true;
            return [[...document.images].map((image) => image.complete && image.naturalWidth),
                    document.documentElement.scrollWidth]"""
        )
        assert seen == [64] * sum(4 * len(shown(section)) for section in report.sections)
        assert wide <= width
        assert browser.get_log("browser") == []
