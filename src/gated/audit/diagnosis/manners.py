"""Before any cell is thought of: does somebody's backward pass behave like a function that is linear in dy?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.samples import SIZE, Array, Gradients, Setting, norm

FAR = 1e-6
LARGE, SMALL = 2.0**44, 2.0**-24  # of dy: rounding is the same for powers of two


@dataclass(frozen=True)
class BadManner:
    """kind and sentence as for a `Mistake`; where: arguments or gradients; values for the gaps of the sentence."""

    kind: str
    sentence: str
    where: tuple[str, ...]
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Call:
    """Arguments of one call over a batch of sequences."""

    parameters: dict[str, Array]
    x: Array
    states: list[Array]
    dy: Array

    def named(self, names: list[str]) -> dict[str, Array]:
        return {"x": self.x, "dy": self.dy, **self.parameters, **dict(zip(names, self.states, strict=True))}

    def of(self, mine: Gradients) -> Mapping[str, Any]:
        """The gradients, from copies of the arguments."""
        c = copy.deepcopy(self)
        return mine(c.parameters, c.x, c.states, c.dy)


def draw_call(graph: BackwardGraph, setting: Setting, steps: int, sequences: int, seed: int) -> Call:
    rng = np.random.default_rng(seed)
    dims = setting.lengths(graph)

    def draw(*shape: int) -> Array:
        return rng.normal(scale=SIZE, size=shape)

    states = [draw(sequences, setting.units) * (s in setting.initial) for s in graph.states]
    parameters = {name: draw(*(dims[d] for d in shape)) for name, shape in graph.cell.parameters.items()}
    dy = draw(steps, sequences, setting.units)
    if setting.last_only:
        dy[:-1] = 0.0
    return Call(parameters, draw(steps, sequences, setting.inputs), states, dy)


def runs(graph: BackwardGraph, mine: Gradients, setting: Setting) -> bool:
    """Whether their code takes sequences of these sizes."""
    try:
        draw_call(graph, setting, 3, 1, 7).of(mine)
    except Exception:  # somebody's code may raise anything if its sizes must be equal
        return False
    return True


def judge_manners(graph: BackwardGraph, mine: Gradients, setting: Setting) -> tuple[list[BadManner], Gradients]:
    """What is wrong before any formula, and `mine` without it: on copies, and scaled where it cuts off decimals."""
    given, names = draw_call(graph, setting, 3, 1, 7), list(graph.states)
    fresh: Callable[[], Gradients] | None = getattr(mine, "fresh", None)  # one object of theirs for several calls
    again = fresh() if fresh is not None else mine
    found: list[BadManner] = []
    used = copy.deepcopy(given)
    first = copy.deepcopy(dict(again(used.parameters, used.x, used.states, used.dy)))
    if changed := far(used.named(names), given.named(names)):
        found.append(BadManner("in_place", "in_place", changed))
    if changed := far(given.of(again), first):
        found.append(BadManner("stale_state", "stale_state", changed))
    once, use = given.of(mine), mine
    bad = far(given.of(_scaled(mine, LARGE)), once) or far(given.of(_scaled(mine, SMALL)), once)
    if bad:
        whole = all(np.array_equal(once[n], np.round(once[n])) for n in bad)
        found.append(BadManner(*(("zero", "whole_numbers") if whole else ("extra_factor", "not_linear")), bad))
        use = _scaled(mine, LARGE if whole else SMALL)
    return found, _on_copies(use)


def summed(graph: BackwardGraph, mine: Gradients) -> Gradients:
    """`mine` with the gradients of all parameters times the number of steps."""

    def times(parameters: dict[str, Array], x: Array, *args: Any) -> Mapping[str, Any]:
        said = mine(parameters, x, *args)
        return {n: np.asarray(g, float) * len(x) if n in graph.cell.parameters else g for n, g in said.items()}

    return times


def one_step_longer(graph: BackwardGraph, mine: Gradients) -> Gradients:
    """What `mine` says if one more step follows: the gradients, if its loop leaves out the last one."""

    def longer(parameters: dict[str, Array], x: Array, states: list[Array], dy: Array) -> Mapping[str, Any]:
        said = mine(parameters, np.concatenate([x, x[-1:]]), states, np.concatenate([dy, dy[-1:]]))
        return {n: np.asarray(g)[:-1] if n == "x" else g for n, g in said.items()}

    return longer


def skips_last_step(graph: BackwardGraph, mine: Gradients, setting: Setting) -> bool:
    """Whether a loss at the last step alone has no gradient, and one at the others has."""
    if setting.last_only:
        return False
    given = draw_call(graph, setting, 3, 1, 9)
    last = given.dy.copy()
    last[:-1] = 0.0
    return not _any(replace(given, dy=last).of(mine)) and _any(given.of(mine))


def _any(gradients: Mapping[str, Any]) -> bool:
    return any(np.any(value) for value in gradients.values())


# what may be wrong with all of their gradients: kind; the gradients without it; whether x and first states have it, too
OF_ALL = {"term_mean": ("averaged", summed, False), "but_last": ("missing_term", one_step_longer, True)}


def judge_batch(graph: BackwardGraph, mine: Gradients, setting: Setting, sequences: int = 3) -> list[BadManner]:
    """Is the gradient of N sequences the sum of N gradients?"""
    given = draw_call(graph, setting, 3, sequences, 5)
    found: dict[float, list[str]] = {}
    rows: dict[int, list[str]] = {}
    try:
        whole = given.of(mine)
    except Exception:  # somebody's code may raise anything if it is for one sequence only
        return []
    parts = [_sequence(given, k).of(mine) for k in range(sequences)]
    for name in graph.cell.parameters:
        if name not in whole:
            continue
        said, total = np.asarray(whole[name], float), sum(np.asarray(p[name], float) for p in parts)
        ratio = float(np.vdot(said, total) / max(np.vdot(total, total), 1e-300))
        if not norm(total) or not _far(said, total):
            continue
        if norm(said - ratio * total) < FAR * norm(said):
            found.setdefault(round(ratio, 6), []).append(name)
        elif (alone := next((k for k, part in enumerate(parts) if not _far(said, part[name])), None)) is not None:
            rows.setdefault(alone, []).append(name)
    manners = [_batch(ratio, tuple(names), sequences) for ratio, names in found.items()]
    return manners + [BadManner("not_summed", "batch_row", tuple(n), (k + 1, sequences)) for k, n in rows.items()]


def _batch(ratio: float, names: tuple[str, ...], sequences: int) -> BadManner:
    if abs(ratio * sequences - 1) < FAR * 10:
        return BadManner("averaged", "batch_mean", names)
    return BadManner("extra_factor", "batch_times", names, (ratio, sequences))


def _sequence(given: Call, k: int) -> Call:
    return Call(given.parameters, given.x[:, [k]], [s[[k]] for s in given.states], given.dy[:, [k]])


def far(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the values that differ."""
    return tuple(n for n in one if _far(one[n], other[n]))


def _far(one: Any, other: Any) -> bool:
    return norm(np.asarray(one, float) - other) > FAR * max(norm(other), 1e-9)


def _scaled(mine: Gradients, by: float) -> Gradients:
    def scaled(parameters: dict[str, Array], x: Array, states: list[Array], dy: Array) -> Mapping[str, Any]:
        return {n: np.asarray(g, float) / by for n, g in mine(parameters, x, states, dy * by).items()}

    return scaled


def _on_copies(mine: Gradients) -> Gradients:
    def apart(*args: Any) -> Mapping[str, Any]:
        return mine(*copy.deepcopy(args))

    return apart
