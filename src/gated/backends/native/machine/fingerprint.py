"""A digest of structured values: equal in every process for values that are built alike, different for all others.

The order of a set, and everything that hangs on it, differs between processes (strings are hashed with a random seed).
A key for the cache on disk must therefore be made from the program itself, in its order, and not from what it was
derived from. Sets are refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from gated.language.graph import Node, topological


def fingerprint(*values: Any) -> str:
    """64 hexadecimal digits for a tree of texts, numbers, tuples, lists, mappings (in their order), nodes, dataclasses.

    Raises:
        TypeError: a value of another type.
    """
    writer = _Writer()
    writer.write(values)
    return hashlib.sha256("".join(writer.parts).encode()).hexdigest()


class _Writer:
    """Every value as a text that tells where it ends; a node that was written before as its number."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.numbers: dict[Node, int] = {}

    def write(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, int, float)):
            self.parts.append(f"{type(value).__name__} {value!r};")
        elif isinstance(value, str):
            self.parts.append(f"s{len(value)} {value}")
        elif isinstance(value, Node):
            self._node(value)
        elif isinstance(value, (tuple, list)):
            self._sequence("(", value)
        elif isinstance(value, Mapping):
            self._sequence("{", [part for pair in value.items() for part in pair])
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            self._sequence(type(value).__name__, [getattr(value, field.name) for field in fields])
        else:
            raise TypeError(f"no fingerprint of a {type(value).__name__}: {value!r}")

    def _sequence(self, name: str, values: Any) -> None:
        self.parts.append(f"{name}{len(values)} ")
        for value in values:
            self.write(value)

    def _node(self, node: Node) -> None:
        """Arguments first, without recursion: a graph may be deeper than Python's stack."""
        for each in topological([node], lambda each: [arg for arg in each.args if arg not in self.numbers]):
            if each not in self.numbers:
                self.parts.append("n")
                self.write((each.op, each.attr, each.dim, [self.numbers[arg] for arg in each.args]))
                self.numbers[each] = len(self.numbers)
        self.parts.append(f"#{self.numbers[node]};")
