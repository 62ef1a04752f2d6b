"""LSTM as a layer that is fed sequences, one matrix on [x, h], gates f i g o; with or without return_sequences."""

import numpy as np


class LSTM:
    def __init__(self, input_size, hidden_size, return_sequences=False):
        self.H, self.return_sequences = hidden_size, return_sequences
        rng = np.random.default_rng(0)
        self.params = {
            "W": rng.normal(0, 0.1, (input_size + hidden_size, 4 * hidden_size)),
            "b": np.zeros(4 * hidden_size),
        }
        self.grads = {}

    def forward(self, X):
        N, T, D = X.shape
        H, self.X, self.steps = self.H, X, []
        h = np.zeros((N, H))
        c = np.zeros((N, H))
        outputs = []
        for t in range(T):
            z = np.concatenate([X[:, t], h], axis=1)
            a = z @ self.params["W"] + self.params["b"]
            f = 1 / (1 + np.exp(-a[:, :H]))
            i = 1 / (1 + np.exp(-a[:, H : 2 * H]))
            g = np.tanh(a[:, 2 * H : 3 * H])
            o = 1 / (1 + np.exp(-a[:, 3 * H :]))
            old, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((z, f, i, g, o, old, c))
            outputs.append(h)
        return np.stack(outputs, 1) if self.return_sequences else h

    def backward(self, dY):
        N, T, D = self.X.shape
        H, dX = self.H, np.zeros_like(self.X)
        self.grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        dh, dc = np.zeros((N, H)), np.zeros((N, H))
        for t in reversed(range(T)):
            z, f, i, g, o, old, c = self.steps[t]
            if self.return_sequences:
                dh = dh + dY[:, t]
            elif t == T - 1:
                dh = dY
            tc = np.tanh(c)
            dc = dc + dh * o * (1 - tc * tc)
            da = np.concatenate(
                [dc * old * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g * g), dh * tc * o * (1 - o)], axis=1
            )
            self.grads["W"] += z.T @ da
            self.grads["b"] += da.sum(0)
            dz = da @ self.params["W"].T
            dX[:, t], dh = dz[:, :D], dz[:, D:]
            dc = dc * f
        return dX
