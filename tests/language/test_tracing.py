"""From a function to a graph: names, sizes, the order of equations; and the graph's own rules."""

from __future__ import annotations

import copy
import gc
import sys
import threading

import numpy as np
import pytest
from tests.zoo import inputs_of, layer_of

import gated
from gated import relu, sigmoid, tanh
from gated.cells import ZOO
from gated.language import graph as g
from gated.language.reductions import joined


def names_of(cell):
    return list(cell.graph.names.values())


def test_local_names_are_the_names_of_the_gates():
    assert names_of(ZOO["lstm"]) == ["i", "f", "g", "c", "o", "h"]
    assert names_of(ZOO["gru"]) == ["r", "z", "n", "h"]


def test_a_name_that_is_bound_twice_is_the_last_one():
    @gated.cell
    def cell(x, h, *, W):
        a = W.a @ x
        a = tanh(a)
        h = a * h
        return h

    assert names_of(cell) == ["a", "h"]
    assert cell.equations() == ["aₜ = tanh(W_a xₜ)", "hₜ = aₜ ⊙ hₜ₋₁"]


def test_a_returned_expression_without_a_name_is_named_after_its_state():
    @gated.cell
    def cell(x, h, *, W):
        return tanh(W.h @ x + h)

    assert names_of(cell) == ["h"]


def test_a_state_that_is_passed_on_is_written_as_an_equation():
    @gated.cell
    def cell(x, h, c, *, W):
        return tanh(W.h @ x + c), h

    assert cell.equations()[-1] == "cₜ = hₜ₋₁"


@pytest.mark.parametrize(
    ("name", "parameter", "dims"),
    [
        ("lstm", "W.i", ("hidden", "input")),
        ("lstm", "U.i", ("hidden", "hidden")),
        ("lstm", "b.i", ("hidden",)),
        ("peephole_lstm", "p.i", ("hidden",)),
        ("projected_lstm", "U.i", ("c", "h")),
        ("projected_lstm", "P.h", ("h", "c")),
        ("gru", "U.n", ("hidden", "hidden")),
    ],
)
def test_use_decides_the_shape(name, parameter, dims):
    assert ZOO[name].parameters[parameter] == dims


def test_an_inner_size_has_the_name_of_what_is_inside():
    @gated.cell
    def cell(x, h, *, W, V):
        inner = relu(W.a @ x)
        return tanh(V.h @ inner + h)

    assert cell.parameters == {"W.a": ("inner", "input"), "V.h": ("hidden", "inner")}
    layer = gated.Recurrent(cell, 3, 5, sizes={"inner": 7})
    assert layer.params["l0.V.h"].shape == (5, 7)


def test_the_sizes_of_x_and_h_are_joined_by_a_sum():
    @gated.cell
    def cell(x, h):
        return x + h

    assert cell.graph.dims == {"x": "input", "h": "input"} and cell.parameters == {}


def test_the_order_of_parameters_is_that_of_signature_and_use():
    @gated.cell
    def cell(x, h, *, b, W):
        return tanh(W.z @ x + W.a @ h + b.q + b.c)

    assert list(cell.parameters) == ["b.q", "b.c", "W.z", "W.a"]


def test_the_function_sees_python():
    @gated.cell
    def cell(x, h, *, W):
        gates = [tanh(getattr(W, name) @ x) for name in "ab"]  # a comprehension, a loop, an if on numbers
        for k, gate in enumerate(gates):
            h = h + (k + 1) * gate if k else h * gate
        return h

    assert list(cell.parameters) == ["W.a", "W.b"]
    assert gated.check_cell(cell).passed


def test_equations_stay_as_they_were_written():
    @gated.cell
    def cell(x, h, *, W):
        return 0 + 1 * tanh(W.h @ x) - -h

    assert cell.equations() == ["hₜ = 0 + 1 · tanh(W_h xₜ) − (−hₜ₋₁)"]


def test_a_graph_hook_of_python_is_put_back():
    hook = sys.gettrace()

    @gated.cell
    def cell(x, h):
        return x + h

    assert sys.gettrace() is hook and cell.name == "cell"
    with pytest.raises(gated.errors.CellError):
        gated.cell(lambda x, h: h[0])
    assert sys.gettrace() is hook


def test_cells_are_compared_by_their_equations():
    def one(x, h, *, W):
        """One."""
        return tanh(W.h @ x + h)

    def two(x, h, *, W):
        return tanh(W.h @ x + h)

    def other(x, h, *, W):
        return sigmoid(W.h @ x + h)

    assert gated.cell(one) == gated.cell(two) != gated.cell(other)
    assert len({gated.cell(one), gated.cell(two), gated.cell(other)}) == 2
    assert gated.cell(one) != "one"


