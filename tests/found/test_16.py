"""A cell from a file blew up print, derive and the compiler: x + x nested 20 times printed 128 MB."""

from __future__ import annotations

import json
import math
from typing import Any

import llvmlite.ir as ir
import numpy as np
import pytest

import gated
from gated.backends.native.machine import programs
from gated.errors import CellError, FileFormatError
from gated.language.functions import FUNCTIONS
from gated.nn.claims import claims


def data_of(*functions: str) -> dict[str, Any]:
    """h' made of h by these functions in turn, each of the value before (and of it again)."""
    rows: list[Any] = [["leaf", ["state", "h"], "hidden", []]]
    for function in functions:
        last = len(rows) - 1
        rows.append(["call", function, "hidden", [last] * FUNCTIONS[function].arity])
    return {
        "format": 1,
        "name": "nested",
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


@pytest.mark.parametrize("function", ["add", "mul", "maximum"])
@pytest.mark.parametrize("levels", [20, 300])
def test_x_and_x_nested(function, levels) -> None:
    text = json.dumps(data_of(*[function] * levels))
    cell = gated.Cell.from_json(json.loads(text))
    assert len(str(cell)) < 3 * len(text) and len(repr(cell.graph.outputs[0])) < 100
    for format in ("text", "markdown", "latex", "numpy"):
        for lang in ("en", "zh"):
            assert len(cell.derive(format, lang)) < 1000 * (levels + 20)
    for style in ("text", "latex", "numpy"):
        assert max(map(len, cell.equations(style))) < 2000
    assert "u1ₜ" in str(cell)


def test_it_runs() -> None:
    cell = gated.Cell.from_json(data_of(*["add"] * 26))
    layers = [gated.Recurrent(cell, 2, 2, dtype="float64", backend=backend) for backend in ("native", "reference")]
    x, state = np.zeros((1, 1, 2)), (np.full((1, 1, 2), 2.0**-26),)
    for layer in layers:
        _, last, tape = layer.forward(x, state)
        assert last[0][0, 0, 0] == 1.0
        assert layer.backward(tape, np.ones((1, 1, 2)))[1][0][0, 0, 0] == 2.0**26


@pytest.mark.parametrize("count", [2_000, 99_000])
def test_a_bound_that_a_file_meets_before_anything_is_built(count) -> None:
    with pytest.raises(FileFormatError) as caught:
        gated.Cell.from_json(data_of(*["tanh"] * count))
    assert str(caught.value) == "cell: 'nodes' must be a list of 1 to 1024 nodes"


def test_the_same_bound_for_a_cell_of_ones_own() -> None:
    def cell(x, h):
        for _ in range(2_000):
            h = gated.tanh(h)
        return h + x

    with pytest.raises(CellError, match="have 2003 values and operations, expected at most 1024"):
        gated.cell(cell)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_thousand_are_not_too_many(backend) -> None:
    cell = gated.Cell.from_json(data_of(*["tanh"] * 1000))
    assert len(cell.derive()) < 500_000 and len(cell.equations()) < 40
    layer = gated.Recurrent(cell, 2, 2, dtype="float64", backend=backend)
    value = 0.5
    for _ in range(1000):
        value = math.tanh(value)
    y, _ = layer.infer(np.zeros((1, 1, 2)), (np.full((1, 1, 2), 0.5),))
    np.testing.assert_allclose(y, value, rtol=1e-11)


@pytest.mark.parametrize("function", ["tanh", "softplus", "exp", "log", "sigmoid"])
def test_many_elementary_functions_do_not_make_the_module_longer(function) -> None:
    """1,000 softplus were 30 million letters for LLVM, and half a minute; as calls they give the same bits."""
    from gated.backends.native.codegen import vector_math
    from gated.backends.native.codegen.emit import Module
    from gated.backends.native.machine.target import host
    from gated.backends.native.tuning import tuning_for

    def written(count):
        module = Module("float64", host().machine)
        math_ = module.math
        kind = ir.FunctionType(math_.vector, [math_.vector])
        b = ir.IRBuilder(ir.Function(module.module, kind, "f").append_basic_block())
        value = b.function.args[0]
        for _ in range(count):
            value = math_.emitters([function] * count)(function)(b, value)
        b.ret(value)
        return len(str(module.module))

    assert written(1000) < tuning_for().long_function
    assert written(vector_math.MANY + 1) < written(vector_math.MANY) / 4


def test_many_elementary_functions_give_the_same_bits() -> None:
    """What is called and what is emitted in place is the same arithmetic."""
    from gated.backends.native.codegen import vector_math

    functions = ["tanh", "exp", "neg", "sigmoid", "softplus", "abs", "log"]
    names = (functions * 12)[:70]
    cell = gated.Cell.from_json(data_of(*names))
    x, state = np.zeros((1, 1, 9)), (np.random.default_rng(0).normal(size=(1, 1, 9)),)
    found = []
    for many in (vector_math.MANY, 10_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vector_math, "MANY", many)
            patch.setattr("gated.backends.native.machine.object_cache.load", lambda key: None)
            patch.setattr("gated.backends.native.machine.object_cache.store", lambda key, code: None)
            patch.setattr("gated.backends.native.machine.programs._cache", type(programs._cache)())
            layer = gated.Recurrent(cell, 9, 9, dtype="float64")
            y, last, tape = layer.forward(x, state)
            found.append((y, last[0], *layer.backward(tape, np.ones((1, 1, 9)))[1]))
    for called, placed in zip(*found, strict=True):
        np.testing.assert_allclose(called, placed, rtol=1e-13)


def test_the_cells_of_a_network_have_a_bound_together() -> None:
    """Time was bounded for each cell only: a thousand layers of long ones were read twice and planned one by one."""
    layers = [
        [f"l{k}", {"kind": "recurrent", "input_size": 2, "hidden_size": 2, "cell": data_of(*["tanh"] * (1000 + k % 9))}]
        for k in range(40)
    ]
    with pytest.raises(FileFormatError) as caught:
        list(claims({"kind": "network", "layers": layers}))
    expected = "network: got more than 16384 values and operations in the cells of all layers, expected fewer"
    assert str(caught.value) == expected
    inner = {"kind": "network", "layers": layers[:10]}
    with pytest.raises(FileFormatError, match="values and operations in the cells of all layers"):
        list(claims({"kind": "network", "layers": [["a", inner], ["b", inner]]}))
    lstm = gated.LSTM(2, 2).config()
    assert len(list(claims({"kind": "network", "layers": [[f"l{k}", lstm] for k in range(500)]}))) == 6_000


PIECE = "\x1b[31mred\n" + "a" * 5_000_000


def spoiled(**changes: Any) -> dict[str, Any]:
    return {**data_of("tanh"), **changes}


HOSTILE = {
    "name": spoiled(name=PIECE),
    "doc": spoiled(doc=PIECE),
    "format": spoiled(format=PIECE),
    "inputs": spoiled(inputs=[PIECE]),
    "states": spoiled(states=PIECE),
    "dims": spoiled(dims={"x": PIECE, "h": "hidden"}),
    "parameters": spoiled(parameters={PIECE: ["hidden"]}),
    "shapes": spoiled(parameters={"W.a": [PIECE]}),
    "operation": spoiled(nodes=[[PIECE, 0, "hidden", []]]),
    "leaf": spoiled(nodes=[["leaf", ["state", PIECE], "hidden", []]]),
    "function": spoiled(nodes=[["leaf", ["state", "h"], "hidden", []], ["call", PIECE, "hidden", [0]]]),
    "matrix": spoiled(nodes=[["leaf", ["state", "h"], "hidden", []], ["product", [PIECE], "hidden", [0]]]),
    "dimension": spoiled(nodes=[["leaf", ["state", "h"], PIECE, []]]),
    "argument": spoiled(nodes=[["call", "tanh", "hidden", [PIECE]]]),
    "output": spoiled(outputs=[PIECE]),
    "a number of a million digits": spoiled(outputs=[10**1_000_000]),
    "names": spoiled(names=[[0, PIECE]]),
    "a deep list": spoiled(names=[json.loads("[" * 900 + "]" * 900)]),
    "many names": spoiled(names=[[1, "a"]] * 100_000),
    "many states": spoiled(states=[f"h{k}" for k in range(100_000)]),
    "many parameters": spoiled(parameters={f"W.k{k}": ["hidden"] for k in range(100_000)}),
    "many arguments": spoiled(nodes=[["call", "tanh", "hidden", [0] * 1_000_000]]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_said_of_a_stranger_is_short_and_harmless(case) -> None:
    with pytest.raises(FileFormatError) as caught:
        gated.Cell.from_json(HOSTILE[case])
    text = str(caught.value)
    assert len(text) <= 300 and text.isprintable() and text.startswith("cell: ")
