"""A recurrent layer: any cell, over time, in several layers and both directions.

Legend: T steps, N sequences, D inputs, H hidden, K = num_layers * directions.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends import get_backend
from gated.errors import describe, wrong, wrong_type
from gated.language import Cell
from gated.nn import checks
from gated.nn.initialisation import initial_value
from gated.nn.layer import Layer
from gated.nn.parameters import ParameterVector
from gated.nn.sizes import sizes_of
from gated.nn.stream import Stream
from gated.nn.tape import Tape
from gated.runtime import Packing
from gated.schedule import schedule
from gated.schedule.numbers import require_fit

Array = np.ndarray[Any, Any]
State = tuple[Array, ...]
MOST_LAYERS = 10_000


class Recurrent(Layer):
    """Any cell as a layer. Explicit and functional: no hidden tape, no mode; may be used from several threads.

    Args:
        cell: a gated.Cell, e.g. `gated.cells.lstm` or your own.
        input_size: D, length of x_t.
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

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        batch_first: bool = False,
        dtype: Any = "float32",
        seed: Any = 0,
        backend: str = "native",
        init: str = "pytorch",
        forget_bias: float | None = None,
        sizes: Mapping[str, int] | None = None,
        **others: Any,
    ) -> None:
        _refuse(cell, others)
        if not isinstance(cell, Cell):
            raise wrong_type("cell", describe(cell), "a cell such as gated.cells.lstm or a function under @gated.cell")
        self.cell = cell
        self.input_size = checks.size("input_size", input_size)
        self.hidden_size = checks.size("hidden_size", hidden_size)
        self.num_layers = checks.size("num_layers", num_layers, most=MOST_LAYERS)
        self.bidirectional = checks.flag("bidirectional", bidirectional)
        self.dropout = checks.probability("dropout", dropout)
        self.batch_first = checks.flag("batch_first", batch_first)
        self.dtype = checks.dtype(dtype)
        self.backend_name = backend
        if not isinstance(sizes, (Mapping, type(None))):
            raise wrong_type("sizes", describe(sizes), "a dict of dimension -> length, such as {'h': 32}")
        self.init, self.sizes, self.forget_bias = init, dict(sizes or {}), forget_bias
        self._plan()
        shapes = {
            f"{prefix}.{name}": tuple(self._layer_sizes[self._layer_of(k)][dim] for dim in shape)
            for k, prefix in enumerate(self._prefixes)
            for name, shape in cell.parameters.items()
        }
        self.params = ParameterVector(shapes, self.dtype)
        self._initialise(checks.generator(seed))

    def _plan(self) -> None:
        """What follows from the arguments, but for the parameters."""
        self._backend = get_backend(self.backend_name)
        self._schedule = schedule(self.cell.graph)
        require_fit(self._schedule, self.dtype)
        self._prefixes = [
            f"l{layer}{suffix}"
            for layer in range(self.num_layers)
            for suffix in (("", "_reverse") if self.bidirectional else ("",))
        ]
        first, *others = (self._sizes_of(layer) for layer in range(min(2, self.num_layers)))
        self._layer_sizes = [first, *others * (self.num_layers - 1)]  # but for the first, one is like the other
        graph = self.cell.graph
        self._state_sizes = tuple(self._layer_sizes[-1][graph.dims[name]] for name in graph.states)
        self._check_room()

    # sizes

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Length of each state."""
        return self._state_sizes

    @property
    def output_size(self) -> int:
        """Length of y_t: that of the first state, times the directions."""
        return self.state_sizes[0] * self.directions

    def _layer_of(self, k: int) -> int:
        return k // self.directions

    def _sizes_of(self, layer: int) -> dict[str, int]:
        return sizes_of(self.cell, (self.input_size, self.hidden_size), self.sizes, self.directions, layer)

    def _check_room(self) -> None:
        """Before any array is made."""
        shapes = self.cell.parameters.values()
        per_layer = [sum(math.prod(sizes[dim] for dim in shape) for shape in shapes) for sizes in self._layer_sizes[:2]]
        numbers = per_layer[0] + (self.num_layers - 1) * per_layer[-1]
        given = {f"sizes[{name!r}]": value for name, value in self.sizes.items()}
        named = {"input_size": self.input_size, "hidden_size": self.hidden_size, "num_layers": self.num_layers}
        checks.room(named | given, self.directions * numbers, self.dtype)

    def _initialise(self, rng: np.random.Generator) -> None:
        for k, prefix in enumerate(self._prefixes):
            fan = max(self._layer_sizes[self._layer_of(k)][self.cell.graph.dims[name]] for name in self.cell.states)
            for name in self.cell.parameters:
                view = self.params[f"{prefix}.{name}"]
                view[...] = initial_value(self.init, view.shape, fan, rng)
            if self.forget_bias is not None:
                if f"{prefix}.b.f" not in self.params:
                    raise wrong(
                        "forget_bias",
                        f"{self.forget_bias} for the cell {self.cell.name}",
                        "None: it has no parameter b.f",
                    )
                bias = checks.real("forget_bias", self.forget_bias)
                self.params[f"{prefix}.b.f"][...] = checks.array("forget_bias", bias, (), self.dtype)

    # calls

    def initial_state(self, batch: int) -> State:
        """Zeros: one array (K, N, size) per state of the cell."""
        batch = checks.size("batch", batch)
        checks.room({"batch": batch}, len(self._prefixes) * batch * sum(self.state_sizes), self.dtype)
        return tuple(np.zeros((len(self._prefixes), batch, size), self.dtype) for size in self.state_sizes)

    def forward(
        self,
        x: Any,
        state: Any = None,
        lengths: Any = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Array, State, Tape]:
        """Run over all steps.

        Args:
            x: (T, N, D), or (N, T, D) with batch_first. T may be 0, N may not.
            state: one array (K, N, size) per state of the cell, in its order; zeros if None.
            lengths: (N,) integers, 0 <= length <= T; what x holds beyond them is not looked at.
            rng: generator for dropout; without it there is none.

        Returns:
            y (T, N, size * directions), zero beyond each sequence's end; the last state; the tape for `backward`.

        Raises:
            ArgumentError, ArgumentTypeError: a shape, dtype or length does not fit.
        """
        x, states, packing = self._checked(x, state, lengths)
        if not isinstance(rng, (np.random.Generator, type(None))):
            raise wrong_type("rng", describe(rng), "a numpy.random.Generator")
        tape = Tape(self, packing, [], [])
        for layer in range(self.num_layers):
            mask = self._dropout_mask(x, rng) if layer else None
            tape.masks.append(mask)
            x = x if mask is None else x * mask
            x = _side_by_side([self._forward_direction(tape, k, x, states) for k in self._directions_of(layer)])
        return self._user_major(x), self._last(packing, [scan.last for scan in tape.scans]), tape

    def infer(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Array, State]:
        """As `forward`, without a tape: nothing is kept for a backward pass, and there is no dropout.

        Args and errors: see `forward`.

        Returns:
            y (T, N, size * directions) and the last state.
        """
        x, states, packing = self._checked(x, state, lengths)
        last: list[list[Array]] = []
        for layer in range(self.num_layers):
            x = _side_by_side([self._infer_direction(packing, k, x, states, last) for k in self._directions_of(layer)])
        return self._user_major(x), self._last(packing, last)

    def stream(self, batch: int = 1, state: Any = None) -> Stream:
        """For one step at a time with little to pay per step: memory and packed parameters are made once.

        Args:
            batch: N, sequences side by side.
            state: one array (num_layers, N, size) per state of the cell; zeros if None.

        Raises:
            ArgumentError: a size or shape does not fit, or the layer is bidirectional.
        """
        self._refuse_bidirectional("stream")
        return Stream(self, batch, state)

    def _checked(self, x: Any, state: Any, lengths: Any) -> tuple[Array, list[Array], Packing]:
        """The arguments of a forward pass, x as (T, N, D)."""
        shape = ("N", "T", self.input_size) if self.batch_first else ("T", "N", self.input_size)
        x = self._time_major(checks.array("x", x, shape, self.dtype))
        steps, batch = x.shape[:2]
        if batch == 0:
            raise wrong("x", "a batch of 0 sequences", "at least one sequence")
        return x, self._checked_state("state", state, batch), Packing(steps, batch, lengths)

    def _last(self, packing: Packing, last: Sequence[Sequence[Array]]) -> State:
        """The last states, (K, N, size) each, from those of every direction."""
        if len(last) == 1:  # fresh arrays: no copy is needed
            return tuple(packing.unsort(array)[None] for array in last[0])
        return tuple(np.stack([packing.unsort(array) for array in arrays]) for arrays in zip(*last, strict=True))

    def _infer_direction(
        self, packing: Packing, k: int, x: Array, states: Sequence[Array], last: list[list[Array]]
    ) -> Array:
        reverse = self._is_reverse(k)
        rows, final = self._backend.infer(
            self._schedule,
            self._layer_sizes[self._layer_of(k)],
            self._parameters_of(k),
            packing.pack(x, reverse),
            packing.counts,
            [packing.sort(s[k]) for s in states],
        )
        last.append(final)
        return packing.unpack(rows, reverse)

    def _directions_of(self, layer: int) -> range:
        return range(layer * self.directions, (layer + 1) * self.directions)

    def _is_reverse(self, k: int) -> bool:
        return k % self.directions == 1

    def _forward_direction(self, tape: Tape, k: int, x: Array, states: Sequence[Array]) -> Array:
        packing = tape.packing
        initial = [packing.sort(s[k]) for s in states]
        scan = self._backend.forward(
            self._schedule,
            self._layer_sizes[self._layer_of(k)],
            self._parameters_of(k),
            packing.pack(x, self._is_reverse(k)),
            packing.counts,
            initial,
        )
        tape.scans.append(scan)
        return packing.unpack(scan.y, self._is_reverse(k))

    def _parameters_of(self, k: int, params: ParameterVector | None = None) -> Mapping[str, Array]:
        return (self.params if params is None else params).part(self._prefixes[k])

    def _dropout_mask(self, x: Array, rng: np.random.Generator | None) -> Array | None:
        if rng is None or self.dropout == 0.0:
            return None
        return np.asarray((rng.random(x.shape) >= self.dropout) / (1.0 - self.dropout), self.dtype)

    def backward(self, tape: Tape, dy: Any, dstate: Any = None) -> tuple[Array, State, ParameterVector]:
        """The gradients of a scalar loss, by backpropagation through time.

        Args:
            tape: from `forward`; it is not changed and may be used again.
            dy: adjoint of y, of y's shape.
            dstate: adjoint of the last state, as `state`; zeros if None.

        Returns:
            dx, of x's shape; the adjoint of the initial state; grads, with the names and shapes of `params`.

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the tape is of another layer.
        """
        if not isinstance(tape, Tape) or tape.layer is not self:
            raise wrong_type("tape", describe(tape), "the tape of this layer's forward()")
        packing = tape.packing
        steps, batch = packing.steps, packing.sequences
        shape = (batch, steps, self.output_size) if self.batch_first else (steps, batch, self.output_size)
        dy = self._time_major(checks.array("dy", dy, shape, self.dtype))
        dstates = self._checked_state("dstate", dstate, batch)
        grads = self.params.like()
        first = [np.empty_like(d) for d in dstates]
        for layer in reversed(range(self.num_layers)):
            dy = self._backward_layer(tape, layer, dy, dstates, first, grads)
        return self._user_major(dy), tuple(first), grads

    def _backward_layer(
        self,
        tape: Tape,
        layer: int,
        dy: Array,
        dstates: Sequence[Array],
        first: Sequence[Array],
        grads: ParameterVector,
    ) -> Array:
        packing, width = tape.packing, self.state_sizes[0]
        total = np.zeros((), self.dtype)
        for direction, k in enumerate(self._directions_of(layer)):
            reverse = self._is_reverse(k)
            rows = packing.pack(dy[:, :, direction * width : (direction + 1) * width], reverse)
            dx, initial = self._backend.backward(
                tape.scans[k], rows, [packing.sort(d[k]) for d in dstates], self._parameters_of(k, grads)
            )
            for s, value in enumerate(initial):
                first[s][k] = packing.unsort(value)
            total = total + packing.unpack(dx, reverse)
        mask = tape.masks[layer]
        return np.asarray(total if mask is None else total * mask)

    def step(self, x_t: Any, state: Any = None) -> tuple[State, Tape]:
        """One time step. x_t (N, D); the output is the last layer of the first state, `state[0][-1]`.

        Raises:
            ArgumentError: shapes do not fit, or the layer is bidirectional (the end of the sequence is needed).
        """
        self._refuse_bidirectional("step")
        x = checks.array("x_t", x_t, ("N", self.input_size), self.dtype)
        _, last, tape = self.forward(self._user_major(x[None]), state)
        return last, tape

    def backward_step(self, tape: Tape, dstate: Any) -> tuple[Array, State, ParameterVector]:
        """Undo one `step`: the adjoint of the state it returned (what comes from y is part of the first state's).

        Returns dx_t (N, D), the adjoint of the state before, and this step's share of the parameters' gradients.
        """
        self._refuse_bidirectional("backward_step")
        if not isinstance(tape, Tape) or tape.layer is not self or tape.packing.steps != 1:
            raise wrong_type("tape", describe(tape), "the tape of this layer's step()")
        if dstate is None:
            raise wrong_type("dstate", "None", "the adjoint of the state that step() returned")
        zeros = np.zeros((1, tape.packing.sequences, self.output_size), self.dtype)
        dx, previous, grads = self.backward(tape, self._user_major(zeros), dstate)
        return self._time_major(dx)[0], previous, grads

    def astype(self, dtype: Any) -> Recurrent:
        """A copy of the layer with its parameters in another dtype."""
        other = copy.copy(self)
        other.dtype = checks.dtype(dtype)
        require_fit(self._schedule, other.dtype)
        other.params = self.params.like(self.theta.astype(other.dtype))
        return other

    def __getstate__(self) -> dict[str, Any]:
        derived = "_backend", "_schedule", "_prefixes", "_layer_sizes", "_state_sizes"
        return {key: value for key, value in vars(self).items() if key not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._plan()

    # helpers

    def _refuse_bidirectional(self, call: str) -> None:
        if self.bidirectional:
            raise wrong(
                call,
                "a bidirectional layer",
                "a layer of one direction: the other one begins at the end of the sequence",
            )

    def _time_major(self, array: Array) -> Array:
        return array.swapaxes(0, 1) if self.batch_first else array

    _user_major = _time_major

    def _checked_state(self, name: str, state: Any, batch: int) -> list[Array]:
        if state is None:
            return list(self.initial_state(batch))
        if isinstance(state, np.ndarray) and len(self.cell.states) == 1:
            state = (state,)
        names = self.cell.states
        if not isinstance(state, (tuple, list)) or len(state) != len(names):
            what = f"a {type(state).__name__} of {len(state)}" if isinstance(state, (tuple, list)) else describe(state)
            raise wrong(name, what, f"a tuple of {len(names)} arrays ({', '.join(names)})")
        return [
            checks.array(f"{name}[{i}] ({names[i]})", value, (len(self._prefixes), batch, size), self.dtype)
            for i, (value, size) in enumerate(zip(state, self.state_sizes, strict=True))
        ]

    def config(self) -> dict[str, Any]:
        """All that is needed to build the layer again (JSON-able), but for the parameters' values."""
        return {
            "kind": "recurrent",
            "cell": self.cell.to_json(),
            "input_size": self.input_size,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "batch_first": self.batch_first,
            "dtype": self.dtype.name,
            "sizes": self.sizes,
        }

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Recurrent:
        options = {key: value for key, value in config.items() if key not in ("kind", "cell")}
        return Recurrent(Cell.from_json(config.get("cell")), **options)

    def __repr__(self) -> str:
        extra = f", num_layers={self.num_layers}" * (self.num_layers > 1) + ", bidirectional=True" * self.bidirectional
        return f"Recurrent({self.cell.name}, {self.input_size}, {self.hidden_size}{extra})"


def _side_by_side(outputs: list[Array]) -> Array:
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)


def _refuse(cell: Any, others: Mapping[str, Any]) -> None:
    """Options that other libraries have, and what to use instead."""
    name = cell.name if isinstance(cell, Cell) else "cell"
    known = {
        "bias": f"equations without a bias: gated.Recurrent({name}.without('b'), ...) if they have a family b",
        "proj_size": "sizes={'h': ...} with a cell that projects, such as gated.cells.projected_lstm",
        "nonlinearity": "a cell whose equations have it: h = relu(W.h @ x + U.h @ h + b.h)",
        "device": "no device: gated computes on the processor",
        "return_sequences": "y[-1], or the state that comes back beside y: y always holds every step",
        "units": "hidden_size",
    }
    for option, value in others.items():
        if option == "bias" and value is True:
            continue
        raise wrong_type(option, describe(value), known.get(option, "no such option; help(gated.Recurrent) lists them"))
