# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The eight variants of the search space odyssey: the vanilla LSTM with one thing changed in each.

Source of all: K. Greff, R. K. Srivastava, J. Koutník, B. R. Steunebrink, J. Schmidhuber (2017), LSTM: a search
space odyssey, IEEE Transactions on Neural Networks and Learning Systems 28(10), 2222-2232 (arXiv:1503.04069).
The vanilla LSTM of that paper, with peepholes, is `gated.cells.peephole_lstm`.
"""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def lstm_no_input_gate(x, h, c, *, W, U, p, b):
    """LSTM without input gate, i = 1.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NIG.
    """
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm_no_forget_gate(x, h, c, *, W, U, p, b):
    """LSTM without forget gate, f = 1.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NFG.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm_no_output_gate(x, h, c, *, W, U, p, b):
    """LSTM without output gate, o = 1.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NOG.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    h = tanh(c)
    return h, c


@cell
def lstm_no_input_activation(x, h, c, *, W, U, p, b):
    """LSTM with a linear block input.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NIAF.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = W.g @ x + U.g @ h + b.g
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm_no_output_activation(x, h, c, *, W, U, p, b):
    """LSTM whose output does not squash the cell.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NOAF.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * c
    return h, c


@cell
def lstm_coupled_gates(x, h, c, *, W, U, p, b):
    """LSTM that forgets as much as it takes in, f = 1 - i.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant CIFG; like the update gate of the GRU.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = 1 - i
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm_no_peepholes(x, h, c, *, W, U, b):
    """LSTM without peepholes.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant NP; the same equations as `gated.cells.lstm`.
    """
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm_full_gate_recurrence(x, h, c, i, f, o, *, W, U, R, p, b):
    """LSTM whose gates see all three gates of the previous step.

    Source: K. Greff et al. (2017), LSTM: a search space odyssey, variant FGR.

    The nine full matrices are R.<from>_<to>: R.f_i carries the previous forget gate to the input gate. (With
    an underscore, for `R.if` is not Python.)
    """
    # What the previous gates say to each gate, before the names i, f, o pass on to the new ones.
    from_gates_i = R.i_i @ i + R.f_i @ f + R.o_i @ o
    from_gates_f = R.i_f @ i + R.f_f @ f + R.o_f @ o
    from_gates_o = R.i_o @ i + R.f_o @ f + R.o_o @ o
    i = sigmoid(W.i @ x + U.i @ h + from_gates_i + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + from_gates_f + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + from_gates_o + p.o * c + b.o)
    h = o * tanh(c)
    return h, c, i, f, o
