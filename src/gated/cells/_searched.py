# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that were found by search."""

from __future__ import annotations

from gated.language import cell, relu, sigmoid, tanh


@cell
def mut1(x, h, *, W, U, b):
    """A gated unit that was found by search, MUT1. z = 1 takes the candidate n.

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever (2015), An empirical exploration of recurrent network architectures,
    ICML, 2342-2350. There x, as long as h, stands in the place of W.n @ x; torchrecurrent gives W.n @ x a bias.
    """
    z = sigmoid(W.z @ x + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + tanh(W.n @ x) + b.n)
    h = n * z + h * (1 - z)
    return h


@cell
def mut2(x, h, *, W, U, b):
    """A gated unit that was found by search, MUT2. z = 1 takes the candidate n.

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever (2015), An empirical exploration of recurrent network architectures,
    ICML, 2342-2350. There x, as long as h, stands in the place of W.r @ x.
    """
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + W.n @ x + b.n)
    h = n * z + h * (1 - z)
    return h


@cell
def mut3(x, h, *, W, U, b):
    """A gated unit that was found by search, MUT3. z = 1 takes the candidate n.

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever (2015), An empirical exploration of recurrent network architectures,
    ICML, 2342-2350.
    """
    z = sigmoid(W.z @ x + U.z @ tanh(h) + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + W.n @ x + b.n)
    h = n * z + h * (1 - z)
    return h


@cell
def nas(x, h, c, *, W, U, b):
    """The cell that neural architecture search found for language modelling.

    Source: B. Zoph, Q. V. Le (2017), Neural architecture search with reinforcement learning, ICLR (arXiv:1611.01578),
    appendix, in the equations of TensorFlow's NASCell. There k3 = relu((W.k3 @ x) * (U.k3 @ h + b.k3));
    torchrecurrent has relu(W.k3 @ x + U.k3 @ h + b.k3).
    """
    k0 = sigmoid(W.k0 @ x + U.k0 @ h + b.k0)
    k1 = relu(W.k1 @ x + U.k1 @ h + b.k1)
    k2 = sigmoid(W.k2 @ x + U.k2 @ h + b.k2)
    k3 = relu((W.k3 @ x) * (U.k3 @ h + b.k3))
    k4 = tanh(W.k4 @ x + U.k4 @ h + b.k4)
    k5 = sigmoid(W.k5 @ x + U.k5 @ h + b.k5)
    k6 = tanh(W.k6 @ x + U.k6 @ h + b.k6)
    k7 = sigmoid(W.k7 @ x + U.k7 @ h + b.k7)
    c = tanh(tanh(k0 * k1) + c) * tanh(k2 + k3)
    h = tanh(c * tanh(tanh(k4 * k5) + sigmoid(k6 + k7)))
    return h, c
