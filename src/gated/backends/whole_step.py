"""Whole passes of a network, as it describes them to a backend: see `train`, `infer_chain`, `stream` of
`interface.Backend`.

A network is a list of links, each with the numbers of those whose outputs it takes; -1 is the batch. Every link makes
rows of rows: sequences are packed (see `interface`), and all links go through the same R rows. Parameters are told by
where they begin in theta.

Legend: T steps, N sequences, R rows, K directions of a link.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gated.backends.scan import input_width
from gated.language.graph import ONE_DIM, Graph
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]
Starts = Mapping[str, int]  # a parameter's name in the equations -> where it begins in theta


@dataclass(frozen=True, eq=False)
class TableLink:
    """The rows of a table (count, size) by number.

    Attributes:
        start: where it begins in theta.
    """

    start: int
    count: int
    size: int


@dataclass(frozen=True, eq=False)
class MapLink:
    """A function without states over rows.

    Attributes:
        sizes: dimension symbol -> length.
        size: of its output.
    """

    schedule: CellSchedule
    sizes: Mapping[str, int]
    starts: Starts
    size: int

    @property
    def input_size(self) -> int:
        """Of a row of its input."""
        return input_width(self.schedule.graph, self.sizes)


@dataclass(frozen=True, eq=False)
class ScanLink:
    """A time loop; or two over the same input, of which the second begins at each sequence's end.

    Attributes:
        sizes: dimension symbol -> length.
        starts: of each direction.
        size: of the output, both directions side by side.
        dropout: probability with which a number of the input is zeroed, if the step has masks.
        layer: its number in its stack.
        drawn: the schedule in which the cell's draws are inputs, if it has some and `schedule` has their means instead.
    """

    schedule: CellSchedule
    sizes: Mapping[str, int]
    starts: tuple[Starts, ...]
    size: int
    dropout: float = 0.0
    layer: int = 0
    drawn: CellSchedule | None = None

    @cached_property
    def input_size(self) -> int:
        """Of a row of all inputs side by side, without draws."""
        return input_width(self.schedule.graph, self.sizes) - self.draws_size

    @cached_property
    def draws_size(self) -> int:
        """Of a row of all draws that are inputs."""
        graph = self.schedule.graph
        return sum(self.sizes[dim] for name, dim in graph.input_dims.items() if name in graph.draws)

    @cached_property
    def items(self) -> tuple[tuple[str, int], ...]:
        """The sizes, as part of a key."""
        return tuple(self.sizes.items())


Link = TableLink | MapLink | ScanLink


def parameters_in(theta: Array, graph: Graph, sizes: Mapping[str, int], starts: Starts) -> dict[str, Array]:
    """The parameters of some equations by name: views."""
    found = {}
    for name, dims in graph.parameters.items():
        shape = tuple(sizes[dim] for dim in dims)
        found[name] = theta[starts[name] : starts[name] + math.prod(shape)].reshape(shape)
    return found


@dataclass(frozen=True, eq=False)
class Chain:
    """A network. Each is one object: what a backend prepares for it is found by it again.

    Attributes:
        links: each with the numbers of those whose outputs are its input.
        numbers: of theta. Behind them, in the same memory, may lie arrays that are not learned.
    """

    links: tuple[tuple[Link, tuple[int, ...]], ...]
    numbers: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, links: Iterable[Link], numbers: int, dtype: np.dtype[Any]) -> Chain:
        """Links one behind the other."""
        return cls(tuple((link, (k - 1,)) for k, link in enumerate(links)), numbers, dtype)

    @cached_property
    def reach(self) -> int:
        """How many numbers of memory it needs, from the first of theta to the last of what is fixed behind it."""
        ends = [self.numbers]
        for link, _ in self.links:
            if isinstance(link, TableLink):
                continue
            sizes = {ONE_DIM: 1, **link.sizes}
            for starts in [link.starts] if isinstance(link, MapLink) else link.starts:
                shapes = link.schedule.graph.parameters
                known = ((name, start) for name, start in starts.items() if name in shapes)  # others: `backends.made`
                ends += [start + math.prod(sizes[dim] for dim in shapes[name]) for name, start in known]
        return max(ends)

    @cached_property
    def scans(self) -> dict[int, ScanLink]:
        """The time loops, by their numbers."""
        return {k: link for k, (link, _) in enumerate(self.links) if isinstance(link, ScanLink)}

    @cached_property
    def made(self) -> bool:
        """Whether a time loop has matrices that are made of parameters: see `backends.made`."""
        return any(link.schedule.made is not None for link in self.scans.values())

    @cached_property
    def drawn(self) -> Chain:
        """The network with draws as inputs of its time loops, see `Batch.draws`; itself, if no cell has any."""
        if all(link.drawn is None for link in self.scans.values()):
            return self
        links: list[tuple[Link, tuple[int, ...]]] = [
            (replace(link, schedule=link.drawn, drawn=None), sources)
            if isinstance(link, ScanLink) and link.drawn is not None
            else (link, sources)
            for link, sources in self.links
        ]
        return replace(self, links=tuple(links))

    @property
    def size(self) -> int:
        """V: of the last link's output."""
        return self.links[-1][0].size

    @property
    def input_size(self) -> int:
        """D; 0 of a chain that takes ids."""
        first = self.links[0][0]
        return 0 if isinstance(first, TableLink) else first.input_size

    def zeros(self, sequences: int) -> dict[int, list[Array]]:
        """A state of every time loop, (K, N, size) each."""
        found = {}
        for k, link in self.scans.items():
            graph, sides = link.schedule.graph, len(link.starts)
            sizes = [link.sizes[graph.dims[name]] for name in graph.states]
            found[k] = [np.zeros((sides, sequences, size), self.dtype) for size in sizes]
        return found

    @property
    def turned(self) -> bool:
        """Whether a time loop goes backwards."""
        return any(len(link.starts) > 1 for link in self.scans.values())


