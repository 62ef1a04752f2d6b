"""Cells that nobody wrote, natively and by the reference: states of different sizes, chains, every function.

In float64 both must agree to rounding. In float32 the truth is the reference in float64, and what is allowed depends on
how far from it the reference in float32 is: a random cell may amplify what is rounded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import gated
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.errors import ArgumentError
from gated.language import FUNCTIONS
from gated.language.functions import OVER_UNITS


def _beside(name: str) -> Any:
    """A module of the tests (which are no package)."""
    path = Path(__file__).resolve().parents[2] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


numbers = _beside("numbers_in_cells")

# Every example is compiled, twice: few of them, and no search for a smaller one, which would take as many again.
PROFILE = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Arguments that keep every function where it is defined and finite.
FORMS = {
    "sigmoid": "sigmoid({})",
    "tanh": "tanh({})",
    "relu": "relu({})",
    "softplus": "softplus({})",
    "exp": "exp(tanh({}))",
    "log": "log(1.5 + tanh({}))",
    "sqrt": "sqrt(1.5 + tanh({}))",
    "sin": "sin(3 * tanh({}))",
    "cos": "cos(3 * tanh({}))",
    "erf": "erf({})",
    "floor": "floor(0.5 + 0.25 * tanh({}))",
    "abs": "abs({})",
    "maximum": "maximum({}, {})",
    "minimum": "minimum({}, {})",
    "where": "where({} > 0.0625, {}, {})",
    "clip": "clip({}, -0.5, 0.75)",
    "hold": "({}) * hold({})",
    "+": "({}) + ({})",
    "-": "({}) - ({})",
    "*": "({}) * ({})",
    "/": "({}) / (2.5 + tanh({}))",
    "neg": "-({})",
    "one minus": "1 - ({})",
    "square": "({}) ** 2",
    "power": "(1.5 + tanh({})) ** -0.7",
    "where, NaN": "where(tanh({}) > -2, {}, sqrt(tanh({}) - 2))",
    **numbers.FORMS,
    **numbers.EXTREME,
    **numbers.SATURATED,
    **_beside("over_units_in_cells").FORMS,
}


@pytest.fixture(autouse=True, scope="module")
def three_threads() -> Iterator[None]:
    """Small work is shared too; and in the end, that the comparisons in float32 were comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TRIED, "worthwhile", 1.0)
        patch.setattr(pool.Pool, "latency", lambda _: 0.0)
        patch.setattr(pool, "_threads", 3)
        yield
    assert not COMPARED or np.mean(COMPARED) > 0.9, "float32 is too coarse for more than a few of the cells"


def test_every_public_function_may_occur() -> None:
    assert {*OVER_UNITS, *(name for name, row in FUNCTIONS.items() if row.public)} <= set(FORMS)


