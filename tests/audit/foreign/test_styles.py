"""One simple recurrent network, written as different people write it: recognised, and right."""

from __future__ import annotations

from pathlib import Path

import pytest

from gated.audit.foreign.process import open_foreign

CHINESE = """
import numpy as np


def 前向(输入, 参数):
    h = np.zeros((输入.shape[0], 参数["U"].shape[0]))
    输出, 记录 = [], []
    for t in range(输入.shape[1]):
        旧 = h
        h = np.tanh(输入[:, t] @ 参数["W"] + 旧 @ 参数["U"] + 参数["b"])
        记录.append((输入[:, t], 旧, h))
        输出.append(h)
    return np.stack(输出, 1), 记录


def 反向(上游, 记录, 参数):
    梯度 = {k: np.zeros_like(v) for k, v in 参数.items()}
    d = 0
    for t in reversed(range(len(记录))):
        x, 旧, h = 记录[t]
        a = (上游[:, t] + d) * (1 - h ** 2)
        梯度["W"] += x.T @ a
        梯度["U"] += 旧.T @ a
        梯度["b"] += a.sum(0)
        d = a @ 参数["U"].T
    return 梯度
"""

PULLBACK = """
import numpy as np


def rnn(theta, xs, s):
    steps = []
    for x in xs:
        old = s
        s = np.tanh(x @ theta["W"] + old @ theta["R"] + theta["b"])
        steps.append((x, old, s))

    def pull(ds):
        g = {k: np.zeros_like(v) for k, v in theta.items()}
        carry = np.zeros_like(s)
        for (x, old, new), d in zip(steps[::-1], ds[::-1]):
            a = (d + carry) * (1 - new * new)
            g["W"] += x.T @ a
            g["R"] += old.T @ a
            g["b"] += a.sum(0)
            carry = a @ theta["R"].T
        return g, carry

    return np.stack([step[2] for step in steps]), pull
"""

LOGITS = """
import numpy as np


class Params:
    def __init__(self, Wxh, Whh, Why, bh, by):
        self.Wxh, self.Whh, self.Why, self.bh, self.by = Wxh, Whh, Why, bh, by


def forward(p, x, h0):
    hs, logits = {-1: h0}, []
    for t in range(len(x)):
        hs[t] = np.tanh(x[t] @ p.Wxh + hs[t - 1] @ p.Whh + p.bh)
        logits.append(hs[t] @ p.Why + p.by)
    return np.array(logits), hs


def backward(p, x, hs, dlogits):
    g = Params(*[np.zeros_like(a) for a in (p.Wxh, p.Whh, p.Why, p.bh, p.by)])
    dh = np.zeros_like(hs[-1])
    for t in reversed(range(len(x))):
        g.Why += hs[t].T @ dlogits[t]
        g.by += dlogits[t].sum(0)
        da = (dh + dlogits[t] @ p.Why.T) * (1 - hs[t] ** 2)
        g.Wxh += x[t].T @ da
        g.Whh += hs[t - 1].T @ da
        g.bh += da.sum(0)
        dh = da @ p.Whh.T
    return g
"""

GLOBALS = """
import numpy as np

W_in, W_h, bias = np.ones((4, 6)), np.ones((6, 6)), np.zeros(6)


def forward(X, h0):
    h, H = h0, []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t].dot(W_in) + h.dot(W_h) + bias)
        H.append(h)
    return np.stack(H, axis=1)


def backward(X, h0, H, dH):
    dW_in, dW_h, dbias, dh = np.zeros_like(W_in), np.zeros_like(W_h), np.zeros_like(bias), np.zeros_like(h0)
    for t in range(X.shape[1] - 1, -1, -1):
        prev = H[:, t - 1] if t > 0 else h0
        delta = (dH[:, t] + dh) * (1 - H[:, t] ** 2)
        dW_in += X[:, t].T.dot(delta)
        dW_h += prev.T.dot(delta)
        dbias += delta.sum(axis=0)
        dh = delta.dot(W_h.T)
    return dW_in, dW_h, dbias
"""

INDICES = """
import numpy as np


def run(x, U, V, W):
    s, o = np.zeros((len(x) + 1, W.shape[0])), np.zeros((len(x), V.shape[0]))
    for t in range(len(x)):
        s[t] = np.tanh(U[:, x[t]] + W.dot(s[t - 1]))
        e = np.exp(V.dot(s[t]))
        o[t] = e / e.sum()
    return o, s


def bptt(x, y, U, V, W, truncate=1000):
    o, s = run(x, U, V, W)
    dLdU, dLdV, dLdW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
    delta_o = o
    delta_o[np.arange(len(y)), y] -= 1.
    for t in np.arange(len(y))[::-1]:
        dLdV += np.outer(delta_o[t], s[t])
        delta_t = V.T.dot(delta_o[t]) * (1 - s[t] ** 2)
        for k in np.arange(max(0, t - truncate), t + 1)[::-1]:
            dLdW += np.outer(delta_t, s[k - 1])
            dLdU[:, x[k]] += delta_t
            delta_t = W.T.dot(delta_t) * (1 - s[k - 1] ** 2)
    return [dLdU, dLdV, dLdW]
"""

BUFFERS_RELU = """
import numpy as np


def rnn(x, h0, Wx, Wh, b):
    h = np.zeros((h0.shape[0], h0.shape[1], x.shape[2] + 1))
    h[:, :, 0] = h0
    for t in range(x.shape[2]):
        h[:, :, t + 1] = np.maximum(Wx @ x[:, :, t] + Wh @ h[:, :, t] + b, 0)
    return h[:, :, 1:], (x, h)


def rnn_grad(dh, cache, Wx, Wh):
    x, h = cache
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros((Wh.shape[0], 1))
    carry = np.zeros_like(h[:, :, 0])
    for t in range(x.shape[2] - 1, -1, -1):
        da = (dh[:, :, t] + carry) * (h[:, :, t + 1] > 0)
        dWx += da @ x[:, :, t].T
        dWh += da @ h[:, :, t].T
        db += da.sum(axis=1, keepdims=True)
        carry = Wh.T @ da
    return carry, dWx, dWh, db
"""

STYLES = {
    "names in Chinese": (CHINESE, "rnn", "a = (上游[:, t] + d)", "a = 上游[:, t]"),
    "backward returned": (PULLBACK, "rnn", "(1 - new * new)", "(1 - new)"),
    "logits of a class of parameters": (LOGITS, "rnn", "dh = da @ p.Whh.T", "dh = da @ p.Whh"),
    "globals": (GLOBALS, "rnn", "prev.T.dot(delta)", "H[:, t].T.dot(delta)"),
    "indices in nested loops": (INDICES, "rnn", "W.T.dot(delta_t)", "W.dot(delta_t)"),
    "relu in buffers": (BUFFERS_RELU, "relu_rnn", "h[:, :, t + 1] > 0", "h[:, :, t] > 0"),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_recognised(tmp_path: Path, style: str) -> None:
    """Right, and the cell is known; with one slip, wrong."""
    text, cell, old, new = STYLES[style]
    path = tmp_path / "theirs.py"
    path.write_text(text, encoding="utf-8")
    with open_foreign(path) as found:
        assert found.table().right
        match = found.match()
        assert match is not None and match.exact and match.name == cell
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with open_foreign(path) as found:
        assert not found.table().right
