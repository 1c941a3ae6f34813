"""Reading, computing and writing pictures at the same time.

While a network works, the next pictures are read and the last ones written, so that neither disk
nor codec keeps it waiting.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pdd_cli.errors import DataError, PddError
from pdd_cli.images.codec import Picture, read_picture

# Enough that a batch of small pictures is at hand, few enough that large ones fit into memory.
_READ_AHEAD = 8
_PIXELS_READ_AHEAD = 50_000_000
_WRITTEN_BEHIND = 3

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


def read_ahead(paths: Sequence[Path]) -> Iterator[Picture | DataError]:
    """Read pictures in order, the next ones meanwhile; in the place of one that fails, why."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="reading") as readers:
        coming: deque[Future[Picture | DataError]] = deque()
        left = iter(paths)
        held = 0
        while True:
            while len(coming) < _READ_AHEAD and (held < _PIXELS_READ_AHEAD or not coming):
                path = next(left, None)
                if path is None:
                    break
                coming.append(readers.submit(_read, path))
            if not coming:
                return
            picture = coming.popleft().result()
            if isinstance(picture, Picture):
                held = picture.height * picture.width * (len(coming) + 1)
            yield picture


def _read(path: Path) -> Picture | DataError:
    try:
        return read_picture(path)
    except DataError as error:
        return error


class WriteBehind(Generic[Job, Outcome]):
    """Writes results in the background, a few of them at the most waiting for their turn.

    Args:
        write: writes one result; it may raise a ``PddError``.
    """

    def __init__(self, write: Callable[[Job, Picture], Outcome]) -> None:
        self._write = write
        self._workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="writing")
        self._running: deque[tuple[Job, Future[Outcome]]] = deque()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for what is being written, and drop what has not begun."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def put(self, job: Job, picture: Picture) -> None:
        """Have a result written, waiting while too many are."""
        self._running.append((job, self._workers.submit(self._write, job, picture)))

    def done(self, *, all_of_them: bool = False) -> Iterator[tuple[Job, Outcome | PddError]]:
        """Tell what came of the results that were written since, in order, or why one was not.

        Args:
            all_of_them: whether to wait for every one.
        """
        while self._running:
            job, writing = self._running[0]
            full = len(self._running) > _WRITTEN_BEHIND
            if not (all_of_them or full or writing.done()):
                return
            self._running.popleft()
            try:
                yield job, writing.result()
            except PddError as error:
                yield job, error
