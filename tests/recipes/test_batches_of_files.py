"""Many files at once: none is lost, none is done twice, none is written over."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.recipes.infer import infer
from pdd_cli.runtime.events import Advanced, Finished, Started


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def upscaled(model, *paths, observer=lambda _: None, **settings):
    settings = {"device": "cpu", "precision": "float32", "model": str(model), **settings}
    return infer(InferConfig(paths=tuple(Path(path) for path in paths), **settings), observer)


def test_skipping_does_only_what_is_missing_and_the_record_names_all(tiny_model, write):
    for name in "abc":
        write(Path(f"in/{name}.png"), 8, 8)
    upscaled(tiny_model, "in")
    Path("in_x4/b.png").unlink()
    before = Path("in_x4/a.png").stat().st_mtime_ns
    result = upscaled(tiny_model, "in", skip_existing=True)
    assert [job.input.name for job in result.pictures] == ["b.png"]
    assert [job.input.name for job in result.skipped] == ["a.png", "c.png"]
    assert Path("in_x4/a.png").stat().st_mtime_ns == before
    record = result.record.read_text()
    assert all(f"{name}.png" in record for name in "abc")


def test_nothing_left_to_do_is_no_error(tiny_model, write):
    write(Path("in/a.png"), 8, 8)
    upscaled(tiny_model, "in")
    assert upscaled(tiny_model, "in", skip_existing=True).pictures == []


def test_a_pattern_stands_for_the_files_that_fit(tiny_model, write):
    for name in ("a1", "a2", "b1"):
        write(Path(f"in/{name}.png"), 8, 8)
    result = upscaled(tiny_model, "in/a*.png", output=Path("out"))
    assert [job.output.name for job in result.pictures] == ["a1.png", "a2.png"]
    with pytest.raises(DataError, match="does not exist"):
        upscaled(tiny_model, "in/c*.png")


def test_results_are_those_of_their_inputs_whatever_sizes_are_mixed(tiny_model, write):
    """Neighbours of one size share a batch; order and results must not get mixed up."""
    sizes = [(8, 8), (8, 8), (9, 8), (8, 8), (40, 30), (8, 8), (8, 8), (8, 8)]
    for number, (height, width) in enumerate(sizes):
        write(Path(f"in/{number}.png"), height, width, number)
    upscaled(tiny_model, "in")
    for number, _ in enumerate(sizes):
        upscaled(tiny_model, f"in/{number}.png", output=Path(f"alone{number}"))
        together = read_picture(Path(f"in_x4/{number}.png")).pixels
        assert (together == read_picture(Path(f"alone{number}/{number}.png")).pixels).all()


def test_progress_is_told_by_pixels_with_files_done_and_failed(tiny_model, write):
    write(Path("in/a.png"), 10, 10)
    write(Path("in/b.png"), 10, 20)
    Path("in/c.png").write_bytes(b"nothing")
    events = []
    upscaled(tiny_model, "in", observer=events.append)
    (started,) = [event for event in events if isinstance(event, Started)]
    assert (started.total, started.unit) == (300, "pixel")
    advances = [event for event in events if isinstance(event, Advanced)]
    assert advances[-1].done == pytest.approx(300)
    assert set(advances[-1].scalars) == {"done", "failed"}
    assert isinstance(events[-1], Finished)


def test_a_full_disk_is_told_for_each_picture_and_leaves_nothing(tiny_model, write, monkeypatch):
    write(Path("in/a.png"), 8, 8)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = upscaled(tiny_model, "in")
    assert "No space left" in result.failures[0].reason
    assert not any(Path("in_x4").iterdir())


KILLED = """
import os, sys
from pathlib import Path
from pdd_cli.config.infer import InferConfig
from pdd_cli.recipes.infer import infer
import pdd_cli.recipes.upscaling
for line in sys.stdin:  # one line, one try, each in a process of its own
    child = os.fork()
    if child == 0:
        infer(InferConfig(paths=(Path("in"),), model=sys.argv[1], device="cpu",
                          precision="float32", skip_existing=True))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.mark.whole
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_killed_at_any_moment_it_leaves_no_partial_file_and_the_rest_is_done_next(
    tiny_model, write
):
    for number in range(30):
        write(Path(f"in/{number:02d}.png"), 120, 120 + number, number)
    expected = {f"{number:02d}.png" for number in range(30)}
    chance = random.Random(0)
    interrupted = 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tiny_model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(50):
            process.stdin.write("go\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            time.sleep(chance.uniform(0.1, 0.8))
            with suppress(ProcessLookupError):  # it was done already
                os.kill(child, signal.SIGKILL)
            left = {path.name for path in Path("in_x4").glob("*")} - {"pdd-infer.json"}
            assert left <= expected
            for name in left:
                read_picture(Path("in_x4", name))
            interrupted += bool(left and left != expected)
            if left == expected:
                for name in left:
                    Path("in_x4", name).unlink()
        process.stdin.close()
    assert interrupted >= 5
    done_before = {path.name for path in Path("in_x4").glob("*.png")}
    result = upscaled(tiny_model, "in", skip_existing=True)
    assert {job.output.name for job in result.skipped} == done_before
    assert {path.name for path in Path("in_x4").glob("*.png")} == expected
