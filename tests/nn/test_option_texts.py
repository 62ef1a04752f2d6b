"""Options of layers: what is wrong is said in one line, whatever it is; what is given twice is not lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError

MANY, HUGE, BEYOND = np.ones((9, 9)), 10**5000, "a number beyond all floating-point ones, expected a finite number"
NINE = "an array of shape (9, 9) and dtype float64"
ACTIVATIONS = "expected one of None, 'sigmoid', 'tanh', 'relu', 'softplus'"
INITIALISERS = "expected one of 'pytorch', 'xavier', 'orthogonal', 'uniform'"
BITS = f"a number of {HUGE.bit_length()} bits"

TEXTS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "dropout": (lambda: gated.LSTM(3, 4, dropout=10**400), ArgumentError, f"dropout: got {BEYOND}"),
    "dropout, digits": (lambda: gated.LSTM(3, 4, dropout=HUGE), ArgumentError, f"dropout: got {BEYOND}"),
    "forget_bias": (lambda: gated.LSTM(3, 4, forget_bias=-(10**400)), ArgumentError, f"forget_bias: got {BEYOND}"),
    "forget_bias, array": (
        lambda: gated.GRU(3, 4, forget_bias=MANY),
        ArgumentTypeError,
        f"forget_bias: got {NINE}, expected a number",
    ),
    "activation, array": (
        lambda: gated.Dense(3, 4, MANY),
        ArgumentError,
        f"activation: got {NINE}, {ACTIVATIONS}",
    ),
    "activation, digits": (lambda: gated.Dense(3, 4, HUGE), ArgumentError, f"activation: got {BITS}, {ACTIVATIONS}"),
    "activation, text": (
        lambda: gated.Dense(3, 4, "line\n" * 99),
        ArgumentError,
        r"activation: got 'line\nline\n",
    ),
    "init, array": (lambda: gated.LSTM(3, 4, init=MANY), ArgumentError, f"init: got {NINE}, {INITIALISERS}"),
    "init, arrays": (lambda: gated.Dense(3, 4, init=[MANY]), ArgumentError, "init: got [array([[1., 1., 1.,"),
    "backend, array": (
        lambda: gated.LSTM(3, 4, backend=MANY),
        ArgumentError,
        f"backend: got {NINE}, expected one of 'native', 'reference'",
    ),
    "backend, list": (
        lambda: gated.LSTM(3, 4, backend=["native"]),
        ArgumentError,
        "backend: got ['native'], expected one of 'native', 'reference'",
    ),
    "reduction, array": (
        lambda: gated.losses.SquaredError(MANY),
        ArgumentError,
        f"reduction: got {NINE}, expected 'mean' or 'sum'",
    ),
    "size, digits": (
        lambda: gated.LSTM(3, [HUGE]),
        ArgumentTypeError,
        "hidden_size: got a list, expected a positive whole number",
    ),
    "seed, digits": (lambda: gated.LSTM(3, 4, seed=-HUGE), ArgumentError, f"seed: got {BITS}, expected a whole"),
    "lstm by position": (
        lambda: gated.LSTM(3, 4, 1, True, True),
        ArgumentTypeError,
        "LSTM: got 5 arguments by position, expected at most 4 and the others by name: batch_first=True",
    ),
    "gru by position": (
        lambda: gated.GRU(3, 4, 1, True, False, 0.5, True),
        ArgumentTypeError,
        "GRU: got 7 arguments by position, expected at most 4 and the others by name: batch_first=False, "
        "dropout=0.5, bidirectional=True",
    ),
    "peephole by position": (
        lambda: gated.PeepholeLSTM(3, 4, 1, True, MANY, *[0] * 9),
        ArgumentTypeError,
        "PeepholeLSTM: got 14 arguments by position, expected at most 4 and the others by name: batch_first=..., "
        "dropout=..., bidirectional=..., proj_size=...",
    ),
    "rnn by position": (lambda: gated.RNN(3, 4, 1, True, True), ArgumentTypeError, "RNN: got 5 arguments by position"),
    "recurrent by position": (
        lambda: gated.Recurrent(gated.cells.gru, 3, 4, 1, True, True),
        ArgumentTypeError,
        "Recurrent: got 6 arguments by position, expected at most 4 and the others by name: bias=True, "
        "batch_first=True",
    ),
    "a size twice": (
        lambda: gated.LSTM(3, 4, proj_size=2, sizes={"h": 2}),
        ArgumentError,
        "sizes['h']: got a length beside proj_size 2, expected one of the two",
    ),
    "a size of nothing": (
        lambda: gated.LSTM(3, 4, proj_size=2, sizes={"nonsense": 7}),
        ArgumentError,
        "sizes: got 'nonsense', expected a dimension of the cell projected_lstm: c, h",
    ),
    "a long size": (
        lambda: gated.LSTM(3, 4, sizes={"x" * 999: 1}),
        ArgumentError,
        f"sizes: got '{'x' * 56}..., expected a dimension of the cell lstm: ",
    ),
    "a long name": (
        lambda: gated.Network({"x\n" * 999: gated.Dense(3, 4)}),
        ArgumentError,
        r"layers: got the name 'x\nx\n",
    ),
    "a long state": (
        lambda: gated.Network({"rnn": gated.GRU(3, 4)}).forward(np.ones((1, 1, 3)), {"y" * 999: ()}),
        ArgumentError,
        f"state: got the name '{'y' * 56}..., expected names of recurrent layers: rnn",
    ),
    "no sizes": (
        lambda: gated.GRU(3, 4, proj_size=2, sizes=7),
        ArgumentTypeError,
        "sizes: got int 7, expected a dict of dimension -> length, such as {'h': 32}",
    ),
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts(what: str) -> None:
    call, kind, text = TEXTS[what]
    with pytest.raises(kind) as caught:
        call()
    found = str(caught.value)
    assert found.startswith(text) and "\n" not in found and len(found) < 250


@pytest.mark.parametrize("make", [gated.LSTM, gated.PeepholeLSTM, gated.RNN, gated.GRU])
def test_sizes_beside_a_projection(make: Any) -> None:
    graph = make(3, 4, proj_size=2).cell.graph
    output = graph.dims["h"]
    inner = [dim for dim in graph.free_dims if dim != output]
    layer = make(3, 4, proj_size=2, sizes=dict.fromkeys(inner, 7))
    same = gated.Recurrent(layer.cell, 3, 4, sizes={output: 2, **dict.fromkeys(inner, 7)})
    assert layer.params.shapes == same.params.shapes and layer.output_size == 2
    assert layer.sizes == {output: 2, **dict.fromkeys(inner, 7)} and inner
    assert layer.state_sizes == same.state_sizes == tuple({output: 2}.get(graph.dims[s], 7) for s in graph.states)
    assert make(3, 4, proj_size=2, sizes=None).sizes == make(3, 4, proj_size=2, sizes={}).sizes == {output: 2}


def test_descriptions_are_json() -> None:
    """Of options that came as NumPy's own numbers."""
    two, no = np.int64(2), np.bool_(False)
    options = {"num_layers": two, "bidirectional": np.bool_(True), "dropout": np.float32(0.5), "batch_first": no}
    layers = [
        gated.LSTM(two, np.int32(4), proj_size=two, sizes={"c": np.uint8(3)}, forget_bias=np.float32(1), **options),
        gated.Recurrent(gated.cells.projected_gru, two, 4, sizes={np.str_("h"): two}),
        gated.Dense(two, two, bias=no, dtype=np.float32),
        gated.Embedding(two, two, dtype=np.dtype("f8")),
    ]
    network = gated.Network({"a": gated.Embedding(two, two), "b": gated.GRU(two, two), "c": gated.Dense(two, two)})
    for layer in (*layers, network):
        config = json.loads(json.dumps(layer.config()))
        assert config == layer.config()
        again = type(layer).from_config(config)
        assert again.params.shapes == layer.params.shapes and again.config() == config
