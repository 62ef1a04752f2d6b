"""A gradient check of their own, on weights so small that it hides nearly everything: what it would have shown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.subject import Subject
from gated.audit.foreign.truth import truth

Array = np.ndarray[Any, Any]
TINY = 2e-3  # gates on such weights stand at 1/2 to three digits
WRONG = 1e-6
DRAWS = {"randn", "standard_normal", "rand", "random", "normal", "uniform", "random_sample"}


def scale_of(subject: Subject) -> float | None:
    """The size of the weights that their code draws: of their constructor or initialiser, else in its text."""
    try:
        drawn = subject.drawn(3, 2)
    except Exception:  # noqa: BLE001 - whatever their code raises
        drawn = {}
    sizes = [float(np.sqrt(np.mean(np.square(v)))) for v in drawn.values() if np.ndim(v) == 2 and 1 not in np.shape(v)]
    source = getattr(subject, "source", None)
    written = list(_written(source.tree)) if source is not None else []
    if not sizes or max(sizes) == 0:
        return min(written, default=None)
    size = max(sizes)
    return next((w for w in sorted(written) if size / 3 < w < 3 * size), size)


def _written(tree: ast.AST) -> Iterator[float]:
    """Numbers with which random draws are multiplied, and bounds and deviations that they are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for number, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(number, ast.Constant) and isinstance(number.value, float) and _is_draw(other):
                    yield abs(number.value)
        if _is_draw(node) and isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("normal", "uniform"):
            given = [*node.args[1:2], *(k.value for k in node.keywords if k.arg in ("scale", "high"))]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, float) and value.value > 0:
                    yield value.value


def _is_draw(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWS


def hidden(subject: Subject, scale: float) -> tuple[str, ...] | None:
    """Of the gradient that is wrong on ordinary weights and looks best on theirs: its name, the relative error on each,
    and the entry of the largest difference as their check would print it: right, theirs. None: nothing is wrong."""
    rng = np.random.default_rng(13)
    ordinary = draw(subject, 3, 1, 3, 2, rng)
    P: dict[str, Array] = {}
    for name, value in ordinary.P.items():
        matrix = value.ndim == 2 and 1 not in value.shape
        P[name] = np.asarray(matrix * scale * rng.standard_normal(value.shape))
    tiny = Draw(P, ordinary.x, {s: np.zeros(v.shape) for s, v in ordinary.states.items()})
    at_ordinary, at_tiny = _gradients(subject, ordinary), _gradients(subject, tiny)
    best, most = None, np.inf
    for name in P:
        if name not in at_ordinary or name not in at_tiny or not np.any(at_tiny[name][0]):
            continue
        right, theirs = at_tiny[name]
        error, small = _error(*at_ordinary[name]), _error(right, theirs)
        if error > WRONG and small / error < most:
            place = np.unravel_index(np.argmax(np.abs(right - theirs)), right.shape)
            best, most = (
                (name, f"{error:.2g}", f"{small:.2g}", f"{right[place]:.4e}", f"{theirs[place]:.4e}"),
                small / error,
            )
    return best


def _gradients(subject: Subject, at: Draw) -> dict[str, tuple[Array, Array]]:
    """Right and theirs, of the sum of their outputs, or of the last one's."""
    right = truth(subject, at)
    dy = np.ones(right.y.shape)
    if subject.last_only:
        dy[:-1] = 0.0
    theirs, exact = subject.backward(at.P, at.x, at.states, dy), right.gradient(dy)
    return {
        n: (exact[n], np.reshape(v, exact[n].shape))
        for n, v in theirs.items()
        if n in exact and np.size(v) == exact[n].size
    }


def _error(right: Array, theirs: Array) -> float:
    return float(np.linalg.norm(theirs - right) / max(float(np.linalg.norm(right)), 1e-300))
