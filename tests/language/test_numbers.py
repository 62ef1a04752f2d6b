"""Numbers in graphs: where they are folded, that nothing else is, and that no backend meets what should have been."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

import gated
from gated import abs, exp, log, maximum, minimum, relu, sigmoid, softplus, sqrt, tanh
from gated.calculus import forward_mode, reverse_mode
from gated.errors import CellError, FileFormatError
from gated.language import FUNCTIONS
from gated.language import graph as g
from gated.language.printing import fraction
from gated.language.reductions import REDUCTIONS
from gated.program.lowering import lower
from gated.schedule import schedule
from gated.schedule.passes import require_folded

X = g.leaf("input", "x", "input")
ARGUMENTS = [(2.0, 3.0, 4.0), (0.25, -1.5, 0.5), (1e-300, 7.0, 8.0), (1.0, 1.0, 1.0)]
MATH = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "softplus": lambda a: math.log1p(math.exp(a)),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "erf": math.erf,
    "floor": math.floor,
    "abs": math.fabs,
    "maximum": max,
    "minimum": min,
    "_sign": lambda a: math.copysign(1.0, a),
    "_positive": lambda a: float(a > 0),
    "power": lambda a, b: a**b,
    "less": lambda a, b: float(a < b),
    "less_equal": lambda a, b: float(a <= b),
    "greater": lambda a, b: float(a > b),
    "greater_equal": lambda a, b: float(a >= b),
    "where": lambda c, p, q: p if c else q,
    "clip": lambda a, low, high: min(max(a, low), high),
    "hold": lambda a: a,
    "_within": lambda a, low, high: float(low <= a <= high),
    "_kept": lambda adjoint, term: term if adjoint else 0.0,
    "_equal": lambda a, b: float(a == b),
    "_inverse": lambda a: 1.0 / a if a else 0.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_every_function_of_numbers_alone_is_a_number(name, arguments) -> None:
    arguments = arguments[: FUNCTIONS[name].arity]
    node = g.call(name, *map(g.constant, arguments))
    assert node.op == "constant" and node.attr == pytest.approx(MATH[name](*arguments), rel=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_anything_else_stays(name) -> None:
    for position in range(FUNCTIONS[name].arity):
        args = [g.constant(2.0)] * FUNCTIONS[name].arity
        args[position] = X
        node = g.call(name, *args)
        assert node.op == "call" and node.args == tuple(args) and node.dim == "input"


def no_function_of_numbers(nodes) -> bool:
    return all(node.op != "call" or any(arg.op != "constant" for arg in node.args) for node in g.topological(nodes))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_derivative_of_any_function_is_a_function_of_numbers(name) -> None:
    """Of every function, with numbers in every place, by both modes."""
    arity = FUNCTIONS[name].arity
    for numbers in range(2**arity):
        args = [g.constant(3.0) if numbers >> k & 1 else X * float(k + 2) for k in range(arity)]
        node = g.call(name, *args)
        for seed in (g.leaf("seed", "h", "input"), g.constant(1.0), g.constant(0.5)):
            if node.op == "call" or seed.op == "constant":
                adjoints = reverse_mode([node], [seed])
                assert no_function_of_numbers(
                    [*adjoints.of.values(), *(t for ts in adjoints.terms.values() for _, t in ts)]
                )
            assert no_function_of_numbers(forward_mode([node], {X: seed}))


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nor_is_that_of_a_reduction(name) -> None:
    row = REDUCTIONS[name]
    node = row.of(*[g.leaf("state", "eps", "1")] * row.numbers, *[X / 3.0] * (2 if row.pairs else 1))
    adjoints = reverse_mode([node], [g.leaf("seed", "h", "1")])
    assert no_function_of_numbers(adjoints.of.values())


def test_nor_is_anything_in_the_programs_of_a_cell_with_numbers_everywhere() -> None:
    @gated.cell
    def cell(x, h, c, *, W, U, b):
        a = W.a @ x / 7 + U.a @ (h / 3) + b.a / 2 + 0.1
        k = 2 / (1 + exp(-a / 5)) + sqrt(1 + a * a / 9) - log(2 + abs(c) / 11) * 0.3
        m = maximum(k / 13, -0.5) + minimum(0.25, relu(c) / 17) + softplus(a - 1) / 19
        return tanh(m) / 1.5, sigmoid(c / 23) - 1 / (3 - tanh(k))

    plan = schedule(cell.graph)
    nodes = [*plan.level, *plan.previous, *plan.inputs, *plan.vectors.values(), *plan.after, *plan.backward_step]
    assert no_function_of_numbers(nodes)
    assert all(node.dim != "1" or node.op in ("constant", "reduce") for node in plan.level)
    assert gated.check_cell(cell).passed


def test_a_number_that_is_not_finite_is_no_number_of_a_graph() -> None:
    huge = g.constant(1e300)
    with pytest.raises(CellError) as caught:
        huge * huge
    assert str(caught.value) == (
        "the equations, or their derivatives, hold the number mul(1e+300, 1e+300) = inf; only finite numbers may stand "
        "in them"
    )
    with pytest.raises(CellError, match=r"hold the number sqrt\(-2.0\) = nan"):
        g.call("sqrt", g.constant(-2.0))


def test_derivatives_that_no_number_holds() -> None:
    @gated.cell
    def cell(x, h):
        return 1e200 * (1e200 * h) + x

    layer = gated.Recurrent(cell, 2, 2, dtype="float64")  # backpropagation multiplies with one after the other
    _, _, tape = layer.forward(np.ones((1, 1, 2)), (np.full((1, 1, 2), 1e-300),))
    assert layer.backward(tape, np.full((1, 1, 2), 1e-300))[1][0][0, 0, 0] == pytest.approx(1e100)
    with pytest.raises(CellError, match="the number mul"):
        cell.derive()


def test_passed_by_the_constructor_it_is_an_error_of_ours() -> None:
    wrong = g.make("call", "div", "1", (g.constant(1.0), g.constant(2.0)))
    graph = gated.cells.rnn.graph
    output = g.multiply(wrong, graph.outputs[0])
    broken = dataclasses.replace(graph, outputs=(output,), names={})
    for check in (lambda: schedule(broken), lambda: lower([wrong], {}, []), lambda: require_folded([wrong])):
        with pytest.raises(RuntimeError, match="an error in gated: call:div.* is a function of numbers alone"):
            check()


# Files


def with_numbers(*nodes):
    """A cell from a file: h' = h times what the nodes (numbered from 1) end in."""
    rows = [["leaf", ["state", "h"], "hidden", []], *nodes]
    rows.append(["call", "mul", "hidden", [0, len(rows) - 1]])
    return {
        "format": 1,
        "name": "read",
        "doc": "",
        "inputs": ["x"],
        "states": ["h"],
        "output_names": ["h"],
        "outputs": [len(rows) - 1],
        "parameters": {},
        "dims": {"x": "input", "h": "hidden"},
        "nodes": rows,
        "names": [],
    }


