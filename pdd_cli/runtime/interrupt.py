"""Ctrl-C that waits for the end of a step, and a second one that does not."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_interrupts(on_first: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Hold back the first interrupt, so that the work can stop where its state is whole.

    Yields a function that tells whether an interrupt came. A second one raises
    KeyboardInterrupt at once. Outside the main thread, which alone gets signals, nothing changes.

    Args:
        on_first: called as soon as the first interrupt comes.
    """
    came = False

    def hold(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True
        on_first()

    if current_thread() is not main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, hold) for number in _SIGNALS}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
