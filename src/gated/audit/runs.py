"""The runs of a check: how a cell is run, and on which random numbers.

What a check must contain in order to see anything: states that do not start at rest, more than two steps, a random
adjoint at every step and into every last state, weights of ordinary size, biases that differ.

Legend: T steps, N sequences, D inputs, K = layers * directions; dy, dstate the adjoints of y and of the last state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.calculus import reverse_mode
from gated.errors import wrong
from gated.language import Cell
from gated.language.graph import ONE_DIM
from gated.nn import Recurrent, Tape

Array = np.ndarray[Any, Any]
State = tuple[Array, ...]
WEIGHT = 0.5  # standard deviation of the parameters


@dataclass(frozen=True)
class Configuration:
    """One way to run a cell. `hidden` is the first of the hidden sizes: each dimension gets a size of its own."""

    name: str
    steps: int
    batch: int
    inputs: int
    hidden: int
    lengths: tuple[int, ...] | None = None
    num_layers: int = 1
    bidirectional: bool = False


# Only the first is of some size, for the cost is (parameters) x (a forward pass).
CONFIGURATIONS = (
    Configuration("5 steps", steps=5, batch=3, inputs=4, hidden=5),
    Configuration("1 step", steps=1, batch=3, inputs=2, hidden=3),
    Configuration("mixed lengths", steps=4, batch=4, inputs=2, hidden=3, lengths=(2, 4, 0, 3)),
    Configuration("bidirectional", steps=4, batch=3, inputs=2, hidden=3, lengths=(3, 4, 2), bidirectional=True),
    Configuration("two layers", steps=3, batch=2, inputs=2, hidden=3, num_layers=2),
    Configuration(
        "two layers, bidirectional", 3, 2, inputs=1, hidden=2, lengths=(2, 3), num_layers=2, bidirectional=True
    ),
)
# For machine code alone: several whole vectors of units and a rest, more sequences than a tile has rows.
LARGER = Configuration("7 steps, 19 units", steps=7, batch=9, inputs=11, hidden=19)


@dataclass
class Run:
    """One layer and the arrays that it is run on."""

    configuration: Configuration
    layer: Recurrent
    x: Array
    state: State
    dy: Array
    dstate: State
    chance: int = 0  # the seed of the cell's draws, which are the same in every pass
    amplified: float = 1.0  # by this much more than usual it amplifies rounding: see `conditioning`

    def forward(self) -> tuple[Array, State, Tape]:
        return self.layer.forward(self.x, self.state, self.configuration.lengths, rng=self.rng())

    def rng(self) -> np.random.Generator | None:
        """For the draws of a cell that has some."""
        return np.random.default_rng(self.chance) if self.layer.cell.graph.draws else None

    def arguments(self) -> list[Array]:
        return [self.layer.theta, self.x, *self.state, self.dy, *self.dstate]


def passes(layer: Recurrent, run: Run, given: Callable[[Array], Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Forward and backward of a layer on a run's arrays, each as `given` makes it of the run's own.

    Returns outputs and last states; gradients. By name.
    """
    lengths = run.configuration.lengths
    y, last, tape = layer.forward(given(run.x), tuple(map(given, run.state)), lengths, rng=run.rng())
    back = layer.backward(tape, given(run.dy), tuple(map(given, run.dstate)))
    return {"y": y, **last_states(run, last)}, {
        f"gradient of {name}": g for name, g in named_gradients(run, back).items()
    }


def last_states(run: Run, last: State) -> dict[str, Array]:
    """The last states by name."""
    return {f"last {name}": value for name, value in zip(run.layer.cell.states, last, strict=True)}


def named_gradients(run: Run, result: tuple[Array, State, Any]) -> dict[str, Array]:
    """What `backward` returned, by what each is the gradient of."""
    graph = run.layer.cell.graph
    dx, dstate, grads = result
    states = {f"the initial {name}": d for name, d in zip(graph.states, dstate, strict=True)}
    return {**by_input(run.layer, dx), **states, **{name: grads[name].copy() for name in grads}}