def test_a_file_may_hold_functions_of_numbers() -> None:
    data = with_numbers(["constant", 2.0, "1", []], ["call", "sqrt", "1", [1]])
    cell = gated.Cell.from_json(json.loads(json.dumps(data)))
    assert cell.equations() == ["hₜ = hₜ₋₁ · 1.4142135623730951"]
    assert gated.check_cell(cell).passed


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([["constant", -2.0, "1", []], ["call", "log", "1", [1]]], "the number log(-2.0) = nan"),
        ([["constant", 1e300, "1", []], ["call", "mul", "1", [1, 1]]], "the number mul(1e+300, 1e+300) = inf"),
        ([["constant", 0.0, "1", []], ["call", "div", "hidden", [0, 1]]], "node 2 divides by 0.0"),
        ([["constant", 5e-324, "1", []], ["call", "div", "hidden", [0, 1]]], "node 2 divides by 5e-324"),
    ],
)
def test_numbers_of_a_file_that_are_not_finite(nodes, message) -> None:
    with pytest.raises(FileFormatError) as caught:
        gated.Cell.from_json(with_numbers(*nodes))
    assert message in str(caught.value)


# Print


def test_a_number_is_printed_as_a_fraction_where_that_is_what_it_is() -> None:
    assert fraction(1 / 3) == (1, 3) and fraction(-2 / 7) == (-2, 7) and fraction(1000 / 999) == (1000, 999)
    for value in (0.5, 0.1, 3.0, 1e-7 / 3, 1e9 / 7, math.pi, 1 / 3 + 1e-12, 2.0**-40, 1e300, 5e-324):
        assert fraction(value) is None

    @gated.cell
    def cell(x, h):
        return h * (1 / 3) + (-2 / 7) * x

    assert cell.equations() == ["hₜ = hₜ₋₁ · (1 / 3) + (−2 / 7) · xₜ"]
    assert cell.equations("latex") == [r"h_{t} = h_{t-1} \cdot \frac{1}{3} + \frac{-2}{7} \cdot x_{t}"]
    assert cell.equations("numpy") == ["h = h_prev * (1 / 3) + (-2 / 7) * x_t"]
    assert "(1 / 3) · dhₜ" in cell.derive()


def test_printed_programs_keep_the_order_that_keeps_them_finite() -> None:
    @gated.cell
    def cell(x, h):
        return 1e300 * (h / 1e300) + 1e300 * (1e-300 * x)

    (line,) = cell.equations("numpy")
    scope = {"h_prev": 1e10, "x_t": 1e10}
    exec(line, scope)
    assert scope["h"] == pytest.approx(2e10)
