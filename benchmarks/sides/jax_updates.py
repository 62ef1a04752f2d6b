"""Whole updates of a language model in JAX, as one writes them: one jitted step, optax's Adam and clipping.

The step's new parameters and moments take the memory of the old ones (donated buffers). Tried and not faster: the
embedding as a product with one-hot rows; the scan unrolled (4 steps).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import language
from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Prepared
from benchmarks.sides.jax_recurrent import outputs, recurrent


def prepare(problem: Problem, transposed: bool) -> Prepared:
    """One call is one update on the next batch, complete with its loss.

    Args:
        transposed: the matrices lie with their inputs as rows, that of the head too.
    """
    import jax
    import optax

    optimizer = optax.chain(optax.clip_by_global_norm(language.CLIP), optax.adam(language.RATE))
    step = _step(optimizer, transposed)

    def run() -> Callable[[], float]:
        """A training that has not begun: each call is its next update, and returns the loss."""
        params = _parameters(problem, transposed)
        kept = [params, optimizer.init(params)]
        turn = language.Turn([tuple(map(jax.numpy.asarray, pair)) for pair in language.batches(problem)])

        def update() -> float:
            *kept[:], loss = jax.block_until_ready(step(*kept, *turn.next()))
            return float(loss)

        return update

    def numbers() -> Numbers:
        update = run()
        return {"losses": np.array([update() for _ in range(language.UPDATES)])}

    return Prepared(run(), numbers)


def _parameters(problem: Problem, transposed: bool) -> dict[str, Any]:
    import jax

    weights = language.weights(problem)
    head = weights["head"].T if transposed else weights["head"]
    own = {"embed": weights["embed"], "head": np.ascontiguousarray(head), "bias": weights["bias"]}
    return recurrent(problem, weights, transposed) | {name: jax.numpy.asarray(value) for name, value in own.items()}


def _step(optimizer: Any, transposed: bool) -> Any:
    """(parameters, moments, ids, targets) -> (parameters, moments, loss), compiled at its first call."""
    import jax
    import optax

    def loss(params: Any, ids: Any, target: Any) -> Any:
        y = outputs(params, params["embed"][ids], transposed)
        logits = y @ (params["head"] if transposed else params["head"].T) + params["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, target).mean()

    def step(params: Any, kept: Any, ids: Any, target: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, ids, target)
        changes, kept = optimizer.update(grads, kept, params)
        return optax.apply_updates(params, changes), kept, value

    return jax.jit(step, donate_argnums=(0, 1))
