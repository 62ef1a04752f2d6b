"""What is decided by values, and what is held: comparisons, where, clip, hold. Their rows in the book of operations.

A comparison is 1 where it holds and 0 elsewhere, also where one side is NaN; it stands in the condition of `where` and
nowhere else. What is decided, is decided by the real part, so that a complex step decides as its real part does; what
is held has no imaginary part. The branch that is not taken counts for nothing: neither its value nor its slope, be they
NaN or infinite, is multiplied by 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gated.language.graph import Node, call, constant, is_constant
from gated.language.operations import COMPARE, Elementwise, Legend, enter

Array = np.ndarray[Any, Any]
NOTHING = constant(0.0)


class Choice(Elementwise):
    """where(condition, p, q)."""

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        condition, *_ = node.args
        return [NOTHING, taken(condition, adjoint), spared(condition, adjoint)]

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        condition, p, q = node.args
        return choice(condition, moved[p], moved[q])


def greater(a: Node, b: Node) -> Node:
    """The condition a > b."""
    return call("greater", a, b)


def choice(condition: Node, p: Node, q: Node) -> Node:
    if is_constant(condition):
        return p if condition.attr else q
    return p if p is q else call("where", condition, p, q)


def taken(condition: Node, term: Node) -> Node:
    """The term where the condition holds, otherwise 0."""
    return choice(condition, term, NOTHING)


def spared(condition: Node, term: Node) -> Node:
    """The term where the condition does not hold, otherwise 0."""
    return choice(condition, NOTHING, term)


def kept(adjoint: Node, term: Node) -> Node:
    """A term of an adjoint, made of another adjoint: 0 where that is 0, even if the slope is not finite."""
    others = [arg for arg in term.args if arg is not adjoint]
    is_scaled = (term.operation.signs or term.operation.multiplies) and adjoint in term.args
    if term is adjoint or is_constant(adjoint) or is_constant(term) or (is_scaled and all(map(is_constant, others))):
        return term
    return call("_kept", adjoint, term)


def masked(adjoint: Node) -> tuple[Callable[[Node], Node], Node] | None:
    """Of an adjoint that is 0 in one branch: what makes others so too, and what it is in the other branch."""
    if not adjoint.operation.branches:
        return None
    condition, p, q = adjoint.args
    if is_constant(q, 0.0):
        return (lambda term: taken(condition, term)), p
    if is_constant(p, 0.0):
        return (lambda term: spared(condition, term)), q
    return None


def _placed(value: Array, like: Any, out: Array | None) -> Array:
    value = value.astype(np.result_type(*like), copy=False)
    if out is None:
        return value
    np.copyto(out, value)
    return out


def _compared(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    def compare(a: Array, b: Array, out: Array | None = None) -> Array:
        return _placed(np.asarray(ufunc(np.real(a), np.real(b))), (a, b), out)

    return compare


def where(condition: Array, p: Array, q: Array, out: Array | None = None) -> Array:
    return _placed(np.where(np.real(condition) != 0.0, p, q), (p, q, condition), out)


def clip(a: Array, low: Array, high: Array, out: Array | None = None) -> Array:
    # not NumPy's: of complex numbers it decides by the imaginary part too
    above = np.where(np.real(a) > np.real(high), high, a)
    return _placed(np.where(np.real(a) < np.real(low), low, above), (a, low, high), out)


def _within(a: Array, low: Array, high: Array, out: Array | None = None) -> Array:
    inside = (np.real(a) >= np.real(low)) & (np.real(a) <= np.real(high))
    return _placed(np.asarray(inside), (a, low, high), out)


def hold(a: Array, out: Array | None = None) -> Array:
    return _placed(np.array(np.real(a)), (a,), out)


def _kept(adjoint: Array, term: Array, out: Array | None = None) -> Array:
    return _placed(np.where(np.equal(adjoint, 0.0), np.zeros_like(term), term), (adjoint, term), out)


def _clip_slopes(a: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    value, low, high = a
    below, above = call("less", value, low), call("greater", value, high)
    one = constant(1.0)
    return call("_within", *a), taken(below, one), spared(below, taken(above, one))


def _crossed(values: Sequence[float | None]) -> str | None:
    _, low, high = values
    if low is None or high is None or low <= high:
        return None
    return f"between {low} and {high}: the low end is above the high one"


def _comparison(name: str, operator: str, ufunc: Any, signs: tuple[str, str, str]) -> Elementwise:
    text, latex, source = signs
    return Elementwise(
        name=name,
        arity=2,
        numpy=_compared(ufunc),
        derivative=lambda a, y: (NOTHING, NOTHING),
        text=f"{{0}} {text} {{1}}",
        latex=f"{{0}} {latex} {{1}}",
        source=f"{{0}} {source} {{1}}",
        precedence=COMPARE,
        operator=operator,
        ufuncs=(ufunc.__name__,),
        decides=True,
        jumps=lambda a: (a[0] - a[1],),
        legend=Legend(
            "{f}: what decides; false where a side is NaN.",
            "{f} ：判断条件；有一边为 NaN 时不成立。",
            (f"a {text} b", f"a {latex} b"),
            needed=False,
        ),
    )


# fmt: off
ROWS = (
    _comparison("less", "lt", np.less, ("<", "<", "<")),
    _comparison("less_equal", "le", np.less_equal, ("≤", r"\leq", "<=")),
    _comparison("greater", "gt", np.greater, (">", ">", ">")),
    _comparison("greater_equal", "ge", np.greater_equal, ("≥", r"\geq", ">=")),
    Choice(name="where", arity=3, numpy=where, branches=(1, 2), build=choice,
           derivative=lambda a, y: (NOTHING, taken(a[0], constant(1.0)), spared(a[0], constant(1.0))),
           text="where({0}, {1}, {2})", latex=r"\mathrm{{where}}({0}, {1}, {2})", source="np.where({0}, {1}, {2})",
           usage="where(a > b, p, q)",
           public="p where the comparison holds, otherwise q; a comparison with NaN does not hold. "
                  "The branch that is not taken has the derivative 0, whatever stands in it.",
           legend=Legend("{f}: p where the comparison c holds, otherwise q. The adjoint goes to the branch that was "
                         "taken: this is what the factors {d} say.",
                         "{f} ：条件 c 成立处取 p，否则取 q。伴随只传给被选中的分支：因子 {d} 说的就是这一点。",
                         ("where(c, p, q)", r"\mathrm{where}(c, p, q)"),
                         ("where(c, 1, 0), where(c, 0, 1)",
                          r"\mathrm{where}(c, 1, 0),\ \mathrm{where}(c, 0, 1)"))),
    Elementwise(name="clip", arity=3, numpy=clip, derivative=_clip_slopes, verb="clip", fault=_crossed,
                jumps=lambda a: (a[0] - a[1], a[0] - a[2]),
                text="clip({0}, {1}, {2})", latex=r"\mathrm{{clip}}({0}, {1}, {2})",
                source="np.clip({0}, {1}, {2})", usage="clip(a, low, high)",
                public="a, but not below low and not above high, with derivative 1 at both ends, as torch.clamp's.",
                legend=Legend("{f}: a, but not below l and not above u. Its derivative is {d}: 1 between the ends and "
                              "at them, otherwise 0.",
                              "{f} ：把 a 限制在 l 与 u 之间。其导数为 {d} ：两端之间（含两端）取 1，其余取 0。",
                              ("clip(a, l, u)", r"\mathrm{clip}(a, l, u)"),
                              ("[l ≤ a ≤ u]", r"[l \leq a \leq u]"))),
    Elementwise(name="hold", arity=1, numpy=hold, derivative=lambda a, y: (NOTHING,),
                text="hold({0})", latex=r"\mathrm{{hold}}({0})", source="hold({0})",
                helper="def hold(x):\n    return x  # its derivative is taken as 0\n",
                public="The value of a, with derivative 0.",
                legend=Legend("{f}: the value of a; its derivative is taken as {d}.", "{f} ：a 的值；其导数取为 {d} 。",
                              ("hold(a)", r"\mathrm{hold}(a)"), ("0", "0"))),
    Elementwise(name="_within", arity=3, numpy=_within, derivative=lambda a, y: (NOTHING,) * 3, inner=True,
                text="[{1} ≤ {0} ≤ {2}]", latex=r"[{1} \leq {0} \leq {2}]",
                source="np.where(({0} >= {1}) & ({0} <= {2}), 1.0, 0.0)",
                legend=Legend("{f}: 1 where a is between l and u, or one of them, otherwise 0.",
                              "{f} ：a 在 l 与 u 之间（含两端）取 1，其余取 0。",
                              ("[l ≤ a ≤ u]", r"[l \leq a \leq u]"), needed=False)),
    Elementwise(name="_kept", arity=2, numpy=_kept, inner=True,
                derivative=lambda a, y: (NOTHING, call("_kept", a[0], constant(1.0))),
                text="[{0} ≠ 0] ⊙ ({1})", latex=r"[{0} \neq 0] \odot \left({1}\right)",
                source="np.where({0} == 0.0, 0.0, {1})",
                legend=Legend("Where a branch is not taken, the adjoint {f} of what stands in it is 0, and so is every "
                              "term that is made of it, even where its slope {d} is infinite or NaN.",
                              "未被选中的分支中，各量的伴随 {f} 为 0，由它得到的各项也都为 0，"
                              "即使斜率 {d} 为无穷或 NaN。",
                              ("da", r"\mathrm{d}a"), ("∂a/∂b", r"\frac{\partial a}{\partial b}"))),
)
# fmt: on
enter(*ROWS)
