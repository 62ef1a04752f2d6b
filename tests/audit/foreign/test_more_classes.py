"""Classes that are made, named and run in other ways: settings, a method that makes the weights, an output layer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.audit.foreign.files import written

from gated.audit.foreign.process import open_foreign

LAYER = """
import numpy as np


class Elman:
    def __init__(self, config):
        self.cfg = config
        self.rate = config.get("lr", 0.1)

    def init_weights(self, num_features):
        n = self.cfg["hidden_dim"]
        self.W, self.U, self.b = np.random.randn(num_features, n), np.random.randn(n, n), np.zeros(n)

    def get_output_for(self, inputs):
        self.inputs = inputs
        self.h = np.zeros((len(inputs), inputs.shape[1] + 1, self.cfg["hidden_dim"]))
        for t in range(inputs.shape[1]):
            self.h[:, t + 1] = np.maximum(inputs[:, t] @ self.W + self.h[:, t] @ self.U + self.b, 0)
        return self.h[:, 1:]

    def get_gradients(self, dout):
        self.W_diff, self.U_diff, self.b_diff = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        self.dh0, self.dx = np.zeros_like(dout[:, 0]), np.zeros_like(self.inputs)
        for t in reversed(range(dout.shape[1])):
            da = (dout[:, t] + self.dh0) * (self.h[:, t + 1] > 0)
            self.W_diff += self.inputs[:, t].T @ da
            self.U_diff += self.h[:, t].T @ da
            self.b_diff += da.sum(0)
            self.dx[:, t] = da @ self.W.T
            self.dh0 = da @ self.U.T
"""

LOSS = """
import numpy as np


