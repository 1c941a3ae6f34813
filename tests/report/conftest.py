"""A report with everything in it."""

import numpy as np
import pytest

from pdd_cli.report.page import (
    Comparison,
    Histogram,
    LineChart,
    Report,
    Section,
    Shown,
    Table,
    Verbatim,
)
from pdd_cli.report.rendering import write_report

RED, BLUE = (200, 0, 0), (0, 0, 200)


def plain(colour, height=96, width=128):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture(scope="session")
def report():
    """Two comparisons, one of them alone; every kind of chart and table."""
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    beside = (Shown("HR", noise, "The truth."), Shown("Gain", noise))
    curve = [(step, 1 / step) for step in range(1, 400)]
    return Report(
        "A model, adapted to 3 photos",
        "The model is better than it was.",
        (
            Section(
                "Before and after",
                (
                    Comparison(
                        "first",
                        Shown("bicubic", plain(RED)),
                        Shown("adapted", plain(BLUE)),
                        beside,
                        "PSNR 24.00 → 25.00 dB (+1.00)",
                    ),
                    Comparison("second", Shown("before", plain(RED)), Shown("after", plain(BLUE))),
                ),
                "Drag the line.",
            ),
            Section(
                "Figures",
                (
                    Table("Means", ("metric", "before", "after"), [("psnr", "24.00", "25.00")] * 3),
                    LineChart("PSNR", [(0, 24.0), (5, 24.5), (10, 25.0)], "higher", "dB", 24.0, 5),
                    LineChart("A loss", curve),
                    Histogram("SSIM", [0.7, 0.8, 0.81], [0.6, 0.7, 0.75], ("bicubic", "adapted")),
                ),
            ),
            Section("Settings", (Verbatim("config.yaml", "steps: 10\n" + "path: " + "x" * 500),)),
        ),
        "Made by pdd.",
    )


@pytest.fixture(scope="session")
def report_file(report, tmp_path_factory):
    return write_report(report, tmp_path_factory.mktemp("report") / "report.html")
