"""What several tests of the native backend want."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED


@pytest.fixture
def small_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every piece of work is worth threads, and every vector a call of machine code."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setitem(TRIED, "few_bytes", 0)
    before = pool._threads
    yield
    pool._threads = before
