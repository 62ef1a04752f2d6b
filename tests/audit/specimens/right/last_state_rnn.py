"""Simple recurrent network as a layer that returns the last state alone and keeps the others in a list."""

import numpy as np


class SimpleRNN:
    def __init__(self, n_in, n_hidden):
        rng = np.random.RandomState(0)
        self.params = {
            "Wx": rng.normal(0, 0.4, (n_in, n_hidden)),
            "Wh": rng.normal(0, 0.4, (n_hidden, n_hidden)),
            "b": np.zeros(n_hidden),
        }
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}

    def forward(self, X):
        n, steps, _ = X.shape
        self.X = X
        self.hs = [np.zeros((n, self.params["b"].shape[0]))]
        for t in range(steps):
            pre = X[:, t] @ self.params["Wx"] + self.hs[-1] @ self.params["Wh"] + self.params["b"]
            self.hs.append(np.tanh(pre))
        return self.hs[-1]

    def backward(self, dY):
        for k in self.grads:
            self.grads[k] = np.zeros_like(self.params[k])
        dX = np.zeros_like(self.X)
        dh = dY
        for t in range(self.X.shape[1] - 1, -1, -1):
            dpre = dh * (1 - self.hs[t + 1] ** 2)
            self.grads["Wx"] += self.X[:, t].T @ dpre
            self.grads["Wh"] += self.hs[t].T @ dpre
            self.grads["b"] += dpre.sum(axis=0)
            dX[:, t] = dpre @ self.params["Wx"].T
            dh = dpre @ self.params["Wh"].T
        return dX
