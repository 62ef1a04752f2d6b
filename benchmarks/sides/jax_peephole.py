"""The peephole LSTM as one writes it in JAX: lax.scan under jit, its gradients by jax.vjp.

Tried and not faster at any point: unrolling the scan (4 and 10 steps). Calls are not dispatched to another thread:
what is measured is one step after the other, and without the hand-over JAX is a little faster.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.problem import PEEPHOLES, Numbers, Problem, stacked, unstacked
from benchmarks.sides.base import Prepared, Variant


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
        weights, gates = problem.weights(), problem.gates
        arrays = {family: stacked(weights, family, gates) for family in "WUb"}
        arrays |= {f"p.{gate}": weights[f"p.{gate}"] for gate in PEEPHOLES}
        if transposed:
            arrays |= {family: np.ascontiguousarray(arrays[family].T) for family in "WU"}
        params = {name: jax.numpy.asarray(value) for name, value in arrays.items()}
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

    y, pull = jax.vjp(lambda params, x: _layer(params, x, transposed), params, x)
    return y, pull(r)


def _layer(params: Any, x: Any, transposed: bool) -> Any:
    import jax

    w, u = (params[family] if transposed else params[family].T for family in "WU")
    zeros = jax.numpy.zeros((x.shape[1], u.shape[0]), x.dtype)

    def step(state: Any, wx: Any) -> Any:
        h, c = state
        i, f, g, o = jax.numpy.split(wx + h @ u, 4, axis=1)
        i = jax.nn.sigmoid(i + params["p.i"] * c)
        f = jax.nn.sigmoid(f + params["p.f"] * c)
        c = f * c + i * jax.numpy.tanh(g)
        o = jax.nn.sigmoid(o + params["p.o"] * c)
        h = o * jax.numpy.tanh(c)
        return (h, c), h

    return jax.lax.scan(step, (zeros, zeros), x @ w + params["b"])[1]


def make(name: str, threads: int) -> JaxPeephole:
    return JaxPeephole(threads)
