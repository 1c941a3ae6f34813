"""How far the written weights go from the un-adapted ones: a mixture, and the choice of its share.

Every step adds fidelity, and beyond some point it takes away from the look. Where that point lies
depends on the photos, and the photos themselves cannot tell, for they have no HR. Pairs made in
their likeness can: see docs/method.md, How far to go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pdd_cli.distill.ema import mix, start_average
from pdd_cli.nets.network import Network
from pdd_cli.recipes.monitors import Monitors, ValidationPair
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started, Warned

Written = Literal["average", "specialist"]

_MIXTURES: tuple[tuple[Written, float], ...] = (
    ("average", 0.6),
    ("average", 1.0),
    ("specialist", 0.75),
    ("specialist", 1.0),
)
"""What is tried, the mildest first."""

# Of the best gain. Made pairs promise most of what goes far, and real photos keep least of that.
_ENOUGH = 0.75

# By one pair or two, whose scenes happen to be easy, every mixture does well.
_FEWEST = 4


@dataclass(frozen=True)
class Trials:
    """LR and HR that mixtures are tried on."""

    pairs: Sequence[ValidationPair]
    learnt_from: bool = False
    """Whether the specialist knows their HR."""

    @property
    def tell_how_far(self) -> bool:
        """Whether they tell how far to go, and not only that a mixture helps."""
        return len(self.pairs) >= _FEWEST and not self.learnt_from


@dataclass
class Blend:
    """The weights that are shown, scored and written, as they are at the moment."""

    specialist: Network
    average: Network
    before: Network | None
    """As the specialist was before its first step; None where nothing of that is wanted."""
    write: Written = "average"
    """Which weights are mixed with those before."""
    share: float = 1.0
    """Of the way from those before to these."""
    _mixed: Network | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._mixed = None if self.before is None else start_average(self.before)

    @property
    def network(self) -> Network:
        """The mixture; the next call may change it."""
        after = self.average if self.write == "average" else self.specialist
        if self.before is None or self._mixed is None:
            return after
        mix(self._mixed, self.before, after, self.share)
        return self._mixed


def settle_share(
    blend: Blend,
    trials: Trials,
    monitors: Monitors,
    *,
    writes: Sequence[Written],
    observer: Observer,
) -> None:
    """Take the mildest mixture that lowers LPIPS nearly as much as the best one does.

    Only those count whose PSNR is not below that of the weights before. By pairs that tell little,
    the mildest is taken that lowers LPIPS at all; where none does, the mildest of all.

    Args:
        blend: whose share is settled.
        trials: the pairs to settle it by.
        monitors: what measures.
        writes: the weights to choose from.
        observer: told of the progress and the choice.
    """
    assert blend.before is not None
    stage, pairs = "choosing how far to go", trials.pairs
    candidates = [mixture for mixture in _MIXTURES if mixture[0] in writes]
    observer(Started(stage, len(candidates) + 1, "mixture"))
    before = monitors.compare(blend.before, pairs)
    observer(Advanced(1))
    tried = {}
    for number, mixture in enumerate(candidates, start=2):
        blend.write, blend.share = mixture
        tried[mixture] = monitors.compare(blend.network, pairs)
        observer(Advanced(number))
    told = {"before": before, **{_named(*mixture): tried[mixture] for mixture in tried}}
    observer(Finished(stage, "; ".join(f"{name} {_in_words(told[name])}" for name in told)))
    gains = {
        mixture: before["val_lpips"] - figures["val_lpips"]
        for mixture, figures in tried.items()
        if figures["val_psnr"] >= before["val_psnr"]
    }
    largest = max(gains.values(), default=0.0)
    if largest <= 0:
        blend.write, blend.share = candidates[0]
        observer(
            Warned(
                f"No mixture is better than the weights before on {_counted(pairs)}, in fidelity "
                f"and in look: the mildest is written, {_named(*candidates[0])}."
            )
        )
        return
    enough = _ENOUGH * largest if trials.tell_how_far else 0.0
    chosen = next(mixture for mixture, gain in gains.items() if gain > 0 and gain >= enough)
    blend.write, blend.share = chosen
    observer(
        Said(
            f"Writing {_named(*chosen)}: its LPIPS on {_counted(pairs)} is "
            f"{tried[chosen]['val_lpips']:.4f}, {before['val_lpips']:.4f} before."
        )
    )


def _named(write: Written, share: float) -> str:
    return f"the {write}" if share == 1 else f"{share:.0%} of the way to the {write}"


def _counted(pairs: Sequence[ValidationPair]) -> str:
    return "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"


def _in_words(figures: Mapping[str, float]) -> str:
    return f"{figures['val_psnr']:.2f} dB / {figures['val_lpips']:.4f}"
