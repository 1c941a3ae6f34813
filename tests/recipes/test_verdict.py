"""The verdict says in plain words what the figures say, and nothing that they cannot."""

from types import SimpleNamespace

import pytest

from pdd_cli.recipes.verdict import judge


def watched(before, after, pairs=2):
    return SimpleNamespace(
        baseline=before, history=[(0, before), (9, after)], pairs=[None] * pairs, photos=[None] * 3
    )


@pytest.mark.parametrize(
    ("psnr", "lpips", "result", "words"),
    [
        (25.5, 0.20, "better", "better than it was"),
        (25.5, 0.25, "better", "better than it was"),
        (25.02, 0.2505, "same", "as good as it was"),
        (24.5, 0.30, "worse", "worse than it was"),
        (25.5, 0.30, "mixed", "better in one figure and worse in the other"),
    ],
)
def test_pairs_decide(psnr, lpips, result, words):
    before = {"val_psnr": 25.0, "val_lpips": 0.25}
    verdict = judge(watched(before, {"val_psnr": psnr, "val_lpips": lpips}), 9)
    assert verdict.result == result
    assert words in verdict.text
    assert "on 2 pairs" in verdict.text


def test_without_hr_nothing_is_claimed():
    before = {"consistency": 28.0, "colour_drift": 4.0, "niqe": 9.0}
    after = {"consistency": 29.0, "colour_drift": 3.0, "niqe": 9.05}
    verdict = judge(watched(before, after, pairs=0), 9)
    assert verdict.result == "unknown"
    assert "nobody can measure" in verdict.text
    assert "28.00 → 29.00" in verdict.text
    assert "9.00 → 9.05 (about the same)" in verdict.text


def test_nothing_watched_is_said():
    assert "Nothing was measured" in judge(watched({}, {}, pairs=0), 9).text
