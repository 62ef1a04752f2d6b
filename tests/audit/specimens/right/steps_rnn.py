"""Simple recurrent network without biases; states in a dictionary by step, the initial one at -1."""

import numpy as np


def rnn_forward(xs, hprev, Wxh, Whh):
    hs = {-1: np.copy(hprev)}
    for t in range(len(xs)):
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]))
    return hs


def rnn_backward(xs, hs, dhs, Wxh, Whh):
    dWxh, dWhh = np.zeros_like(Wxh), np.zeros_like(Whh)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dh = dhs[t] + dhnext
        draw = (1 - hs[t] * hs[t]) * dh
        dWxh += np.dot(draw, xs[t].T)
        dWhh += np.dot(draw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, draw)
    return dWxh, dWhh, dhnext
