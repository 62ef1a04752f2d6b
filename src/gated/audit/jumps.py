"""How near a run comes to where its equations jump or have a kink: there rounding decides, and no derivative is right.

What is exactly there (a state that is 0, under relu) is so by the equations, in every precision, and does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.audit.runs import Run
from gated.backends.reference.interpreter import Interpreter, Values
from gated.backends.reference.rows import previous_states
from gated.backends.scan import Scan
from gated.language.graph import Graph, Node, is_elementwise, topological

NEAR = 1e-5  # relative: float32 rounds at 6e-8, and a cell may amplify that


def nearest(run: Run) -> float:
    """The smallest distance on all the numbers of a run, relative to what is compared; infinite if there is none."""
    if not _jumps(run.layer.cell.graph):
        return float("inf")
    _, _, tape = run.forward()
    with np.errstate(all="ignore"):
        return min(map(_nearest, tape.scans))


def _nearest(scan: Scan) -> float:
    jumps = _jumps(scan.schedule.graph)
    values: Values = {**scan.values, **previous_states(scan)}
    Interpreter(scan.parameters).run([node for node in topological(jumps) if node not in values], values)
    found = float("inf")
    for jump, node in jumps.items():
        scale = 1.0 + sum(np.abs(values[arg]) for arg in node.args)
        distance = np.abs(values[jump]) / scale
        found = min(found, float(np.min(distance, initial=np.inf, where=distance > 0.0)))
    return found


def _jumps(graph: Graph) -> dict[Node, Node]:
    """An expression that is 0 where the equations jump or have a kink -> the node that does."""
    found: dict[Node, Node] = {}
    for node in filter(is_elementwise, graph.order):
        row: Any = node.operation
        found.update(dict.fromkeys(row.jumps(node.args), node))
    return found
