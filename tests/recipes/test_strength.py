"""How far the written weights go is chosen on pairs, and never at the cost of fidelity."""

import pytest
import torch
from torch import nn

from pdd_cli.recipes.monitors import Monitors, ValidationPair
from pdd_cli.recipes.strength import Blend, Trials, settle_share
from pdd_cli.runtime.events import Finished, Said, Warned


class Brightened(nn.Module):
    """Enlarges by nearest neighbours and adds the square of its one weight.

    So three quarters of the way do little more than half of what the whole does.
    """

    def __init__(self, added: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(added).sqrt())
        self.scale = 2

    def forward(self, pictures):
        return pictures.repeat_interleave(2, -1).repeat_interleave(2, -2) + self.weight.square()


class Distance(nn.Module):
    """In the place of LPIPS: the difference of two pictures' brightness."""

    def forward(self, first, second):
        return (first.mean() - second.mean()).abs()[None]


def monitors():
    return Monitors(
        photos=[],
        pairs=[],
        scale=2,
        device=torch.device("cpu"),
        precision=torch.float32,
        niqe=None,
        lpips=Distance(),
    )


def trials(wanted: float, count: int = 4, *, learnt_from: bool = False):
    """LR, and HR that is brighter by what a network ought to add."""
    lr = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 0.5
    hr = lr.repeat_interleave(2, -1).repeat_interleave(2, -2) + wanted
    return Trials([ValidationPair(lr, hr)] * count, learnt_from)


@pytest.mark.parametrize(
    ("wanted", "write", "share"),
    [
        (0.4, "specialist", 1.0),
        (0.25, "specialist", 0.75),
        (0.1, "average", 1.0),
        (0.04, "average", 0.6),
    ],
)
def test_the_mildest_mixture_that_does_nearly_as_well_as_the_best_is_taken(wanted, write, share):
    blend = Blend(Brightened(0.4), Brightened(0.1), before=Brightened(0.0))
    said = []
    settle_share(
        blend,
        trials(wanted),
        monitors(),
        writes=("specialist", "average"),
        observer=said.append,
    )
    assert (blend.write, blend.share) == (write, share)
    named = f"the {write}" if share == 1 else f"{share:.0%} of the way to the {write}"
    assert any(isinstance(event, Said) and f"Writing {named}:" in event.text for event in said)
    (tried,) = [event.summary for event in said if isinstance(event, Finished)]
    assert tried.count(" dB / ") == 5, "what was passed over is told as well"


@pytest.mark.parametrize("little", [{"count": 3}, {"learnt_from": True}])
def test_few_pairs_and_such_as_are_learnt_from_do_not_tell_how_far_to_go(little):
    blend = Blend(Brightened(0.4), Brightened(0.1), before=Brightened(0.0))
    settle_share(
        blend,
        trials(0.4, **little),
        monitors(),
        writes=("specialist", "average"),
        observer=lambda _: None,
    )
    assert (blend.write, blend.share) == ("average", 0.6)


def test_only_the_weights_that_were_asked_for_are_tried():
    blend = Blend(Brightened(0.4), Brightened(0.1), before=Brightened(0.0))
    settle_share(blend, trials(0.4), monitors(), writes=("average",), observer=lambda _: None)
    assert (blend.write, blend.share) == ("average", 1.0)


def test_where_every_mixture_is_worse_the_mildest_is_written_and_that_is_told():
    blend = Blend(Brightened(0.4), Brightened(0.1), before=Brightened(0.0))
    said = []
    settle_share(
        blend,
        trials(-0.2),
        monitors(),
        writes=("specialist", "average"),
        observer=said.append,
    )
    assert (blend.write, blend.share) == ("average", 0.6)
    assert any(isinstance(event, Warned) and "the mildest" in event.text for event in said)


def test_without_weights_from_before_nothing_is_mixed():
    network = Brightened(0.4)
    assert Blend(network, Brightened(0.1), before=None, write="specialist").network is network
