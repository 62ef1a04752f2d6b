"""The tape of a recurrent layer: what a forward pass leaves for its backward pass, and for who looks inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.backends import Scan
from gated.errors import uncopied
from gated.nn.inputs import AS_IT_IS, Form
from gated.nn.packing import Packing

if TYPE_CHECKING:
    from gated.nn.recurrent import Recurrent

Array = np.ndarray[Any, Any]


@dataclass(eq=False, slots=True)
class Tape:
    """What a forward pass leaves for its backward pass; `tape["f"]` is the quantity f over time, (T, N, size): a copy.

    With several layers or directions the name has the layer in front: `tape["l1.f"]`, `tape["l0_reverse.f"]`
    (a reverse direction's values stand at the time step of their input). `f` alone is that of the only layer.
    """

    layer: Recurrent
    packing: Packing
    scans: list[Scan]
    masks: list[Array | None]
    form: Form = AS_IT_IS

    def names(self) -> list[str]:
        """Every name that can be asked for."""
        graph = self.scans[0].schedule.graph  # in which constants are numbers: what they alone make has no name
        inner = dict.fromkeys([*graph.names.values(), *graph.states])
        if self.scans and (made := self.scans[0].schedule.graph).inputs != graph.inputs:
            inner |= dict.fromkeys(made.draws)
        return [f"{prefix}.{name}" for prefix in self.layer._prefixes for name in inner]

    def __getitem__(self, name: str) -> Array:
        prefix, _, inner = str(name).rpartition(".")
        prefixes = self.layer._prefixes
        if not prefix and len(prefixes) == 1:
            prefix = prefixes[0]
        if prefix not in prefixes:
            raise KeyError(f"there is no {name!r} on this tape; there are {', '.join(self.names())}")
        k = prefixes.index(prefix)
        rows = _tape_rows(self.scans[k], inner)
        if rows is None:
            raise KeyError(f"there is no {name!r} on this tape; there are {', '.join(self.names())}")
        return np.array(self.packing.unpack(rows, reverse=prefix.endswith("_reverse")))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied(
            "tape", "it belongs to one forward pass: keep y, the state or tape['name'], or run forward again"
        )


def _tape_rows(scan: Scan, name: str) -> Array | None:
    graph = scan.schedule.graph
    if name in graph.states:
        return scan.states[graph.states.index(name)][-scan.rows or len(scan.states[0]) :]
    if name in graph.draws and name in graph.inputs:
        return np.asarray(scan.values[graph.input_leaf(name)])
    for node, known in graph.names.items():
        if known == name:
            return np.broadcast_to(np.asarray(scan.values[node], scan.dtype), (scan.rows, scan.sizes[node.dim]))
    return None
