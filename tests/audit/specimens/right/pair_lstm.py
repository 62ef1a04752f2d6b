"""LSTM that takes and returns its states as a pair."""

import numpy as np


class LSTM:
    def __init__(self, in_dim, out_dim):
        self.in_dim, self.out_dim = in_dim, out_dim
        self.W = np.random.randn(4 * out_dim, in_dim + out_dim) * 0.1
        self.b = np.zeros(4 * out_dim)

    def forward(self, x, state=None):
        """x (T, D); state (h, c)"""
        H = self.out_dim
        if state is None:
            state = (np.zeros(H), np.zeros(H))
        h, c = state
        self.tape = []
        ys = []
        for t in range(x.shape[0]):
            v = np.concatenate([x[t], h])
            a = self.W.dot(v) + self.b
            i, f, o, g = a.reshape(4, H)
            i, f, o, g = sigm(i), sigm(f), sigm(o), np.tanh(g)
            cp = c
            c = f * cp + i * g
            h = o * np.tanh(c)
            self.tape.append((v, i, f, o, g, cp, c))
            ys.append(h)
        return np.array(ys), (h, c)

    def backward(self, dy, dstate=None):
        H = self.out_dim
        if dstate is None:
            dstate = np.zeros(H), np.zeros(H)
        dh, dc = dstate
        dW, db = np.zeros_like(self.W), np.zeros_like(self.b)
        dx = np.zeros((len(dy), self.in_dim))
        for t in range(len(dy) - 1, -1, -1):
            v, i, f, o, g, cp, c = self.tape[t]
            dh = dh + dy[t]
            tc = np.tanh(c)
            dc = dc + dh * o * (1 - tc**2)
            da = np.concatenate(
                [dc * g * i * (1 - i), dc * cp * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g**2)]
            )
            dW += np.outer(da, v)
            db += da
            dv = self.W.T.dot(da)
            dx[t], dh = dv[: self.in_dim], dv[self.in_dim :]
            dc = dc * f
        self.dW, self.db = dW, db
        return dx, (dh, dc)


def sigm(x):
    return 1 / (1 + np.exp(-x))
