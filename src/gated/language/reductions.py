"""The reductions over the units, to one number: their rows in the book, and functions that only their derivatives need.

Users write `sum`, `mean`, `max`, `dot`, `norm`, and by composition `softmax` and `layer_norm` (`reducing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gated.language.graph import Node, call, constant, reduce
from gated.language.operations import Elementwise, Legend, Rows, enter
from gated.language.over_units import Reduction, length, summed

Array = np.ndarray[Any, Any]


def total(operand: Node) -> Node:
    """The sum over the units."""
    return reduce("total", operand)


def joined(*parts: Array) -> Array:
    """Vectors behind each other, (..., V), (..., W), ... -> (..., V + W + ...); some may have fewer axes."""
    if len(parts) == 1:
        return np.asarray(parts[0])
    rows = np.broadcast_shapes(*(np.shape(part)[:-1] for part in parts))
    return np.concatenate([np.broadcast_to(part, (*rows, np.shape(part)[-1])) for part in parts], axis=-1)


def _total(*x: Array) -> Array:
    return np.asarray(np.sum(joined(*x), axis=-1, keepdims=True))


def _average(*x: Array) -> Array:
    return np.asarray(np.mean(joined(*x), axis=-1, keepdims=True))


def _dot(*x: Array) -> Array:
    parts = [np.sum(np.multiply(a, b), axis=-1, keepdims=True) for a, b in zip(x[::2], x[1::2], strict=True)]
    return np.asarray(sum(parts[1:], start=parts[0]))


def _partners(x: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    return tuple(part for a, b in zip(x[::2], x[1::2], strict=True) for part in (b, a))


def _norm(*x: Array) -> Array:
    whole = joined(*x)
    return np.asarray(np.sqrt(np.sum(whole * whole, axis=-1, keepdims=True)))


def _deviation(number: Array, *x: Array) -> Array:
    whole = joined(*x)
    centred = whole - np.mean(whole, axis=-1, keepdims=True)
    return np.asarray(np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + number))


def _largest(*x: Array) -> Array:
    whole = joined(*x)
    return np.take_along_axis(whole, np.argmax(np.real(whole), axis=-1)[..., None], axis=-1)


def _peak(*x: Array) -> Array:
    whole = joined(*x)
    return np.max(np.real(whole), axis=-1, keepdims=True).astype(whole.dtype)


def _logsumexp(*x: Array) -> Array:
    whole = joined(*x)
    largest = np.max(np.real(whole), axis=-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    return np.log(np.sum(np.exp(whole - shift), axis=-1, keepdims=True)) + shift


def _equal(a: Array, b: Array, out: Array | None = None) -> Array:
    same = np.real(a) == np.real(b)
    return np.multiply(same, np.ones_like(np.multiply(a, b)), out=out)


def _inverse(x: Array, out: Array | None = None) -> Array:
    there = np.real(x) != 0.0
    return np.multiply(np.divide(1.0, np.where(there, x, np.ones_like(x))), there, out=out)


def _count(vectors: Sequence[Node]) -> Node:
    """How many units the vectors have together."""
    by_dim: dict[str, int] = {}
    for vector in vectors:
        by_dim[vector.dim] = by_dim.get(vector.dim, 0) + 1
    found = [float(times) * length(dim) for dim, times in by_dim.items()]
    return sum(found[1:], start=found[0])


def _averages(x: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    return (1.0 / _count(x),) * len(x)


def _shares(x: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    """1 where a unit is the largest, shared among all that are."""
    same = [call("_equal", part, y) for part in x]
    counts = [summed(one, one.dim) for one in same]
    share = 1.0 / sum(counts[1:], start=counts[0])
    return tuple(one * share for one in same)


def _normalised(args: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    """Of √(var + ε): what layer_norm gives, over n."""
    _, *x = args
    share, mean = 1.0 / _count(x), reduce("average", *x)
    return 0.5 / y, *((part - mean) / y * share for part in x)


JOINED = """def joined(*parts):
    rows = np.broadcast_shapes(*(np.shape(part)[:-1] for part in parts))
    return np.concatenate([np.broadcast_to(part, (*rows, np.shape(part)[-1])) for part in parts], axis=-1)
"""
_LOGSUMEXP = """def logsumexp(x):
    m = np.max(x, axis=-1, keepdims=True)
    return m + np.log(np.sum(np.exp(x - m), axis=-1, keepdims=True))
"""
_INVERSE = """def inverse(x):
    return np.where(x == 0.0, 0.0, 1.0 / np.where(x == 0.0, 1.0, x))