class Writer:
    """Writes the source of one cell. Every value has a kind, which stands for its size: `a`, `b` or `c`."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.kinds = "abc"[: data.draw(st.integers(1, 3), label="kinds")]
        self.names: dict[str, list[str]] = {kind: [] for kind in self.kinds}  # values in sight
        self.members: dict[str, list[str]] = {}

    def pick(self, options: list[str]) -> str:
        return str(self.data.draw(st.sampled_from(options)))

    def member(self, family: str) -> str:
        """A member of a family, new or known: `family` says which sizes it goes with."""
        known = self.members.setdefault(family, [])
        if not known or self.data.draw(st.integers(0, 2)):
            known.append(f"{family}.k{len(known)}")
            return known[-1]
        return self.pick(known)

    def expression(self, kind: str, depth: int) -> str:
        """An expression of a kind."""
        how = self.pick(["name", "input", "vector", "matrix", "form", "form", "form", "form"]) if depth else "name"
        if how == "name" and self.names[kind]:
            return self.pick(self.names[kind])
        if how == "vector":
            scale = self.pick(["", "", " / ~", " * #", " - T"])  # a parameter with a number is computed once a call
            vector = f"({self.member('p' + kind)}{numbers.filled(scale, self.pick)})"
            return f"{vector} * ({self.expression(kind, depth - 1)})"
        if how == "matrix":
            other = self.pick(list(self.kinds))
            return f"{self.member('U' + kind + other)} @ ({self.expression(other, depth - 1)})"
        if how == "form":
            form = numbers.filled(self.pick(list(FORMS.values())), self.pick)
            return form.format(*(self.expression(kind, depth - 1) for _ in range(form.count("{}"))))
        return f"{self.member('W' + kind)} @ x"

    def total(self, kind: str) -> str:
        """Of all that is in sight, so that every gate is used: bounded by tanh, and of this kind through a vector."""
        terms = [f"{self.member('p' + kind)} * ({self.expression(kind, 2)})", *self.names[kind]]
        for other in self.kinds:
            if other != kind and self.names[other]:
                terms.append(f"{self.member('U' + kind + other)} @ ({' + '.join(self.names[other])})")
        return f"tanh({' + '.join(terms)})"

    def given_on(self, kind: str) -> str:
        """A new state that may be an old one, a gate, a sum of products."""
        how = self.pick(["total", "name", "product", "expression"])
        if how == "total":
            return self.total(kind)
        if how == "product":
            return f"{self.member('W' + kind)} @ x + {self.member('U' + kind + kind)} @ {self.pick(self.names[kind])}"
        return self.pick(self.names[kind]) if how == "name" else self.expression(kind, 2)

    def source(self) -> str:
        states = {}
        for k in range(self.data.draw(st.integers(1, 3), label="states")):
            states[f"s{k}"] = kind = self.pick(list(self.kinds))
            self.names[kind].append(f"s{k}")
        lines = []
        for k in range(self.data.draw(st.integers(0, 4), label="gates")):
            kind = self.pick(list(self.kinds))
            lines.append(f"g{k} = tanh({self.expression(kind, 3)})")
            self.names[kind].append(f"g{k}")
        seen: set[str] = set()
        for state, kind in states.items():
            lines.append(f"new_{state} = {self.given_on(kind) if kind in seen else self.total(kind)}")
            seen.add(kind)
        lines.append(f"return {', '.join(f'new_{state}' for state in states)}")
        families = "".join(f", {family}" for family in self.members)
        body = "".join(f"    {line}\n" for line in lines)
        return f"def random_cell(x, {', '.join(states)}, *{families}):\n{body}"


def cell_of(data: st.DataObject) -> gated.Cell:
    source = Writer(data).source()
    note(source)
    scope = {name: getattr(gated, name) for name in FORMS if hasattr(gated, name)} | {"np": np}
    exec(source, scope)  # our own text
    return gated.cell(scope["random_cell"])


# Over many cells the two are equally far from the truth in float32. In one cell, above all one of a single unit, either
# may be lucky: by a factor of 10 in one of a hundred cells.
CHANCE = 40.0
CEILING = 0.05  # a comparison within more would say nothing
COMPARED: list[bool] = []  # whether an array was compared, or float32 is too coarse for its cell
SIZE = st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 24, 31, 33]))


def results(layer: gated.Recurrent, x: np.ndarray, lengths: list[int] | None) -> dict[str, np.ndarray]:
    """Outputs, last states and all gradients, for random states and random adjoints of everything.

    The same outputs once more without a tape, and step by step where that can be done.
    """
    rng = np.random.default_rng(5)
    state = tuple(rng.uniform(-1, 1, s.shape) for s in layer.initial_state(x.shape[1]))
    y, last, tape = layer.forward(x, state, lengths)
    dlast = tuple(rng.standard_normal(s.shape) for s in last)
    dx, first, grads = layer.backward(tape, rng.standard_normal(y.shape), dlast)
    found = {"y": y, "dx": dx, **{f"d{name}": value for name, value in grads.items()}}
    for name, value, adjoint in zip(layer.cell.states, last, first, strict=True):
        found |= {f"last {name}": value, f"first d{name}": adjoint}
    found["inferred y"], inferred = layer.infer(x, state, lengths)
    found |= {f"inferred {name}": value for name, value in zip(layer.cell.states, inferred, strict=True)}
    if lengths is None and not layer.bidirectional:
        stream = layer.stream(x.shape[1], state)
        found["streamed y"] = np.array([stream.step(x_t).copy() for x_t in x]).reshape(y.shape)
        found |= {f"streamed {name}": value for name, value in zip(layer.cell.states, stream.state, strict=True)}
    return found


def is_gradient(key: str) -> bool:
    return key.startswith(("d", "first d"))


def distances(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> dict[str, float]:
    """How far each array is from the truth, relative to the norm of the truth.

    A gradient may nearly cancel: then the rounding of what it is the sum of counts, for which the largest stands.
    """
    norms = {key: float(np.linalg.norm(value)) for key, value in want.items()}
    largest = max([norm for key, norm in norms.items() if is_gradient(key)] or [0.0])
    scales = {key: max(norm, 0.1 * largest if is_gradient(key) else 0.0) or 1.0 for key, norm in norms.items()}
    return {key: float(np.linalg.norm(got[key] - want[key])) / scales[key] for key in want}


def compare(layers: dict[str, gated.Recurrent], x: np.ndarray, lengths: list[int] | None) -> None:
    """Native against reference in both precisions; the layers are of float64, and x has numbers of float32."""
    truth = results(layers["reference"], x, lengths)
    for key, distance in distances(results(layers["native"], x, lengths), truth).items():
        assert distance <= 2e-13, f"float64: {key} is off by {distance:.1e}"
    fits = numbers.fits_float32(layers["native"].cell)
    try:
        rounded = {name: layer.astype("float32") for name, layer in layers.items()}
    except ArgumentError as error:
        assert not fits and "dtype: got float32, in which the number " in str(error)
        return
    assert fits is not False
    truth = results(rounded["reference"].astype("float64"), x, lengths)
    native, numpy = (distances(results(rounded[name], x, lengths), truth) for name in ("native", "reference"))
    for key, distance in native.items():
        allowed = max(2e-6, CHANCE * max(numpy[key], 0.1 * max(numpy.values())))
        COMPARED.append(allowed <= CEILING)
        if allowed <= CEILING:
            assert distance <= allowed, f"float32: {key} is off by {distance:.1e}, NumPy by {numpy[key]:.1e}"


def both(cell: gated.Cell, **options: Any) -> dict[str, gated.Recurrent]:
    return {name: gated.Recurrent(cell, dtype="float64", backend=name, **options) for name in ("native", "reference")}


def input_of(steps: int, batch: int, size: int) -> np.ndarray:
    return np.random.default_rng(steps).standard_normal((steps, batch, size)).astype("float32").astype("float64")


@pytest.mark.slow
@PROFILE
@given(st.data())
def test_native_against_reference(data: st.DataObject) -> None:
    cell = cell_of(data)
    layers = both(
        cell,
        input_size=data.draw(SIZE, label="input"),
        hidden_size=7,
        sizes={dim: data.draw(SIZE, label=dim) for dim in cell.graph.free_dims},
        num_layers=data.draw(st.integers(1, 2), label="layers"),
        bidirectional=data.draw(st.booleans(), label="bidirectional"),
        seed=1,
    )
    for _ in range(3):
        steps, batch = data.draw(st.integers(0, 6), label="T"), data.draw(st.integers(1, 14), label="N")
        lengths = None
        if data.draw(st.booleans(), label="lengths"):
            lengths = data.draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
        compare(layers, input_of(steps, batch, layers["native"].input_size), lengths)


def second_order(x, h, s, *, W, U, V):
    """The step before the last counts as well."""
    return gated.tanh(W.h @ x + U.h @ h + V.h @ s), h


def exchanged(x, h, s, *, W, U, V):
    """Two states change places, both behind a matrix."""
    return s + gated.tanh(W.h @ x + U.h @ h), gated.tanh(V.s @ s + U.s @ h)


def input_given_on(x, h, s, r, *, W, U):
    """The inputs of the last two steps are states."""
    return gated.tanh(W.h @ x + U.h @ h + W.s @ s + W.r @ r), x, s


def two_matrices_in_one_sum(x, h, *, W, U):
    """Both multiply the same vector."""
    return gated.tanh(W.a @ x + W.b @ x + U.a @ h + U.b @ h + U.a @ h)


def one_value_twice_in_a_sum(x, h, *, W, U):
    """Its adjoint is twice the same product."""
    g = gated.tanh(W.g @ x)
    k = gated.tanh(g)
    return gated.tanh(h + U.g @ (g + k + k))


def two_sums_of_the_same_matrices(x, h, c, *, W, U):
    """In another order, and one matrix applied to three vectors."""
    u = U.a @ h + U.b @ c + W.a @ x
    v = U.b @ c + W.a @ x + U.a @ h
    return gated.tanh(u * v + U.a @ c), gated.sigmoid(v - U.a @ (h * c))


def eight_gates(x, h, *, W, U):
    """More sums than most processors have room for."""
    total = h
    for k in range(8):
        total = total * gated.sigmoid(getattr(W, f"k{k}") @ x + getattr(U, f"k{k}") @ h) + 0.1 * h
    return gated.tanh(total)


PLAIN = (
    second_order,
    exchanged,
    input_given_on,
    two_matrices_in_one_sum,
    one_value_twice_in_a_sum,
    two_sums_of_the_same_matrices,
    eight_gates,
)


@pytest.mark.parametrize("cell", PLAIN, ids=lambda cell: cell.__name__)
def test_what_a_person_may_write(cell: Callable[..., Any]) -> None:
    size = 19 if cell is input_given_on else 5
    layers = both(gated.cell(cell), input_size=size, hidden_size=19, seed=2)
    compare(layers, input_of(5, 7, size), None)
    compare(layers, input_of(4, 9, size), [4, 0, 1, 3, 4, 2, 4, 1, 1])


def odd_cells() -> dict[str, gated.Cell]:
    path = Path(__file__).resolve().parents[2] / "calculus" / "odd_cells.py"
    spec = importlib.util.spec_from_file_location("odd_cells", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cells: dict[str, gated.Cell] = module.ODD_CELLS
    return cells


@pytest.mark.parametrize("cell", odd_cells().values(), ids=lambda cell: cell.name)
def test_odd_cells(cell: gated.Cell) -> None:
    one_size = {"input": 6, "hidden": 6} if cell.name in ("delay", "no_parameters", "clashing_names") else {}
    size = one_size.get("input", 5)
    layers = both(cell, input_size=size, hidden_size=one_size.get("hidden", 18), seed=2)
    compare(layers, input_of(5, 7, size), None)
    compare(layers, input_of(4, 9, size), [4, 0, 1, 3, 4, 2, 4, 1, 1])
