# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that are told more than x: how much time has passed, what is missing, how much attention a step gets."""

from __future__ import annotations

import math

from gated.language import cell, exp, fixed, floor, log, number, relu, sigmoid, tanh, where


@cell(init={"S.mean": "zeros"})
def gru_d(x, m, dt: number, /, h, last, gap, *, W, U, V, w, b, S: fixed):
    """GRU-D: what is missing fades from the last value seen to the mean, and the hidden state fades with time.

    Source: Z. Che, S. Purushotham, K. Cho, D. Sontag, Y. Liu (2018), Recurrent neural networks for multivariate time
    series with missing values, Scientific Reports 8, 6085, eqs. 9 to 16 (numbered from the decay rates on). The time
    since each variable was last observed, which the paper takes as an input, is the state gap here.

    m is 1 where x has been observed, dt the time since the step before; where m is 0 x is not looked at, NaN will do.
    S.mean is the empirical mean of x, zeros if x is standardised.
    """
    gap = gap + dt
    fade = exp(-relu(w.x * gap + b.x))
    filled = where(m > 0, x, fade * last + (1 - fade) * S.mean)
    last = where(m > 0, x, last)
    h = exp(-relu(W.d @ gap + b.d)) * h
    gap = where(m > 0, 0, gap)
    r = sigmoid(W.r @ filled + U.r @ h + V.r @ m + b.r)
    z = sigmoid(W.z @ filled + U.z @ h + V.z @ m + b.z)
    n = tanh(W.n @ filled + U.n @ (r * h) + V.n @ m + b.n)
    h = (1 - z) * h + z * n
    return h, last, gap


@cell(init={"p.tau": "log_uniform(1, 1000)", "p.s": "uniform(0, 1)"})
def phased_lstm(x, t: number, /, h, c, *, W, U, p, b, open=0.05, leak=0.001):
    """Phased LSTM: a time gate k opens each unit in its own rhythm, for a small part of its period; t is the time.

    Source: D. Neil, M. Pfeiffer, S.-C. Liu (2016), Phased LSTM: accelerating recurrent network training for long or
    event-based sequences, NIPS, 3882-3890, eqs. 1 to 10, leak and open (r_on) as there. The shift p.s is told in
    periods here, so that it is uniform over one at the beginning whatever the period is.
    """
    turns = t / p.tau - p.s
    phase = turns - floor(turns)
    closed = where(phase < open, 2 - 2 * phase / open, leak * phase)
    k = where(phase < open / 2, 2 * phase / open, closed)
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    new = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * new + b.o)
    c = k * new + (1 - k) * c
    h = k * (o * tanh(new)) + (1 - k) * h
    return h, c


@cell
def time_aware_lstm(x, dt: number, /, h, c, *, W, U, V, b):
    """Time-aware LSTM: the short-term part of the memory, which is learned, is discounted by the time passed.

    Source: I. M. Baytas, C. Xiao, X. Zhang, F. Wang, A. K. Jain, J. Zhou (2017), Patient subtyping via time-aware LSTM
    networks, KDD, 65-74, Section 3.2; of the two discounts there 1 / log(e + dt).
    """
    short = tanh(V.d @ c + b.d)
    discount = 1 / log(math.e + dt)
    kept = c - short + discount * short
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c = f * kept + i * g
    h = o * tanh(c)
    return h, c


@cell
def augru(x, a: number, /, h, *, W, U, b):
    """GRU whose update gate is scaled by an attention score a from 0 to 1: a step without attention changes nothing.

    Source: G. Zhou, N. Mou, Y. Fan, Q. Pi, W. Bian, C. Zhou, X. Zhu, K. Gai (2019), Deep interest evolution network for
    click-through rate prediction, AAAI, 5941-5948, eqs. 2 to 5 and 12 to 13. In the authors' program
    (mouna99/dien) u = (1 - a) * sigmoid(...) keeps h, so that a step without attention is one of a plain GRU there.
    """
    z = a * sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(W.n @ x + r * (U.n @ h) + b.n)
    h = (1 - z) * h + z * n
    return h


@cell
def cfc(x, dt: number, /, h, *, W, U, b):
    """Closed-form continuous-time cell: a gate of the time passed goes from one target to another.

    Source: R. Hasani et al. (2022), Closed-form continuous-time neural networks, Nature Machine Intelligence 4,
    992-1003, eq. 4; one layer each for the three networks there, without a common one before them.
    """
    f = W.f @ x + U.f @ h + b.f
    g = tanh(W.g @ x + U.g @ h + b.g)
    n = tanh(W.n @ x + U.n @ h + b.n)
    k = sigmoid(-f * dt)
    h = k * g + (1 - k) * n
    return h
