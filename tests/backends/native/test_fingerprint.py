"""Keys of the cache: equal for what is built alike, in every process; different for everything else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import gated
from gated.backends.native.machine.fingerprint import fingerprint
from gated.language import graph

SOURCE = Path(__file__).resolve().parents[3] / "src"


@dataclass(frozen=True)
class Pair:
    a: object
    b: object


@dataclass(frozen=True)
class Couple:
    a: object
    b: object


H, C = graph.leaf("state", "h", "hidden"), graph.leaf("state", "c", "hidden")
VALUES = [
    (), ("",), ("a",), ("a", ""), ("", "a"), ("ab",), ("a", "b"), ("a,b",), (1,), ("1",), (1.0,), (True,), (None,),
    ("None",), (-0.0,), (0.0,), (float("nan"),), (float("inf"),), ((),), ((1, 2),), (1, 2), ((1,), 2), ([[1], 2], 3),
    ({"a": 1},), ({"a": 1, "b": 2},), ({"b": 2, "a": 1},), (("a", 1),), (Pair(1, 2),), (Couple(1, 2),), (Pair(2, 1),),
    (H,), (C,), (H, C), (H, H), (graph.call("tanh", H),), (graph.call("tanh", C),), (graph.call("sigmoid", H),),
    (graph.call("add", H, C),), (graph.call("add", C, H),), (graph.constant(0.0),), (graph.constant(-0.0),),
    (graph.leaf("state", "h", "other"),), (graph.leaf("input", "h", "hidden"),),
    (graph.product([graph.Matrix("U", "i", "hidden", "hidden")], [H]),),
    (graph.product([graph.Matrix("U", "i", "hidden", "hidden", True)], [H]),),
]  # fmt: skip


def test_different_values_have_different_fingerprints() -> None:
    found: dict[str, object] = {}
    for value in VALUES:
        key = fingerprint(*value)
        assert len(key) == 64 and key not in found, f"{value} and {found[key]}"
        found[key] = value


def test_lists_and_tuples_are_alike_and_values_may_be_shared() -> None:
    assert fingerprint([1, [2]]) == fingerprint((1, (2,)))
    assert fingerprint(Pair(H, H)) == fingerprint(Pair(graph.leaf("state", "h", "hidden"), H))


def test_a_graph_deeper_than_the_stack() -> None:
    deep = H
    for _ in range(5000):
        deep = graph.call("tanh", deep)
    assert fingerprint(deep) != fingerprint(deep.args[0])


@pytest.mark.parametrize("value", [{1, 2}, frozenset(), object(), b"bytes", Pair, (1, [{3}])])
def test_what_has_no_order_or_no_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no fingerprint of a"):
        fingerprint(value)


KEYS = """
import gated
from gated.backends.native.machine.fingerprint import fingerprint
for cell in gated.cells.ZOO.values():
    graph = cell.graph
    print(fingerprint(graph.outputs, graph.states, graph.parameters, graph.names))
"""


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the sources are not in this copy")
def test_equal_in_processes_that_hash_differently() -> None:
    found = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", KEYS], env=environment, capture_output=True, text=True, check=True)
        found.append(done.stdout.split())
    # (two cells of the zoo have the same equations)
    assert found[0] == found[1] and len(set(found[0])) >= len(gated.cells.ZOO) - 1
