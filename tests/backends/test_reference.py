"""The interpreter of schedules, and the schedules themselves, on cells that were chosen for their structure."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.zoo import inputs_of, layer_of

import gated
from gated import Recurrent, sigmoid, tanh
from gated.backends import get_backend
from gated.cells import ZOO
from gated.errors import ArgumentError
from gated.language import FUNCTIONS
from gated.language.constants import resolved
from gated.language.over_units import is_size, size_value
from gated.language.reductions import REDUCTIONS
from gated.schedule import schedule
from gated.schedule.grouping import ProductGroup, group_products
from gated.schedule.schedule import ADJOINT, INPUT, PARAMETER, STATE


def matrix_by_hand(layer, matrix):
    """One that is made of parameters, as it is written in Python."""
    if matrix.of is None:
        return {**layer.params, **layer.fixed}[f"l0.{matrix.name}"]
    return eval(matrix.name, {"U": SimpleNamespace(h=layer.params["l0.U.h"])})


def run_by_hand(layer, x, state):
    """One layer, one direction: every node of the graph, step by step, straight from the definition."""
    graph, held = resolved(layer.cell.graph).core, {**layer.params, **layer.fixed}
    outputs, state = [], [s[0] for s in state]
    for x_t in x:
        values = {graph.input_leaf(name): x_t[:, own] for name, own in layer.input_columns.items()}
        values.update((graph.state_leaf(name), s) for name, s in zip(graph.states, state, strict=True))
        for node in graph.order:
            args = [values[arg] for arg in node.args]
            if node.op == "constant":
                values[node] = np.float64(node.attr)
            elif node.op == "product":
                values[node] = args[0] @ matrix_by_hand(layer, node.attr[0]).T
            elif node.op == "call":
                values[node] = FUNCTIONS[node.attr].numpy(*args)
            elif node.op == "reduce":
                values[node] = REDUCTIONS[node.attr].numpy(*args)
            elif is_size(node):
                values[node] = size_value(node, layer._layer_sizes[0])
            elif node.attr[0] == "vector":
                values[node] = held[f"l0.{node.attr[1]}"]
            elif node.attr[0] == "draw":  # without a generator: the mean, which is the probability
                values[node] = np.float64(graph.draws[node.attr[1]].value)
        state = [np.broadcast_to(values[node], s.shape) for node, s in zip(graph.outputs, state, strict=True)]
        outputs.append(state[0])
    return np.array(outputs), state


@pytest.mark.parametrize("name", ZOO)
def test_the_scan_is_the_graph_step_by_step(name):
    layer = layer_of(ZOO[name], 3, 5, dtype="float64", backend="reference")
    rng = np.random.default_rng(0)
    x = inputs_of(layer, rng, 6, 4)
    state = tuple(rng.uniform(0.5, 1.5, (1, 4, size)) for size in layer.state_sizes)
    y, last, _ = layer.forward(x, state)
    expected, expected_last = run_by_hand(layer, x, state)
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-15)
    for a, b in zip(last, expected_last, strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ZOO)
def test_programs_are_in_order_and_complete(name):
    plan = schedule(ZOO[name].graph)
    forward = [node for node in plan.graph.order if node.op != "leaf"]
    more = set(plan.before) - set(forward)  # what only the backward pass asks for, of parameters alone: known before
    assert all(plan.level[node] == PARAMETER for node in more) and not set(plan.before) & set(plan.step)
    assert {*plan.before, *plan.step} == {*forward, *more}
    known = {node for node in plan.level if node.op in ("leaf", "constant")}
    for node in plan.before:
        assert set(node.args) <= known and plan.level[node] < STATE
        known.add(node)
    for node in plan.step:
        assert set(node.args) <= known and plan.level[node] == STATE
        known.add(node)
    saved = {n for n in known if plan.level[n] <= INPUT or n.op == "leaf"} | set(plan.saved)
    for node in plan.backward_step:
        assert set(node.args) <= saved | {a for a in node.args if a.op == "constant"}
        saved.add(node)
    after = {n for n in saved if plan.level.get(n) != ADJOINT} | set(plan.kept)
    for node in plan.after:
        assert set(node.args) <= after | {a for a in node.args if a.op == "constant"}
        after.add(node)


def test_products_with_the_input_leave_the_loop():
    plan = schedule(ZOO["lstm"].graph)
    outside = [node for node in plan.before if node.op == "product"]
    inside = [node for node in plan.step if node.op == "product"]
    assert sorted(node.attr[0].name for node in outside) == ["W.f", "W.g", "W.i", "W.o"]
    assert sorted(node.attr[0].name for node in inside) == ["U.f", "U.g", "U.i", "U.o"]


def test_levels():
    @gated.cell
    def cell(x, h, *, W, b):
        constant = sigmoid(b.k)
        with_input = W.h @ x
        return constant * h + with_input

    plan = schedule(cell.graph)
    level = {plan.graph.names[node]: plan.level[node] for node in plan.graph.names}
    assert level == {"constant": PARAMETER, "with_input": INPUT, "h": STATE}


def test_products_of_one_operand_are_one_group():
    plan = schedule(ZOO["gru"].graph)
    groups = [item for item in group_products(plan.step) if isinstance(item, ProductGroup)]
    assert [sorted(m.name for m in group.matrices) for group in groups] == [["U.r", "U.z"], ["U.n"]]


def test_a_sum_of_products_is_one_product_in_the_backward_loop():
    plan = schedule(ZOO["lstm"].graph)
    products = [node for node in plan.backward_step if node.op == "product"]
    assert [sorted(m.name for m in node.attr) for node in products] == [["U.f", "U.g", "U.i", "U.o"]]
    assert all(matrix.transposed for matrix in products[0].attr)


def test_the_same_plan_for_the_same_graph_in_any_dtype():
    x = np.random.default_rng(0).standard_normal((3, 2, 3))
    layer = Recurrent(ZOO["lstm"], 3, 4, dtype="float64", backend="reference")
    complex_layer = layer.astype("complex128")
    np.testing.assert_allclose(complex_layer.forward(x)[0].real, layer.forward(x)[0], rtol=1e-14)
    assert not complex_layer.forward(x)[0].imag.any()


def test_a_parameter_that_gets_no_gradient_gets_zeros():
    @gated.cell
    def cell(x, h, c, *, W, b):
        unused_later = 0 * b.k  # its derivative is the constant 0
        return tanh(W.h @ x + h) + unused_later, c

    layer = Recurrent(cell, 3, 4, dtype="float64", backend="reference")
    y, _, tape = layer.forward(np.ones((2, 2, 3)))
    assert not layer.backward(tape, y)[2]["l0.b.k"].any()


def test_infinities_give_limits_without_a_warning():
    layer = Recurrent(ZOO["lstm"], 2, 3, backend="reference")
    layer.theta[...] = 1.0
    y, _, _ = layer.forward(np.full((2, 1, 2), np.inf))
    assert np.isfinite(y).all()
    layer.forward(np.full((2, 1, 2), 3e38))


def test_unknown_backend():
    assert get_backend("reference").forward
    with pytest.raises(ArgumentError, match="backend: got 'tpu', expected one of"):
        get_backend("tpu")
