"""The interface between a layer and whatever runs its scan.

Rows are packed: the sequences are sorted by falling length, and the rows of step t are those of the `counts[t]`
sequences that are still running, one step after the other. With equal lengths this is just (T·N, dim).
Legend: T steps, N sequences, R = Σ counts rows, D inputs; `sizes` gives the length of every dimension symbol.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np

from gated.errors import ArgumentError, uncopied, wrong
from gated.language.graph import Node
from gated.schedule import Schedule

Array = np.ndarray[Any, Any]
Result = TypeVar("Result")


def stale() -> ArgumentError:
    """The error of a backward pass that would not belong to its forward pass."""
    return wrong(
        "tape",
        "one whose parameters have changed since its forward pass",
        "backward() before the parameters are updated, or another forward()",
    )


@dataclass(frozen=True, eq=False, slots=True)
class Pass:
    """What one layer runs in one direction over one batch.

    Attributes:
        schedule, sizes, parameters: what is run. The parameters are the live ones.
        x: (R, D), the packed input.
        counts: (T,) running sequences per step, never rising.
        states: the initial ones, (N, size) each, in packed order.
    """

    schedule: Schedule
    sizes: Mapping[str, int]
    parameters: Mapping[str, Array]
    x: Array
    counts: Array
    states: Sequence[Array]

    @classmethod
    def of_one_step(
        cls,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        sequences: int,
        dtype: np.dtype[Any],
    ) -> Pass:
        """Input and states are zeros."""
        graph = schedule.graph
        x = np.zeros((sequences, sizes["input"]), dtype)
        states = [np.zeros((sequences, sizes[graph.dims[name]]), dtype) for name in graph.states]
        return cls(schedule, sizes, parameters, x, np.array([sequences]), states)

    @property
    def sequences(self) -> int:
        return len(self.states[0])


def takes_pass(method: Callable[[Any, Pass], Result]) -> Callable[..., Result]:
    """A backend's method that takes a `Pass`, or what one is made of, argument by argument, as once it was called."""

    @functools.wraps(method)
    def call(self: Any, given: Any, *others: Any) -> Result:
        if not isinstance(given, Pass):
            given = (Pass.of_one_step if len(others) == 4 else Pass)(given, *others)
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

    schedule: Schedule
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
        return np.asarray(self.values[graph.input_leaf(graph.inputs[0])])


class Stepper(Protocol):
    """One time step at a time for N sequences.

    Attributes:
        x: (N, D), where the input of the next step is to be written.
        y: (N, size), the output of the last step; the next one overwrites it.
    """

    x: Array
    y: Array

    def step(self) -> Array:
        """From `x` to `y`."""
        ...

    def put(self, states: Sequence[Array]) -> None:
        """Begin again from these states, (N, size) each."""
        ...

    def take(self) -> list[Array]:
        """Copies of the states, (N, size) each."""
        ...

    def refresh(self) -> None:
        """Read the parameters again."""
        ...


class Backend(Protocol):
    """Runs forward and backward scans over packed rows. Has no state of its own; safe to use from many threads."""

    def forward(self, given: Pass) -> Scan:
        """Run all steps. All arrays but the parameters may be written to afterwards."""
        ...

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        """Adjoints of x (R, D) and of the initial states; the parameters' gradients are written to `gradients`.

        Args:
            scan: from `forward`; not changed, and may be used again.
            dy: (R, size of the first state), the adjoint of the output at every step.
            dstates: adjoint of each sequence's last state, (N, size) each; not changed.
            gradients: name -> array to write to.

        Raises:
            ArgumentError: the parameters have changed since.
        """
        ...

    def infer(self, given: Pass) -> tuple[Array, list[Array]]:
        """As `forward`, but only the output (R, size) and each sequence's last states, (N, size) each."""
        ...

    def stepper(self, given: Pass) -> Stepper:
        """Ready to run such steps one by one; the states are to be set first."""
        ...
