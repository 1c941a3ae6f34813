"""Means of weights: the moving average of the specialist, and mixtures of two networks."""

import copy
from typing import TypeVar

import torch
from torch import nn

Averaged = TypeVar("Averaged", bound=nn.Module)


@torch.no_grad()
def mix(into: nn.Module, start: nn.Module, end: nn.Module, share: float) -> None:
    """Fill a network with weights between two others: ``start · (1 - share) + end · share``.

    Networks that learnt from one another can be mixed so, and what comes out lies between them in
    what it does (arXiv 1809.00219 calls it network interpolation).
    """
    into.load_state_dict(end.state_dict())
    torch._foreach_lerp_(
        list(into.parameters()), [p.detach() for p in start.parameters()], 1 - share
    )


def start_average(network: Averaged) -> Averaged:
    """Copy a network as the start of its average: frozen, and in evaluation mode."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average towards the network: ``average · decay + network · (1 - decay)``.

    Buffers are copied, since counters and running statistics are no weights.
    """
    torch._foreach_lerp_(
        list(average.parameters()), [p.detach() for p in network.parameters()], 1 - decay
    )
    for target, source in zip(average.buffers(), network.buffers(), strict=True):
        target.copy_(source)
