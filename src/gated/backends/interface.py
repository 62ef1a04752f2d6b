"""The interface between layers, losses, update rules and whatever computes: time loops, and all that is none.

Rows are packed: the sequences are sorted by falling length, and the rows of step t are those of the `counts[t]`
sequences that are still running, one step after the other. With equal lengths this is just (T·N, dim).
Legend: T steps, N sequences, R = Σ counts rows, D inputs; `sizes` gives the length of every dimension symbol.

All arithmetic on parameters, gradients and activations is a backend's: of layers and of their sum in a network, of the
loss and its gradient, of clipping and of updates, of each step of learning in real time. So whoever writes a backend,
for another processor or for a whole step in one call, finds here all that there is to compute, and can keep these
arrays where it likes. (No function of NumPy but those that move numbers meets one of them elsewhere in `nn` and
`learning`: tests/backends/test_nothing_past_backends.py.) The callers keep

    what is made of the input alone    checks, packing, the rows of targets, the weight that a mask gives to each row of
                                       a loss, the masks of dropout as they are drawn; ids, row numbers, shapes
    moves                              views, copies, zeros, other dtypes; putting side by side
    first values of parameters         drawn before there is anything to compute
    what a person is told              which number was not finite, how far two gradients lie apart; what is made of
                                       predictions
    what is somebody's own             layers, losses and optimizers that are none of gated's

Who computes: a layer has the backend that it is given, and a network that of its layers (`Network.backend_name`); it
computes within `full_step`, `truncated_step`, `Training` and `Online`. What is called by hand has the default one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gated.backends.scan import (
    Array,
    AtRest,
    Pass,
    Scan,
    gradient_columns,
    input_columns,
    input_width,
    one_hot,
    stale,
    takes_pass,
)
from gated.backends.whole_step import Batch, Chain, Given, Trained, Update
from gated.language.graph import Node
from gated.schedule import CellSchedule

__all__ = [
    "Arithmetic",
    "Array",
    "AtRest",
    "Backend",
    "Pass",
    "Rule",
    "Scan",
    "Stepper",
    "gradient_columns",
    "input_columns",
    "input_width",
    "one_hot",
    "stale",
    "takes_pass",
]

Rule = Callable[..., None]  # theta, gradient, buffers, scratch, **numbers


class Stepper(Protocol):
    """One time step of a network at a time for N sequences.

    Attributes:
        x: (N, D), or (N,) ids that are the first link's, where the input of the next step is to be written.
        y: (N, V), the output of the last step; the next one overwrites it.
    """

    x: Array
    y: Array

    def step(self) -> Array:
        """From `x` to `y`."""
        ...

    def draw(self, uniforms: Array, temperature: float, top_k: int | None = None, top_p: float | None = None) -> Array:
        """K steps, of which each takes what was drawn (see `Arithmetic.pick`) from the output of the one before.

        For a network that takes ids, of which there are V at least. The first step takes `x`.

        Args:
            uniforms: (K, N), from 0 to below 1; contiguous, float64.

        Returns:
            what was drawn, (K, N); -1 where outputs are not finite, and from there on.
        """
        ...

    def put(self, states: Mapping[int, Sequence[Array]]) -> None:
        """Begin again from these states, as in `Given`."""
        ...

    def take(self) -> dict[int, list[Array]]:
        """Copies of the states."""
        ...

    def refresh(self) -> None:
        """Read the parameters again."""
        ...


class Arithmetic(Protocol):
    """What is computed with parameters, gradients and activations outside a time loop.

    V outputs of a row; P parameters. What is said to be `into` an array is written there, all else is new.
    """

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array of numbers that are still to be written, in memory that is kept for the next when this one is gone.

        What the system takes back after an array, and brings anew for the next, costs more time than a small network's
        whole update.
        """
        ...

    # a function without states over rows: a dense layer

    def map(
        self,
        schedule: CellSchedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        sealed: bool = True,
    ) -> tuple[Array, Scan]:
        """The output (R, V) over rows of its inputs (R, size each), and the tape.

        The tape holds inputs and output: they are not to be written to. One that is not `sealed` is for no backward
        pass: it has no digest of the parameters.
        """
        ...

    def map_backward(self, scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
        """Adjoints of the inputs, given that of the output (R, V); the parameters' gradients into `gradients`.

        Raises:
            ArgumentError: the parameters have changed since.
        """
        ...

    def loss(
        self, schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
    ) -> tuple[float, Array]:
        """Σ weight · loss over the rows, and its gradient dy (R, V) in this dtype.

        Args:
            schedule: the loss of one row, a function of y and target.
            y: (R, V).
            target: (R, V); or (R,) whole numbers (int64), each of the unit that is 1 in its row, all others being 0.
            weights: (R, 1). What stands in a row of weight 0 may be NaN, and is not looked at.
            dtype: of dy.
        """
        ...

    def pick(
        self, y: Array, uniforms: Array, temperature: float, top_k: int | None = None, top_p: float | None = None
    ) -> Array:
        """For each row of y (N, V) a number below V by chance, (N,): i with probability softmax(y / temperature)i.

        The first whose sum of chances, with all before it, is above the uniform number's part of the whole sum, in
        float64. With temperature 0 the first of the largest. -1 for a row that is not finite.

        Args:
            uniforms: (N,), from 0 to below 1.
            top_k: the others have no chance but so many, the largest; of equal ones the first. At least 1.
            top_p: of these, the others have no chance but the fewest, the largest, whose chances, added from the
                largest down in float64, are this part of all of theirs, added as they stand. Above 0, at most 1.
        """
        ...

    def draw_rows(
        self, key: int, word: int, kind: str, value: float, steps: Array | None, sequences: Array, out: Array
    ) -> None:
        """A cell's draw for R rows, by the generator of `gated.backends.draws`, into `out`.

        A number hangs on the key, the word, its row's step and sequence, and its unit alone.

        Args:
            key: below 2⁶⁴.
            word: below 2³², see `draws.Place`.
            kind: "bernoulli" or "normal".
            value: the probability, or the deviation.
            steps: (R,) of each row, from 0 to below 2³², int64; None for a draw that is made once a sequence.
            sequences: (R,) of each row, likewise.
            out: (R, size), columns of a larger array perhaps.
        """
        ...

    # a table

    def look_up(self, table: Array, ids: Array) -> Array:
        """The rows (..., size) of a table (K, size) with these numbers (...)."""
        ...

    def look_up_backward(self, ids: Array, dy: Array, into: Array) -> None:
        """For each id the sum of its rows of dy (..., size), into the zeros `into` (K, size)."""
        ...

    # one step of equations, for learning in real time

    def evaluate(
        self, program: Sequence[Any], parameters: Mapping[str, Array], values: dict[Node, Array | float]
    ) -> None:
        """Compute the nodes of a program (from `schedule.grouping.group_products`) into `values`."""
        ...

    # activations and derivatives

    def sum_of_products(self, terms: Iterable[tuple[Array | float, ...]]) -> Any:
        """The factors of each term multiplied, all terms added, in this order; shapes are matched as NumPy does it.

        A new array, unless there is but one term of one factor.
        """
        ...

    def pull(self, rows: Array, matrix: Array) -> Array:
        """Derivatives with respect to M numbers, (..., R, M), times those of these numbers, (M, K) or (..., M, K).

        The second is the matrix of a product, or a Jacobian.
        """
        ...

    def rows_not_zero(self, array: Array) -> slice | Array:
        """The rows of (N, V) in which something is not 0, as an index: all of them as a slice, or booleans (N,)."""
        ...

    def sum_rows(self, term: tuple[Array, ...], rows: slice | Array) -> Array:
        """The factors multiplied, (N, ...), and the sum (...) over those of the N that an index chooses.

        The others may hold NaN.
        """
        ...

    def add(self, part: Array, into: Array) -> None:
        """Add to what is there: a gradient to the sum of them."""
        ...

    # whole vectors of parameters and gradients

    def scale(self, vector: Array, factor: float) -> None:
        """Multiply in place."""
        ...

    def all_finite(self, vector: Array) -> bool:
        """Whether it holds neither NaN nor inf."""
        ...

    def norm(self, vector: Array) -> float:
        """Euclidean, summed in float64: finite if it can be represented, NaN or inf for a vector that holds them."""
        ...

    def update(
        self,
        rule: Rule,
        theta: Array,
        gradient: Array,
        buffers: Mapping[str, Array],
        scratch: tuple[Array, Array],
        **numbers: float,
    ) -> None:
        """One update of theta (P,) and of the buffers (P,) each, in place; the gradient is only read.

        Args:
            rule: what is to come out, as a function of NumPy arrays (see `reference.updates`). A backend may do the
                same in another way for a rule that it knows.
            scratch: two arrays (P,), for whatever is needed on the way.
            numbers: learning rate and what else the rule takes.
        """
        ...


class Backend(Arithmetic, Protocol):
    """Runs forward and backward scans over packed rows. Has no state of its own; safe to use from many threads."""

    def forward(self, given: Pass) -> Scan:
        """Run all steps. All arrays but the parameters may be written to afterwards."""
        ...

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        """Adjoints of x and of the initial states; the parameters' gradients are written to `gradients`.

        That of x is (R, D) without the columns of draws, which come last and have none.

        Args:
            scan: from `forward`; not changed, and may be used again.
            dy: (R, size of the first state), the adjoint of the output at every step.
            dstates: adjoint of each sequence's last state, (N, size) each; not changed.
            gradients: name -> array to write to; what is there before may be anything.

        Raises:
            ArgumentError: the parameters have changed since.
        """
        ...

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        """Forward without a tape: the last link's output (R, V), in the order of the input's rows, and each sequence's
        last states, as in `Given`. All of it is new.
        """
        ...

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        """Ready to run single steps of so many sequences, from states of zeros. No link has two directions."""
        ...

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        """A whole step in one call: forward, loss, backward and, if asked for, clipping and update.

        None if this backend has no such call for this network, loss or batch, or an id is none of the table: then the
        parts are to be called one by one, which say what is wrong. Nothing has been changed.
        """
        ...
