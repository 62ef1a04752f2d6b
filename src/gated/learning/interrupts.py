"""Ctrl-C between two updates instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def delayed_interrupt() -> Iterator[Callable[[], bool]]:
    """While inside, SIGINT only sets a flag; the value yielded is a function that tells whether it came.

    An interrupt within an update would leave parameters half updated. A second SIGINT raises
    KeyboardInterrupt at once, for somebody who cannot wait. In a thread other than the main one,
    where signals cannot be handled, the flag is never set.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: came
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
