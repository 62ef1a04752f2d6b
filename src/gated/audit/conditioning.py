"""How much a run amplifies rounding: what two computations that are both right may differ by.

Every operation rounds, which is as if its arguments were others by a few units in the last place. What that does to the
results is measured in two ways: all numbers that go in are changed by a little, at random; and all is computed in
float32, where every number in between is rounded too (1 - tanh² has no digits left where tanh is nearly 1).

Legend: as in `runs`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gated.audit.runs import Array, Run, passes
from gated.errors import ArgumentError
from gated.nn import Recurrent

CHANGE = 2.0**-36  # relative: far above rounding, and so small that the results change in proportion
EPSILON = 2.0**-23  # of float32
WELL = 1000.0  # up to here 1e-12 is more than rounding comes to


def amplification(run: Run) -> float:
    """The relative change of the results of a run, over that of the numbers. 1.0 where NaN or inf comes out.

    Of outputs, last states and gradients, each array relative to its own norm.
    """
    rng = np.random.default_rng(0)

    def changed(array: Array) -> Array:
        return array * (1 + CHANGE * rng.uniform(-1, 1, array.shape))

    with np.errstate(all="ignore"):
        before = _results(run, changed=np.asarray)
        found = [max(map(_distance, before, _results(run, changed))) / CHANGE]
        try:
            coarse = run.layer.astype("float32")
        except ArgumentError:  # it does not hold a number of the equations
            pass
        else:
            exact = _results(run, lambda array: array.astype("f4").astype("f8"))
            found.append(max(map(_distance, exact, _results(run, lambda array: array.astype("f4"), coarse))) / EPSILON)
    return max([1.0, *(factor for factor in found if np.isfinite(factor))])


def _results(run: Run, changed: Callable[[Array], Array], layer: Recurrent | None = None) -> list[Array]:
    """All results of a layer, the run's own if None, with other numbers."""
    used = run.layer.astype(run.layer.dtype) if layer is None else layer
    used.theta[...] = changed(run.layer.theta)
    return [array for found in passes(used, run, changed) for array in found.values()]


def _distance(before: Array, after: Array) -> float:
    return float(np.linalg.norm(after - before) / (np.linalg.norm(before) or 1.0))
