# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""LSTMs with chance in their equations: what keeps them from learning by heart acts within the step."""

from __future__ import annotations

from gated.language import bernoulli, cell, sigmoid, tanh


@cell
def zoneout_lstm(x, h, c, *, W, U, b, zone_h=0.05, zone_c=0.5):
    """LSTM with zoneout: at random a unit keeps what it was at the step before.

    Source: D. Krueger et al. (2017), Zoneout: regularizing RNNs by randomly preserving hidden activations, ICLR
    (arXiv:1606.01305), Section 3.2, with the probabilities of its language models on characters.

    Without a generator the mean stands for the draw, as the paper has it when a trained network is used.
    """
    keep_c = bernoulli(zone_c)
    keep_h = bernoulli(zone_h)
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    new = f * c + i * g
    c = keep_c * c + (1 - keep_c) * new
    h = keep_h * h + (1 - keep_h) * (o * tanh(new))
    return h, c


@cell
def recurrent_dropout_lstm(x, h, c, *, W, U, b, keep=0.75):
    """LSTM with recurrent dropout: only what is about to be written into the memory is dropped.

    Source: S. Semeniuta, A. Severyn, E. Barth (2016), Recurrent dropout without memory loss, COLING, 1757-1766, eq. 7;
    what is kept is divided by the probability to be kept.
    """
    kept = bernoulli(keep)
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c = f * c + i * (g * kept / keep)
    h = o * tanh(c)
    return h, c
