"""LSTM with lists of parameters and gradients, and states that are kept until reset_state."""

import numpy as np


class LSTM:
    def __init__(self, input_dim, hidden_dim, stateful=True):
        def w(a, b):
            return np.random.randn(a, b) / np.sqrt(a)

        Wx, Wh, b = w(input_dim, 4 * hidden_dim), w(hidden_dim, 4 * hidden_dim), np.zeros(4 * hidden_dim)
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(p) for p in self.params]
        self.stateful = stateful
        self.h = None
        self.c = None

    def reset_state(self):
        self.h = self.c = None

    def forward(self, xs):
        Wx, Wh, b = self.params
        n, T, _ = xs.shape
        H = Wh.shape[0]
        if self.h is None or not self.stateful:
            self.h = np.zeros((n, H))
            self.c = np.zeros((n, H))
        h, c = self.h, self.c
        self.cache, ys = [], np.empty((n, T, H))
        for t in range(T):
            x = xs[:, t, :]
            A = x @ Wx + h @ Wh + b
            f = self.sigmoid(A[:, 0:H])
            g = np.tanh(A[:, H : 2 * H])
            i = self.sigmoid(A[:, 2 * H : 3 * H])
            o = self.sigmoid(A[:, 3 * H :])
            c_next = f * c + g * i
            h_next = o * np.tanh(c_next)
            self.cache.append((x, h, c, f, g, i, o, c_next))
            h, c = h_next, c_next
            ys[:, t, :] = h
        self.h, self.c = h, c
        return ys

    @staticmethod
    def sigmoid(v):
        v = np.clip(v, -500, 500)
        return 1 / (1 + np.exp(-v))

    def backward(self, dys):
        Wx, Wh, b = self.params
        for g in self.grads:
            g[...] = 0
        dh, dc = 0, 0
        dxs = np.empty((dys.shape[0], dys.shape[1], Wx.shape[0]))
        for t in range(dys.shape[1] - 1, -1, -1):
            x, h, c, f, g, i, o, c_next = self.cache[t]
            dh = dys[:, t, :] + dh
            tc = np.tanh(c_next)
            ds = dc + dh * o * (1 - tc**2)
            dA = np.hstack((ds * c * f * (1 - f), ds * i * (1 - g**2), ds * g * i * (1 - i), dh * tc * o * (1 - o)))
            self.grads[0] += x.T @ dA
            self.grads[1] += h.T @ dA
            self.grads[2] += dA.sum(axis=0)
            dxs[:, t, :] = dA @ Wx.T
            dh, dc = dA @ Wh.T, ds * f
        return dxs
