"""Locks that a child process finds open.

A lock that some thread holds at the moment of fork stays shut in the child for ever, for the child does not have that
thread. The locks made here are all taken before a fork and given back after it, in parent and child.
"""

from __future__ import annotations

import os
import threading
from typing import Any

_locks: list[Any] = [threading.RLock()]  # never empty
_taken: list[Any] = []


def fork_safe_lock() -> Any:
    """A threading.RLock for the life of the process (it is never forgotten): for modules, not for layers."""
    made = threading.RLock()
    _locks.append(made)
    return made


def _take_all() -> None:
    """Take all locks, in no order: what cannot be had at once is waited for with empty hands, and nothing can jam."""
    order = list(_locks)
    while True:
        order[0].acquire()
        missing = next((i for i, lock in enumerate(order) if i and not lock.acquire(blocking=False)), None)
        if missing is None:
            _taken[:] = order
            return
        for lock in order[:missing]:
            lock.release()
        order = order[missing:] + order[:missing]


def _give_all() -> None:
    for lock in _taken:
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take_all, after_in_parent=_give_all, after_in_child=_give_all)
