"""Bars for what takes time before training."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm


class Bars:
    """A bar for each thing that takes time before training."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self._what = what
            self._bar = tqdm(total=total, desc=what, disable=None, dynamic_ncols=True, leave=False)
        self._bar.update(done - self._bar.n if not self._bar.disable else 0)
        if done >= total:
            self._bar.close()
            self._what = ""
