# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Long short-term memory in the forms of its history.

i, f, o are the input, forget and output gates, g is the candidate (block input), c the cell, h the output.
"""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def lstm_1997(x, h, c, *, W, U, b):
    """LSTM as it began: no forget gate, the cell only adds.

    Source: S. Hochreiter, J. Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), 1735-1780.
    The paper squashes with scaled logistic functions, the candidate into (-2, 2) and the cell into (-1, 1);
    tanh stands for both here, as in later work.
    """
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = c + i * g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h = o * tanh(c)
    return h, c


@cell
def lstm(x, h, c, *, W, U, b):
    """LSTM with a forget gate, the common form (PyTorch, Keras, ONNX).

    Source: F. A. Gers, J. Schmidhuber, F. Cummins (2000), Learning to forget: continual prediction with LSTM,
    Neural Computation 12(10), 2451-2471.
    """
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h = o * tanh(c)
    return h, c


@cell
def peephole_lstm(x, h, c, *, W, U, p, b):
    """LSTM with peepholes: i and f see the previous cell, o the new one.

    Source: F. A. Gers, N. N. Schraudolph, J. Schmidhuber (2002), Learning precise timing with LSTM recurrent
    networks, Journal of Machine Learning Research 3, 115-143; with the tanh on the cell that K. Greff et al.
    (2017), LSTM: a search space odyssey, call the vanilla LSTM.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * tanh(c)
    return h, c


@cell
def gers_lstm(x, h, c, *, W, U, p, b):
    """Peephole LSTM whose input gate sees what the forget gate has kept, and whose cell is not squashed.

    Source: the public program evolvingstuff/LongShortTermMemory, which follows F. A. Gers, N. N. Schraudolph,
    J. Schmidhuber (2002), Learning precise timing with LSTM recurrent networks, Journal of Machine Learning
    Research 3, 115-143. The forget gate comes first, because i looks at f * c.
    """
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    kept = f * c
    i = sigmoid(W.i @ x + U.i @ h + p.i * kept + b.i)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = kept + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * c
    return h, c


@cell
def projected_lstm(x, h, c, *, W, U, P, b):
    """LSTM with a recurrent projection (LSTMP): h is a linear image of the cell's output, usually smaller.

    Source: H. Sak, A. Senior, F. Beaufays (2014), Long short-term memory recurrent neural network
    architectures for large scale acoustic modeling, Interspeech, 338-342. Without the paper's peepholes, as
    PyTorch computes it with `proj_size`.
    """
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h = P.h @ (o * tanh(c))
    return h, c


@cell
def projected_peephole_lstm(x, h, c, *, W, U, P, p, b):
    """LSTM with peepholes and a recurrent projection, the LSTMP as it was published.

    Source: H. Sak, A. Senior, F. Beaufays (2014), Long short-term memory recurrent neural network
    architectures for large scale acoustic modeling, Interspeech, 338-342, equations 7 to 12.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = P.h @ (o * tanh(c))
    return h, c
