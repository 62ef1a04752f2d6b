"""The peephole LSTM's recurrence as one writes it in JAX: lax.scan."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import PEEPHOLES, Numbers, Problem, stacked


def recurrent(problem: Problem, weights: Numbers, transposed: bool) -> dict[str, Any]:
    """The layer's parameters, the gates one above the other in W, U and b; `transposed` has them side by side."""
    import jax

    arrays = {family: stacked(weights, family, problem.gates) for family in "WUb"}
    if transposed:
        arrays |= {family: np.ascontiguousarray(arrays[family].T) for family in "WU"}
    arrays |= {f"p.{gate}": weights[f"p.{gate}"] for gate in PEEPHOLES}
    return {name: jax.numpy.asarray(value) for name, value in arrays.items()}


def outputs(params: Any, x: Any, transposed: bool) -> Any:
    """y (T, N, H) of x (T, N, D), from the zero state."""
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
