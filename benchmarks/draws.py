"""What chance costs: training steps of a zoneout LSTM, whose draws are made anew at every step, beside the LSTM's.

    python -m benchmarks.draws

Zoneout (Krueger et al. 2017) draws two numbers for every unit, step and sequence. A step is `forward` with a generator
and `backward`; both layers take turns, and of the ratios of their times the quartiles are printed.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

STEPS, HIDDEN, SEED = 100, 128, 0
SEQUENCES, THREADS = (16, 64), (1, 2)
SECONDS, LEAST = 5.0, 15  # of each point, and pairs


def zoneout_layer() -> Any:
    """A layer of the zoneout LSTM."""
    import gated

    return gated.Recurrent(gated.cells.zoneout_lstm, HIDDEN, HIDDEN, seed=SEED)


def ratios(sequences: int, seconds: float = SECONDS) -> list[float]:
    """The time of a step with draws over that of a step of the LSTM, of every pair."""
    import gated

    numbers = np.random.default_rng(SEED)
    x = numbers.standard_normal((STEPS, sequences, HIDDEN)).astype(np.float32)
    sides = {"lstm": (gated.LSTM(HIDDEN, HIDDEN, seed=SEED), None), "zoneout": (zoneout_layer(), numbers)}
    found: list[float] = []
    end = time.monotonic() + seconds
    while len(found) < LEAST or time.monotonic() < end:
        times = {}
        for name in sides if len(found) % 2 else reversed(sides):
            layer, rng = sides[name]
            begin = time.perf_counter()
            y, _, tape = layer.forward(x, rng=rng)
            layer.backward(tape, y)
            times[name] = time.perf_counter() - begin
        found.append(times["zoneout"] / times["lstm"])
    return found


def main() -> None:
    """Print a line for every size."""
    import gated

    print(f"forward and backward, float32, T = {STEPS}, H = {HIDDEN}: the zoneout LSTM's time over the LSTM's")
    for threads in THREADS:
        gated.set_num_threads(threads)
        for sequences in SEQUENCES:
            low, middle, high = statistics.quantiles(ratios(sequences)[2:])
            print(f"N = {sequences:2}, threads: {threads}: {middle:.2f} ({low:.2f} to {high:.2f})", flush=True)


if __name__ == "__main__":
    main()
