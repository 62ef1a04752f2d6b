"""How many threads the library of matrix products uses."""

from __future__ import annotations

import os

from gated.errors import ArgumentError

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_threads(count: int) -> None:
    """Tell the libraries before numpy loads them; afterwards it has no effect.

    The products of one time step are small. Several threads gain nothing on them, wait for each
    other actively, and lose a lot where other programs run; and with one thread the numbers are
    the same on machines with any number of cores.
    """
    if count < 1:
        raise ArgumentError(f"threads: got {count}, expected at least 1")
    for name in VARIABLES:
        os.environ[name] = str(count)
