"""The update rules as machine code: one pass over theta, the gradient g and the buffers.

What comes out is defined by `gated.backends.reference.updates`; here are the same operations in the same order. A rule
with options is several kernels, of which each has only what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import llvmlite.ir as ir

from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.codegen.vectors import Elementwise, Lanes, emit_elementwise


def _sgd(
    theta: Lanes,
    g: Lanes,
    lr: Lanes,
    momentum: Lanes | None = None,
    weight_decay: Lanes | None = None,
    v: Lanes | None = None,
    nesterov: bool = False,
) -> tuple[Lanes, ...]:
    direction = g if weight_decay is None else g + theta * weight_decay
    if v is None or momentum is None:
        return (theta - direction * lr,)
    v = v * momentum + direction
    direction = direction + v * momentum if nesterov else v
    return theta - direction * lr, v


def _rmsprop(
    theta: Lanes,
    s: Lanes,
    g: Lanes,
    lr: Lanes,
    alpha: Lanes,
    rest: Lanes,
    eps: Lanes,
    momentum: Lanes | None = None,
    v: Lanes | None = None,
) -> tuple[Lanes, ...]:
    s = s * alpha + g * g * rest
    direction = g / (s.root() + eps)
    if v is None or momentum is None:
        return theta - direction * lr, s
    v = v * momentum + direction
    return theta - v * lr, s, v


def _adam(
    theta: Lanes,
    m: Lanes,
    s: Lanes,
    g: Lanes,
    b1: Lanes,
    rest1: Lanes,
    b2: Lanes,
    rest2: Lanes,
    root: Lanes,
    eps: Lanes,
    lr: Lanes,
    decay: Lanes | None = None,
) -> tuple[Lanes, ...]:
    """rest = 1 - b; root = sqrt(1 - b2^k); lr here is the rate / (1 - b1^k)."""
    theta = theta if decay is None else theta * decay
    m = m * b1 + g * rest1
    s = s * b2 + g * g * rest2
    return theta - m / (s.root() / root + eps) * lr, m, s


def _sgd_kernel(momentum: str, decay: bool) -> Elementwise:
    changed = ("theta", "v") if momentum else ("theta",)
    numbers = ("lr", *(["momentum"] if momentum else []), *(["weight_decay"] if decay else []))
    return _rule(changed, numbers, partial(_sgd, nesterov=momentum == "nesterov"))


def _rule(changed: tuple[str, ...], numbers: tuple[str, ...], formula: Callable[..., tuple[Lanes, ...]]) -> Elementwise:
    return Elementwise(changed, ("g",), numbers, formula, scaled="g")


_RMSPROP = "lr", "alpha", "rest", "eps"
_ADAM = "b1", "rest1", "b2", "rest2", "root", "eps", "lr"
KERNELS = {
    "sgd": _sgd_kernel("", False),
    "sgd_decay": _sgd_kernel("", True),
    "sgd_momentum": _sgd_kernel("momentum", False),
    "sgd_momentum_decay": _sgd_kernel("momentum", True),
    "sgd_nesterov": _sgd_kernel("nesterov", False),
    "sgd_nesterov_decay": _sgd_kernel("nesterov", True),
    "rmsprop": _rule(("theta", "s"), _RMSPROP, _rmsprop),
    "rmsprop_momentum": _rule(("theta", "s", "v"), (*_RMSPROP, "momentum"), _rmsprop),
    "adam": _rule(("theta", "m", "s"), _ADAM, _adam),
    "adam_decay": _rule(("theta", "m", "s"), (*_ADAM, "decay"), _adam),
}


def emit_updates(module: ir.Module, math: VectorMath) -> None:
    """Add a function for each of KERNELS to a module."""
    for name, kernel in KERNELS.items():
        emit_elementwise(module, math, name, kernel)
