"""A cell without a family of its parameters: everything that can be done with a cell can be done with it."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from tests.zoo import FEW, inputs_of, layer_of

import gated
from gated import log, sigmoid, tanh
from gated.calculus.influence import notes_on
from gated.errors import ArgumentError

CASES = [
    (name, family)
    for name, cell in gated.cells.ZOO.items()
    for family in dict.fromkeys(parameter.split(".")[0] for parameter in cell.parameters)
    if (name, family) != ("phased_lstm", "p")  # it divides by a period
]


DIVIDED = {("phased_lstm", "p")}  # periods


@pytest.mark.parametrize(("name", "family"), CASES)
def test_every_family_of_the_zoo(name: str, family: str) -> None:
    whole = gated.cells.ZOO[name]
    if (name, family) in DIVIDED:
        with pytest.raises(ArgumentError, match="the equations divide by"):
            whole.without(family)
        return
    cell = whole.without(family)
    assert not [parameter for parameter in cell.parameters if parameter.split(".")[0] == family]
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell == pickle.loads(pickle.dumps(cell))
    assert str(cell) and cell.derive() and cell.derive("numpy") and notes_on(cell.graph) is not None
    results = []
    for backend in ("reference", "native") if name in FEW else ("reference",):
        layer = layer_of(cell, 3, 4, dtype="float64", seed=1, backend=backend)
        y, _, tape = layer.forward(inputs_of(layer, np.random.default_rng(0), 4, 2))
        for quantity in tape.names():
            assert tape[quantity].shape[:2] == (4, 2)
        results.append((y, layer.backward(tape, np.ones_like(y))[2].vector, layer))
    # the whole cell with zeros gives the same
    full = layer_of(whole, 3, 4, dtype="float64", backend="reference")
    for own, left in ((full.params, layer.params), (full.fixed, layer.fixed)):
        for parameter, array in own.items():
            array[...] = left.get(parameter, 0.0)
    y, _, tape = full.forward(inputs_of(full, np.random.default_rng(0), 4, 2))
    grads = full.backward(tape, np.ones_like(y))[2]
    for found, vector, layer in results:
        np.testing.assert_allclose(found, y, rtol=1e-12, atol=1e-14)
        for parameter, array in layer.params.like(vector).items():
            np.testing.assert_allclose(array, grads[parameter], rtol=1e-9, atol=1e-12, err_msg=parameter)


def test_a_gate_that_counts_no_more_is_gone() -> None:
    cell = gated.cells.gru.without("U")
    assert "r" not in cell.graph.names.values() and "W.r" not in cell.parameters and "r" not in str(cell).split()


@gated.cell
def number(x, h, *, W, A, b):
    return tanh(W.h @ x + A.h @ sigmoid(b.q) + h)


@gated.cell
def logarithm(x, h, *, W, b):
    return tanh(W.h @ x + log(b.q) * h)


@gated.cell
def quotient(x, h, *, W, b):
    return tanh(W.h @ x + h / b.q)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (number, "family: got one without which a vector is a mere number: A.h is applied to what is 0.5 then, "),
        (logarithm, r"family: got 'b' \(the equations, or their derivatives, hold the number log\(0.0\) = -inf"),
        (quotient, "family: got one that the equations divide by, expected a family that can be 0"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_cannot_be_left_out(cell: gated.Cell, text: str) -> None:
    with pytest.raises(ArgumentError, match=text) as caught:
        cell.without("b")
    assert "\n" not in str(caught.value)
