"""What a backend is given to run, and what it leaves for the backward pass. See `gated.backends.interface`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np

from gated.addresses import address_of
from gated.errors import ArgumentError, uncopied, wrong
from gated.language.graph import Graph, Node
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]
Result = TypeVar("Result")


def stale() -> ArgumentError:
    """The error of a backward pass that would not belong to its forward pass."""
    return wrong(
        "tape",
        "one whose parameters have changed since its forward pass",
        "backward() before the parameters are updated, or another forward()",
    )


def one_hot(units: Array, size: int, dtype: Any) -> Array:
    """Rows (..., size) of this dtype that are 1 at these units (...) and 0 elsewhere."""
    rows = np.zeros((*units.shape, size), dtype)
    np.put_along_axis(rows, units[..., None], 1.0, axis=-1)
    return rows


def input_columns(graph: Graph, sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where each input of a cell lies in a row of all its inputs side by side, in the order of the equations."""
    found, start = {}, 0
    for name, dim in graph.input_dims.items():
        found[name] = slice(start, start := start + sizes[dim])
    return found


def gradient_columns(graph: Graph, sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where the adjoint of each input lies in a row of dx: as `input_columns`, but for draws, which have none."""
    return {name: own for name, own in input_columns(graph, sizes).items() if name not in graph.draws}


def input_width(graph: Graph, sizes: Mapping[str, int]) -> int:
    """Of a row of all inputs side by side."""
    return sum([sizes[dim] for dim in graph.input_dims.values()])


class AtRest(tuple[Array, ...]):
    """Zeros, (N, size) for each state: contiguous, of the right dtype, and nobody writes to them.

    Attributes:
        addresses: of them, for machine code.
    """

    def __init__(self, arrays: Iterable[Array]) -> None:
        self.addresses = tuple([address_of(array) for array in self])


class Pass(NamedTuple):
    """What one layer runs in one direction over one batch. (A named tuple: one is made for every call of a layer.)

    Attributes:
        schedule, sizes, parameters: what is run. The parameters are the live ones.
        x: (R, D), the packed input; of several inputs, side by side in a row as `input_columns` says.
        counts: (T,) running sequences per step, never rising.
        states: the initial ones, (N, size) each, in packed order.
    """

    schedule: CellSchedule
    sizes: Mapping[str, int]
    parameters: Mapping[str, Array]
    x: Array
    counts: Array
    states: Sequence[Array]

    @property
    def sequences(self) -> int:
        return len(self.states[0])


def takes_pass(method: Callable[[Any, Pass], Result]) -> Callable[..., Result]:
    """A backend's method that takes a `Pass`, or what one is made of, argument by argument, as once it was called."""

    @functools.wraps(method)
    def call(self: Any, given: Any, *others: Any) -> Result:
        if others:
            given = Pass(given, *others)
        return method(self, given)

    return call


@dataclass(eq=False)
class Scan:
    """A forward pass, with what its backward pass needs: all of it the scan's own, but for the parameters.

    These are the live ones. A backend keeps a digest of what they were, by which the backward pass notices a change.

    Attributes:
        schedule, sizes, parameters: what was run.
        counts: (T,) running sequences per step, never rising.
        rows, dtype: R, and that of all arrays.
        y: (R, size of the first state), the output at every step; the caller's to change.
        states: one array per state, (N + R, size): the initial state, then the new states of each step.
        last: each sequence's last states, (N, size) each.
        values: node -> (R, dim) packed value, for the nodes that are kept (level 1 and 2).
        own: what the backend that made this wants to find again.
    """

    schedule: CellSchedule
    sizes: Mapping[str, int]
    parameters: Mapping[str, Array]
    counts: Array
    rows: int
    dtype: np.dtype[Any]
    y: Array
    states: Sequence[Array]
    last: list[Array]
    values: Mapping[Node, Array | float]
    own: Any = None

    @classmethod
    def of(
        cls, given: Pass, y: Array, states: Sequence[Array], last: list[Array], values: Mapping[Node, Array | float]
    ) -> Scan:
        """The scan of a pass."""
        rows = len(given.x), given.x.dtype
        return cls(given.schedule, given.sizes, given.parameters, given.counts, *rows, y, states, last, values)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("tape", "it belongs to one forward pass: run forward again")

    @property
    def x(self) -> Array:
        """(R, D), the packed input."""
        graph = self.schedule.graph
        own = [np.asarray(self.values[graph.input_leaf(name)]) for name in graph.inputs]
        return own[0] if len(own) == 1 else np.concatenate(own, axis=1)
