"""Weights on disk: safetensors in and out, ncnn pairs in, pickles only by restricted reading."""

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pdd_cli.errors import ModelError
from pdd_cli.runtime.ncnn import is_ncnn, read_ncnn

PICKLE_SUFFIXES = frozenset({".pth", ".pt", ".ckpt", ".bin"})

# Released super-resolution checkpoints keep the averaged weights under the first of these keys.
_STATE_KEYS = ("params_ema", "params", "state_dict", "model")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict, on the CPU.

    Args:
        path: a ``.safetensors`` file, a ``.pth``, ``.pt``, ``.ckpt`` or ``.bin`` pickle, or either
            file of an ncnn pair, ``.param`` and ``.bin``.

    Returns:
        Tensors by name. Of a checkpoint with several state dicts, the averaged one.

    Raises:
        ModelError: the file is missing, corrupt, of another kind, or a pickle that holds more
            than tensors. Such a pickle could run code and is never loaded.
    """
    if not path.is_file():
        raise ModelError(f"There is no weights file {path}.", hint="Check the path.")
    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelError(
                f"{path} is not a readable safetensors file ({error}).", hint="Fetch it again."
            ) from error
    if is_ncnn(path):
        return read_ncnn(path)
    if path.suffix in PICKLE_SUFFIXES:
        return _read_pickle(path)
    raise ModelError(
        f"{path} is not a weights file that pdd reads.",
        hint="Give a .safetensors, a .pth or ncnn's .param file.",
    )


def read_metadata(path: Path) -> dict[str, str]:
    """Read the text metadata in the header of a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def write_weights(
    path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all.

    The file is written beside its place, flushed to the disk, and renamed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    try:
        save_file(contiguous, partial, {"format": "pt", **(metadata or {})})
        flush_to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_pickle(
    path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a ``.pth`` file of tensors and text under the key that released checkpoints use.

    For programs that read nothing else; what it holds loads with ``weights_only=True``.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    torch.save({_STATE_KEYS[0]: contiguous, "metadata": dict(metadata or {})}, path)


def flush_to_disk(path: Path) -> None:
    """Wait until the file's content is on the disk, so that a rename cannot outrun it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _read_pickle(path: Path) -> dict[str, Tensor]:
    # A damaged or hostile file makes the restricted reader trip in any way; it means the same.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is refused: it is corrupt, or a pickle that holds more than tensors and "
            "could run code.",
            hint="Use a .safetensors file of the same model.",
        ) from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"{path} is not a readable checkpoint ({reason}).", hint="Fetch it again."
        ) from error
    for key in _STATE_KEYS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    weights = {
        str(name).removeprefix("module."): tensor
        for name, tensor in (content.items() if isinstance(content, dict) else ())
        if isinstance(tensor, Tensor)
    }
    if not weights:
        raise ModelError(f"{path} holds no tensors.", hint="Give the file of a network's weights.")
    return weights
