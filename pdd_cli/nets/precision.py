"""Half the bits inside a network, all of them at its ends.

bfloat16 has 129 values between 0.5 and 1: a picture that comes out of it shows steps where a
gradient should be. Most of the arithmetic lies between a network's first and last convolution, so
that these two can be exact at next to no cost.
"""

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


@torch.inference_mode()
def keep_ends_exact(network: Network) -> None:
    """Let the first and the last convolution that a network performs compute in float32.

    Args:
        network: for inference only from now on, since its parameters get other names; on the CPU.
    """
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
    for name in {*performed[:1], *performed[-1:]}:
        parent, _, child = name.rpartition(".")
        module = network.inner.get_submodule(name)
        assert isinstance(module, nn.Conv2d)
        exact = _InFloat32(module, hands_on_halves=name != performed[-1])
        setattr(network.inner.get_submodule(parent), child, exact)
