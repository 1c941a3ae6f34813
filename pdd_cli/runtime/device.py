"""Where to compute, and in which precision."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from pdd_cli.errors import ResourceError, UsageError

Precision = Literal["auto", "float32", "bfloat16", "float16"]


def choose_device(wanted: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N`` into a device that is there.

    ``auto`` takes CUDA before MPS before the CPU.

    Raises:
        UsageError: the name is none of these.
        ResourceError: the machine has no such device.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(
            f"--device {wanted} is no device.", hint="Use auto, cpu, cuda, cuda:1 or mps."
        ) from error
    if device.type == "cuda" and not _has_cuda(device.index or 0):
        raise ResourceError(f"--device {wanted}: there is no such GPU.", hint="Use --device cpu.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ResourceError("--device mps: Metal is not available.", hint="Use --device cpu.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"--device {wanted} is not supported.", hint="Use cpu, cuda or mps.")
    return device


def choose_precision(device: torch.device, wanted: Precision = "auto") -> torch.dtype:
    """Choose the type that convolutions are computed in.

    ``auto`` is bfloat16 where the hardware multiplies in it, else float32. Elsewhere bfloat16
    is emulated and slower than float32: on CPUs it takes AVX512-BF16 or AMX.

    Raises:
        ResourceError: float16 was asked for on a CPU, where its convolutions do not train.
    """
    if wanted == "float16" and device.type == "cpu":
        raise ResourceError(
            "--precision float16 does not work on a CPU.", hint="Use float32 or bfloat16."
        )
    if wanted != "auto":
        return {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "float16": torch.float16,
        }[wanted]
    return torch.bfloat16 if _multiplies_in_bfloat16(device) else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return autocasting to ``dtype``, or a context that does nothing for float32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the layout that convolutions are fastest in: channels-last, but on Metal."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def _has_cuda(index: int) -> bool:
    return torch.cuda.is_available() and index < torch.cuda.device_count()


def _multiplies_in_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Older releases of torch do not tell; float32 is then right, if not the fastest.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
