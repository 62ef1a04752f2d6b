# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that add what two gates let through, and cells that gate by products."""

from __future__ import annotations

from gated.language import cell, clip, sigmoid, softplus, tanh


@cell
def atr(x, h, *, W, U, b):
    """Addition-subtraction twin-gated recurrent network: both gates are made of one product each with x and h.

    Source: B. Zhang, D. Xiong, J. Su, Q. Lin, H. Zhang (2018), Simplifying neural machine translation with
    addition-subtraction twin-gated recurrent networks, EMNLP, 4273-4283. The biases are ours.
    """
    p = W.p @ x + b.p
    q = U.q @ h + b.q
    i = sigmoid(p + q)
    f = sigmoid(p - q)
    h = i * p + f * h
    return h


@cell
def cfn(x, h, *, W, U, b):
    """Chaos-free network: left alone, the state falls to zero. f is the paper's horizontal gate, i the vertical one.

    Source: T. Laurent, J. von Brecht (2017), A recurrent neural network without chaos, ICLR (arXiv:1612.06212).
    The bias b.g is ours.
    """
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    g = tanh(W.g @ x + b.g)
    h = f * tanh(h) + i * g
    return h


@cell
def ran(x, h, c, *, W, U, b):
    """Recurrent additive network: the cell is a weighted sum of linear images of the inputs, with gates for weights.

    Source: K. Lee, O. Levy, L. Zettlemoyer (2017), Recurrent additive networks, arXiv:1705.07393; of the output's two
    forms there, the tanh.
    """
    g = W.g @ x
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    c = i * g + f * c
    h = tanh(c)
    return h, c


@cell
def star(x, h, *, W, U, b):
    """Stackable recurrent cell: one gate, made so that gradients keep their size through many layers.

    Source: M. O. Turkoglu, S. D'Aronco, J. D. Wegner, K. Schindler (2021), Gating revisited: deep multi-layer RNNs
    that can be trained, IEEE Transactions on Pattern Analysis and Machine Intelligence (arXiv:1911.11033).
    """
    z = tanh(W.z @ x + b.z)
    k = sigmoid(W.k @ x + U.k @ h + b.k)
    h = tanh((1 - k) * h + k * z)
    return h


@cell
def sgu(x, h, *, W, U, b):
    """Simple gated unit: the input gates the state by a product, a hard sigmoid mixes old and new.

    Source: Y. Gao, D. Glowacka (2016), Deep gate recurrent neural network, ACML, 350-365 (arXiv:1604.02910). The hard
    sigmoid is that of Theano, of Keras then and of Chainer's SGU, the line 0.2 a + 0.5 between 0 and 1; torchrecurrent
    has PyTorch's, a / 6 + 0.5.
    """
    g = W.g @ x + b.g
    k = tanh(U.k @ (g * h))
    n = softplus(k * h)
    z = clip(0.2 * (W.z @ x + U.z @ h + b.z) + 0.5, 0, 1)
    h = (1 - z) * h + z * n
    return h


@cell
def dsgu(x, h, *, W, U, b):
    """Deep simple gated unit: a simple gated unit with one more matrix, and a candidate between 0 and 1.

    Source: Y. Gao, D. Glowacka (2016), Deep gate recurrent neural network, ACML, 350-365 (arXiv:1604.02910). The hard
    sigmoid is that of Theano, of Keras then and of Chainer's SGU, the line 0.2 a + 0.5 between 0 and 1; torchrecurrent
    has PyTorch's, a / 6 + 0.5.
    """
    g = W.g @ x + b.g
    k = tanh(U.k @ (g * h))
    n = sigmoid(U.n @ (k * h))
    z = clip(0.2 * (W.z @ x + U.z @ h + b.z) + 0.5, 0, 1)
    h = (1 - z) * h + z * n
    return h
