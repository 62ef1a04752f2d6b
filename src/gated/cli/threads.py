"""How many threads gated uses, and the library of matrix products beside it."""

from __future__ import annotations

import os

from gated.errors import ArgumentError

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_threads(count: int | None) -> None:
    """Tell the libraries before numpy loads them, for afterwards it has no effect; and gated itself.

    None: as many as there are processors for gated's own code, one for the libraries. The products of one time step
    are small: several threads of a library gain nothing on them, wait for each other actively, and lose a lot where
    other programs run.
    """
    if count is not None and count < 1:
        raise ArgumentError(f"threads: got {count}, expected at least 1")
    for name in VARIABLES:
        os.environ[name] = str(count or 1)
    if count is not None:
        from gated import set_num_threads  # it loads numpy

        set_num_threads(count)
