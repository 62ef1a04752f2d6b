"""What was used last, by key, within a bound: the rest is forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from gated.locks import fork_safe_lock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """Values by key, the least recently used forgotten. Safe to use from many threads, and in the child of a fork.

    For the life of the process, as its lock is: for modules, not for layers.

    Args:
        most: what the values may weigh together.
        weight: of a value, the same whenever it is asked for; without it each weighs 1, so that `most` counts them.

    Attributes:
        total: what all that are held weigh.
    """

    def __init__(self, most: int, weight: Callable[[V], int] | None = None) -> None:
        self.most, self.total = most, 0
        self._weight = weight
        self._held: OrderedDict[K, V] = OrderedDict()
        self._latest: tuple[K, V] | None = None  # asked for: who asks again need not wait for others
        self._lock = fork_safe_lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made if there is none. Who asks meanwhile waits: nothing is made twice."""
        latest = self._latest
        if latest is not None and latest[0] == key:
            return latest[1]
        with self._lock:
            try:
                self._held.move_to_end(key)
                value = self._held[key]
            except KeyError:
                self.leave(key, value := make())
            self._latest = key, value
            return value

    def find(self, key: K) -> V | None:
        """The value of a key, which stays; None if there is none."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
            return value

    def take(self, key: K) -> V | None:
        """The value of a key, for the caller alone: it is held no longer. None if there is none."""
        with self._lock:
            self._latest = None
            value = self._held.pop(key, None)
            if value is not None:
                self.total -= self._weight_of(value)
            return value

    def leave(self, key: K, value: V) -> None:
        """Hold a value for later; if one is held already, that one stays."""
        with self._lock:
            if self._held.setdefault(key, value) is not value:
                return
            self.total += self._weight_of(value)
            while self.total > self.most:
                self.total -= self._weight_of(self._held.popitem(last=False)[1])

    def forget(self) -> None:
        """Hold nothing."""
        with self._lock:
            self._latest = None
            self._held.clear()
            self.total = 0

    def values(self) -> list[V]:
        """All of them, the least recently used first."""
        with self._lock:
            return list(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def _weight_of(self, value: V) -> int:
        return 1 if self._weight is None else self._weight(value)
