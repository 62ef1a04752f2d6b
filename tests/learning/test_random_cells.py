"""Cells that nobody wrote, learning in real time: exact against backpropagation, machine code against NumPy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import gated
from gated.errors import ArgumentError
from gated.language.functions import OVER_UNITS
from gated.learning import SGD, Online, Optimizer
from gated.learning.realtime.engines import begin, rule_of
from gated.losses import SquaredError
from gated.nn import Dense, Network, Recurrent

T, N = 4, 2
PATH = Path(__file__).resolve().parents[1] / "backends" / "native" / "test_random_cells.py"
SPEC = importlib.util.spec_from_file_location("random_cells", PATH)
WRITER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(WRITER)
ELEMENTWISE = [form for name, form in WRITER.FORMS.items() if name not in OVER_UNITS]


def _profile(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def _network(cell, data, layers, backend="native"):
    sizes = {dim: data.draw(st.integers(1, 9), label=dim) for dim in cell.graph.free_dims}
    hidden = 3 if any(cell.graph.dims[name] == "input" for name in cell.states) else 4
    rnn = Recurrent(cell, 3, hidden, layers, sizes=sizes, dtype="float64", seed=1, backend=backend)
    network = Network({"rnn": rnn, "head": Dense(rnn.output_size, 2, dtype="float64", seed=2)})
    rng = np.random.default_rng(3)
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    state = {"rnn": tuple(rng.uniform(-1, 1, (layers, N, size)) for size in rnn.state_sizes)}
    return network, rng.standard_normal((T, N, 3)), rng.standard_normal((T, N, 2)), state


@pytest.mark.slow
@_profile(40)
@given(st.data())
def test_exact_in_real_time(data):
    network, x, dy, state = _network(WRITER.cell_of(data), data, data.draw(st.integers(1, 2), label="layers"))
    _, _, tape = network.forward(x, state)
    exact = network.backward(tape, dy)[2]
    rule = rule_of(network, "rtrl", N)
    begin(rule.arrays(), network, state)
    total = network.params.like()
    for x_t, dy_t in zip(x, dy, strict=True):
        rule.forward(x_t)
        total.vector[:] += rule.gradient(dy_t)
    largest = np.abs(exact.vector).max()
    for name, array in exact.items():
        assert np.linalg.norm(total[name] - array) <= 1e-10 * max(np.linalg.norm(array), 1e-4 * largest), name


@pytest.mark.slow
@_profile(60)
@given(st.data())
def test_online_in_machine_code(data):
    cell = WRITER.cell_of(data)
    network, x, target, state = _network(cell, data, 1)
    peepholes = data.draw(st.booleans(), label="peepholes")
    start, results = network.theta.copy(), []
    for backend in ("native", "reference"):
        network.theta[:] = start
        try:
            learner = Online(network, "online", SGD(0.01), batch=N, peepholes=peepholes, backend=backend)
        except ArgumentError as error:
            matrices, peepholes_alone = (
                "a cell whose output every parameter reaches elementwise",
                "peepholes: got False",
            )
            over_units = "a cell without sums over the units"
            assert (
                matrices in str(error)
                or over_units in str(error)
                or (not peepholes and str(error).startswith(peepholes_alone))
            )
            return
        learner.reset(state)
        results.append((learner.partial_fit(x, target), learner.state()))
    (y, first), (same, second) = results
    np.testing.assert_allclose(y, same, rtol=1e-9, atol=1e-11)
    for name, array in second.items():
        scale = max(1.0, float(np.abs(array).max(initial=0.0)))
        assert np.abs(first[name] - array).max(initial=0.0) <= 1e-9 * scale, name


@pytest.mark.slow
@_profile(50)
@given(st.data())
def test_online_is_exact_where_all_matrices_but_those_of_the_input_are_zero(data):
    network, x, dy, state = _network(WRITER.cell_of(data), data, 1)
    for name, array in network.params.items():
        if name.startswith("rnn.l0.U"):
            array[...] = 0
    try:
        rule = rule_of(network, "online", N)
    except ArgumentError:
        return
    _, _, tape = network.forward(x, state)
    exact = network.backward(tape, dy)[2]
    begin(rule.arrays(), network, state)
    total = network.params.like()
    for x_t, dy_t in zip(x, dy, strict=True):
        rule.forward(x_t)
        total.vector[:] += rule.gradient(dy_t)
    largest = np.abs(exact.vector).max()
    for name, array in exact.items():
        assert np.linalg.norm(total[name] - array) <= 1e-10 * max(np.linalg.norm(array), 1e-4 * largest), name


# cells whose recurrence is elementwise


class ElementwiseWriter:
    """Writes the source of one cell. No matrix is applied to anything that depends on a parameter.

    The input of the step before may be a state that matrices are applied to. Everything else may be: outputs that read
    old memories, states handed on, states that are a product or a bias and nothing else, one value under two names,
    states that nobody reads, weights shared by several places.
    """

    def __init__(self, data):
        self.data, self.families, self.names = data, {}, []
        self.inputs = ["x", "x", "x", "tanh(x)", "(x * x)", "(1 - 0.5 * x)"]  # what a matrix may be applied to
        self.delayed = data.draw(st.integers(0, 3), label="delayed") == 0
        if self.delayed:
            self.inputs += ["u", "u", "(u * x)"]

    def pick(self, options):
        return str(self.data.draw(st.sampled_from(options)))

    def member(self, family):
        known = self.families.setdefault(family, [])
        if not known or self.data.draw(st.integers(0, 2)):
            known.append(f"{family}.k{len(known)}")
            return known[-1]
        return self.pick(known)

    def expression(self, depth):
        how = self.pick(["name", "name", "input", "bias", "vector", "form", "form", "form"]) if depth else "name"
        if how == "name":
            return self.pick(self.names)
        if how == "vector":
            return f"{self.member('p')} * ({self.expression(depth - 1)})"
        if how == "form":
            form = WRITER.numbers.filled(self.pick(ELEMENTWISE), self.pick)
            return form.format(*(self.expression(depth - 1) for _ in range(form.count("{}"))))
        return self.member("b") if how == "bias" else f"{self.member('W')} @ {self.pick(self.inputs)}"

    def new_state(self, state):
        how = self.pick(["gated", "gated", "gated", "expression", "name", "alone"])
        if how == "gated":
            own = state if state in self.names else self.pick(self.names)
            return f"sigmoid({self.expression(2)}) * {own} + tanh({self.member('W')} @ x + {self.expression(2)})"
        if how == "alone":
            return self.member("b") if self.data.draw(st.booleans()) else f"{self.member('W')} @ x"
        return self.pick(self.names) if how == "name" else f"tanh({self.expression(3)})"

    def source(self):
        states = [f"s{k}" for k in range(self.data.draw(st.integers(1, 3), label="states"))]
        order = states if self.data.draw(st.booleans(), label="in order") else states[::-1]
        # an output that the next step reads carries the memory; one that nobody reads may look at it
        self.names += states if len(states) == 1 or self.data.draw(st.booleans(), label="read") else order[1:]
        lines = []
        for k in range(self.data.draw(st.integers(0, 4), label="gates")):
            lines.append(f"g{k} = tanh({self.expression(3)})")
            self.names.append(f"g{k}")
        unread = [name for name in self.names if name[0] == "g"]
        for k, state in enumerate(states):
            new = self.new_state(state)
            if k == 0:  # every gate is used, there is a parameter, and all have one length
                old = f"sigmoid({self.expression(1)}) * {self.pick(self.names)}"
                new = " + ".join(
                    [f"tanh({new})", f"{self.member('W')} @ x", old, *unread, f"0 * ({' + '.join(states)})"]
                )
            lines.append(f"new_{state} = {new}")
            self.names.append(f"new_{state}")  # a later state may read it
        delayed = ", u" if self.delayed else ""
        lines.append(f"return {', '.join(f'new_{state}' for state in order)}{', x' if delayed else ''}")
        families = "".join(f", {family}" for family in self.families)
        body = "".join(f"    {line}\n" for line in lines)
        return f"def elementwise_cell(x, {', '.join(states)}{delayed}, *{families}):\n{body}"


def elementwise_cell_of(data):
    source = ElementwiseWriter(data).source()
    note(source)
    scope = {name: getattr(gated, name) for name in WRITER.FORMS if hasattr(gated, name)} | {"np": np}
    exec(source, scope)  # our own text
    return gated.cell(scope["elementwise_cell"])


class Recorder(Optimizer):
    """Adds up the gradients and changes nothing."""

    def __init__(self):
        super().__init__(1.0)
        self.sum = 0.0

    def _apply(self, theta, g, lr):
        self.sum = self.sum + g


def _check_exact(found, exact):
    largest = np.abs(exact.vector).max()
    found = exact.like(found)
    for name, array in exact.items():
        assert np.linalg.norm(found[name] - array) <= 1e-10 * max(np.linalg.norm(array), 1e-4 * largest), name


def _elementwise_case(data, backend):
    network, x, target, state = _network(elementwise_cell_of(data), data, 1, backend)
    loss = SquaredError("sum")
    y, _, tape = network.forward(x, state)
    exact = network.backward(tape, loss(y, target)[1])[2]
    return network, x, target, state, loss, exact


@pytest.mark.slow
@_profile(300)
@given(st.data())
def test_online_is_exact_where_the_recurrence_is_elementwise(data):
    network, x, target, state, loss, exact = _elementwise_case(data, "reference")
    learner = Online(network, "online", Recorder(), loss, batch=N, backend="reference")
    learner.reset(state)
    learner.partial_fit(x, target)
    _check_exact(learner.optimizer.sum, exact)


@pytest.mark.slow
@_profile(20)
@given(st.data())
def test_online_in_machine_code_is_exact_where_the_recurrence_is_elementwise(data):
    network, x, target, state, loss, exact = _elementwise_case(data, "native")
    learner = Online(network, "online", Recorder(), loss, batch=N, backend="native")
    learner.reset(state)
    learner.partial_fit(x, target)
    _check_exact(learner.optimizer.sum, exact)
    # and where the weights move: as NumPy has it
    start, results = network.theta.copy(), []
    for backend in ("native", "reference"):
        network.theta[:] = start
        learner = Online(network, "online", SGD(0.01), loss, batch=N, backend=backend)
        learner.reset(state)
        results.append(learner.partial_fit(x, target))
        results.append(network.theta.copy())
    np.testing.assert_allclose(results[0], results[2], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(results[1], results[3], rtol=1e-9, atol=1e-11)