class Batch(NamedTuple):
    """What a step of training is made of, in packed order.

    Attributes:
        x: (R, D), or ids (R,) int64 for a table.
        counts: (T,) running sequences per step, never rising.
        mirror: (R,) int64, for each row that of the same sequence as long before its end; None if no link needs it.
        states: as in `Given`; None for zeros.
        masks: by link, (R, size of its input), what the input is multiplied by; links without one are left out.
        target: (R, V), or (R,) classes (int64).
        weights: (R, 1), see `interface.Arithmetic.loss`.
        inwards: whether the adjoints of x and of the initial states are wanted.
        draws: by link, for each direction those of its cell side by side, (R, width), its rows as it goes; of every
            link in which draws are inputs.
    """

    x: Array
    counts: Array
    sequences: int
    mirror: Array | None
    states: Mapping[int, Sequence[Array]] | None
    masks: Mapping[int, Array]
    target: Array
    weights: Array
    inwards: bool = False
    draws: Mapping[int, Sequence[Array]] = MappingProxyType({})


class Update(NamedTuple):
    """What is made of the gradient. Nothing is, if loss or norm are not finite.

    Attributes:
        rule, buffers, numbers: see `interface.Arithmetic.update`.
        limit: of the gradient's norm; inf for none.
    """

    rule: Callable[..., None]
    buffers: Mapping[str, Array]
    numbers: Mapping[str, float]
    limit: float


class Trained(NamedTuple):
    """What came of a step.

    Attributes:
        norm: of the gradient, before it was clipped.
        updated: whether theta and the buffers were changed.
        gradient: (P,), before it was clipped.
        last: the states after the last step, as in `Given`.
        first: the adjoints of the initial states, likewise, and
        dx: (R, D), that of x: where they are wanted, and x is no ids; else None.
    """

    loss: float
    norm: float
    updated: bool
    gradient: Array
    last: dict[int, list[Array]]
    first: dict[int, list[Array]] | None = None
    dx: Array | None = None


class Given(NamedTuple):
    """What a network runs over without a tape.

    Attributes:
        x: (R, D), or (R,) ids of the first link's rows, int64; contiguous.
        steps, sequences: T, N.
        counts: (T,) running sequences of every step, never rising; None if all of them run at each.
        states: number of a time loop -> its initial states, (K, N, size) each, in packed order.
    """

    x: Array
    steps: int
    sequences: int
    counts: Array | None
    states: Mapping[int, Sequence[Array]]
