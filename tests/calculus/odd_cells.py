"""Cells that nobody would train, each made to put a derivation into difficulties."""

from __future__ import annotations

import gated
from gated import abs, exp, log, maximum, minimum, number, relu, sigmoid, softplus, sqrt, tanh


@gated.cell
def chained_products(x, h, c, *, W, U, P, b):
    """Two products in a row, three sizes, one matrix used twice."""
    v = tanh(W.v @ x + b.v)
    c = sigmoid(P.c @ v + U.c @ h) * c + U.c @ tanh(h * h) - P.c @ tanh(v)
    h = P.h @ tanh(U.k @ (c * c) + tanh(U.k @ c)) - 0.5 * h
    return h, c


@gated.cell
def kinks(x, h, m, *, W, b):
    """Every function with a kink, and rectifiers whose derivatives are added."""
    v = W.v @ x
    m = maximum(minimum(v, h), 0.3 * m) + abs(v - h)
    h = relu(v + b.p) * v + relu(v) * relu(h) + abs(relu(v) + relu(v - 1.0)) - (relu(v) + relu(-v)) * m
    return h, m


@gated.cell
def parameter_expressions(x, h, *, W, U, b, k):
    """Values that depend on parameters only, one of them behind a matrix, and roots, logarithms, quotients."""
    rate = exp(-softplus(k.rate))
    shift = W.s @ tanh(b.s)
    h = (
        rate * h
        + (1.0 - rate) * tanh(W.x @ x + shift + b.h) / sqrt(1.0 + h * h)
        - log(2.0 + U.h @ (h * h) * 0.0 + h * h)
    )
    return h


@gated.cell
def passed_through(x, h, c, d, *, W):
    """A state that stays, two that change places, one of them given out."""
    return d, c, tanh(W.h @ x + h * c + d)


@gated.cell
def delay(x, h, s, *, U):
    """A delay line: the state is the input of the step before; the matrix sees both."""
    h = tanh(U.h @ s + U.g @ x + h)
    return h, x


@gated.cell
def no_influence(x, h, c, *, b):
    """A state that the next step does not look at, a parameter that counts for nothing, a fixed new state."""
    u = 0.0 * b.u + 0.0 * c
    h = h * 0.5 + u
    c = exp(b.c)
    return h, c


@gated.cell
def no_parameters(x, h):
    """No parameters at all."""
    h = 0.9 * h + 0.1 * x
    return h


@gated.cell
def clashing_names(y, t, np, *, T, tape, params):
    """The letters that a derivation would like to have for itself."""
    dy = tanh(T.a @ y + T.b @ t + tape.a * np)
    E = dy * t + params.i
    u1 = sigmoid(T.c @ (dy * E))
    a_u1 = u1 * E * np + dy
    dx = exp(-abs(a_u1 + params.j))
    x_t = dx - u1
    δ_i = x_t + dy
    np = sigmoid(δ_i * np)
    t = np + δ_i
    return t, np


@gated.cell
def symbols(x, h, c_tilde, *, W, U):
    """Names with indices and accents, Greek and Chinese ones."""
    α = sigmoid(W.a_b @ x + U.α @ h)
    h̃ = tanh(W.h @ x + U.h @ (α * h))
    c_tilde = softplus(c_tilde) * h̃ + α * (c_tilde / (1.0 + h * h))
    m_new_2 = -α
    候选 = tanh(m_new_2 * c_tilde)
    h = 候选 + (h - c_tilde) * (α + h̃)
    return h, c_tilde


@gated.cell
def shared_inside(x, h, *, W, U, b):
    """A nameless value used three times, a sum inside a quotient, a matrix inside a gate."""
    h = sigmoid(W.h @ x + U.h @ h) * tanh(W.h @ x + U.h @ h + b.h) / (2.0 + h * (W.h @ x + U.h @ h) * h) - (
        -(b.k * h - U.k @ h)
    ) * sigmoid(b.h)
    return h


@gated.cell
def made_matrices(x, h, *, W, U, S, A, B, M, b, p: number, k=0.7):
    """Matrices of parameters: transposed, masked, scaled by numbers; one used plainly too, one on a vector weight."""
    v = tanh((U.h - U.h.T) @ h + U.h @ (h * h) + (k * S.m * sigmoid(W.h)) @ x)
    h = v + A.f @ B.f.T @ (exp(p.s) * abs(M.h) - M.h.T) @ h + b.h * p.s + B.v.T @ b.v - W.z.T @ x
    return h


ODD_CELLS = {
    c.name: c
    for c in (
        chained_products,
        kinks,
        parameter_expressions,
        passed_through,
        delay,
        no_influence,
        no_parameters,
        clashing_names,
        symbols,
        shared_inside,
        made_matrices,
    )
}
