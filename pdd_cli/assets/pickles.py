"""Arrays out of pickles, by a reader that admits numpy's arrays and nothing else."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError

# numpy 2 moved the function that older pickles rebuild arrays with.
_RECONSTRUCT = ("numpy.core.multiarray", "numpy._core.multiarray")

# Where torchvision keeps the convolutions of these networks among its ``features``.
_TORCHVISION_INDICES = {
    "AlexNet_0": (0, 3, 6, 8, 10),
    "VGG16_0": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
_HEADS = 5


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 — pickle's own signature
        if module in _RECONSTRUCT and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def import_flax_lpips(data: bytes, *, named: str) -> dict[str, Tensor]:
    """Read the weights of LPIPS on one network, as flax keeps them.

    Args:
        data: a pickle of nested dictionaries of arrays, kernels as (h, w, in, out).
        named: what to call it in messages.

    Returns:
        ``features.N.weight|bias`` by torchvision's names and ``lin0`` to ``lin4``, (channels,).

    Raises:
        ModelError: it holds anything but arrays, or other ones.
    """
    try:
        tree = _ArraysOnly(io.BytesIO(data)).load()
        network = next(name for name in _TORCHVISION_INDICES if name in tree)
        weights = _convolutions(tree[network], _TORCHVISION_INDICES[network])
        heads = {
            f"lin{i}": _tensor(tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"]).flatten()
            for i in range(_HEADS)
        }
    except (pickle.UnpicklingError, EOFError, KeyError, StopIteration, TypeError) as error:
        raise ModelError(
            f"{named} is refused: it is not a pickle of the expected arrays alone ({error}).",
            hint="Fetch it again.",
        ) from error
    return weights | heads


def import_torch_pickle(data: bytes, *, named: str) -> dict[str, Tensor]:
    """Read a flat dictionary of tensors as ``torch.save`` keeps it, under torch's restriction.

    Args:
        data: the whole file.
        named: what to call it in messages.

    Returns:
        Its tensors, flattened.

    Raises:
        ModelError: it holds anything but tensors.
    """
    try:
        tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return {name: tensor.detach().flatten() for name, tensor in tensors.items()}
    except (pickle.UnpicklingError, EOFError, RuntimeError, AttributeError, TypeError) as error:
        raise ModelError(
            f"{named} is refused: it is not a pickle of tensors alone.", hint="Fetch it again."
        ) from error


def _convolutions(tree: Mapping[str, Any], indices: tuple[int, ...]) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for number, index in enumerate(indices):
        layer = tree[f"Conv_{number}"]
        weights[f"features.{index}.weight"] = _tensor(layer["kernel"]).permute(3, 2, 0, 1)
        weights[f"features.{index}.bias"] = _tensor(layer["bias"])
    return {name: tensor.contiguous() for name, tensor in weights.items()}


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))
