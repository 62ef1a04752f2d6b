"""Plain numbers as they may stand in equations, for the generators of random cells: texts in the place of # and ~."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import gated

# What a person writes, of every kind that counts as a number; some fold before the equations are traced.
ORDINARY = [
    "2",
    "-3",
    "0.5",
    "1 / 3",
    "2.0 / sqrt(2.0)",
    "tanh(0.4) * 3",
    "np.sqrt(0.5)",
    "np.float32(0.1)",
    "np.float16(-0.25)",
    "np.int8(-2)",
    "np.uint64(3)",
    "np.longdouble(0.3)",
    "np.array(0.7)",
    "np.array(2)",
    "np.array(-1.5, dtype='float32')",
    "np.arange(3)[1]",
]
ZERO = ["0", "-0.0", "np.int32(0)", "np.array(0.0)"]
# 1e-40 is subnormal in float32, 2.3e-308 and 5e-324 in float64
TINY = ["1e-300", "5e-324", "2.3e-308", "np.float64(1e-310)", "1e-40", "np.float32(1e-45)"]
HUGE = ["1e300", "-1e300", "np.array(1e300)", "10**200", "np.float32(3e38)"]
NOT_FINITE = ["np.inf", "-float('inf')", "np.float32('nan')", "np.array(np.inf)", "10**400", "np.longdouble('1e400')"]

# Both sides of every operator. # is any number, ~ one that may be divided by.
FORMS = {
    "number +": "# + ({})",
    "+ number": "({}) + #",
    "number -": "# - ({})",
    "- number": "({}) - #",
    "number *": "# * ({})",
    "* number": "({}) * #",
    "/ number": "({}) / ~",
    "number /": "# / (2.5 + tanh({}))",
    "/ number /": "(({}) / ~) / ~",
    "number, maximum": "maximum(#, {})",
    "minimum, number": "minimum({}, #)",
    "number of numbers": "exp(# / 10) * ({})",
}
# Where it does no harm that a number is near 0 or far from it: T and G stand for these.
EXTREME = {
    "tiny +": "T + ({})",
    "- tiny": "({}) - T",
    "* tiny": "({}) * T",
    "tiny /": "T / (2.5 + tanh({}))",
    "/ huge": "({}) / G",
    "huge, maximum": "maximum(-abs(G), {})",
    "minimum, huge": "minimum({}, abs(G))",
}
SATURATED = {"huge *": "tanh(G * ({}))", "tanh of huge": "sigmoid(({}) - G)", "/ tiny": "tanh(({}) / 1e-300)"}


def filled(template: str, pick: Callable[[list[str]], str]) -> str:
    """A template with numbers; `pick` chooses one of a list."""
    pools = {"#": ORDINARY + ZERO, "~": ORDINARY, "T": TINY, "G": HUGE}
    return "".join(pick(pools[c]) if c in pools else c for c in template)


def fits_float32(cell: gated.Cell) -> bool | None:
    """Whether float32 has the numbers of the equations; None if it has, but not the reciprocal of each."""
    numbers = np.array([node.attr for node in cell.graph.order if node.op == "constant" and node.attr != 0.0])
    with np.errstate(all="ignore"):
        rounded = numbers.astype("float32")
        if not np.isfinite(rounded).all() or (rounded == 0).any():
            return False
        return True if np.isfinite(1 / rounded).all() else None
