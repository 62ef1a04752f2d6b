# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells of the tester's own: two states and gates in odd places; a relu, whose derivative is often zero."""

from __future__ import annotations

from gated.language import cell, relu, sigmoid, tanh


@cell
def two_memories(x, h, m, *, W, U, p, b):
    k = sigmoid(W.k @ x + U.k @ h + b.k)
    a = sigmoid(W.a @ x + U.a @ h + p.a * m + b.a)
    n = tanh(W.n @ x + k * (U.n @ h) + b.n)
    m = a * m + (1 - a) * n
    h = k * tanh(m) + (1 - k) * n
    return h, m


@cell
def relu_lstm(x, h, c, *, W, U, b):
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    g = relu(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    h = o * tanh(c)
    return h, c


OWN = {"two_memories": two_memories, "relu_lstm": relu_lstm}
