"""The exponential moving average of the specialist, which serves as the generalist."""

import copy
from typing import TypeVar

import torch
from torch import nn

Averaged = TypeVar("Averaged", bound=nn.Module)


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
