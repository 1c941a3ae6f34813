"""What the machine and libraries raise is told in our words, with our exit codes."""

import errno

import pytest

from pdd_cli.cli.failures import explain
from pdd_cli.errors import DataError, ResourceError


class OutOfMemoryError(RuntimeError):
    """As torch names the one of its GPUs."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
    ],
)
def test_memory_that_does_not_suffice_is_a_lack_of_the_machine(error):
    told = explain(error)

    assert isinstance(told, ResourceError)
    assert "--tile" in str(told)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "runs/a/model.safetensors"),
        OSError(errno.EDQUOT, "Disk quota exceeded", "runs/a/model.safetensors"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
    ],
)
def test_a_full_disk_is_a_lack_of_the_machine(error):
    told = explain(error)

    assert isinstance(told, ResourceError)
    assert "no room" in str(told)
    assert getattr(error, "filename", None) is None or "runs/a/model.safetensors" in str(told)


def test_a_file_that_must_not_be_touched_is_named():
    told = explain(PermissionError(errno.EACCES, "Permission denied", "out/a.png"))

    assert isinstance(told, ResourceError)
    assert "out/a.png" in str(told)


def test_a_system_library_that_opencv_lacks_is_named_with_what_installs_it():
    said = "libGL.so.1: cannot open shared object file: No such file or directory"

    told = explain(ImportError(said))

    assert isinstance(told, ResourceError)
    assert "libGL.so.1" in str(told)
    assert "apt install libgl1 libglib2.0-0" in str(told)
    assert "opencv-python-headless" in str(told)


def test_an_error_of_ours_stays_as_it_is():
    error = DataError("photos is empty.", hint="Put photos there.")

    assert explain(error) is error


@pytest.mark.parametrize(
    "error", [ValueError("x"), ImportError("No module named x"), FileNotFoundError(2, "no", "x")]
)
def test_what_nobody_foresaw_gets_no_explanation(error):
    assert explain(error) is None
