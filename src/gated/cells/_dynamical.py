# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that are differential equations in small steps, and the bistable cells."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def ctrnn(x, h, *, W, U, a, b):
    """Continuous-time RNN in Euler steps; sigmoid(a.h) is the step over the unit's time constant.

    Source: R. D. Beer (1995), On the dynamics of small continuous-time recurrent neural networks, Adaptive Behavior
    3(4), 469-509, equation 1, with tanh in the place of the logistic function. A step between 0 and the time constant
    is stable; that it is written as a sigmoid is ours.
    """
    rate = sigmoid(a.h)
    h = h + rate * (U.h @ tanh(h + b.h) + W.h @ x - h)
    return h


@cell
def low_rank_rnn(x, h, *, W, M, N, dt=0.2):
    """Low-rank RNN in Euler steps, dt being the step over the time constant: the recurrent matrix is M.h N.h.

    Source: F. Mastrogiuseppe, S. Ostojic (2018), Linking connectivity, dynamics, and computations in low-rank
    recurrent neural networks, Neuron 99(3), 609-623. The rank is the length of r: `sizes={"r": 2}`.
    """
    r = N.h @ tanh(h)
    h = h + dt * (M.h @ r + W.h @ x - h)
    return h


@cell
def cornn(x, h, z, *, W, U, V, b, dt=0.1, gamma=1.0, epsilon=1.0):
    """Coupled oscillatory RNN (coRNN): h is where the oscillators are, z how fast they move.

    Source: T. K. Rusch, S. Mishra (2021), Coupled oscillatory recurrent neural network (coRNN): an accurate and
    (gradient) stable architecture for learning long time dependencies, ICLR (arXiv:2010.00951); of its two forms
    the one with the damping of the old speed. The authors choose the constants for each task.
    """
    z = z + dt * (tanh(W.z @ x + U.z @ h + V.z @ z + b.z) - gamma * h - epsilon * z)
    h = h + dt * z
    return h, z


@cell(init={"a.z": "uniform(-0.1, 0.1)"})
def unicornn(x, h, z, *, W, u, a, b, dt=0.1, alpha=1.0):
    """Undamped independent controlled oscillators (UnICORNN): each unit swings alone, with a pace of its own.

    Source: T. K. Rusch, S. Mishra (2021), UnICORNN: a recurrent model for learning very long time dependencies, ICML,
    9168-9178 (arXiv:2103.05487). The authors choose the constants for each task.
    """
    pace = dt * sigmoid(a.z)
    z = z - pace * (tanh(W.z @ x + u.z * h + b.z) + alpha * h)
    h = h + pace * z
    return h, z


@cell
def lem(x, h, z, *, W, U, V, b, dt=1.0):
    """Long expressive memory: two states on many time scales, d and e being the steps that they take.

    Source: T. K. Rusch, S. Mishra, N. B. Erichson, M. W. Mahoney (2022), Long expressive memory for sequence modeling,
    ICLR (arXiv:2110.04744). In the paper and the authors' program the output sees the new
    z, V.h @ z_t; torchrecurrent has V.h @ z_(t-1).
    """
    d = dt * sigmoid(W.d @ x + U.d @ h + b.d)
    e = dt * sigmoid(W.e @ x + U.e @ h + b.e)
    z = (1 - d) * z + d * tanh(W.z @ x + U.z @ h + b.z)
    h = (1 - e) * h + e * tanh(W.h @ x + V.h @ z + b.h)
    return h, z


@cell
def tau_gru(x, h, q, *, W, U, b):
    """GRU with time-delay feedback (tau-GRU), the delay being one step: q is the output before the last.

    Source: N. B. Erichson, S. H. Lim, M. W. Mahoney (2025), Gated recurrent neural networks with weighted time-delay
    feedback, AISTATS (arXiv:2212.00228).
    """
    u = tanh(W.u @ x + U.u @ h + b.u)
    z = tanh(W.z @ x + U.z @ q + b.z)
    g = sigmoid(W.g @ x + U.g @ h + b.g)
    a = sigmoid(W.a @ x + U.a @ h + b.a)
    q = h
    h = (1 - g) * h + g * (u + a * z)
    return h, q


@cell
def br(x, h, *, W, u, b):
    """Bistable recurrent cell (BRC): where a exceeds 1 a unit has two states in which it stays. c = 1 keeps h.

    Source: N. Vecoven, D. Ernst, G. Drion (2021), A bio-inspired bistable recurrent cell allows for long-lasting
    memory, PLoS ONE 16(6), e0252676. The biases are ours.
    """
    a = 1 + tanh(W.a @ x + u.a * h + b.a)
    c = sigmoid(W.c @ x + u.c * h + b.c)
    h = c * h + (1 - c) * tanh(W.h @ x + a * h + b.h)
    return h


@cell
def nbr(x, h, *, W, U, b):
    """Neuromodulated bistable recurrent cell (nBRC): the gates of the bistable cell see all units.

    Source: N. Vecoven, D. Ernst, G. Drion (2021), A bio-inspired bistable recurrent cell allows for long-lasting
    memory, PLoS ONE 16(6), e0252676. The biases are ours.
    """
    a = 1 + tanh(W.a @ x + U.a @ h + b.a)
    c = sigmoid(W.c @ x + U.c @ h + b.c)
    h = c * h + (1 - c) * tanh(W.h @ x + a * h + b.h)
    return h
