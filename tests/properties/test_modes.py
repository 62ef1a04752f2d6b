"""Forward mode, reverse mode and the complex step: three ways to one Jacobian, evaluated node by node."""

from __future__ import annotations

import numpy as np
import pytest

from gated.calculus import forward_mode, reverse_mode
from gated.cells import ZOO
from gated.language import FUNCTIONS
from gated.language.chance import expected as with_means
from gated.language.constants import resolved
from gated.language.graph import ONE_DIM, Matrix, call, constant, is_product, leaf, topological
from gated.language.over_units import is_size, size_value
from gated.language.reductions import REDUCTIONS

ROWS = 3


def evaluate(outputs, values, matrices, sizes=()):
    """The interpreter in a few lines, independent of the backends. Values are (rows, size)."""
    values = dict(values)
    values |= {node: size_value(node, sizes) for node in topological(outputs) if is_size(node)}
    for node in topological(outputs):
        if node in values:
            continue
        args = [values[arg] for arg in node.args]
        if node.op == "constant":
            values[node] = np.array([[node.attr]])
        elif node.op == "call":
            values[node] = FUNCTIONS[node.attr].numpy(*args)
        elif node.op == "reduce":
            values[node] = REDUCTIONS[node.attr].numpy(*args)
        else:
            pairs = zip(node.attr, args, strict=True)
            values[node] = sum(v @ (matrices[m.name] if m.transposed else matrices[m.name].T) for m, v in pairs)
    return [values[output] for output in outputs]


class Subject:
    """A cell's graph with random numbers for its leaves, and random directions."""

    def __init__(self, graph, seed=0):
        rng = np.random.default_rng(seed)
        self.graph = graph = resolved(graph).core
        self.sizes = {ONE_DIM: 1, "input": 4, **{dim: 5 + i for i, dim in enumerate(graph.free_dims)}}
        self.variables = [graph.input_leaf(n) for n in graph.inputs] + [graph.state_leaf(n) for n in graph.states]
        self.variables += [leaf("vector", n, s[0]) for n, s in graph.parameters.items() if len(s) == 1]
        self.matrices = {
            name: 0.5 * rng.standard_normal([self.sizes[d] for d in shape])
            for name, shape in graph.parameters.items()
            if len(shape) == 2
        }
        self.values = {node: rng.uniform(0.2, 1.0, (ROWS, self.sizes[node.dim])) for node in self.variables}
        self.directions = {node: rng.standard_normal(value.shape) for node, value in self.values.items()}
        self.turned = {name: rng.standard_normal(value.shape) for name, value in self.matrices.items()}
        self.seeds = {node: rng.standard_normal((ROWS, self.sizes[node.dim])) for node in graph.seeds}

    def tangents(self):
        """J v by forward mode."""
        shapes = self.graph.parameters
        moves = {node: leaf("seed", f"tangent of {node.attr[1]}", node.dim) for node in self.variables}
        used = {m for node in self.graph.order if is_product(node) for m in node.attr}
        turns = {matrix: Matrix("tangent of", matrix.name, *shapes[matrix.name]) for matrix in used}
        outputs = forward_mode(self.graph.outputs, moves, turns)
        values = {**self.values, **{moves[node]: v for node, v in self.directions.items()}}
        matrices = {**self.matrices, **{f"tangent of.{name}": m for name, m in self.turned.items()}}
        return evaluate(outputs, values, matrices, self.sizes)

    def complex_step(self):
        """J v as Im f(a + ihv) / h."""
        values = {node: v + 1e-30j * self.directions[node] for node, v in self.values.items()}
        matrices = {name: m + 1e-30j * self.turned[name] for name, m in self.matrices.items()}
        return [np.imag(y) / 1e-30 for y in evaluate(self.graph.outputs, values, matrices)]

    def adjoints(self):
        """Jᵀ dy by reverse mode: of every variable (rows, size), and of every matrix."""
        found = reverse_mode(self.graph.outputs, self.graph.seeds)
        values = {**self.values, **self.seeds}
        variables = {
            node: np.broadcast_to(
                evaluate([found.get(node)], values, self.matrices, self.sizes)[0], self.values[node].shape
            )
            for node in self.variables
        }
        matrices = {}
        for matrix, pairs in found.products.items():
            total = np.zeros(self.matrices[matrix.name].shape)
            for delta, operand in pairs:
                d, v = evaluate([delta, operand], values, self.matrices, self.sizes)
                total += np.broadcast_to(d, (ROWS, len(total))).T @ np.broadcast_to(v, (ROWS, total.shape[1]))
            matrices[matrix.name] = total
        return variables, matrices


@pytest.mark.parametrize("name", ZOO)
def test_forward_mode_is_the_complex_step(name):
    subject = Subject(with_means(ZOO[name].graph))
    for got, expected in zip(subject.tangents(), subject.complex_step(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ZOO)
def test_reverse_mode_is_the_transpose_of_forward_mode(name):
    subject = Subject(with_means(ZOO[name].graph))
    tangents = subject.tangents()
    left = sum(
        np.vdot(subject.seeds[s], np.broadcast_to(t, subject.seeds[s].shape))
        for s, t in zip(subject.graph.seeds, tangents, strict=True)
    )
    variables, matrices = subject.adjoints()
    right = sum(np.vdot(variables[node], subject.directions[node]) for node in subject.variables)
    right += sum(np.vdot(matrices[m], subject.turned[m]) for m in matrices)
    assert left == pytest.approx(right, rel=1e-12)


def test_a_listed_inner_node_is_cut():
    # what truncated online learning needs: the recurrent connections are held constant
    graph = ZOO["lstm"].graph
    gates = {node: constant(0.0) for node, name in graph.names.items() if name in "ifgo"}
    c = graph.state_leaf("c")
    tangent = leaf("seed", "dc", c.dim)
    new_c = graph.outputs[graph.states.index("c")]
    [moved] = forward_mode([new_c], {c: tangent, **gates})
    f = next(node for node, name in graph.names.items() if name == "f")
    assert moved is tangent * f


def test_what_does_not_move_has_the_tangent_zero():
    graph = ZOO["lstm"].graph
    assert all(t is constant(0.0) for t in forward_mode(graph.outputs, {}))


def test_adjoint_of_what_is_not_used_is_zero():
    x = leaf("input", "x", "input")
    assert reverse_mode([x], [leaf("seed", "x", "input")]).get(leaf("state", "h", "hidden")) is constant(0.0)


@pytest.mark.parametrize("name", [row.name for row in FUNCTIONS.values()])
def test_every_row_of_the_table_has_the_derivative_of_its_value(name):
    row = FUNCTIONS[name]
    rng = np.random.default_rng(3)
    leaves = [leaf("state", f"a{k}", "hidden") for k in range(row.arity)]
    values = {node: rng.uniform(0.1, 2.0, (1, 50)) * rng.choice([1.0, -1.0], (1, 50)) for node in leaves}
    if name in ("log", "sqrt", "power"):  # by an exponent of any value
        values = {node: np.abs(v) for node, v in values.items()}
    y = call(name, *leaves)
    for k, partial in enumerate(row.derivative(tuple(leaves), y)):
        shifted = [v + 1e-30j if i == k else v + 0j for i, v in enumerate(values.values())]
        expected = np.imag(row.numpy(*shifted)) / 1e-30
        got = np.broadcast_to(evaluate([partial], values, {})[0], expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
