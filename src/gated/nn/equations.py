"""What a time step of a layer is, told to those who learn in real time: graphs, tables, and sums of chains of them.

A layer answers `Layer.equations` with a chain of parts, from its input to its output:

    Equations    a graph: of a step with its states, whose first is the output, or of a map without states
    LookUp       a row of a table; the input is its number
    Sum          what several chains make of the same input, added up; a chain without parts gives the input itself

so that y = x + inner(x) is `[Sum([[], inner.equations("inner")])]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gated.language.graph import Graph


@dataclass(frozen=True, eq=False)
class Equations:
    """A graph with its place in a layer.

    Attributes:
        graph: one step, or a map; with one input.
        parameters: name in the graph -> name in `layer.params`.
        sizes: lengths that the parameters do not tell, of the input or of a state: dimension symbol -> length.
        level: tells the parts of a layer that have states from each other.
    """

    graph: Graph
    parameters: Mapping[str, str]
    sizes: Mapping[str, int] = field(default_factory=dict)
    level: int = 0


@dataclass(frozen=True, eq=False)
class LookUp:
    """A table of vectors.

    Attributes:
        parameter: the name of the table in `layer.params`, (K, size).
    """

    parameter: str


@dataclass(frozen=True, eq=False)
class Sum:
    """Chains side by side over the same input; their outputs are added."""

    chains: Sequence[Sequence[Part]]


Part = Equations | LookUp | Sum


def inside(parts: Sequence[Part], prefix: str) -> list[Part]:
    """The parts of a layer in another one, in whose `params` they have this prefix before their names."""
    return [_inside(part, prefix) for part in parts]


def _inside(part: Part, prefix: str) -> Part:
    if isinstance(part, Sum):
        return Sum([inside(chain, prefix) for chain in part.chains])
    if isinstance(part, LookUp):
        return LookUp(prefix + part.parameter)
    return replace(part, parameters={key: prefix + name for key, name in part.parameters.items()})