def by_input(layer: Recurrent, x: Array) -> dict[str, Array]:
    """The columns (..., size) of each input, of an array in which all lie side by side."""
    return {name: x[..., own] for name, own in layer.input_columns.items()}


def prepare(
    cell: Cell, configuration: Configuration, rng: np.random.Generator, ranges: Mapping[str, tuple[float, float]]
) -> Run:
    def draw(name: str, shape: tuple[int, ...], scale: float = 1.0) -> Array:
        return rng.uniform(*ranges[name], shape) if name in ranges else scale * rng.standard_normal(shape)

    layer = layer_of(cell, configuration)
    for name in layer.params:
        layer.params[name][...] = draw(name.split(".", 1)[1], layer.params[name].shape, WEIGHT)
    for name, array in layer.fixed.items():
        array[...] = draw(name.split(".", 1)[1], array.shape, WEIGHT)
    shape = (configuration.steps, configuration.batch)
    per_state = [(len(layer._prefixes), configuration.batch, size) for size in layer.state_sizes]
    run = Run(
        configuration,
        layer,
        x=np.concatenate(
            [draw(name, (*shape, own.stop - own.start)) for name, own in layer.input_columns.items()], axis=-1
        ),
        state=tuple(draw(name, size) for name, size in zip(cell.states, per_state, strict=True)),
        dy=rng.standard_normal((*shape, layer.output_size)),
        dstate=tuple(rng.standard_normal(size) for size in per_state),
    )
    _require_finite(run)
    return run


def joins_input(cell: Cell) -> bool:
    """Whether a state or another input is as long as the first one, as in h = x + ...: so is what is below a layer."""
    first, *others = cell.graph.dims.values()
    return first in others


def can_stack(cell: Cell, bidirectional: bool) -> bool:
    """Whether there can be a second layer, in which the output of the first is the first input."""
    first = cell.graph.input_dims[cell.inputs[0]]
    if first == ONE_DIM and cell.graph.dims[cell.states[0]] != ONE_DIM:
        return False
    return not (bidirectional and (joins_input(cell) or first == ONE_DIM))  # twice as long as an output


def layer_of(cell: Cell, configuration: Configuration, backend: str = "reference") -> Recurrent:
    """A float64 layer in which every dimension has another size."""
    graph = cell.graph
    first, *others = dict.fromkeys(dim for dim in graph.input_dims.values() if dim != ONE_DIM) or [ONE_DIM]
    inputs = {first: configuration.inputs} | {dim: configuration.inputs + 1 + i for i, dim in enumerate(others)}
    sizes = {dim: configuration.hidden + i for i, dim in enumerate(graph.free_dims)}
    output = graph.dims[graph.states[0]]
    if joins_input(cell) and configuration.num_layers > 1:  # the second layer has the same input size
        if output in sizes:
            sizes[output] = configuration.inputs
        elif output in inputs:
            inputs[output] = configuration.inputs
    known = {**sizes, **inputs, ONE_DIM: 1}
    return Recurrent(
        cell,
        {name: known[dim] for name, dim in graph.input_dims.items()},
        known[output],
        configuration.num_layers,
        bidirectional=configuration.bidirectional,
        dtype="float64",
        backend=backend,
        sizes=sizes,
    )


def _require_finite(run: Run) -> None:
    _, _, tape = run.forward()
    graph = run.layer.cell.graph
    sheltered = {graph.names.get(node) for node in reverse_mode(graph.outputs, graph.seeds).sheltered}
    for name in tape.names():
        if name.split(".", 1)[1] in sheltered:  # a branch that is not taken may be anything
            continue
        if not np.isfinite(tape[name]).all():
            raise wrong(
                "ranges",
                f"{name.split('.')[1]} not finite in the forward pass of {run.layer.cell.name} on random numbers "
                f"({run.configuration.name})",
                "ranges in which the equations are defined, such as ranges={'n': (0.5, 1.5)} for a state n that is "
                "divided by",
            )
