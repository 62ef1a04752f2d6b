"""Which of their gradients are right, in their own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.subject import Subject
from gated.audit.foreign.truth import Truth, takes_complex, truth

Array = np.ndarray[Any, Any]
# (T, N, D, H), every size another; one step; one sequence
RUNS = ((5, 2, 3, 4), (1, 2, 3, 4), (3, 1, 4, 3))
TOLERANCE = {True: 1e-8, False: 1e-6}  # by the complex step, by differences


@dataclass(frozen=True)
class GradientRow:
    """One gradient of theirs.

    Attributes:
        name: theirs. kind: "parameter", "input" or "state".
        right: None where their code gives none.
        relative_error: ||theirs - right|| / ||right||, the largest over the runs.
        worst_step: the loss at which step alone makes it most wrong, from 1; 0 where it is right.
        at_one_step: the same error for T = 1.
    """

    name: str
    kind: str
    right: bool | None
    relative_error: float
    worst_step: int
    at_one_step: float = 0.0


@dataclass(frozen=True)
class Table:
    rows: tuple[GradientRow, ...]
    exact: bool
    failure: str = ""  # what their backward pass raised

    @property
    def right(self) -> bool:
        return not self.failure and all(row.right is not False for row in self.rows)

    @property
    def right_only_at_one_step(self) -> bool:
        tolerance = TOLERANCE[self.exact]
        return not self.right and not self.failure and all(row.at_one_step <= tolerance for row in self.rows)


def table(subject: Subject, seeds: tuple[int, ...] = (1, 2)) -> Table:
    """Compare every gradient of theirs with the derivatives of their forward pass.

    With a loss at every step and at the last alone, from states that are not zero, with weights of ordinary size. What
    is wrong in the first run is not differentiated again, but for one step: that alone tells a right one step from it.
    """
    exact: bool | None = None
    errors: dict[str, dict[str, float]] = {}
    worst: dict[str, tuple[float, int]] = {}
    failure = ""
    for seed in seeds:
        for number, sizes in enumerate(RUNS):
            if seed != seeds[0] and number:
                continue  # another seed for the first run alone
            rng = np.random.default_rng([seed, number])
            at = draw(subject, *sizes, rng)
            exact = takes_complex(subject, at) if exact is None else exact
            wrong = {name for name, held in errors.items() if not held["all"] <= TOLERANCE[exact]}
            right = truth(subject, at, exact, None if sizes[0] == 1 else at.all().keys() - wrong)
            try:
                _compare(subject, at, right, sizes, rng, errors, worst)
            except Exception as error:  # noqa: BLE001 - whatever their backward pass raises
                failure = failure or f"{type(error).__name__}: {error}"
    return Table(_rows(subject, errors, worst, bool(exact)), bool(exact), failure)


def _compare(
    subject: Subject,
    at: Draw,
    right: Truth,
    sizes: tuple[int, int, int, int],
    rng: np.random.Generator,
    errors: dict[str, dict[str, float]],
    worst: dict[str, tuple[float, int]],
) -> None:
    dy: Array = np.asarray(rng.standard_normal(right.y.shape))
    last = np.zeros(dy.shape)
    last[-1] = dy[-1]
    for given in (last,) if subject.last_only else (dy, last):
        for name, error in _errors(subject, at, right, given).items():
            held = errors.setdefault(name, {"all": 0.0, "one": 0.0})
            held["all"] = max(held["all"], error) if not np.isnan(error) else error
            if sizes[0] == 1:
                held["one"] = max(held["one"], error)
    if sizes[0] == 1 or not right.jacobians:
        return
    for step in [len(dy) - 1] if subject.last_only else range(len(dy)):
        alone = np.zeros(dy.shape)
        alone[step] = dy[step]
        for name, error in _errors(subject, at, right, alone).items():
            worst[name] = max(worst.get(name, (0.0, 0)), (error, step + 1))


def _errors(subject: Subject, at: Draw, right: Truth, dy: Array) -> dict[str, float]:
    theirs = subject.backward(at.P, at.x, at.states, dy)
    rights = {n: v for n, v in right.gradient(dy).items() if n in theirs or np.any(v)}  # not: of an output layer
    return {name: relative_error(theirs.get(name), value, dy) for name, value in rights.items()}


def relative_error(theirs: Any, right: Array, dy: Array) -> float:
    """NaN where there is none of theirs; against the size of dy where the right one is zero."""
    if theirs is None:
        return float("nan")
    theirs = np.asarray(theirs)
    if theirs.size != right.size:
        return float("inf") if theirs.shape != () or np.any(theirs) or np.any(right) else 0.0
    size = np.linalg.norm(right)
    off = np.linalg.norm(theirs.reshape(right.shape) - right)
    if np.isnan(off):
        return float("inf")
    floor = 1e-9 * np.linalg.norm(dy)
    return float(off / size) if size > floor else float(off / np.linalg.norm(dy))


def _rows(
    subject: Subject, errors: dict[str, dict[str, float]], worst: dict[str, tuple[float, int]], exact: bool
) -> tuple[GradientRow, ...]:
    kinds = {"x": "input", "h": "state", "c": "state"}
    rows = []
    for name, held in errors.items():
        special = name in ("x", *subject.states)
        shown = subject.names.get(name, name) if special else name
        error = held["all"]
        right = None if np.isnan(error) else bool(error <= TOLERANCE[exact])
        if right is None:
            rows.append(GradientRow(shown, kinds[name] if special else "parameter", None, 0.0, 0))
            continue
        step = 0 if right else worst.get(name, (0.0, 1))[1]
        rows.append(GradientRow(shown, kinds[name] if special else "parameter", right, error, step, held["one"]))
    return tuple(rows)
