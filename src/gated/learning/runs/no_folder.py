"""In the place of a run's folder, for a run that writes nothing: the lines of metrics stay in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gated.files.json_text import from_text, to_text


class NoFolder:
    """Has of `RunFolder` what a run calls while it runs."""

    path = None

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []

    @contextmanager
    def working(self) -> Iterator[None]:
        yield

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Keep a line, as JSON would give it back."""
        self._lines.append(from_text(to_text("metrics", line)))

    def read_metrics(self) -> list[dict[str, Any]]:
        return copy.deepcopy(self._lines)

    def write_checkpoint(self, arrays: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Nothing: what is in memory goes on there."""
