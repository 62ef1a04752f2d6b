"""The peephole LSTM in JAX: lax.scan under jit, its gradients by jax.vjp; whole updates besides.

Tried and not faster at any point: unrolling the scan (4 and 10 steps). Calls are not dispatched to another thread:
what is measured is one step after the other, and without the hand-over JAX is a little faster.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.problem import PEEPHOLES, Numbers, Problem, unstacked
from benchmarks.sides import jax_updates
from benchmarks.sides.base import Prepared, Variant
from benchmarks.sides.jax_recurrent import outputs, recurrent


class JaxPeephole:
    """See `base.Side`. Variants: the matrices' orientation, in which XLA does not always choose the best."""

    def __init__(self, threads: int) -> None:
        if threads == 1:  # JAX has no setting for it: as many threads as processors that it may use
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import jax

        jax.config.update("jax_cpu_enable_async_dispatch", False)

    def variants(self, task: str) -> Sequence[Variant]:
        return ({"rows": "outputs"}, {"rows": "inputs"})

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        import jax

        transposed = variant["rows"] == "inputs"
        if task == "update":
            return jax_updates.prepare(problem, transposed)
        gates, params = problem.gates, recurrent(problem, problem.weights(), transposed)
        x, r = jax.numpy.asarray(problem.x()), jax.numpy.asarray(problem.r())
        train = jax.jit(lambda params, x, r: _train(params, x, r, transposed))

        def call() -> Any:
            return jax.block_until_ready(train(params, x, r))

        def numbers() -> Numbers:
            y, (grads, dx) = call()
            found: Numbers = {"y": np.asarray(y), "dx": np.asarray(dx)}
            for family in "WUb":
                gradient = np.asarray(grads[family])
                found |= unstacked(gradient.T if transposed and family != "b" else gradient, family, gates)
            return found | {f"dp.{gate}": np.asarray(grads[f"p.{gate}"]) for gate in PEEPHOLES}

        return Prepared(call, numbers, problem.flops("train"))


def _train(params: Any, x: Any, r: Any, transposed: bool) -> Any:
    """y, and the gradients of sum(y * r) with respect to the parameters and x."""
    import jax

    y, pull = jax.vjp(lambda params, x: outputs(params, x, transposed), params, x)
    return y, pull(r)


def make(name: str, threads: int) -> JaxPeephole:
    return JaxPeephole(threads)
