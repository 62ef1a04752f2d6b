"""Few sequences over two threads: sequences shared (7 are 4 and 3) beside the columns of every block shared.

    python -m benchmarks.shared_columns

Where columns are shared both threads have equally much to do and read a part of the matrices each, but meet in every
step. The outputs must be the same to the bit before anything is timed. It looks behind the curtain: how threads share
is decided by `groups.cut`, in whose place the benchmark puts its own. A star: there the library shares the columns, if
threads meet soon enough.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

STEPS, THREADS, SEED = 100, 2, 0
HIDDEN, SEQUENCES = (64, 128, 160, 192, 256, 512), (1, 2, 3, 4, 5, 7, 8, 12, 16, 24)
SECONDS, LEAST = 1.0, 15  # of each point, and pairs


class Way:
    """One way to share, with plans of its own."""

    def __init__(self, columns: bool) -> None:
        from gated.backends.native.tuning import tuning_for
        from gated.lru import Lru

        self.columns = columns
        self.plans: Any = Lru(tuning_for().plans_kept)
        self.kept: Any = Lru(tuning_for().all_kept, lambda prepared: prepared.bytes)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Everything inside is shared in this way."""
        from gated.backends.native.passes import inference, inference_plan, pass_plan

        with (
            patch.object(pass_plan, "cut", self._cut),
            patch.object(inference_plan, "_cache", self.plans),
            patch.object(inference, "_kept", self.kept),
        ):
            yield

    def _cut(self, graph: Any, sizes: Any, rows: int, sequences: int, region: Any, equal: bool, team: Any) -> Any:
        from gated.backends.native.threads.groups import Cut
        from gated.backends.native.threads.pool import even_edges

        if self.columns:
            return Cut(team.threads, (0, sequences), True)
        members = min(team.threads, sequences)
        return Cut(members, (0, sequences) if members == 1 else even_edges(sequences, members))


def ratios(layer: Any, sequences: int, seconds: float = SECONDS) -> list[float]:
    """The time with shared sequences over the time with shared columns, of every pair of calls of `infer`."""
    x = np.random.default_rng(SEED).standard_normal((STEPS, sequences, layer.input_size)).astype(np.float32)
    ways = Way(False), Way(True)
    outputs = []
    for way in ways:
        with way.taken():
            outputs.append(layer.infer(x)[0].copy())
    if not np.array_equal(*outputs):
        raise AssertionError(f"H = {layer.hidden_size}, N = {sequences}: other bits with shared columns")
    found: list[float] = []
    end = time.monotonic() + seconds
    while len(found) < LEAST or time.monotonic() < end:
        times = {}
        for way in ways if len(found) % 2 else ways[::-1]:
            with way.taken():
                layer.infer(x)
                begin = time.perf_counter()
                layer.infer(x)
                times[way.columns] = time.perf_counter() - begin
        found.append(times[False] / times[True])
    return found


def main() -> None:
    """Print a line for every size."""
    import gated
    from gated.backends.native.threads.groups import columns_pay
    from gated.backends.native.threads.pool import pool

    gated.set_num_threads(THREADS)
    print(f"infer, float32, T = {STEPS}, {THREADS} threads: shared sequences' time over shared columns'")
    for kind in (gated.LSTM, gated.GRU):
        for hidden in HIDDEN:
            layer = kind(hidden, hidden, seed=SEED, backend="native")
            print(f"threads meet within {pool().latency():.0f} ns")
            for sequences in SEQUENCES:
                low, middle, high = statistics.quantiles(ratios(layer, sequences))
                star = " *" if sequences < THREADS or columns_pay(layer.theta.nbytes, sequences) else ""
                name = f"{kind.__name__} H = {hidden:3}, N = {sequences:2}"
                print(f"{name}: {middle:.2f} ({low:.2f} to {high:.2f}){star}", flush=True)


if __name__ == "__main__":
    main()
