"""Graphs as a file may hold them: any value is used any number of times, few have names. Print, derivation and both
backends must agree on what they compute, and no text may grow with the number of paths through the graph."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gated
from gated import sigmoid, softplus
from gated.backends.reference import ReferenceBackend
from gated.schedule import schedule

PROFILE = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
# name, arity; the values stay within bounds however they are put together
OPERATIONS = [
    ("tanh", 1),
    ("sigmoid", 1),
    ("neg", 1),
    ("abs", 1),
    ("mean", 2),
    ("gated", 2),
    ("maximum", 2),
    ("sub", 2),
]


def graph_of(data) -> dict:
    """A cell of two states, as JSON: each new value is made of those before, the latest above all."""
    rows = [
        ["leaf", ["state", "h"], "hidden", []],
        ["leaf", ["state", "c"], "hidden", []],
        ["leaf", ["input", "x"], "input", []],
        ["product", ["W.h"], "hidden", [2]],
        ["leaf", ["vector", "b.h"], "hidden", []],
        ["constant", 0.5, "1", []],
    ]
    vectors = [0, 1, 3, 4]

    def row(function, *args):
        rows.append(["call", function, "hidden", list(args)])
        return len(rows) - 1

    for _ in range(data.draw(st.integers(5, 60), label="operations")):
        name, arity = data.draw(st.sampled_from(OPERATIONS))
        args = [data.draw(st.sampled_from(vectors[-6:])) for _ in range(arity)]
        if name in ("mean", "sub"):
            vectors.append(row("mul", row("add" if name == "mean" else "sub", *args), 5))
        elif name == "gated":
            vectors.append(row("mul", row("sigmoid", args[0]), args[1]))
        else:
            vectors.append(row(name, *args))
    rows.append(["product", ["U.h"], "hidden", [vectors[-1]]])
    outputs = [row("tanh", row("add", row("add", len(rows) - 1, 4), 3)), vectors[-1]]
    named = data.draw(st.sets(st.sampled_from(vectors[4:-1] or vectors), max_size=4), label="named")
    return {
        "format": 1,
        "name": "shared",
        "doc": "",
        "inputs": ["x"],
        "states": ["h", "c"],
        "output_names": ["h", "c"],
        "outputs": outputs,
        "parameters": {"W.h": ["hidden", "input"], "U.h": ["hidden", "hidden"], "b.h": ["hidden"]},
        "dims": {"x": "input", "h": "hidden", "c": "hidden"},
        "nodes": rows,
        "names": [[i, f"v{i}"] for i in named if rows[i][0] == "call" and i in needed(rows, outputs)],
    }


def needed(rows, outputs) -> set[int]:
    found, stack = set(), list(outputs)
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack += rows[i][3]
    return found


def example(cell):
    rng = np.random.default_rng(0)
    params = {n: rng.normal(0, 0.5, [{"input": 2, "hidden": 3}[d] for d in s]) for n, s in cell.parameters.items()}
    states = tuple(rng.normal(size=(2, 3)) for _ in cell.states)
    return (
        params,
        rng.normal(size=(3, 2, 2)),
        states,
        rng.normal(size=(3, 2, 3)),
        tuple(np.ones((2, 3)) for _ in states),
    )


@PROFILE
@given(st.data())
def test_print_derivation_and_backend_agree(data) -> None:
    text = json.dumps(graph_of(data))
    cell = gated.Cell.from_json(json.loads(text))
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell
    params, x, states, dy, dstates = example(cell)
    sizes, plan = {"input": 2, "hidden": 3}, schedule(cell.graph)
    scan = ReferenceBackend().forward(plan, sizes, params, x.reshape(6, 2), np.full(3, 2), states)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dx, initial = ReferenceBackend().backward(scan, dy.reshape(6, 3), dstates, grads)

    source = cell.derive("numpy")
    scope: dict = {}
    exec(source, scope)  # our own text
    y, final, found_dx, found_initial, found = scope["shared"](x, states, params, dy, dstates)
    pairs = [
        (y.reshape(6, 3), scan.states[0][2:]),
        (found_dx.reshape(6, 2), dx),
        *zip(found_initial, initial, strict=True),
    ]
    pairs += [*zip(final, scan.last, strict=True), *((found[name], grads[name]) for name in grads)]
    for mine, right in pairs:
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-9)

    scope = {"np": np, "sigmoid": sigmoid, "softplus": softplus, "x_t": x[0]}
    scope |= {f"{name}_prev": value for name, value in zip(cell.states, states, strict=True)}
    scope |= {name.replace(".", "_"): value for name, value in params.items()}
    for line in cell.equations("numpy"):
        exec(line, scope)  # the printer's text
    np.testing.assert_allclose(scope["h"], scan.states[0][2:4], rtol=1e-12)

    nodes = len(cell.graph.order)
    assert max(len("".join(cell.equations(style))) for style in ("text", "latex", "numpy")) < 200 * nodes
    assert max(len(cell.derive(format)) for format in ("text", "markdown", "latex", "numpy")) < 2000 * (nodes + 10)
