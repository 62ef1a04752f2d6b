# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Minimal gated units: one gate, or none."""

from __future__ import annotations

from gated.language import cell, relu, sigmoid, tanh


@cell
def mgu(x, h, *, W, U, b):
    """Minimal gated unit: a GRU whose one gate both resets and updates. f = 1 takes the candidate n.

    Source: G.-B. Zhou, J. Wu, C.-L. Zhang, Z.-H. Zhou (2016), Minimal gated unit for recurrent neural networks,
    International Journal of Automation and Computing 13(3), 226-234.
    """
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h = (1 - f) * h + f * n
    return h


@cell
def mgu1(x, h, *, W, U, b):
    """Minimal gated unit whose gate does not see the input.

    Source: J. C. Heck, F. M. Salem (2017), Simplified minimal gated unit variations for recurrent neural networks,
    IEEE International Midwest Symposium on Circuits and Systems, 1593-1596 (arXiv:1701.03452), variant MGU1.
    """
    f = sigmoid(U.f @ h + b.f)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h = (1 - f) * h + f * n
    return h


@cell
def mgu2(x, h, *, W, U, b):
    """Minimal gated unit whose gate sees the state alone, without a bias.

    Source: J. C. Heck, F. M. Salem (2017), Simplified minimal gated unit variations for recurrent neural networks,
    IEEE International Midwest Symposium on Circuits and Systems, 1593-1596 (arXiv:1701.03452), variant MGU2.
    """
    f = sigmoid(U.f @ h)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h = (1 - f) * h + f * n
    return h


@cell
def mgu3(x, h, *, W, U, b):
    """Minimal gated unit whose gate is a number for each unit, learned and the same at every step.

    Source: J. C. Heck, F. M. Salem (2017), Simplified minimal gated unit variations for recurrent neural networks,
    IEEE International Midwest Symposium on Circuits and Systems, 1593-1596 (arXiv:1701.03452), variant MGU3.
    """
    f = sigmoid(b.f)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h = (1 - f) * h + f * n
    return h


@cell
def ugrnn(x, h, *, W, U, b):
    """Update gate RNN: a simple recurrent network that may keep its state, g = 1.

    Source: J. Collins, J. Sohl-Dickstein, D. Sussillo (2017), Capacity and trainability in recurrent neural networks,
    ICLR (arXiv:1611.09913).
    """
    n = tanh(W.n @ x + U.n @ h + b.n)
    g = sigmoid(W.g @ x + U.g @ h + b.g)
    h = g * h + (1 - g) * n
    return h


@cell
def li_gru(x, h, *, W, U, b):
    """Light GRU (Li-GRU): without reset gate, the candidate is rectified.

    Source: M. Ravanelli, P. Brakel, M. Omologo, Y. Bengio (2018), Light gated recurrent units for speech recognition,
    IEEE Transactions on Emerging Topics in Computational Intelligence 2(2), 92-102. Without the paper's
    normalisation of the products with x over the batch. Danger: without it the rectified state may grow.
    """
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = relu(W.n @ x + U.n @ h + b.n)
    h = z * h + (1 - z) * n
    return h


@cell
def lightru(x, h, *, W, U, b):
    """Light recurrent unit: one gate, and a candidate that sees the input alone. f = 1 takes the candidate n.

    Source: H. Ye, Y. Zhang, H. Liu, X. Li, J. Chang, H. Zheng (2024), Light recurrent unit: towards an interpretable
    recurrent neural network for modeling long-range dependency, Electronics 13(16), 3204.
    """
    n = tanh(W.n @ x + b.n)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    h = (1 - f) * h + f * n
    return h


@cell
def minimalrnn(x, h, *, W, U, V, b):
    """MinimalRNN: the input is mapped into the space of the state once, and a gate mixes the two. u = 1 keeps h.

    Source: M. Chen (2017), MinimalRNN: toward more interpretable and trainable recurrent neural networks,
    arXiv:1711.06788.
    """
    z = tanh(W.z @ x + b.z)
    u = sigmoid(U.u @ h + V.u @ z + b.u)
    h = u * h + (1 - u) * z
    return h


@cell
def janet(x, h, *, W, U, b, beta=1.0):
    """JANET, just another network: an LSTM of which only the forget gate is left.

    Source: J. van der Westhuizen, J. Lasenby (2018), The unreasonable effectiveness of the forget gate,
    arXiv:1804.04849. The output is the cell; torchrecurrent keeps it twice, and learns beta, which
    is a constant here.
    """
    s = W.f @ x + U.f @ h + b.f
    n = tanh(W.n @ x + U.n @ h + b.n)
    h = sigmoid(s) * h + (1 - sigmoid(s - beta)) * n
    return h


@cell
def sgrn(x, h, *, W, U, b):
    """Simple gated recurrent network: gate and candidate share the products with the input.

    Source: X. Zu, K. Wei (2021), A simple gated recurrent network for detection of power quality disturbances,
    IET Generation, Transmission & Distribution 15(4), 751-761.

    b.u is the bias of U.f @ h, b.h that of W.h @ x, which stands in two places.
    """
    n = W.h @ x + b.h
    f = sigmoid(n + U.f @ h + b.u)
    h = tanh((1 - f) * n + f * h)
    return h


@cell
def miru1(x, h, *, W, U, b, keep=0.5):
    """Minion recurrent unit 1: a GRU whose update gate is a constant.

    Source: A. M. Zyarah, D. Kudithipudi (2026), Minion gated recurrent unit for continual learning, Neurocomputing
    673, 132847 (arXiv:2503.06175).
    """
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(W.n @ x + U.n @ (r * h) + b.n)
    h = keep * h + (1 - keep) * n
    return h


@cell
def miru2(x, h, *, W, U, b, keep=0.5, reset=0.5):
    """Minion recurrent unit 2: a GRU whose reset and update gates are constants.

    Source: A. M. Zyarah, D. Kudithipudi (2026), Minion gated recurrent unit for continual learning, Neurocomputing
    673, 132847 (arXiv:2503.06175).
    """
    n = tanh(W.n @ x + U.n @ (reset * h) + b.n)
    h = keep * h + (1 - keep) * n
    return h
