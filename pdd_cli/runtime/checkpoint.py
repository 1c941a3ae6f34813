"""Checkpoints: everything that a run needs to go on, in one safetensors file.

The state is a tree of dictionaries and lists. Its tensors are stored as tensors, everything else
as JSON in the file's header, so that reading a checkpoint can never run code.
"""

import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from pdd_cli.errors import ModelError, ResourceError
from pdd_cli.runtime.weights import read_metadata, read_weights, write_weights

State = dict[str, object]

_TENSOR = "$tensor"
_PAIRS = "$pairs"


def save_checkpoint(path: Path, state: Mapping[str, object]) -> None:
    """Write a state, whole or not at all.

    Args:
        path: a ``.safetensors`` file.
        state: nested dictionaries (keys of any plain type) and lists of tensors, numbers,
            strings, booleans and None.

    Raises:
        ResourceError: the disk has no room for it.
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_without_tensors(state, tensors))
    needed = sum(tensor.nbytes for tensor in tensors.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ResourceError(
            f"A checkpoint of {needed / 1e6:.0f} MB does not fit on the disk of {path.parent}, "
            f"which has {free / 1e6:.0f} MB left.",
            hint="Make room and go on with --resume.",
        )
    write_weights(path, tensors, {"state": tree})


def load_checkpoint(path: Path) -> State:
    """Read what ``save_checkpoint`` wrote, on the CPU.

    Raises:
        ModelError: the file is missing, corrupt or no checkpoint.
    """
    tensors = read_weights(path)
    try:
        tree = json.loads(read_metadata(path)["state"])
        return cast(State, _with_tensors(tree, tensors))
    except (KeyError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} is no checkpoint of pdd.", hint="Start a new run.") from error


def random_state() -> State:
    """Take the state of every random generator that a network may draw from."""
    state: State = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: Mapping[str, object]) -> None:
    """Set the generators as they were; a GPU's only where there is one."""
    torch.set_rng_state(cast(Tensor, state["torch"]))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(cast(Tensor, state["cuda"]))


def seed_everything(seed: int) -> None:
    """Start every random generator at one seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _without_tensors(value: object, tensors: dict[str, Tensor]) -> object:
    match value:
        case Tensor():
            name = str(len(tensors))
            tensors[name] = value
            return {_TENSOR: name}
        case Mapping():
            return {_PAIRS: [[key, _without_tensors(item, tensors)] for key, item in value.items()]}
        case list() | tuple():
            return [_without_tensors(item, tensors) for item in value]
        case _:
            return value


def _with_tensors(value: object, tensors: Mapping[str, Tensor]) -> object:
    match value:
        case {"$tensor": str(name)}:
            return tensors[name]
        case {"$pairs": list(pairs)}:
            return {key: _with_tensors(item, tensors) for key, item in pairs}
        case list():
            return [_with_tensors(item, tensors) for item in value]
        case _:
            return value
