"""Network that remembers: step() for each input, then backward() with all adjoints."""

import numpy as np


class RNN:
    """call step() for each input, then backward() with the list of dh"""

    def __init__(self, input_size, hidden_size):
        self.input_size, self.hidden_size = input_size, hidden_size
        self.W_xh = np.random.randn(hidden_size, input_size) * 0.01
        self.W_hh = np.random.randn(hidden_size, hidden_size) * 0.01
        self.b_h = np.zeros(hidden_size)
        self.reset()

    def reset(self):
        self.h = np.zeros(self.hidden_size)
        self.history = []

    def step(self, x):
        h_prev = self.h
        self.h = np.tanh(np.dot(self.W_xh, x) + np.dot(self.W_hh, h_prev) + self.b_h)
        self.history.append((x, h_prev, self.h))
        return self.h

    def backward(self, dhs):
        self.dW_xh = np.zeros_like(self.W_xh)
        self.dW_hh = np.zeros_like(self.W_hh)
        self.db_h = np.zeros_like(self.b_h)
        dh_next = np.zeros(self.hidden_size)
        for (x, h_prev, h), dh in zip(reversed(self.history), reversed(list(dhs)), strict=False):
            da = (dh + dh_next) * (1 - h**2)
            self.dW_xh += np.outer(da, x)
            self.dW_hh += np.outer(da, h_prev)
            self.db_h += da
            dh_next = self.W_hh.T @ da
        return dh_next
