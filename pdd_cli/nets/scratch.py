"""Networks that have learnt nothing yet, for training from scratch."""

from typing import Literal

from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from torch import nn

from pdd_cli.errors import UsageError
from pdd_cli.nets.network import Network, load_network

Untrained = Literal["rrdbnet", "rrdbnet-6", "compact"]

SCRATCH_SCALES = (1, 2, 3, 4)

_AMBIGUOUS_SCALE = 3


def untrained_network(kind: Untrained, scale: int) -> Network:
    """Make a network with weights drawn by torch's generator.

    Args:
        kind: RRDBNet of 23 blocks (16.7 M parameters) or of 6 (4.5 M; arXiv 1809.00219), or
            SRVGGNetCompact with 32 convolutions (1.2 M), which adds to plain enlargement.
        scale: 1 to 4; not 3 for an RRDBNet, whose weights for ×3 and ×2 cannot be told apart.

    Raises:
        UsageError: an RRDBNet of ×3.
    """
    if kind != "compact" and scale == _AMBIGUOUS_SCALE:
        raise UsageError(
            f"{kind} cannot be trained for ×3: programs that load weights take it for ×2.",
            hint="Use --network compact for ×3.",
        )
    match kind:
        case "compact":
            network: nn.Module = Compact(num_feat=64, num_conv=32, upscale=scale)
        case "rrdbnet" | "rrdbnet-6":
            blocks = 23 if kind == "rrdbnet" else 6
            network = ESRGAN(num_filters=64, num_blocks=blocks, scale=scale)
    return load_network(network.state_dict(), named=kind, scales=SCRATCH_SCALES)
