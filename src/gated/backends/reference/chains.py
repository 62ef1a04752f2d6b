"""Networks without a tape: whole sequences, and step by step.

Legend: T steps, N sequences, R rows, V outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array, Chain, Given, Pass
from gated.backends.reference import forward
from gated.backends.reference.rows import lengths_of
from gated.backends.whole_step import MapLink, ScanLink, TableLink, parameters_in


def infer_chain(arithmetic: Any, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
    """See `interface.Backend.infer_chain`; the arithmetic looks up rows and computes functions without states."""
    made: list[Array] = []
    last: dict[int, list[Array]] = {}
    for k, (link, (source,)) in enumerate(chain.links):
        x = given.x if source < 0 else made[source]
        if isinstance(link, ScanLink):
            y, last[k] = _scanned(link, theta, x, given, given.states[k])
        else:
            y = without_states(arithmetic, link, theta, x)
        made.append(y)
    return made[-1], last


def without_states(arithmetic: Any, link: MapLink | TableLink, theta: Array, x: Array) -> Array:
    """The output (R, size) of such a link."""
    if isinstance(link, TableLink):
        table = theta[link.start : link.start + link.count * link.size].reshape(link.count, link.size)
        return np.asarray(arithmetic.look_up(table, x))
    graph = link.schedule.graph
    parameters = parameters_in(theta, graph, link.sizes, link.starts)
    y, _ = arithmetic.map(link.schedule, link.sizes, parameters, {graph.inputs[0]: x}, False)
    return np.asarray(y)


def _scanned(
    link: ScanLink, theta: Array, x: Array, given: Given, states: Sequence[Array]
) -> tuple[Array, list[Array]]:
    counts = np.full(given.steps, given.sequences) if given.counts is None else given.counts
    turned = _from_the_end(counts, given.sequences) if len(link.starts) > 1 else np.arange(0)
    last, sides = [np.empty_like(state) for state in states], []
    for direction, starts in enumerate(link.starts):
        parameters = parameters_in(theta, link.schedule.graph, link.sizes, starts)
        rows, own = x[turned] if direction else x, [state[direction] for state in states]
        scan = forward.run(Pass(link.schedule, link.sizes, parameters, rows, counts, own))
        sides.append(scan.y[turned] if direction else scan.y)
        for whole, end in zip(last, scan.last, strict=True):
            whole[direction] = end
    return sides[0] if len(sides) == 1 else np.concatenate(sides, axis=1), last


def _from_the_end(counts: Array, sequences: int) -> Array:
    """(R,): for each row that of the same sequence which is as far from the end as this one from the beginning."""
    begin = np.cumsum(counts) - counts
    lengths = lengths_of(counts, sequences)
    step = np.repeat(np.arange(len(counts)), counts)
    sequence = np.arange(len(step)) - begin[step]
    return np.asarray(begin[lengths[sequence] - 1 - step] + sequence)


class ReferenceStepper:
    """See `interface.Stepper`."""

    def __init__(self, arithmetic: Any, chain: Chain, theta: Array, sequences: int) -> None:
        self._own = arithmetic, chain, theta
        first = chain.links[0][0]
        ids = isinstance(first, TableLink)
        self.x = np.zeros(sequences, np.int64) if ids else np.zeros((sequences, chain.input_size), chain.dtype)
        self.y = np.zeros((sequences, chain.size), chain.dtype)
        self.states = chain.zeros(sequences)

    def step(self) -> Array:
        self.y, self.states = infer_chain(*self._own, Given(self.x, 1, len(self.x), None, self.states))
        return self.y

    def draw(self, uniforms: Array, temperature: float, top_k: int | None = None, top_p: float | None = None) -> Array:
        drawn = np.empty(uniforms.shape, np.int64)
        for k, own in enumerate(uniforms):
            going = self.x >= 0
            drawn[k] = np.where(going, self._own[0].pick(self.step(), own, temperature, top_k, top_p), -1)
            self.x[...] = drawn[k]
        return drawn

    def put(self, states: Mapping[int, Sequence[Array]]) -> None:
        self.states = {k: [np.array(state) for state in own] for k, own in states.items()}

    def take(self) -> dict[int, list[Array]]:
        return {k: [np.array(state) for state in own] for k, own in self.states.items()}

    def refresh(self) -> None:
        """The parameters are read at every step."""
