"""Half the bits inside a network, all of them at its ends.

bfloat16 has 129 values between 0.5 and 1: a picture that comes out of it shows steps where a
gradient should be. Most of the arithmetic lies between a network's first and last convolution, so
that these two can be exact at next to no cost.
"""

import copy

import torch
from torch import Tensor, nn

from pdd_cli.nets.network import Network

_TRIAL_SIZE = 16


class _InFloat32(nn.Module):
    """A convolution that computes in float32, whatever surrounds it.

    Args:
        convolution: what computes.
        hands_on_halves: whether its result goes on in the surrounding precision. Were it float32,
            every residual sum and every concatenation behind it would be too.
    """

    def __init__(self, convolution: nn.Conv2d, *, hands_on_halves: bool) -> None:
        super().__init__()
        self.convolution = convolution
        self.hands_on_halves = hands_on_halves

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (n, c, h, w) of any type."""
        device = features.device.type
        with torch.autocast(device, enabled=False):
            convolved: Tensor = self.convolution(features.float())
        if self.hands_on_halves and torch.is_autocast_enabled(device):
            return convolved.to(torch.get_autocast_dtype(device))
        return convolved


class _InEitherPrecision(nn.Module):
    """A convolution that keeps its weights in halves too.

    Under autocast alone they would be converted for every tile anew, which takes some 5 % of the
    time of a small one.
    """

    def __init__(self, convolution: nn.Conv2d, halves: torch.dtype) -> None:
        super().__init__()
        self.in_float32 = convolution
        self.in_halves = copy.deepcopy(convolution).to(halves)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (n, c, h, w) in the surrounding precision."""
        surrounded = torch.is_autocast_enabled(features.device.type)
        convolved: Tensor = (self.in_halves if surrounded else self.in_float32)(features)
        return convolved


def mix_precisions(network: Network, halves: torch.dtype) -> None:
    """Prepare a network for autocasting to halves, its first and last convolution in float32.

    Without autocasting it computes in float32 as before.

    Args:
        network: for inference only from now on, since its parameters get other names; on the CPU.
        halves: bfloat16 or float16.
    """
    performed = _convolutions_performed_by(network)
    for name in dict.fromkeys(performed):
        parent, _, child = name.rpartition(".")
        convolution = network.inner.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        prepared = (
            _InFloat32(convolution, hands_on_halves=name != performed[-1])
            if name in (performed[0], performed[-1])
            else _InEitherPrecision(convolution, halves)
        )
        setattr(network.inner.get_submodule(parent), child, prepared)


@torch.inference_mode()
def _convolutions_performed_by(network: Network) -> list[str]:
    """List the names of the convolutions that a network performs, one after the other."""
    performed: list[str] = []
    names = {module: name for name, module in network.inner.named_modules()}
    hooks = [
        module.register_forward_hook(lambda module, *_: performed.append(names[module]))
        for module in names
        if isinstance(module, nn.Conv2d)
    ]
    try:
        network(torch.zeros(1, 3, _TRIAL_SIZE, _TRIAL_SIZE))
    finally:
        for hook in hooks:
            hook.remove()
    return performed