def test_text_of_a_cell():
    cell = ZOO["rnn"]
    assert repr(cell) == "<gated cell rnn(x, h; W.h, U.h, b.h)>"
    assert str(cell).splitlines()[0].startswith("rnn: ") and "tanh(" in str(cell)
    assert cell.__doc__ == cell.doc and "Source" in cell.doc
    assert cell.__name__ == cell.name == "rnn"


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("style", ["text", "latex", "numpy"])
def test_every_cell_prints_in_every_style(name, style):
    lines, draws = ZOO[name].equations(style), len(ZOO[name].graph.draws)  # draws come first, with a sign of their own
    sign = {"text": " ~ ", "latex": r" \sim ", "numpy": " = "}[style]
    assert all(sign in line for line in lines[:draws]) and all(" = " in line for line in lines[draws:])
    assert len(lines) >= len(ZOO[name].states) + draws and not any("\n" in line for line in lines)


@pytest.mark.parametrize("name", ZOO)
def test_the_numpy_style_is_numpy(name):
    """The printed equations, run by Python, give what the layer gives."""
    cell, rng = ZOO[name], np.random.default_rng(0)
    layer = layer_of(cell, 3, 4, dtype="float64", backend="reference")
    state = [rng.uniform(0.5, 1.0, (1, 2, size)) for size in layer.state_sizes]
    x = inputs_of(layer, rng, 1, 2)
    scope = {"np": np, "sigmoid": gated.sigmoid, "softplus": gated.softplus, "hold": np.array, "joined": joined}
    scope |= {"bernoulli": lambda p, per="step": p, "normal": lambda s, per="step": 0.0}  # the means
    scope |= {f"{n}_t": x[0][:, own] for n, own in layer.input_columns.items()}
    scope |= cell.graph.constants
    scope |= {f"{n}_prev": s[0] for n, s in zip(cell.states, state, strict=True)}
    scope |= {key.split(".", 1)[1].replace(".", "_"): value for key, value in {**layer.params, **layer.fixed}.items()}
    for line in cell.equations("numpy"):
        exec(line, scope)  # our own text
    _, last, _ = layer.forward(x, tuple(state))
    for name_, value in zip(cell.states, last, strict=True):
        np.testing.assert_allclose(scope[name_], value[0], rtol=1e-13)


class TestGraph:
    x = g.leaf("input", "x", "input")
    y = g.leaf("input", "y", "input")

    def test_equal_expressions_are_one_object(self):
        assert self.x * self.y is self.x * self.y
        assert g.constant(0.0) is not g.constant(-0.0)
        assert g.constant(1) is g.constant(1.0)

    def test_simplification(self):
        x, y, zero, one = self.x, self.y, g.constant(0.0), g.constant(1.0)
        assert x + zero is x and zero + x is x and x - zero is x and zero - x is -x
        assert x * one is x and one * x is x and x / one is x
        assert x * zero is zero and zero * x is zero and zero / x is zero
        assert g.negate(-x) is x and x - (-y) is x + y and x + (-y) is x - y
        assert -(x - y) is y - x and (-x) * y is -(x * y) and (-x) / y is -(x / y)
        assert x * 2.0 is 2.0 * x and -1.0 * x is -x
        assert g.constant(2.0) + 3.0 is g.constant(5.0) and g.constant(2.0) * 3.0 is g.constant(6.0)
        assert 2.0 - g.constant(3.0) is g.constant(-1.0) and -g.constant(2.0) is g.constant(-2.0)

    def test_nodes_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            self.x.op = "call"

    def test_a_deep_graph_needs_no_deep_stack(self):
        node = self.x
        for _ in range(20_000):
            node = node + self.y
        assert len(g.topological([node])) == 20_002
        del node
        gc.collect()

    def test_topological_order(self):
        order = g.topological([ZOO["lstm"].graph.outputs[0]])
        assert all(order.index(arg) < order.index(node) for node in order for arg in node.args)

    def test_threads_make_the_same_nodes(self):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append([g.constant(k / 7) * self.x for k in range(300)]))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(a is b for other in found[1:] for a, b in zip(found[0], other, strict=True))

    def test_a_matrix_transposed_twice_is_itself(self):
        m = g.Matrix("W", "i", "hidden", "input")
        assert m == m.T.T and m.output_dim == "hidden" and m.T.output_dim == "input" and m.name == "W.i"


def test_a_long_cell():
    @gated.cell
    def cell(x, h, *, W):
        for _ in range(1000):
            h = h * 0.999
        return h + W.h @ x

    assert gated.Cell.from_json(copy.deepcopy(cell.to_json())) == cell
    layer = gated.Recurrent(cell, 2, 2, dtype="float64")
    _, last, tape = layer.forward(np.zeros((1, 1, 2)), (np.ones((1, 1, 2)),))
    assert last[0][0, 0, 0] == pytest.approx(0.999**1000)
    dx, dstate, _ = layer.backward(tape, np.ones((1, 1, 2)))
    assert dstate[0][0, 0, 0] == pytest.approx(0.999**1000)
