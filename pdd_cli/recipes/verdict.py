"""Saying in plain words whether a training made the model better, and by what."""

from dataclasses import dataclass
from typing import Literal

from pdd_cli.recipes.monitors import Monitors

# Smaller differences than these are within what a few photos can tell.
_DECIBELS = 0.05
_LPIPS = 0.001
_PLAIN_DIFFERENCES = {"consistency": 0.2, "colour_drift": 0.1, "niqe": 0.2}


@dataclass(frozen=True)
class Verdict:
    """What came of a training, against the weights that it began with."""

    result: Literal["better", "same", "worse", "mixed", "unknown"]
    text: str
    before: dict[str, float]
    after: dict[str, float]


def judge(monitors: Monitors, step: int) -> Verdict:
    """Compare what was measured after a step with what was measured before the first.

    Pairs with HR decide where there are any. Without HR nothing can prove that details are true:
    the figures then only tell what changed.
    """
    before = monitors.baseline
    after = next((figures for at, figures in monitors.history if at == step), {})
    if "val_psnr" in after:
        return _by_pairs(before, after, len(monitors.pairs))
    if not after:
        return Verdict("unknown", "Nothing was measured, as no photo was held out.", before, after)
    changes = [
        f"{name.replace('_', ' ')} {before[name]:.2f} → {after[name]:.2f}"
        + ("" if abs(after[name] - before[name]) >= least else " (about the same)")
        for name, least in _PLAIN_DIFFERENCES.items()
        if name in after
    ]
    text = (
        f"Without HR nobody can measure whether the model is better. On {len(monitors.photos)} "
        f"photos that it did not learn from: {', '.join(changes)}. Look at the previews."
    )
    return Verdict("unknown", text, before, after)


def _by_pairs(before: dict[str, float], after: dict[str, float], pairs: int) -> Verdict:
    gain = after["val_psnr"] - before["val_psnr"]
    drop = before["val_lpips"] - after["val_lpips"]
    signs = {_sign(gain, _DECIBELS), _sign(drop, _LPIPS)}
    result: Literal["better", "same", "worse", "mixed"]
    if signs == {0}:
        result = "same"
    elif signs <= {0, 1}:
        result = "better"
    elif signs <= {0, -1}:
        result = "worse"
    else:
        result = "mixed"
    words = {
        "better": "The model is better than it was",
        "same": "The model is as good as it was",
        "worse": "The model is worse than it was",
        "mixed": "The model is better in one figure and worse in the other",
    }
    text = (
        f"{words[result]}, on {pairs} pairs: PSNR {before['val_psnr']:.2f} → "
        f"{after['val_psnr']:.2f} dB ({gain:+.2f}), LPIPS {before['val_lpips']:.4f} → "
        f"{after['val_lpips']:.4f} ({-drop:+.4f}, lower is better)."
    )
    return Verdict(result, text, before, after)


def _sign(difference: float, least: float) -> int:
    if abs(difference) < least:
        return 0
    return 1 if difference > 0 else -1
