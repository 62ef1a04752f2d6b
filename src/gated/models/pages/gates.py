"""How far gates moved from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def moved(values: NDArray[Any]) -> NDArray[Any]:
    """(T, H) -> (T, H): |gate now − gate before| of every unit; at the first step 0.

    The mean over the units tells at which steps a gate moves, the mean over the steps which units do.
    """
    return np.abs(np.diff(values, axis=0, prepend=values[:1]))
