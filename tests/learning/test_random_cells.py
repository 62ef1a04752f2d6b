"""Cells that nobody wrote, learning in real time: exact against backpropagation, machine code against NumPy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gated.errors import ArgumentError
from gated.learning import SGD, Online
from gated.learning.engines import begin, rule_of
from gated.nn import Dense, Network, Recurrent

T, N = 4, 2
PATH = Path(__file__).resolve().parents[1] / "backends" / "native" / "test_random_cells.py"
SPEC = importlib.util.spec_from_file_location("random_cells", PATH)
WRITER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(WRITER)


def _profile(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def _network(cell, data, layers):
    sizes = {dim: data.draw(st.integers(1, 9), label=dim) for dim in cell.graph.free_dims}
    rnn = Recurrent(cell, 3, 4, layers, sizes=sizes, dtype="float64", seed=1)
    network = Network({"rnn": rnn, "head": Dense(rnn.output_size, 2, dtype="float64", seed=2)})
    rng = np.random.default_rng(3)
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    state = {"rnn": tuple(rng.uniform(-1, 1, (layers, N, size)) for size in rnn.state_sizes)}
    return network, rng.standard_normal((T, N, 3)), rng.standard_normal((T, N, 2)), state


@pytest.mark.slow
@_profile(60)
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
            assert "a cell whose output every parameter reaches elementwise" in str(error)
            return
        learner.reset(state)
        results.append((learner.partial_fit(x, target), learner.state()))
    (y, first), (same, second) = results
    np.testing.assert_allclose(y, same, rtol=1e-9, atol=1e-11)
    for name, array in second.items():
        scale = max(1.0, float(np.abs(array).max(initial=0.0)))
        assert np.abs(first[name] - array).max(initial=0.0) <= 1e-9 * scale, name


@pytest.mark.slow
@_profile(150)
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
