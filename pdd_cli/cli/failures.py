"""Failures of the machine and of libraries, in the words and with the exit codes of our errors."""

import errno

from pdd_cli.errors import PddError, ResourceError

_NO_MEMORY = ("OutOfMemoryError", "out of memory", "DefaultCPUAllocator: can't allocate memory")
_NO_ROOM = ("No space left on device", "PytorchStreamWriter failed writing file")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_SYSTEM_LIBRARIES = ("libGL", "libgthread", "libglib")


def explain(error: Exception) -> PddError | None:
    """Say what a foreign exception means for the user; None when nobody foresaw it.

    Libraries raise their own kinds of exception, which are known here by name and by words, so
    that telling them apart does not load the libraries.
    """
    if isinstance(error, PddError):
        return error
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY):
        return ResourceError(
            "The memory does not suffice.",
            hint="Give a smaller --tile to infer, or a smaller --batch or --crop to adapt.",
        )
    number = error.errno if isinstance(error, OSError) else None
    filename = getattr(error, "filename", None)
    if number in _FORBIDDEN:
        return ResourceError(
            f"{filename or 'A file'} must not be touched ({error}).",
            hint="Change its permissions, or choose another folder.",
        )
    if number in _FULL or any(words in said for words in _NO_ROOM):
        where = f" for {filename}" if filename else ""
        return ResourceError(
            f"The disk has no room{where}.", hint="Free some, or choose a folder on another disk."
        )
    if isinstance(error, ImportError) and any(name in said for name in _SYSTEM_LIBRARIES):
        return ResourceError(
            f"OpenCV lacks a system library ({error}).",
            hint="Install it (on Debian and Ubuntu: apt install libgl1 libglib2.0-0), or put "
            "opencv-python-headless in the place of opencv-python.",
        )
    return None
