"""Simple recurrent network as a layer, with or without return_sequences."""

import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, return_sequences=False):
        self.return_sequences = return_sequences
        self.params = {
            "Wx": np.random.randn(input_size, hidden_size),
            "Wh": np.random.randn(hidden_size, hidden_size),
            "b": np.zeros(hidden_size),
        }
        self.grads = {}

    def forward(self, X):
        self.X = X
        h = np.zeros((X.shape[0], self.params["b"].size))
        self.h = [h]
        for t in range(X.shape[1]):
            h = np.tanh(X[:, t] @ self.params["Wx"] + h @ self.params["Wh"] + self.params["b"])
            self.h.append(h)
        return np.stack(self.h[1:], 1) if self.return_sequences else h

    def backward(self, dY):
        dX = np.zeros_like(self.X)
        g = {k: np.zeros_like(v) for k, v in self.params.items()}
        dh = 0
        for t in range(self.X.shape[1] - 1, -1, -1):
            if self.return_sequences:
                dh = dh + dY[:, t]
            elif t == self.X.shape[1] - 1:
                dh = dY
            da = dh * (1 - self.h[t + 1] ** 2)
            g["Wx"] += self.X[:, t].T @ da
            g["Wh"] += self.h[t].T @ da
            g["b"] += da.sum(0)
            dX[:, t] = da @ self.params["Wx"].T
            dh = da @ self.params["Wh"].T
        self.grads.update({"d" + k: v for k, v in g.items()})
        return dX
