# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Linear recurrences, one unit by itself: what a state keeps of itself depends on nothing, or on x alone."""

from __future__ import annotations

from gated.language import cell, cos, exp, maximum, sigmoid, sin, softplus, sqrt


@cell(init={"p.nu": "ring(0.9, 0.999)", "p.phase": "uniform(0, 6.283185307179586)"})
def lru(x, h, re, im, *, B, C, D, p):
    """Linear recurrent unit: complex numbers, each turned and shrunk at every step, here as pairs of real ones.

    Source: A. Orvieto, S. L. Smith, A. Gu, A. Fernando, C. Gulcehre, R. Pascanu, S. De (2023), Resurrecting recurrent
    neural networks for long sequences, ICML, eqs. 5 to 8 and Lemma 3.2. The paper learns the scale of what comes in
    from sqrt(1 - r²) on; here it is that at all times, and the phase is learned itself, not its logarithm.

    r = exp(-exp(nu)) is how much is kept, phase how far it is turned. The first values lie on the ring 0.9 < r < 0.999.
    """
    r = exp(-exp(p.nu))
    scale = sqrt(1 - r * r)
    turned = r * (cos(p.phase) * re - sin(p.phase) * im) + scale * (B.re @ x)
    im = r * (sin(p.phase) * re + cos(p.phase) * im) + scale * (B.im @ x)
    re = turned
    h = C.re @ re - C.im @ im + D.h @ x
    return h, re, im


@cell(init={"p.decay": "uniform(-8.98, -4.32)"})
def rg_lru(x, h, *, w, b, p, power=8.0):
    """Real-gated linear recurrent unit: x says for each unit how much is kept and how much comes in.

    Source: S. De et al. (2024), Griffin: mixing gated linear recurrences with local attention for efficient language
    models, arXiv:2402.19427, eqs. 1 to 4 and Appendix A; with a weight for each unit where the paper's gates have
    blocks of a matrix. At first a unit whose gate is open keeps between 0.9 and 0.999 of itself.
    """
    r = sigmoid(w.r * x + b.r)
    i = sigmoid(w.i * x + b.i)
    kept = -power * softplus(p.decay) * r
    h = exp(kept) * h + sqrt(1 - exp(2 * kept)) * (i * x)
    return h


@cell(init={"p.w": "uniform(-5, 3)", "p.u": "constant(0.3)", "p.m_*": "uniform(0, 1)"})
def rwkv4(x, h, num, den, top, before, *, W, p):
    """RWKV's time mixing: a mean of all values so far, weighted by their keys and by how long ago they were.

    Source: B. Peng et al. (2023), RWKV: reinventing RNNs for the transformer era, EMNLP Findings, eqs. 11 to 13, 16
    and 17, and Appendix D (the form of a recurrent network).

    num and den are the mean's two sums, both divided by exp(top), so that no exponential overflows; before is the x of
    the step before. In the stack of the paper a channel mixing follows; that one has no time in it but the step before.
    """
    r = W.r @ (p.m_r * x + (1 - p.m_r) * before)
    k = W.k @ (p.m_k * x + (1 - p.m_k) * before)
    v = W.v @ (p.m_v * x + (1 - p.m_v) * before)
    here = maximum(top, p.u + k)
    mean = (exp(top - here) * num + exp(p.u + k - here) * v) / (exp(top - here) * den + exp(p.u + k - here))
    h = W.o @ (sigmoid(r) * mean)
    faded = top - exp(p.w)
    new = maximum(faded, k)
    num = exp(faded - new) * num + exp(k - new) * v
    den = exp(faded - new) * den + exp(k - new)
    top = new
    return h, num, den, top, x
