"""A cell as JSON and back; and what a damaged or hostile file may hold: one test per way to be wrong."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gated
from gated import Cell, tanh
from gated.cells import ZOO
from gated.errors import CellError, FileFormatError


@gated.cell
def small(x, h, c, *, W, p):
    """Two states, one matrix, one vector, one number."""
    a = tanh(W.a @ x + p.a * h)
    c = 0.5 * c + a
    h = a * c
    return h, c


def reread(cell):
    return Cell.from_json(json.loads(json.dumps(cell.to_json())))


@pytest.mark.parametrize("name", [*ZOO, "rich"])
def test_round_trip(name):
    cell = ZOO.get(name, rich)
    again = reread(cell)
    assert (again.constants, again.graph.fixed) == (cell.constants, cell.graph.fixed)
    assert (again.graph.draws, again.graph.init) == (cell.graph.draws, cell.graph.init)
    assert again == cell and hash(again) == hash(cell)
    assert (again.name, again.doc, again.states) == (cell.name, cell.doc, cell.states)
    assert again.parameters == cell.parameters and list(again.parameters) == list(cell.parameters)
    assert str(again) == str(cell)
    assert again.graph.names == cell.graph.names and again.graph.dims == cell.graph.dims
    assert again.to_json() == cell.to_json()


def test_a_cell_that_was_read_runs_as_the_one_written():
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    a, b = (gated.Recurrent(cell, 3, 5, dtype="float64") for cell in (small, reread(small)))
    assert a.forward(x)[0].tobytes() == b.forward(x)[0].tobytes()


def test_constants_survive_to_the_last_bit():
    @gated.cell
    def numbers(x, h, *, W):
        return 0.1 * h + 1e-300 * tanh(W.h @ x) - 1 / 3 + -0.0

    assert reread(numbers) == numbers


def changed(**changes):
    data = copy.deepcopy(small.to_json())
    data.update(changes)
    return data


def node_changed(op, position, value, which=0):
    """The data with one entry of the `which`-th node of this operation changed: 0 op, 1 attr, 2 dim, 3 args."""
    data = small.to_json()
    rows = [row for row in data["nodes"] if row[0] == op]
    rows[which][position] = value
    return data


def renamed(which, *names, index=False):
    """The data with other names: the `which`-th and those after it, or the same node twice."""
    data = small.to_json()
    for k, name in enumerate(names):
        data["names"][which + k][1] = name
    if index:
        data["names"][1][0] = data["names"][0][0]
    return data


@gated.cell(init={"S.v": "uniform(0, 1)", "W.a*": "normal(0.1)"})
def rich(x, dt: gated.number, /, h, *, W, s: gated.number, S: gated.fixed, keep=0.9, depth=2):
    """All that a newer file has."""
    r = gated.bernoulli(keep)
    q = gated.normal(0.5, per="sequence")
    for k in range(depth):
        h = r * tanh(W.a[k] @ x + S.v * h + s.t * dt) + q
    return h


rich = rich.with_constants(keep=0.75)


def also(**changes):
    data = copy.deepcopy(rich.to_json())
    data.update(changes)
    return data


def tanh_changed(function):
    data = small.to_json()
    next(row for row in data["nodes"] if row[1] == "tanh")[1] = function
    return data


HOSTILE = {
    "not an object": ([], "got list"),
    "nothing": (None, "got NoneType"),
    "text": ("cell", "got str"),
    "no format": ({}, "format is 'None'"),
    "a newer format": (changed(format=2), "format is '2'"),
    "inputs no list": (changed(inputs="x"), "'inputs' is 'x'"),
    "no inputs": (changed(inputs=[], dims={"h": "hidden", "c": "hidden"}), "no input, expected at least one"),
    "input no name": (changed(inputs=["a b"]), "'inputs'"),
    "input too long": (changed(inputs=["a" * 101]), "'inputs'"),
    "input with newline": (changed(inputs=["x\n"]), "'inputs'"),
    "input twice": (changed(inputs=["x", "x"]), "must exist and differ"),
    "state also input": (changed(states=["x", "c"], output_names=["x", "c"]), "must exist and differ"),
    "states numbers": (changed(states=[1, 2]), "'states'"),
    "outputs no list": (changed(outputs=3), "'outputs'"),
    "too few outputs": (changed(outputs=[0]), "'outputs'"),
    "output too far": (changed(outputs=[0, 999]), "refers to node 999"),
    "output negative": (changed(outputs=[0, -1]), "refers to node -1"),
    "output true": (changed(outputs=[0, True]), "refers to node True"),
    "output fraction": (changed(outputs=[0, 1.0]), "refers to node 1.0"),
    "outputs of other names": (changed(output_names=["h", "d"]), "outputs must be its states"),
    "parameters no object": (changed(parameters=[]), "'parameters'"),
    "parameter without family": (changed(parameters={"W": ["hidden"]}), "not family.member"),
    "parameter of three parts": (changed(parameters={"W.a.b": ["hidden"]}), "not family.member"),
    "parameter with a bad name": (changed(parameters={"W.a b": ["hidden"]}), "not family.member"),
    "shape no list": (changed(parameters={"W.a": "hidden"}), "expected one or two dimension names"),
    "shape of three": (changed(parameters={"W.a": ["hidden"] * 3}), "expected one or two"),
    "shape of none": (changed(parameters={"W.a": []}), "expected one or two"),
    "shape of numbers": (changed(parameters={"W.a": [3, 4]}), "expected one or two"),
    "dims no object": (changed(dims=[]), "'dims'"),
    "dims of another variable": (changed(dims={"x": "input", "h": "hidden", "d": "hidden"}), "'dims'"),
    "dims missing": (changed(dims={"x": "input"}), "'dims'"),
    "dims no names": (changed(dims={"x": 3, "h": "hidden", "c": "hidden"}), "'dims'"),
    "nodes no list": (changed(nodes={}), "'nodes'"),
    "no nodes": (changed(nodes=[]), "'nodes'"),
    "too many nodes": (changed(nodes=[["constant", 1.0, "1", []]] * 100_001), "'nodes'"),
    "node no row": (changed(nodes=[3]), "must be [op, attr, dim, args]"),
    "node too short": (changed(nodes=[["constant", 1.0, "1"]]), "must be [op, attr, dim, args]"),
    "args no list": (changed(nodes=[["constant", 1.0, "1", 3]]), "must be [op, attr, dim, args]"),
    "argument of itself": (changed(nodes=[["call", "neg", "1", [0]]]), "refers to node 0 of 0"),
    "unknown operation": (node_changed("call", 0, "eval"), "unknown operation 'eval'"),
    "operation no text": (node_changed("call", 0, ["call"]), "unknown operation"),
    "unknown function": (node_changed("call", 1, "system"), "unknown function 'system'"),
    "function no text": (node_changed("call", 1, {"a": 1}), "unknown function"),
    "function of wrong arity": (node_changed("call", 1, "relu"), "unknown function"),
    "constant a text": (node_changed("constant", 1, "0.5"), "no finite number"),
    "constant true": (node_changed("constant", 1, True), "no finite number"),
    "constant nan": (node_changed("constant", 1, float("nan")), "no finite number"),
    "constant inf": (node_changed("constant", 1, float("inf")), "no finite number"),
    "constant huge": (node_changed("constant", 1, 10**400), "no finite number"),
    "constant with arguments": (changed(nodes=[["constant", 1.0, "1", []], ["constant", 1.0, "1", [0]]]), "arguments"),
    "leaf no pair": (node_changed("leaf", 1, ["input"]), "is no leaf"),
    "leaf numbers": (node_changed("leaf", 1, [1, 2]), "is no leaf"),
    "leaf of another kind": (node_changed("leaf", 1, ["seed", "h"]), "there is no seed"),
    "leaf of another name": (node_changed("leaf", 1, ["input", "q"]), "there is no input 'q'"),
    "leaf with a wrong dimension": (node_changed("leaf", 2, "hidden"), "has dimension"),
    "leaf with no dimension": (node_changed("leaf", 2, None), "has dimension"),
    "product of an unknown matrix": (node_changed("product", 1, ["W.q"]), "there is no matrix 'W.q'"),
    "product of a vector": (node_changed("product", 1, ["p.a"]), "there is no matrix"),
    "product of a number": (node_changed("product", 1, [7]), "there is no matrix"),
    "product of two matrices": (node_changed("product", 1, ["W.a", "W.a"]), "one matrix applied to one vector"),
    "product of no list": (node_changed("product", 1, "W.a"), "must be one matrix"),
    "matrix of another shape": (
        changed(parameters={"W.a": ["hidden", "hidden"], "p.a": ["hidden"]}),
        "is applied to dimension 'input'",
    ),
    "lengths that differ": (
        changed(
            nodes=[
                ["leaf", ["input", "x"], "input", []],
                ["leaf", ["state", "h"], "hidden", []],
                ["call", "add", "input", [0, 1]],
            ]
        ),  # noqa: E501
        "joins dimensions",
    ),
    "state of another length": (changed(outputs=[0, 0]), "has dimension hidden but its equation input"),
    "name a number": (changed(name=3), "'name'"),
    "name missing": ({k: v for k, v in changed().items() if k != "name"}, "'name'"),
    "name with markup": (changed(name="<b>"), "'name'"),
    "doc a number": (changed(doc=3), "'doc'"),
    "doc endless": (changed(doc="a" * 20_001), "'doc'"),
    "names no list": (changed(names={}), "'names'"),
    "names no pair": (changed(names=[[0]]), "must be [node, name]"),
    "names of no node": (changed(names=[[999, "a"]]), "refers to node 999"),
    "names no word": (changed(names=[[0, "a b"]]), "must be [node, name]"),
    "two values of one name": (renamed(0, "a", "a"), "the name 'a' of node"),
    "one value of two names": (renamed(0, "a", index=True), "is taken, or that of another value"),
    "the name of the input": (renamed(0, "x"), "the name 'x' of node"),
    "the name of a state for another value": (renamed(0, "h"), "the name 'h' of node"),
    "a leaf with a name": (changed(names=[[0, "a"]]), "the name 'a' of node 0"),
    "a family that is a state": (changed(parameters={"h.a": ["hidden"]}), "'h.a' is not family.member"),
    "a division by 0": (
        changed(
            nodes=[["leaf", ["state", "h"], "hidden", []], ["constant", 0, "1", []], ["call", "div", "hidden", [0, 1]]]
        ),
        "node 2 divides by 0.0",
    ),
    "a state without a name": (changed(states=["h", ""], output_names=["h", ""]), "'states'"),
    "a reduction that there is not": (
        changed(nodes=[["leaf", ["state", "h"], "hidden", []], ["reduce", "median", "1", [0]]], outputs=[1, 0]),
        "unknown reduction 'median'",
    ),
    "a reduction of nothing": (
        changed(nodes=[["leaf", ["state", "h"], "hidden", []], ["reduce", "total", "1", []]], outputs=[1, 0]),
        "total over the dimensions []",
    ),
    "a reduction of a number": (
        changed(nodes=[["constant", 2.0, "1", []], ["reduce", "total", "1", [0]]], outputs=[1, 0]),
        "total over the dimensions ['1']",
    ),
    "a function of derivatives only": (tanh_changed("_sign"), "unknown function '_sign'"),
    "no states": (changed(states=[], output_names=[], outputs=[]), "must exist and differ"),
    "an input without a dimension": (changed(inputs=["x", "z"]), "'dims' must give a dimension"),
    "the input of another dimension": (
        changed(dims=dict.fromkeys("xhc", "hidden")),
        "the input has dimension 'hidden'",
    ),
    "constants no object": (also(constants=[]), "'constants' must be an object"),
    "a constant nan": (also(constants={"keep": float("nan")}), "constants 'keep' is 'nan'"),
    "a constant true": (also(constants={"keep": True}), "constants 'keep' is 'True'"),
    "a constant a text": (also(constants={"keep": "0.5"}), "expected a finite number under a free name"),
    "a constant by a taken name": (also(constants={"keep": 0.5, "h": 0.5}), "constants 'h' is '0.5'"),
    "a constant by no name": (also(constants={"keep": 0.5, "a b": 0.5}), "constants 'a b'"),
    "a constant too many": (also(constants={"keep": 0.5, "q9": 0.5}), "no equation uses the constant q9"),
    "a constant too few": (also(constants={}), "draw 'r' is"),
    "a probability of 2": (also(constants={"keep": 2.0}), "a probability is from 0 to 1"),
    "counts no object": (also(counts=3), "'counts' must be an object"),
    "a count of a fraction": (also(counts={"depth": 2.5}), "counts 'depth' is '2.5'"),
    "a count true": (also(counts={"depth": True}), "counts 'depth' is 'True'"),
    "a count endless": (also(counts={"depth": 10**400}), "counts 'depth'"),
    "a count by a taken name": (also(counts={"keep": 2}), "counts 'keep' is '2'"),
    "draws no object": (also(draws=[]), "'draws' must be an object"),
    "a draw no row": (also(draws={"r": 3}), "draw 'r' is '3'"),
    "a draw of another kind": (also(draws={"r": ["cauchy", 0.5, "step", "hidden"]}), "draw 'r' is"),
    "a draw of no list": (also(draws={"r": [["a"], 0.5, "step", "hidden"]}), "draw 'r' is"),
    "a draw per epoch": (also(draws={"r": ["bernoulli", 0.5, "epoch", "hidden"]}), "draw 'r' is"),
    "a draw of 2": (also(draws={"r": ["bernoulli", 2, "step", "hidden"]}), "draw 'r' is"),
    "a draw of nan": (also(draws={"r": ["normal", float("nan"), "step", "hidden"]}), "draw 'r' is"),
    "a draw of an unknown constant": (also(draws={"r": ["bernoulli", "p", "step", "hidden"]}), "draw 'r' is"),
    "a draw of a list": (also(draws={"r": ["bernoulli", [0.5], "step", "hidden"]}), "draw 'r' is"),
    "a draw by a taken name": (also(draws={"h": ["bernoulli", 0.5, "step", "hidden"]}), "draw 'h' is"),
    "a draw too few": (also(draws={}), "there is no draw"),
    "a draw of another length": (also(draws={"r": ["bernoulli", 0.5, "step", "other"]}), "has dimension"),
    "a draw too many": (
        also(draws={**rich.to_json()["draws"], "r9": ["normal", 1.0, "step", "hidden"]}),
        "no equation uses the draw r9",
    ),
    "fixed no list": (also(fixed="S.v"), "'fixed' is 'S.v'"),
    "fixed of an unknown name": (also(fixed=["S.w"]), "expected a list of parameters"),
    "fixed of a list": (also(fixed=[["S.v"]]), "expected a list of parameters"),
    "init no object": (also(init=[]), "'init' is '[]'"),
    "init of an unknown name": (also(init={"S.w": "ones"}), "expected parameters and rules"),
    "init code": (also(init={"S.v": "__import__('os')"}), "expected parameters and rules"),
    "init endless": (also(init={"S.v": "a" * 300}), "expected parameters and rules"),
    "init a number": (also(init={"S.v": 3}), "expected parameters and rules"),
    "a number that is a vector": (
        also(dims={"x": "input", "dt": "hidden", "h": "hidden"}),
        "has dimension",
    ),
    "the first input a number": (also(dims={"x": "1", "dt": "1", "h": "hidden"}), "has dimension"),
    "a parameter that no equation uses": (
        changed(parameters={"W.a": ["hidden", "input"], "p.a": ["hidden"], "p.b": ["nowhere"]}),
        "no equation uses the parameter p.b",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_data(case):
    data, part = HOSTILE[case]
    with pytest.raises(FileFormatError) as caught:
        Cell.from_json(data)
    assert part in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 300


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 30)
    | st.floats()
    | st.sampled_from(["", "x", "h", "hidden", "W.a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "h", "a.b", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """Every path into nested JSON."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutations_give_a_graph_or_the_right_error(data):
    mutant = json.loads(json.dumps(data.draw(st.sampled_from([small, rich])).to_json()))
    paths = list(places(mutant))[1:]
    for _ in range(data.draw(st.integers(1, 3))):
        *above, key = data.draw(st.sampled_from(paths))
        owner = mutant
        try:
            for step in above:
                owner = owner[step]
            owner[key] = data.draw(JSON)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation removed the place
    try:
        cell = Cell.from_json(mutant)
    except FileFormatError as error:
        assert "\n" not in str(error)
    else:
        assert reread(cell) == cell
        assert str(cell)
        try:
            layer = gated.Recurrent(cell, 4, 4)
        except CellError as error:  # a rule of first values may not fit the shape
            assert "init of" in str(error)
            return
        width = sum(4 if dim != "1" else 1 for dim in cell.graph.input_dims.values())
        assert layer.forward(np.ones((2, 1, width)))[0].shape[:2] == (2, 1)
