"""The numbers that stand in programs, and whether a dtype has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.errors import shown, wrong
from gated.language.graph import is_constant
from gated.schedule.schedule import CellSchedule


def require_fit(plan: CellSchedule, dtype: np.dtype[Any]) -> None:
    """Refuse a cell whose numbers the dtype does not have: 1e300 is infinite in float32, 1e-50 is 0.

    What is added so that nothing is divided by 0, or is divided by, must not become 0; so no number of the equations
    may. One that only the derivatives hold (1 / b, for a / b) may become 0 as any gradient may, but not infinite.

    Raises:
        ArgumentError: with the number and the dtype.
    """
    own = {node for node in plan.graph.order if is_constant(node)}
    for node in plan.level:
        if not is_constant(node):
            continue
        with np.errstate(all="ignore"):
            value = float(np.asarray(node.attr, dtype).real)
        becomes_zero = value == 0.0 != node.attr and node in own
        if not becomes_zero and (np.isfinite(value) or not np.isfinite(node.attr)):
            continue
        where = "the equations" if node in own else "the derivatives"
        limits = np.finfo(dtype)
        raise wrong(
            "dtype",
            f"{dtype}, in which the number {node.attr} in {where} of the cell {shown(plan.graph.name)} is {value:g}",
            f"'float64', or numbers between {limits.tiny:.1e} and {limits.max:.1e}",
        )
