# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that people write and that no paper has: recognised, so that what differs from the cell that was meant can be
said, and their backward pass be judged as that of what they wrote."""

from __future__ import annotations

from gated.language import Cell, cell, relu, sigmoid, tanh


@cell
def one_weight_lstm(x, h, c, *, w, b):
    """LSTM without h: one weight for x and for the old cell."""
    i = sigmoid(w.i * (x + c) + b.i)
    f = sigmoid(w.f * (x + c) + b.f)
    g = tanh(w.g * x + b.g)
    old = c
    c = f * old + i * g
    o = sigmoid(w.o * (x + c) + b.o)
    h = o * tanh(c)
    return h, c


@cell
def one_weight_lstm_old_cell(x, h, c, *, w, b):
    """LSTM without h: one weight for x and for the old cell, which the output gate sees as well."""
    i = sigmoid(w.i * (x + c) + b.i)
    f = sigmoid(w.f * (x + c) + b.f)
    o = sigmoid(w.o * (x + c) + b.o)
    g = tanh(w.g * x + b.g)
    c = f * c + i * g
    h = o * tanh(c)
    return h, c


@cell
def elementwise_lstm(x, h, c, *, w, b):
    """LSTM whose gates see x alone, with one weight each."""
    i = sigmoid(w.i * x + b.i)
    f = sigmoid(w.f * x + b.f)
    g = tanh(w.g * x + b.g)
    c = f * c + i * g
    o = sigmoid(w.o * x + b.o)
    h = o * tanh(c)
    return h, c


@cell
def relu_rnn(x, h, *, W, U, b):
    """Simple recurrent network with relu."""
    h = relu(W.h @ x + U.h @ h + b.h)
    return h


@cell
def sigmoid_rnn(x, h, *, W, U, b):
    """Simple recurrent network with sigmoid."""
    h = sigmoid(W.h @ x + U.h @ h + b.h)
    return h


@cell
def linear_rnn(x, h, *, W, U, b):
    """Simple recurrent network without any nonlinearity."""
    h = W.h @ x + U.h @ h + b.h
    return h


@cell
def shared_peephole_lstm(x, h, c, *, W, U, p, b):
    """LSTM with peepholes of which all three gates have the same."""
    i = sigmoid(W.i @ x + U.i @ h + p.c * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.c * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.c * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def full_peephole_lstm(x, h, c, *, W, U, V, b):
    """LSTM with peepholes that are whole matrices."""
    i = sigmoid(W.i @ x + U.i @ h + V.i @ c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + V.f @ c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + V.o @ c + b.o)
    h = o * tanh(c)
    return h, c


ELEMENTWISE: tuple[Cell, ...] = (one_weight_lstm, one_weight_lstm_old_cell, elementwise_lstm)
ODD: tuple[Cell, ...] = (relu_rnn, sigmoid_rnn, linear_rnn, shared_peephole_lstm, full_peephole_lstm)

# what to say where a forward pass is one of these: keys of `sentences.differs`
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "one_weight_lstm": ("no_lstm", "no_h", "shared"),
    "one_weight_lstm_old_cell": ("no_lstm", "no_h", "shared", "o_old_c"),
    "elementwise_lstm": ("no_lstm", "no_h", "no_matrix"),
}
