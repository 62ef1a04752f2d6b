"""What a recurrent layer is, before anything runs: its arguments, sizes, parameters; states, copies, description.

Legend: D inputs, H hidden, K = num_layers * directions, N sequences.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.backends import get_backend
from gated.backends.made import for_made
from gated.backends.whole_step import Chain
from gated.errors import describe, shown, wrong, wrong_type
from gated.language import Cell
from gated.language.chance import expected
from gated.nn import checks
from gated.nn.chance import Draws
from gated.nn.claims import ARRAYS, UNSEEN, Description, Shape, Weight
from gated.nn.equations import Equations, Part
from gated.nn.initialisation import by_rule, initial_value
from gated.nn.inputs import Inputs, described, input_lengths
from gated.nn.layer import Layer
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_options, refuse_places
from gated.nn.sides import Rest, Side
from gated.nn.sizes import by_dimension, sizes_of
from gated.schedule import schedule
from gated.schedule.numbers import require_fit

Array = np.ndarray[Any, Any]
State = tuple[Array, ...]
MOST_LAYERS = 10_000


class Stack(Layer):
    """Layers and directions of one cell: all of a `Recurrent`, whose arguments these are, but its calls."""

    fresh = True
    backend_name: str
    cuts = False  # whether the last input are resets: see `gated.nn.resets`
    _twin: Any = None  # the same layer with resets, once they have been asked for

    def __init__(
        self,
        cell: Cell,
        input_size: Any,
        hidden_size: int,
        num_layers: int = 1,
        *more: Any,
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
        refuse_places("Recurrent", 4, more)
        refuse_options(cell, others)
        if not isinstance(cell, Cell):
            raise wrong_type("cell", describe(cell), "a cell such as gated.cells.lstm or a function under @gated.cell")
        self.cell = cell
        self._input_lengths = input_lengths(cell.graph, input_size)
        self.hidden_size = checks.size("hidden_size", hidden_size)
        self.num_layers = checks.size("num_layers", num_layers, most=MOST_LAYERS)
        self.bidirectional = checks.flag("bidirectional", bidirectional)
        self.dropout = checks.probability("dropout", dropout)
        if self.dropout and self.num_layers == 1:
            raise wrong(
                "dropout", f"{self.dropout:g} with num_layers=1", "0, or more layers: it acts between one and the next"
            )
        self.batch_first = checks.flag("batch_first", batch_first)
        self.dtype = checks.dtype(dtype)
        self.backend_name = backend
        if not isinstance(sizes, (Mapping, type(None))):
            raise wrong_type("sizes", describe(sizes), "a dict of dimension -> length, such as {'h': 32}")
        self.init, self.sizes = init, dict(sizes or {})
        self.forget_bias = None if forget_bias is None else checks.real("forget_bias", forget_bias)
        self._plan()
        held = [name for name in cell.parameters if name in cell.graph.fixed]
        shapes = {
            f"{prefix}.{name}": tuple(self._layer_sizes[self._layer_of(k)][dim] for dim in shape)
            for k, prefix in enumerate(self._prefixes)
            for name, shape in cell.parameters.items()
        }
        fixed = {f"{prefix}.{name}": shapes.pop(f"{prefix}.{name}") for prefix in self._prefixes for name in held}
        self.params = ParameterVector(shapes, self.dtype, fixed=fixed)
        self._initialise(checks.generator(seed))

    _input_lengths: dict[str, int]

    def _plan(self) -> None:
        """What follows from the arguments, but for the parameters."""
        self._schedule = schedule(self.cell.graph)
        self._backend = get_backend(self.backend_name)
        if self._schedule.made is not None:
            self._backend = for_made(self._backend)
        self._draws = Draws(self.cell.graph) if self.cell.graph.draws else None
        require_fit(self._schedule, self.dtype)
        self._prefixes = [
            f"l{layer}{suffix}"
            for layer in range(self.num_layers)
            for suffix in (("", "_reverse") if self.bidirectional else ("",))
        ]
        first, *others = (self._sizes_of(layer) for layer in range(min(2, self.num_layers)))
        self._inputs = Inputs(self.cell.graph, first)
        self.input_size = self._inputs.width
        self.sizes = {name: int(size) for name, size in self.sizes.items()}  # NumPy's whole numbers are no JSON
        self._layer_sizes = [first, *others * (self.num_layers - 1)]  # but for the first, one is like the other
        graph = self.cell.graph
        self._state_sizes = tuple(self._layer_sizes[-1][graph.dims[name]] for name in graph.states)
        self._check_room()
        self._own_chains: list[Chain] = []
        self._twin = None
        self._rest = Rest([])
        self._own_sides: tuple[ParameterVector | None, list[list[Side]]] = None, []

    # sizes

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Length of each state."""
        return self._state_sizes

    @property
    def first_size(self) -> int:
        """Length of the first input: what a layer before this one gives."""
        return self._inputs.first

    @property
    def input_columns(self) -> dict[str, slice]:
        """Input -> where it lies in a row of all of them side by side, in the order of the equations."""
        return self._inputs.columns

    @property
    def output_size(self) -> int:
        """Length of y_t: that of the first state, times the directions."""
        return self._state_sizes[0] * (2 if self.bidirectional else 1)

    def _layer_of(self, k: int) -> int:
        return k // self.directions

    def _sizes_of(self, layer: int) -> dict[str, int]:
        return sizes_of(self.cell, self._input_lengths, self.hidden_size, self.sizes, self.directions, layer)

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
            part = self.params.part(prefix)
            for name in self.cell.parameters:
                rule, view = self.cell.graph.init.get(name), part[name]
                if rule is not None:
                    view[...] = checks.array(name, by_rule(name, rule, view.shape, fan, rng), view.shape, self.dtype)
                elif name in self.cell.graph.fixed:
                    view[...] = 1.0
                else:
                    view[...] = initial_value(self.init, view.shape, fan, rng)
            if self.forget_bias is not None:
                if f"{prefix}.b.f" not in self.params:
                    raise wrong(
                        "forget_bias",
                        f"{self.forget_bias} for the cell {self.cell.name}",
                        "None: it has no parameter b.f",
                    )
                self.params[f"{prefix}.b.f"][...] = checks.array("forget_bias", self.forget_bias, (), self.dtype)

    def _directions_of(self, layer: int) -> range:
        return range(layer * self.directions, (layer + 1) * self.directions)

    def _sides(self) -> list[list[Side]]:
        """The directions of every layer: the same objects for every call, while the parameters lie where they lie."""
        (owner, sides), params = self._own_sides, self.params
        if owner is not params:
            sides = [
                [
                    Side(k, k % self.directions == 1, self._prefixes[k], sizes, params.part(self._prefixes[k]))
                    for k in self._directions_of(layer)
                ]
                for layer, sizes in enumerate(self._layer_sizes)
            ]
            self._own_sides = params, sides
        return sides

    # states

    def initial_state(self, batch: int) -> State:
        """Zeros: one array (K, N, size) per state of the cell."""
        return tuple(self._zeros(checks.size("batch", batch)))

    def _zeros(self, batch: int) -> list[Array]:
        count = len(self._prefixes)
        checks.room({"batch": batch}, count * batch * sum(self._state_sizes), self.dtype)
        return [np.zeros((count, batch, size), self.dtype) for size in self._state_sizes]

    def _state_or_rest(self, name: str, state: Any, batch: int) -> list[Array]:
        """As `checked_state`, to be read only: the zeros are kept for the next call with as many sequences."""
        if state is not None:
            return self.checked_state(name, state, batch)
        rest = self._rest
        if not rest or rest[0].shape[1] != batch or rest[0].dtype != self.dtype:
            rest = self._rest = Rest(self._zeros(batch))
        return rest

    def _time_major(self, array: Array) -> Array:
        return array.swapaxes(0, 1) if self.batch_first else array

    _user_major = _time_major

    def checked_state(self, name: str, state: Any, batch: int) -> list[Array]:
        if state is None:
            return self._zeros(batch)
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

    # copies, files

    def with_constants(self, **values: Any) -> Any:
        """A layer that shares the parameters of this one, with other values of constants of its cell.

        Raises:
            ArgumentError, ArgumentTypeError: there is no such constant, or it cannot have this value.
        """
        cell = self.cell.with_constants(**values)
        if cell.parameters != self.cell.parameters:
            raise wrong("constants", ", ".join(values), "constants on which the parameters do not depend")
        other = type(self).__new__(type(self))
        vars(other).update(vars(self), cell=cell)
        other._plan()
        return other

    def astype(self, dtype: Any) -> Any:
        """A copy of the layer with its parameters in another dtype.

        Raises:
            ArgumentError, ArgumentTypeError: no dtype of a layer, or one that cannot hold a parameter.
        """
        other = copy.copy(self)
        other.dtype = checks.dtype(dtype)
        require_fit(self._schedule, other.dtype)
        numbers = checks.array("theta", self.theta, self.theta.shape, other.dtype, own=True)
        held = self.params.fixed_vector
        fixed = checks.array("fixed", held, held.shape, other.dtype, own=True) if held.size else None
        other._adopt(self.params.like(numbers, fixed=fixed))
        return other

    def __getstate__(self) -> dict[str, Any]:
        made = "_own_chains", "_own_sides", "_rest", "_twin"
        derived = "_backend", "_schedule", "_prefixes", "_layer_sizes", "_state_sizes", "_inputs", "_draws", *made
        return {key: value for key, value in vars(self).items() if key not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "_input_lengths" not in state:  # of older versions
            self._input_lengths = input_lengths(self.cell.graph, state["input_size"])
        self._plan()

    def config(self) -> dict[str, Any]:
        """All that is needed to build the layer again (JSON-able), but for the parameters' values."""
        return {
            "kind": "recurrent",
            "cell": self.cell.to_json(),
            "input_size": described(self._input_lengths, self.cell.graph),
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "batch_first": self.batch_first,
            "dtype": self.dtype.name,
            "sizes": self.sizes,
        }

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        cell = Cell.from_json(own.get("cell"))
        weight.nodes += len(cell.graph.order)
        sizes = own.get("sizes", {})
        if not isinstance(sizes, Mapping):
            raise wrong("sizes", describe(sizes), 'an object of dimension: length, such as {"h": 32}')
        given = by_dimension(cell, {shown(dim, 40): length for dim, length in sizes.items()})
        inputs, hidden = (
            input_lengths(cell.graph, own.get("input_size")),
            checks.size("hidden_size", own.get("hidden_size")),
        )
        suffixes = ("", "_reverse") if own.get("bidirectional", False) else ("",)
        layers = checks.size("num_layers", own.get("num_layers", 1))
        most = ARRAYS // (len(suffixes) * max(1, len(cell.parameters)))
        if layers > most:
            raise wrong("num_layers", shown(layers, 30), f"at most {most} for the cell {shown(cell.name, 40)}")
        if not cell.parameters:  # it too is built layer by layer
            weight.arrays += layers * len(suffixes)
        first, above = (sizes_of(cell, inputs, hidden, given, len(suffixes), layer) for layer in (0, int(layers > 1)))
        seen = {dim for dims in cell.parameters.values() for dim in dims}
        for dim, length in first.items():
            if dim not in seen and length > UNSEEN:
                raise wrong(f"the length {shown(dim, 40)}", str(length), f"at most {UNSEEN}, for no parameter has it")
        for layer in range(layers):
            lengths = above if layer else first
            for suffix in suffixes:
                for name, dims in cell.parameters.items():
                    yield f"l{layer}{suffix}.{name}", tuple(lengths[dim] for dim in dims)

    # learning in real time

    def equations(self, name: str) -> list[Part]:
        if self.bidirectional:
            raise wrong(f"layers[{name!r}]", "a bidirectional layer", "one direction: the other begins at the end")
        if self.dropout:
            raise wrong(f"layers[{name!r}]", f"dropout {self.dropout}", "0: learning in real time draws no masks")
        graph = expected(self.cell.graph)
        parts: list[Part] = []
        for level in range(self.num_layers):
            own = self._layer_sizes[level]
            sizes = {dim: own[dim] for dim in graph.dims.values()}
            parts.append(Equations(graph, {key: f"l{level}.{key}" for key in self.cell.parameters}, sizes, level))
        return parts

    def state_names(self) -> list[list[str]]:
        return [[f"l{level}.state.{name}" for level in range(self.num_layers)] for name in self.cell.states]

    def __repr__(self) -> str:
        extra = f", num_layers={self.num_layers}" * (self.num_layers > 1) + ", bidirectional=True" * self.bidirectional
        extra += f", dropout={self.dropout:g}" * (self.dropout > 0) + ", batch_first=True" * self.batch_first
        extra += f", dtype={self.dtype.name!r}" * (self.dtype.name != "float32")
        return f"Recurrent({self.cell.name}, {self.input_size}, {self.hidden_size}{extra})"
