"""Ctrl-C, and the signal with which batch systems end a job, between two updates instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Called: whether a signal came."""

    def __init__(self) -> None:
        self._came: int | None = None

    def __call__(self) -> bool:
        return self._came is not None

    @property
    def code(self) -> int:
        """The exit code of a program that a signal ended, as shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (signal.SIGINT if self._came is None else self._came)

    def leave(self) -> NoReturn:
        """Raise what the signal stands for: KeyboardInterrupt for Ctrl-C, SystemExit(143) for SIGTERM."""
        if self._came == signal.SIGTERM:
            raise SystemExit(self.code)
        raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._came is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self._came is None:
            self._came = number


@contextmanager
def delayed_interrupt() -> Iterator[Interrupts]:
    """While inside, SIGINT and SIGTERM are only noted.

    An interrupt within an update would leave parameters half updated. A SIGINT after another signal raises
    KeyboardInterrupt at once, for somebody who cannot wait; a second SIGTERM does nothing, for batch systems may send
    several. In a thread other than the main one, where signals cannot be handled, nothing is ever noted.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before: list[Any] = [signal.signal(number, interrupts._note) for number in SIGNALS]
    try:
        yield interrupts
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python
