"""What was used last, within a bound: by number, by weight, from many threads, after a fork."""

from __future__ import annotations

import os
import threading
import time

import pytest

from gated import locks
from gated.lru import Lru


@pytest.fixture(autouse=True)
def own_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock lives as long as the process: those of these tests do not."""
    monkeypatch.setattr(locks, "_locks", list(locks._locks))


def test_the_least_recently_used_is_forgotten() -> None:
    made: list[str] = []
    held: Lru[str, str] = Lru(2)

    def ask(key: str) -> str:
        return held.get(key, lambda: made.append(key) or key.upper())

    assert [ask(key) for key in "aba"] == ["A", "B", "A"] and made == ["a", "b"]
    assert ask("c") == "C" and held.values() == ["A", "C"] and held.total == len(held) == 2
    assert ask("b") == "B" and made == ["a", "b", "c", "b"]
    held.forget()
    assert held.values() == [] and held.total == 0
    assert ask("b") == "B" and made[-1] == "b" and len(made) == 5


def test_what_is_made_in_vain_is_not_held() -> None:
    held: Lru[str, int] = Lru(2)
    with pytest.raises(ZeroDivisionError):
        held.get("a", lambda: 1 // 0)
    assert held.values() == [] and held.total == 0
    assert held.get("a", lambda: 3) == 3


def test_a_bound_by_weight() -> None:
    held: Lru[str, bytes] = Lru(10, len)
    for key, size in (("a", 4), ("b", 5), ("c", 3)):
        held.leave(key, bytes(size))
    assert [len(value) for value in held.values()] == [5, 3] and held.total == 8
    held.leave("b", bytes(1))  # there is one
    assert held.total == 8
    taken = held.take("b")
    assert taken is not None and len(taken) == 5
    assert held.take("b") is None and held.total == 3
    held.leave("d", bytes(11))  # more than all may weigh: nothing stays
    assert held.values() == [] and held.total == 0
    assert len(held.get("e", lambda: bytes(12))) == 12 and held.total == 0
    held.most = 20
    held.leave("f", bytes(12))
    assert held.total == 12


def test_nothing_is_made_twice() -> None:
    held: Lru[int, object] = Lru(8)
    made: list[int] = []

    def make() -> object:
        made.append(1)
        time.sleep(0.05)
        return object()

    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(held.get(0, make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 1 and len(found) == 8 and len(set(map(id, found))) == 1


def test_what_is_taken_is_one_callers_alone() -> None:
    held: Lru[int, int] = Lru(1000)
    for key in range(200):
        held.leave(key, key)
    taken: list[int] = []

    def take() -> None:
        taken.extend(value for key in range(200) if (value := held.take(key)) is not None)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == list(range(200)) and held.total == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
def test_its_lock_is_one_that_a_child_finds_open() -> None:
    before = len(locks._locks)
    held: Lru[int, int] = Lru(1)
    assert locks._locks[before:] == [held._lock]
