# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Gated recurrent units, with the reset gate before or after the recurrent matrix.

r is the reset gate, z the update gate, n the candidate.
"""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def gru(x, h, *, W, U, b):
    """GRU as published: the reset gate acts before the matrix, and z = 1 takes the candidate.

    Source: J. Chung, C. Gulcehre, K. Cho, Y. Bengio (2014), Empirical evaluation of gated recurrent neural
    networks on sequence modeling, arXiv:1412.3555, Section 3.2: h = (1 - z) h + z n. The GRU's first paper,
    K. Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for statistical machine
    translation, EMNLP, Section 2.3, has z the other way round: h = z h + (1 - z) n. The biases are ours.
    """
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = tanh(W.n @ x + U.n @ (r * h) + b.n)
    h = (1 - z) * h + z * n
    return h


@cell
def gru_reset_after(x, h, *, W, U, b):
    """GRU with the reset gate after the matrix, and z = 1 keeping h: that of cuDNN, PyTorch and Keras' default.

    Source: cuDNN and the documentation of torch.nn.GRU; z as in K. Cho et al. (2014), Learning phrase
    representations using RNN encoder-decoder for statistical machine translation, EMNLP, Section 2.3. The second
    bias of the candidate, b.hn, stands inside the reset gate and does not merge with b.n.
    """
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = tanh(W.n @ x + b.n + r * (U.n @ h + b.hn))
    h = (1 - z) * n + z * h
    return h


@cell
def projected_gru(x, h, s, *, W, U, P, b):
    """GRU with a recurrent projection: the units' state is s, all matrices and the output see its linear image h.

    Source: the projected GRU with which G. Cheng et al. (2018), Output-gate projected gated recurrent unit for
    speech recognition, Interspeech, 1793-1797, begin; the gates are those of `gru`.
    """
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = tanh(W.n @ x + U.n @ (r * h) + b.n)
    s = (1 - z) * s + z * n
    h = P.h @ s
    return h, s


@cell
def projected_gru_reset_after(x, h, s, *, W, U, P, b):
    """GRU with a recurrent projection and the gates of cuDNN, PyTorch and Keras' default.

    Source: the projection of G. Cheng et al. (2018), Output-gate projected gated recurrent unit for speech
    recognition, Interspeech, 1793-1797, on the units of `gru_reset_after`.
    """
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = tanh(W.n @ x + b.n + r * (U.n @ h + b.hn))
    s = (1 - z) * n + z * s
    h = P.h @ s
    return h, s
