"""All locks are taken before a fork, whatever order other threads take them in, and given back after it."""

from __future__ import annotations

import threading

import pytest

from gated import locks


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    monkeypatch.setattr(locks, "_locks", [])
    return [locks.fork_safe_lock() for _ in range(2)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nested_locks_in_either_order_do_not_jam(pair: list[threading.RLock], order: tuple[int, int]) -> None:
    outer, inner = (pair[i] for i in order)
    stop, rounds = threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            with outer, inner:
                rounds.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(300):
            locks._take_all()
            before = len(rounds)
            assert not threading.Event().wait(1e-4) and len(rounds) == before, "another thread was inside"
            locks._give_all()
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive() and rounds


def test_a_lock_may_be_taken_again_by_its_thread(pair: list[threading.RLock]) -> None:
    with pair[0], pair[0]:
        locks._take_all()
        locks._give_all()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(pair[0].acquire(timeout=10)))
    thread.start()
    thread.join()
    assert taken == [True]