"""


def _named(text: str) -> tuple[str, str]:
    name, rest = text.split("(")
    return text, rf"\mathrm{{{name}}}({rest}"


# fmt: off
_FUNCTIONS = (
    Elementwise(name="_equal", arity=2, numpy=_equal, derivative=lambda a, y: (constant(0.0), constant(0.0)),
                inner=True, text="[{0} = {1}]", latex="[{0} = {1}]", source="({0} == {1})",
                legend=Legend("{f}: 1 where both are equal, otherwise 0.", "{f} ：两者相等处取 1，其余取 0。",
                              ("[a = b]", "[a = b]"), ("0", "0"))),
    Elementwise(name="_inverse", arity=1, numpy=_inverse, derivative=lambda a, y: (-(y * y),),
                inner=True, text="inverse({0})", latex=r"\mathrm{{inverse}}({0})", source="inverse({0})",
                helper=_INVERSE,
                legend=Legend("{f}, taken as 0 where the number is 0.", "{f} ，该数为 0 时取 0。",
                              ("inverse(n) = 1 / n", r"\mathrm{inverse}(n) = \frac{1}{n}"), ("−1 / n²", "-1 / n^{2}"))),
)
_ROWS = (
    Reduction(name="total", numpy=_total, derivative=lambda x, y: (constant(1.0),) * len(x), linear=True,
              text="sum({0})", latex=r"\mathrm{{sum}}({0})", source="np.sum({0}, axis=-1, keepdims=True)",
              legend=Legend("{f}: the sum over the units of all vectors; its derivative by each unit is {d}.",
                            "{f} ：对所有向量的各单元求和；对每个单元的导数都是 {d} 。",
                            _named("sum(a, b)"), ("1", "1"))),
    Reduction(name="average", numpy=_average, derivative=_averages,
              text="mean({0})", latex=r"\mathrm{{mean}}({0})", source="np.mean({0}, axis=-1, keepdims=True)",
              legend=Legend("{f}: the mean over all ‹n› units of the vectors; its derivative by each of them is {d}.",
                            "{f} ：向量全部 ‹n› 个单元的平均值；对每个单元的导数都是 {d} 。",
                            _named("mean(a, b)"), ("1 / n", r"\frac{1}{n}"))),
    Reduction(name="inner_product", numpy=_dot, derivative=_partners, pairs=True, linear=True,
              text="dot({0})", latex=r"\mathrm{{dot}}({0})", source="np.sum({0}, axis=-1, keepdims=True)",
              legend=Legend("{f}: the sum over the units of the elementwise product; its derivative by ‹a› is {d}.",
                            "{f} ：逐元素乘积对各单元求和；对 ‹a› 的导数是 {d} 。",
                            ("dot(a, b)", r"\mathrm{dot}(a, b)"), ("b", "b"))),
    Reduction(name="largest", numpy=_largest, derivative=_shares,
              text="max({0})", latex=r"\mathrm{{max}}({0})", source="np.max({0}, axis=-1, keepdims=True)",
              legend=Legend("{f} is the largest unit of the vectors; its derivative is {d}: all ‹k› units that are "
                            "equal to ‹m› share it evenly.",
                            "{f} 是各向量中最大的单元；其导数为 {d} ：等于 ‹m› 的 ‹k› 个单元均分导数。",
                            ("m = max(a)", r"m = \mathrm{max}(a)"), ("[a = m] / k", "[a = m] / k"))),
    Reduction(name="peak", numpy=_peak, derivative=lambda x, y: (constant(0.0),) * len(x),
              text="max({0})", latex=r"\mathrm{{max}}({0})", source="np.max({0}, axis=-1, keepdims=True)",
              legend=Legend("{f} in an exponent is the largest unit; as it cancels, its derivative is taken as {d}.",
                            "指数中的 {f} 是最大的单元；它会约去，故其导数取为 {d} 。",
                            ("max(a)", r"\mathrm{max}(a)"), ("0", "0"))),
    Reduction(name="norm", numpy=_norm,
              derivative=lambda x, y: tuple(part * call("_inverse", y) for part in x),
              text="norm({0})", latex=r"\left\lVert {0} \right\rVert",
              source="np.sqrt(np.sum(np.square({0}), axis=-1, keepdims=True))",
              legend=Legend("{f}: the root of the sum of all squares; its derivative by ‹a› is {d}, and 0 where the "
                            "norm is 0.",
                            "{f} ：所有平方之和的平方根；对 ‹a› 的导数是 {d} ，范数为 0 时取 0。",
                            ("norm(a)", r"\left\lVert a \right\rVert"),
                            ("a / norm(a)", r"a / \left\lVert a \right\rVert"))),
    Reduction(name="deviation", numpy=_deviation, derivative=_normalised, numbers=1,
              text="√(var({0}) + {1})", latex=r"\sqrt{{\mathrm{{var}}({0}) + {1}}}",
              source="np.sqrt(np.var({0}, axis=-1, keepdims=True) + {1})",
              legend=Legend("{f}: var is the mean of (‹a› − mean)² over all ‹n› units; the derivative of the root ‹s› "
                            "by ‹a› is {d}.",
                            "{f} ：var 是全部 ‹n› 个单元上 (‹a› − mean)² 的平均值；根 ‹s› 对 ‹a› 的导数是 {d} 。",
                            ("s = √(var(a) + ε)", r"s = \sqrt{\mathrm{var}(a) + \varepsilon}"),
                            ("(a − mean(a)) / (s n)", r"\frac{a - \mathrm{mean}(a)}{s\, n}"))),
    Reduction(name="logsumexp", numpy=_logsumexp,
              derivative=lambda x, y: tuple(call("exp", part - y) for part in x),
              text="logsumexp({0})", latex=r"\mathrm{{logsumexp}}({0})", source="logsumexp({0})", helper=_LOGSUMEXP,
              legend=Legend("{f}: the logarithm of the sum of exp(a) over the units.",
                            "{f} ：各单元 exp(a) 之和的对数。",
                            ("logsumexp(a)", r"\mathrm{logsumexp}(a)"), needed=False)),
)
# fmt: on
enter(*_FUNCTIONS, *_ROWS)

REDUCTIONS = Rows(Reduction)
