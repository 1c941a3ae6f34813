"""Under which names a network's weights are kept: spandrel's own, and Real-ESRGAN's.

spandrel reads either, but keeps an RRDBNet in ESRGAN's first names (``model.1.sub.0.RDB1…``), in
which Real-ESRGAN's script does not find its weights. An SRVGGNetCompact has the same names in both.
"""

import re

from torch import Tensor

from pdd_cli.errors import ModelError
from pdd_cli.nets.network import Network
from pdd_cli.runtime.ncnn import rrdbnet_names

RRDBNET, COMPACT = "ESRGAN", "Compact"

# Real-ESRGAN's RRDBNet always doubles twice; for less it takes the picture apart first.
_DOUBLINGS = 2

_IN_A_DENSE_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(weight|bias)")
_AFTER_THE_BLOCKS = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
_OUTSIDE = re.compile(r"model\.(\d+)\.(weight|bias)")
_EVERY_THIRD = 3


def spandrel_layout(network: Network) -> dict[str, Tensor]:
    """Return the weights in the names that spandrel trains and saves."""
    return dict(network.inner.state_dict())


def realesrgan_layout(network: Network) -> dict[str, Tensor]:
    """Return the weights in the names that Real-ESRGAN's script loads strictly.

    They are ``conv_first``, ``body.N.rdbM.convK``, ``conv_body``, ``conv_up1``, ``conv_up2``,
    ``conv_hr`` and ``conv_last`` for an RRDBNet, ``body.N`` for an SRVGGNetCompact.

    Raises:
        ModelError: the script has no network of this architecture.
    """
    if network.architecture == COMPACT:
        return spandrel_layout(network)
    weights = rrdbnet_weights(network)
    if f"conv_up{_DOUBLINGS}.weight" not in weights or f"conv_up{_DOUBLINGS + 1}.weight" in weights:
        raise ModelError(
            f"An RRDBNet for ×{network.scale} without pixel-unshuffle has no place in "
            "Real-ESRGAN's script, whose networks double the size twice.",
            hint="Use --format spandrel, onnx or ncnn.",
        )
    return weights


def rrdbnet_weights(network: Network) -> dict[str, Tensor]:
    """Return an RRDBNet's weights in Real-ESRGAN's names, whatever its number of doublings.

    The order is that in which the layers run.

    Raises:
        ModelError: it is another network, or an RRDBNet with additions (ESRGAN+).
    """
    weights = network.inner.state_dict()
    renamed = {_renamed(name, weights): tensor for name, tensor in weights.items()}
    blocks = sum(name.endswith(".rdb1.conv1.weight") for name in renamed)
    doublings = sum(bool(re.fullmatch(r"conv_up\d+\.weight", name)) for name in renamed)
    names = [
        f"{name}.{kind}" for name in rrdbnet_names(blocks, doublings) for kind in ("weight", "bias")
    ]
    if network.architecture != RRDBNET or set(names) != set(renamed):
        raise ModelError(
            f"This {network.architecture} is neither a plain RRDBNet nor an SRVGGNetCompact.",
            hint="Use --format spandrel or onnx.",
        )
    return {name: renamed[name] for name in names}


def _renamed(name: str, weights: dict[str, Tensor]) -> str:
    if inside := _IN_A_DENSE_BLOCK.fullmatch(name):
        block, dense, convolution, kind = inside.groups()
        return f"body.{block}.rdb{dense}.conv{convolution}.{kind}"
    if after := _AFTER_THE_BLOCKS.fullmatch(name):
        return f"conv_body.{after[2]}"
    if outside := _OUTSIDE.fullmatch(name):
        return f"{_outside(int(outside[1]), weights)}.{outside[2]}"
    return name


def _outside(place: int, weights: dict[str, Tensor]) -> str:
    """Name what runs before or after the blocks by its place in spandrel's sequence."""
    last = max(int(match[1]) for match in map(_OUTSIDE.fullmatch, weights) if match)
    ends = {0: "conv_first", last - 2: "conv_hr", last: "conv_last"}
    return ends.get(place, f"conv_up{place // _EVERY_THIRD}")
