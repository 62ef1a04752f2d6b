"""A recurrent layer: any cell, over time, in several layers and both directions.

Legend: T steps, N sequences, D inputs, H hidden, K = num_layers * directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Pass, Scan
from gated.backends.whole_step import Chain, Given, Link, ScanLink
from gated.errors import describe, wrong, wrong_type
from gated.language import Cell
from gated.nn import checks
from gated.nn.chance import new_key
from gated.nn.inputs import AS_IT_IS, Form
from gated.nn.packing import Packing, packing_of
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_bidirectional, refuse_tape
from gated.nn.resets import beside, cutting, turned
from gated.nn.sides import Rest, Side
from gated.nn.stack import Stack, State
from gated.nn.stream import Stream
from gated.nn.tape import Tape

Array = np.ndarray[Any, Any]


class Recurrent(Stack, kind="recurrent"):
    """Any cell as a layer. Explicit and functional: no hidden tape, no mode; may be used from several threads.

    Args:
        cell: a gated.Cell, e.g. `gated.cells.lstm` or your own.
        input_size: D, length of x_t; of several inputs a dict {"x": 5, "m": 5}, or one length for all that need one:
            numbers do not, nor what the equations make as long as another.
        hidden_size: H, length of every state that `sizes` does not name.
        num_layers: layers on top of each other; the output of one is the input of the next.
        bidirectional: a second set of parameters reads every sequence from its end; outputs are concatenated.
        dropout: probability with which an output between two layers is zeroed (and the rest scaled by 1/(1-p));
            active only in a `forward` that is given an `rng`.
        batch_first: x and y are (N, T, ...) instead of (T, N, ...).
        dtype: "float32" or "float64".
        seed: of the initial parameters: an int or a numpy Generator.
        backend: "native" (machine code, compiled with LLVM) or "reference" (NumPy, the definition of right, in any
            dtype; the native one leaves all but float32 and float64 to it).
        init: "pytorch", "xavier", "orthogonal" or "uniform", see `gated.nn.initialisation`.
        forget_bias: value of the bias `b.f` (which must exist); None leaves it as initialised.
        sizes: length of single dimensions, e.g. {"h": 32} for the projected LSTM (PyTorch's proj_size).

    Attributes:
        params: name -> writable view; names are "l0.W.i", "l1_reverse.U.f".
        theta: all parameters, one contiguous vector.

    Raises:
        ArgumentError, ArgumentTypeError: a size, option or the cell cannot be used.
    """

    # calls

    def forward(
        self,
        x: Any,
        state: Any = None,
        lengths: Any = None,
        *,
        rng: np.random.Generator | None = None,
        resets: Any = None,
    ) -> tuple[Array, State, Tape]:
        """Run over all steps.

        Args:
            x: (T, N, D), or (N, T, D) with batch_first. T may be 0, N may not. Several inputs: a dict of them by name,
                a tuple in the order of the equations, or one array with all of them side by side; a number may be
                (T, N) as well. In a stack the first comes from the layer below, the others go to every layer.
            state: one array (K, N, size) per state of the cell, in its order; zeros if None.
            lengths: (N,) integers, 0 <= length <= T; what x holds beyond them is not looked at.
            rng: generator for dropout and for the cell's draws; without it there is no dropout, and the mean stands in
                the place of a draw.
            resets: (T, N) booleans, (N, T) with batch_first: before a step where it is set the sequence begins anew,
                from zeros, whatever `state` is: that one is the state before step 0. No gradient passes there; the
                reverse direction is cut at the same place.

        Returns:
            y (T, N, size * directions), zero beyond each sequence's end; the last state; the tape for `backward`.

        Raises:
            ArgumentError, ArgumentTypeError: a shape, dtype or length does not fit.
        """
        if resets is not None:
            joined, form = self._joined_with(x, resets)
            y, last, tape = self._cutting.forward(joined, state, lengths, rng=rng)
            tape.form = form
            return y, last, tape
        x, states, packing, form = self._checked(x, state, lengths)
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise wrong_type("rng", describe(rng), "a numpy.random.Generator")
        stack, key = self._sides(), None if self._draws is None or rng is None else new_key(rng)
        if len(self._prefixes) == 1:  # as most are: the loops below take a tenth of a small call
            scan = self._forward_side(stack[0][0], x, states, packing, key)
            tape = Tape(self, packing, [scan], [None], form)
            return self._user_major(packing.unpack(scan.y)), self._last(packing, [scan.last]), tape
        tape, y, given = Tape(self, packing, [], [], form), x, x
        for layer, sides in enumerate(stack):
            mask = self._dropout_mask(y, rng) if layer else None
            tape.masks.append(mask)
            y = y if mask is None else self._backend.sum_of_products([(y, mask)])
            given = self._inputs.above(x, y) if layer else x
            scans = [self._forward_side(side, given, states, packing, key) for side in sides]
            tape.scans += scans
            outputs = [packing.unpack(scan.y, side.reverse) for scan, side in zip(scans, sides, strict=True)]
            y = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
        return self._user_major(y), self._last(packing, [scan.last for scan in tape.scans]), tape

    def _forward_side(self, side: Side, x: Array, states: Sequence[Array], packing: Packing, key: int | None) -> Scan:
        """A layer's pass in one direction.

        Args:
            key: of the cell's draws, which are inputs besides its own; None if their means are taken.
        """
        x = turned(x, packing) if self.cuts and side.reverse else x
        schedule, own = self._schedule, _of_side(packing, side.k, states)
        if key is None or self._draws is None:
            rows = packing.pack(x, side.reverse)
        else:
            place = divmod(side.k, self.directions)
            schedule, rows = self._draws.schedule, self._draws.beside(x, key, place, side.sizes, packing, self._backend)
        return self._backend.forward(Pass(schedule, side.sizes, side.parameters, rows, packing.counts, own))

    @property
    def _cutting(self) -> Recurrent:
        """The layer with resets, over the parameters that this one has now."""
        if self._twin is None:
            self._twin = cutting(self)
        self._twin._params = self._params
        twin: Recurrent = self._twin
        return twin

    def _joined_with(self, x: Any, resets: Any) -> tuple[Array, Form]:
        """All inputs side by side and the resets behind them; and the form in which the inputs came."""
        x, form = self._inputs.joined("x", x, ("N", "T") if self.batch_first else ("T", "N"), self.dtype)
        return beside(x, resets), form

    def infer(self, x: Any, state: Any = None, lengths: Any = None, *, resets: Any = None) -> tuple[Array, State]:
        """As `forward`, without a tape: nothing is kept for a backward pass, and there is no dropout.

        Args and errors: see `forward`.

        Returns:
            y (T, N, size * directions) and the last state.
        """
        if resets is not None:
            joined, _ = self._joined_with(x, resets)
            twin = self._cutting
            # of two directions each has resets of its own
            run = twin.infer if not self.bidirectional else twin.forward
            return run(joined, state, lengths)[:2]
        x, states, packing, _ = self._checked(x, state, lengths)
        counts = None
        if packing.order is not None:
            counts, states = packing.counts, [packing.sort(array, 1) for array in states]
        rows = packing.pack(x)
        y, found = rows, dict[int, list[Array]]()
        for k, chain in enumerate(self._chains):
            own = self._by_layer(states) if len(self._chains) == 1 else {0: [s[self._of(k)] for s in states]}
            given = Given(self._inputs.above(rows, y) if k else rows, packing.steps, packing.sequences, counts, own)
            y, ends = self._backend.infer_chain(chain, self.memory, given)
            found.update((k + layer, end) for layer, end in ends.items())
        last = self._all_layers(found)
        if packing.order is not None:
            last = [packing.unsort(array, 1) for array in last]
        return self._user_major(packing.unpack(y)), tuple(last)

    def stream(self, batch: int = 1, state: Any = None) -> Stream:
        """For one step at a time with little to pay per step: memory and packed parameters are made once.

        Args:
            batch: N, sequences side by side.
            state: one array (num_layers, N, size) per state of the cell; zeros if None.

        Raises:
            ArgumentError: a size or shape does not fit, or the layer is bidirectional.
        """
        refuse_bidirectional("stream", self.bidirectional)
        return Stream(self, batch, state)

    def _checked(self, x: Any, state: Any, lengths: Any) -> tuple[Array, list[Array], Packing, Form]:
        """The arguments of a forward pass, x as (T, N, D), and the form in which inputs came."""
        form = AS_IT_IS
        if self._inputs.plain and type(x) is not dict:
            shape = ("N", "T", self.input_size) if self.batch_first else ("T", "N", self.input_size)
            x = self._time_major(checks.array("x", x, shape, self.dtype))
        else:
            lead = ("N", "T") if self.batch_first else ("T", "N")
            x, form = self._inputs.joined("x", x, lead, self.dtype)
            x = self._time_major(x)
        steps, batch = x.shape[:2]
        if batch == 0:
            raise wrong("x", "a batch of 0 sequences", "at least one sequence")
        return x, self._state_or_rest("state", state, batch), packing_of(steps, batch, lengths), form

    def _last(self, packing: Packing, last: Sequence[Sequence[Array]]) -> State:
        """The last states, (K, N, size) each, from those of every direction."""
        if len(last) == 1 and packing.order is None:  # fresh arrays: no copy is needed
            return tuple([array[None] for array in last[0]])
        return tuple(np.stack([packing.unsort(array) for array in arrays]) for arrays in zip(*last, strict=True))

    def _dropout_mask(self, x: Array, rng: np.random.Generator | None) -> Array | None:
        if rng is None or self.dropout == 0.0:
            return None
        return dropout_mask(rng, x.shape, self.dropout, self.dtype)

    def backward(self, tape: Tape, dy: Any, dstate: Any = None) -> tuple[Array, State, ParameterVector]:
        """The gradients of a scalar loss, by backpropagation through time.

        Args:
            tape: from `forward`; it is not changed and may be used again.
            dy: adjoint of y, of y's shape.
            dstate: adjoint of the last state, as `state`; zeros if None.

        Returns:
            dx, of x's shape and form; the adjoint of the initial state; grads, with the names and shapes of `params`.

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the tape is of another layer.
        """
        dx, first, grads = self._backward(tape, dy, dstate)
        dx = self._user_major(dx)
        return dx if tape.form is AS_IT_IS else self._inputs.split(dx, tape.form), first, grads

    def _backward(self, tape: Tape, dy: Any, dstate: Any) -> tuple[Array, State, ParameterVector]:
        """As `backward`, but for dx: (T, N, D), all inputs side by side."""
        if isinstance(tape, Tape) and self._twin is not None and tape.layer is self._twin:  # it has resets
            cut = self._cutting._backward(tape, dy, dstate)
            return np.ascontiguousarray(cut[0][:, :, :-1]), *cut[1:]
        if not isinstance(tape, Tape) or tape.layer is not self:
            refuse_tape(tape, self)
        packing = tape.packing
        steps, batch = packing.steps, packing.sequences
        shape = (batch, steps, self.output_size) if self.batch_first else (steps, batch, self.output_size)
        dy = self._time_major(checks.array("dy", dy, shape, self.dtype))
        dstates = self._state_or_rest("dstate", dstate, batch)
        grads = self.params.unset(self._backend)
        if len(self._prefixes) == 1:  # see `forward`
            dx, begun = self._backward_side(tape, self._sides()[0][0], dy, dstates, grads)
            return dx, self._last(packing, [begun]), grads
        others: Array | None = None
        first: list[Sequence[Array]] = [()] * len(tape.scans)
        for sides, mask in zip(reversed(self._sides()), reversed(tape.masks), strict=True):
            dy = self._backward_layer(tape, sides, dy, dstates, first, grads)
            if len(self._inputs.columns) > 1:
                below = self._below(sides)
                extra = dy[:, :, below:]
                others = extra if others is None else others + extra
                dy = dy[:, :, :below]
            if mask is not None:
                dy = np.asarray(self._backend.sum_of_products([(dy, mask)]))
        dx = dy if others is None else np.concatenate([dy, others], axis=2)
        return dx, self._last(packing, first), grads

    def _below(self, sides: Sequence[Side]) -> int:
        """How many numbers the first input of a layer has."""
        graph = self.cell.graph
        return sides[0].sizes[graph.dims[graph.inputs[0]]]

    def _backward_layer(
        self,
        tape: Tape,
        sides: Sequence[Side],
        dy: Array,
        dstates: Sequence[Array],
        first: list[Sequence[Array]],
        grads: ParameterVector,
    ) -> Array:
        """From the adjoint of a layer's output to that of its input; those of the initial states go into `first`."""
        width, found = self._state_sizes[0], []
        for number, side in enumerate(sides):
            own = dy if len(sides) == 1 else dy[:, :, number * width : (number + 1) * width]
            dx, first[side.k] = self._backward_side(tape, side, own, dstates, grads)
            found.append(dx)
        return found[0] if len(found) == 1 else self._backend.sum_of_products([(dx,) for dx in found])

    def _backward_side(
        self, tape: Tape, side: Side, dy: Array, dstates: Sequence[Array], grads: ParameterVector
    ) -> tuple[Array, Sequence[Array]]:
        """A layer's pass back in one direction: the adjoints of its input and of its initial state."""
        k, reverse, prefix = side.k, side.reverse, side.prefix
        rows, last = tape.packing.pack(dy, reverse), _of_side(tape.packing, k, dstates)
        dx, first = self._backend.backward(tape.scans[k], rows, last, grads.part(prefix))
        return tape.packing.unpack(dx, reverse), first

    def step(self, x_t: Any, state: Any = None) -> tuple[State, Tape]:
        """One time step. The output is the last layer of the first state, `state[0][-1]`.

        Args:
            x_t: (N, D), or several inputs as in `forward`.
            state: as in `forward`.

        Raises:
            ArgumentError: shapes do not fit, or the layer is bidirectional (the end of the sequence is needed).
        """
        refuse_bidirectional("step", self.bidirectional)
        x, form = self._inputs.joined("x_t", x_t, ("N",), self.dtype)
        _, last, tape = self.forward(self._user_major(x[None]), state)
        tape.form = form
        return last, tape

    def joined_step(self, x_t: Any, batch: int) -> Array:
        """All inputs of one step side by side, (N, width): see `forward`."""
        return self._inputs.joined("x_t", x_t, (batch,), self.dtype)[0]

    def backward_step(self, tape: Tape, dstate: Any) -> tuple[Array, State, ParameterVector]:
        """Undo one `step`.

        Args:
            tape: from `step`.
            dstate: the adjoint of the state it returned (what comes from y is part of the first state's).

        Returns:
            dx_t (N, D), the adjoint of the state before, and this step's share of the parameters' gradients.
        """
        refuse_bidirectional("backward_step", self.bidirectional)
        if not isinstance(tape, Tape) or tape.layer is not self or tape.packing.steps != 1:
            refuse_tape(tape, self, "step")
        if dstate is None:
            raise wrong_type("dstate", "None", "the adjoint of the state that step() returned")
        zeros = np.zeros((1, tape.packing.sequences, self.output_size), self.dtype)
        dx, previous, grads = self._backward(tape, self._user_major(zeros), dstate)
        return self._inputs.split(dx[0], tape.form), previous, grads

    def links(self, start: int) -> list[Link] | None:
        # where each layer has inputs besides the output below it, they are no chain
        return None if self.num_layers > 1 and len(self._inputs.columns) > 1 else self._links(start)

    def _links(self, start: int) -> list[Link]:
        size = self.output_size
        found: list[Link] = []
        for layer, sizes in enumerate(self._layer_sizes):
            starts = tuple(
                {name: start + first for name, first in self.params.starts(self._prefixes[k]).items()}
                for k in self._directions_of(layer)
            )
            drawn = None if self._draws is None else self._draws.schedule
            found.append(ScanLink(self._schedule, sizes, starts, size, self.dropout if layer else 0.0, layer, drawn))
        return found

    @property
    def _chains(self) -> list[Chain]:
        """The layer as a network of its own; a network for each layer where each has inputs besides. Made once."""
        if not self._own_chains:
            links = self._links(0)
            apart = len(self._inputs.columns) > 1
            parts = [[link] for link in links] if apart else [links]
            self._own_chains = [Chain.of(part, self.theta.size, self.dtype) for part in parts]
        return self._own_chains

    def _by_layer(self, states: Sequence[Array]) -> dict[int, Sequence[Array]]:
        """States (K, N, size) each -> for each layer those of its directions."""
        if self.num_layers == 1:
            return {0: states}
        own = [self._directions_of(layer) for layer in range(self.num_layers)]
        return {layer: [array[which.start : which.stop] for array in states] for layer, which in enumerate(own)}

    def _of(self, layer: int) -> slice:
        """Which of K are a layer's."""
        own = self._directions_of(layer)
        return slice(own.start, own.stop)

    def _all_layers(self, states: Mapping[int, Sequence[Array]]) -> list[Array]:
        """The inverse."""
        parts = [states[layer] for layer in range(self.num_layers)]
        return list(parts[0]) if len(parts) == 1 else [np.concatenate(own) for own in zip(*parts, strict=True)]

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Recurrent:
        options = {key: value for key, value in config.items() if key not in ("kind", "cell")}
        kept = checks.probability("dropout", options.get("dropout", 0.0))
        if kept and options.get("num_layers", 1) == 1:  # which older versions took, and which does nothing
            options["dropout"] = 0.0
        layer = Recurrent(Cell.from_json(config.get("cell")), **options)
        layer.dropout = kept
        return layer


def dropout_mask(rng: np.random.Generator, shape: tuple[int, ...], dropout: float, dtype: Any) -> Array:
    """What numbers are multiplied by: 0 with this probability, and as much above 1 otherwise that the mean is 1."""
    return np.asarray((rng.random(shape) >= dropout) / (1.0 - dropout), dtype)


def _of_side(packing: Packing, k: int, states: Sequence[Array]) -> Sequence[Array]:
    """The states of a layer and direction, (N, size) each, in packed order."""
    return states.sides[k] if isinstance(states, Rest) else [packing.sort(state[k]) for state in states]
