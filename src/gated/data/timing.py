"""Timing tasks, for which peepholes were invented: measure a distance in time, keep it, draw a periodic curve.

All three are of Gers, Schraudolph & Schmidhuber, Learning precise timing with LSTM recurrent networks, 2002. T steps,
N sequences, D = 1 input, K = 1 output; steps are counted from 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gated.data.sequences import Sequences, within
from gated.data.task_batch import at_least, generator_of
from gated.errors import describe, wrong, wrong_type
from gated.number_checks import one_of


def measuring_spike_distances(
    count: int,
    rng: np.random.Generator | int,
    period: int = 10,
    delays: Sequence[int] = (0, 1),
    spikes: int = 1,
) -> Sequences:
    """How long was the wait? The MSD task: a train of spikes, and at each the network tells the delay before it.

    Spike n = 1, 2, ... is step number T(n) = T(n-1) + F + I(n), T(0) = 0, where F is `period` and I(n) is drawn from
    `delays` with equal chances. Step number s has index s - 1: before each spike there are F + I(n) - 1 steps of
    silence, and the sequence ends with its last spike. At a spike the target is I(n); between them none is asked for.
    `spikes` = 1 is the paper's NMSD, where each sequence has one spike; its continual trains had 100 to learn from
    and 1000 to be tested with. The paper counts an answer as right within 0.49.

    x (T, N, 1): 1 at spikes, else 0; target (T, N, 1); the mask is True at the spikes.

    Raises:
        ArgumentError, ArgumentTypeError: count, period or spikes below 1, no delay, or one below 0.
    """
    waits, delay = _intervals(count, rng, period, delays, spikes)
    x, ends, lengths = _spike_train(waits)
    target = np.zeros_like(x)
    target[ends, np.arange(count), 0] = delay
    return Sequences(x, target, lengths, x[..., 0] == 1)


def generating_timed_spikes(
    count: int,
    rng: np.random.Generator | int,
    period: int = 10,
    delays: Sequence[int] = (0,),
    spikes: int = 10,
) -> Sequences:
    """Wait for just so long: the GTS task, MSD with input and target exchanged. The spikes are the target now.

    The spike train and the parameters are those of `measuring_spike_distances`. The input is I(n) at the first step of
    interval n, right after the spike before (at index 0 for the first), and 0 at all others: that instant is our
    reading of the paper. With `delays` = (0,) there is no input at all and the network has to be its own clock.

    x (T, N, 1); target (T, N, 1): 1 at spikes, else 0; the mask is True up to each sequence's last spike.

    Raises:
        ArgumentError, ArgumentTypeError: count, period or spikes below 1, no delay, or one below 0.
    """
    waits, delay = _intervals(count, rng, period, delays, spikes)
    target, ends, lengths = _spike_train(waits)
    x = np.zeros_like(target)
    x[ends + 1 - waits, np.arange(count), 0] = delay
    return Sequences(x, target, lengths, within(lengths))


def periodic_function(steps: int = 100, shape: str = "cos", period: int = 10) -> Sequences:
    """Draw a periodic curve from no input: the PFG task. Nothing is random; N = 1.

    With t the step and F the `period` (10 or 25 in the paper), each shape is between 0 and 1:

    * "cos":  (1 - cos(2πt / F)) / 2
    * "tri":  2(t mod F) / F up to F / 2, from there 2 - 2(t mod F) / F
    * "rect": 1 where t mod F > F / 2, else 0

    That "tri" rises first, from 0, and that t is 0 at the first step are our reading of the paper. It counts an answer
    as right within 0.3.

    x (T, 1, 1): zeros, because a layer has to have an input; target (T, 1, 1); the mask is True everywhere.

    Raises:
        ArgumentError, ArgumentTypeError: steps below 1, period below 2, an unknown shape.
    """
    at_least("steps", steps, 1)
    at_least("period", period, 2)
    phase = np.arange(steps) % period / period
    if one_of("shape", shape, "cos", "tri", "rect") == "cos":
        curve = (1 - np.cos(2 * np.pi * phase)) / 2
    elif shape == "tri":
        curve = 1 - abs(1 - 2 * phase)
    else:
        curve = (phase > 0.5).astype(np.float64)
    target = curve.astype(np.float32).reshape(-1, 1, 1)
    lengths = np.array([steps], dtype=np.int64)
    return Sequences(np.zeros_like(target), target, lengths, within(lengths))


def _intervals(
    count: int, rng: np.random.Generator | int, period: int, delays: Sequence[int], spikes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(spikes, N) each: the waits F + I(n) and the delays I(n)."""
    for name, value in (("count", count), ("period", period), ("spikes", spikes)):
        at_least(name, value, 1)
    generator = generator_of(rng)
    if not isinstance(delays, (Sequence, np.ndarray)):
        raise wrong_type("delays", describe(delays), "a sequence of integers")
    if len(delays) == 0:
        raise wrong("delays", "none", "at least one")
    for value in delays:
        at_least("delays", value, 0)
    delay = generator.choice(np.array(delays, dtype=np.int64), (spikes, count))
    return period + delay, delay


def _spike_train(
    waits: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """(T, N, 1) with a 1 at the end of each wait, the indices of these steps (spikes, N), the lengths (N,)."""
    ends = np.cumsum(waits, axis=0) - 1
    lengths = ends[-1] + 1
    train = np.zeros((int(lengths.max()), waits.shape[1], 1), dtype=np.float32)
    train[ends, np.arange(waits.shape[1]), 0] = 1
    return train, ends, lengths
