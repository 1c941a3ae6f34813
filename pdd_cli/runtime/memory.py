"""How much memory there is, how much a network takes, and when it has run out."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn

_TRIAL_SIZE = 32

_EXHAUSTED = ("can't allocate memory", "not enough memory", "out of memory")


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that a device has to give, or None where it does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return None


@torch.inference_mode()
def bytes_a_pixel(network: nn.Module, device: torch.device) -> float:
    """Estimate the memory that a network takes for each pixel of its input.

    It is what the largest layer reads and writes. With RRDBNet on a CPU, little more than that was
    held at once.

    Args:
        network: maps (1, 3, h, w) to a picture, under whatever autocast is in force.
        device: where it lies.
    """
    largest = 0

    def look(_module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        nonlocal largest
        tensors = [t for t in (*inputs, output) if isinstance(t, Tensor)]
        largest = max(largest, sum(t.numel() * t.element_size() for t in tensors))

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(look) for leaf in leaves]
    try:
        network(torch.zeros(1, 3, _TRIAL_SIZE, _TRIAL_SIZE, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return largest / _TRIAL_SIZE**2


def is_exhausted(error: BaseException) -> bool:
    """Tell whether an error means that memory has run out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _EXHAUSTED)
