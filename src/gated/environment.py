"""Variables of the environment that calls ask for again and again: they may be set at any time."""

from __future__ import annotations

import os
from typing import Any


class Variable:
    """A variable of the environment."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = getattr(os.environ, "encodekey", str)(name)

    def read(self) -> str | None:
        """What it says now; None if it is not set.

        For one that is not set, as most are not, `os.environ.get` raises and catches an error within, which takes ten
        times as long as to look whether it is there.
        """
        known: Any = getattr(os.environ, "_data", None)
        return os.environ.get(self.name) if known is None or self._key in known else None
