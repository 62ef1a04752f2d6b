"""A cell's equations without a layer round them: without a tape, and step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.interface import Pass, Stepper
from gated.backends.whole_step import Chain, Given, ScanLink
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]


def alone(
    schedule: CellSchedule, sizes: Mapping[str, int], parameters: Mapping[str, Array], keep: Any = np.array
) -> tuple[Chain, Array]:
    """As a network of one link, and its theta; `keep` says where it lies in memory."""
    arrays = list(parameters.values())
    starts = np.cumsum([0, *(array.size for array in arrays)]).tolist()
    theta = keep(np.concatenate([array.ravel() for array in arrays]))
    size = sizes[schedule.graph.dims[schedule.graph.states[0]]]
    link = ScanLink(schedule, sizes, (dict(zip(parameters, starts, strict=False)),), size)
    return Chain.of([link], theta.size, theta.dtype), theta


def infer(backend: Any, given: Pass, keep: Any = np.array) -> tuple[Array, list[Array]]:
    """The output of every step (R, size), and each sequence's last states, (N, size) each."""
    chain, theta = alone(given.schedule, given.sizes, given.parameters, keep)
    states = {0: [state[None] for state in given.states]}
    whole = Given(given.x, len(given.counts), given.sequences, given.counts, states)
    y, last = backend.infer_chain(chain, theta, whole)
    return y, [state[0] for state in last[0]]


def stream(backend: Any, given: Pass, keep: Any = np.array) -> Stepper:
    """From the states of the pass."""
    chain, theta = alone(given.schedule, given.sizes, given.parameters, keep)
    stepper: Stepper = backend.stream(chain, theta, given.sequences)
    stepper.put({0: [state[None] for state in given.states]})
    return stepper
