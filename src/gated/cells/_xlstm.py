# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The scalar memory of the extended LSTM."""

from __future__ import annotations

from gated.language import cell, exp, maximum, sigmoid, softplus, tanh


@cell
def slstm(x, h, c, n, m, *, W, U, b):
    """sLSTM: exponential input gate, sigmoid forget gate, a normaliser n and a stabiliser m.

    Source: M. Beck, K. Pöppel, M. Spanring, A. Auer, O. Prudnikova, M. Kopp, G. Klambauer, J. Brandstetter,
    S. Hochreiter (2024), xLSTM: extended long short-term memory, NeurIPS (arXiv:2405.04517), Section 2.2; of the
    forget gate's two forms there, the sigmoid. One head: U is full.

    i and f are the stabilised gates: the paper's with a factor exp(-m) that cancels in c / n.
    Danger: h divides by n. From rest n is positive after one step unless the input gate underflows; an initial
    state of your own needs n > 0.
    """
    log_i = W.i @ x + U.i @ h + b.i
    log_f = -softplus(-(W.f @ x + U.f @ h + b.f))
    z = tanh(W.z @ x + U.z @ h + b.z)
    m_new = maximum(log_f + m, log_i)
    i = exp(log_i - m_new)
    f = exp(log_f + m - m_new)
    c = f * c + i * z
    n = f * n + i
    m = m_new
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h = o * (c / n)
    return h, c, n, m