class CharRNN:
    def __init__(self, vocab_size, hidden_size):
        self.vocab_size = vocab_size
        self.Wxh = np.random.randn(hidden_size, vocab_size)
        self.Whh = np.random.randn(hidden_size, hidden_size)
        self.Why = np.random.randn(vocab_size, hidden_size)
        self.bh, self.by = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))

    def loss(self, inputs, targets, hprev):
        xs, hs, ps, loss = {}, {-1: hprev}, {}, 0
        for t in range(len(inputs)):
            xs[t] = np.zeros((self.vocab_size, 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(self.Wxh.dot(xs[t]) + self.Whh.dot(hs[t - 1]) + self.bh)
            y = self.Why.dot(hs[t]) + self.by
            ps[t] = np.exp(y) / np.exp(y).sum()
            loss -= np.log(ps[t][targets[t], 0]) / len(inputs)
        dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
        dbh, dby, carry = np.zeros_like(self.bh), np.zeros_like(self.by), 0
        for t in reversed(range(len(inputs))):
            dy = ps[t].copy()
            dy[targets[t]] -= 1
            dWhy += dy @ hs[t].T
            dby += dy
            da = (1 - hs[t] ** 2) * (self.Why.T @ dy + carry)
            dWxh += da @ xs[t].T
            dWhh += da @ hs[t - 1].T
            dbh += da
            carry = self.Whh.T @ da
        grads = [dWxh, dWhh, dWhy, dbh, dby]
        for g in grads:
            g /= len(inputs)
        return loss, (dWxh, dWhh, dWhy, dbh, dby), hs[len(inputs) - 1]
"""

REGRESSOR = """
import numpy as np


class Regressor:
    def __init__(self, n_in, n_hidden, n_out):
        self.params = {
            "W": np.random.randn(n_hidden, n_in), "U": np.random.randn(n_hidden, n_hidden),
            "V": np.random.randn(n_out, n_hidden),
        }

    def forward(self, x, y):
        self.x, self.h = x, [np.zeros(len(self.params["U"]))]
        for t in range(len(x)):
            self.h.append(np.tanh(self.params["W"] @ x[t] + self.params["U"] @ self.h[-1]))
        self.error = np.array(self.h[1:]) @ self.params["V"].T - y
        return 0.5 * np.mean(np.sum(self.error**2, 1))

    def backward(self):
        grads, carry = {k: np.zeros_like(v) for k, v in self.params.items()}, 0
        for t in reversed(range(len(self.x))):
            dy = self.error[t] / len(self.x)
            grads["V"] += np.outer(dy, self.h[t + 1])
            da = (self.params["V"].T @ dy + carry) * (1 - self.h[t + 1] ** 2)
            grads["W"] += np.outer(da, self.x[t])
            grads["U"] += np.outer(da, self.h[t])
            carry = self.params["U"].T @ da
        return grads
"""


@pytest.mark.parametrize(("text", "cell"), [(LAYER, "relu_rnn"), (LOSS, "rnn"), (REGRESSOR, "rnn")])
def test_it_is_found_and_right(tmp_path: Path, text: str, cell: str) -> None:
    with open_foreign(written(tmp_path, text)) as found:
        table = found.table()
        assert table.right, table
        assert {row.name for row in table.rows if row.right and row.kind == "parameter"} >= {
            "relu_rnn": {"W", "U", "b"},
            "rnn": {"W", "U"} if text is REGRESSOR else {"Wxh", "Whh", "bh"},
        }[cell]
        match = found.match()
        assert match is not None and match.exact and match.name == cell
        if text is LAYER:
            assert {row.name for row in table.rows if row.kind == "input" and row.right} == {"inputs"}


@pytest.mark.parametrize(
    ("text", "old", "new", "wrong"),
    [
        (LAYER, "self.U_diff += self.h[:, t].T", "self.U_diff += self.h[:, t + 1].T", {"U"}),
        (LOSS, " @ dy + carry)", " @ dy)", {"Wxh", "Whh", "bh"}),
        (REGRESSOR, "np.outer(da, self.h[t])", "np.outer(da, self.h[t + 1])", {"U"}),
    ],
)
def test_what_is_wrong_in_it(tmp_path: Path, text: str, old: str, new: str, wrong: set[str]) -> None:
    assert old in text
    with open_foreign(written(tmp_path, text.replace(old, new))) as found:
        assert {row.name for row in found.table().rows if row.right is False} == wrong


def test_private_names_slots_and_parts(tmp_path: Path) -> None:
    """Gradients under private names or in slots are found; a class of one gate is judged with the layer alone."""
    private = LAYER
    for name in ("W_diff", "U_diff", "b_diff", "W", "U", "b"):
        private = private.replace(f"self.{name} ", f"self._{name} ").replace(f"self.{name},", f"self._{name},")
        private = private.replace(f"self.{name}.", f"self._{name}.").replace(f"self.{name})", f"self._{name})")
    assert private.count("self._W_diff") == 2 and "self.W" not in private
    slots = '    __slots__ = ("cfg", "rate", "W", "U", "b", "W_diff", "U_diff", "b_diff", "dh0", "dx", "h", "inputs")\n'
    for text in (private, LAYER.replace("class Elman:\n", "class Elman:\n" + slots)):
        with open_foreign(written(tmp_path, text)) as found:
            assert [row.right for row in found.table().rows] == [True] * 4
    with open_foreign(written(tmp_path, GATES)) as found:
        assert found.where == ("Layer",) and not found.others and found.table().right


GATES = """
import numpy as np


class Gate:
    def __init__(self, n_in, n_out):
        self.W, self.U = np.random.randn(n_in, n_out), np.random.randn(n_out, n_out)

    def __call__(self, x, h):
        return np.tanh(x @ self.W + h @ self.U)

    def backward(self, dy, y, x, h):
        da = dy * (1 - y**2)
        self.dW, self.dU = self.dW + x.T @ da, self.dU + h.T @ da
        return da @ self.W.T, da @ self.U.T


class Layer:
    def __init__(self, n_in, n_out):
        self.gate = Gate(n_in, n_out)

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros((xs.shape[1], self.gate.U.shape[0]))]
        for x in xs:
            self.hs.append(self.gate(x, self.hs[-1]))
        return np.array(self.hs[1:])

    def backward(self, dhs):
        self.gate.dW, self.gate.dU, dh, dxs = 0, 0, 0, []
        for t in reversed(range(len(dhs))):
            dx, dh = self.gate.backward(dhs[t] + dh, self.hs[t + 1], self.xs[t], self.hs[t])
            dxs.insert(0, dx)
        return np.array(dxs)
"""
