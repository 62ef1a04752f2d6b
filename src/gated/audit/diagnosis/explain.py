"""Which few mistakes explain a value exactly? Least squares over roads, with coefficients that a person means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gated.audit.diagnosis.roads import MEAN, Mistake, Road
from gated.audit.diagnosis.samples import TOLERANCE, Array, Samples, near, norm

EXTRA_TERM, NOT_ONE = 0.7, 0.8  # costs: an edit that replaces no road; an edit with a coefficient other than 1
SNAP = 1e-6  # how near a coefficient must be to a number that a person may have meant
DECIMALS = 4  # of any other number that a person may have written, such as a rate
RIVALS, CLOSE = 4, 0.5  # how many explanations are kept, and how much more than the cheapest they may cost
PAIRS = 300  # of edits that are tried at most

Column = Callable[[Road], Array]
Edit = tuple[Road, Road]  # (right road, edited road)
Pool = Callable[[], list[Edit]]


@dataclass(frozen=True)
class Explanation:
    """Roads whose sum is the value, and what their mistakes cost together."""

    cost: float
    roads: list[Road]

    @property
    def words(self) -> list[tuple[Mistake, ...]]:
        """The mistakes alone: one may have been made on a road, or on a longer one of which that is the end."""
        return [road.mistakes for road in self.roads if road.mistakes]


def explain(
    target: Array,
    right: list[Road],
    pool: Pool,
    column: Column,
    steps: int,
    deeper: Callable[[], Iterable[list[Edit]]] | None = None,
) -> list[Explanation]:
    """The exact explanations of a value, cheapest first; none if there is none.

    Args:
        target: the value, flat; NaN where nothing is known of it.
        right: the roads it should be the sum of.
        pool: edits to try, if coefficients alone do not explain it.
        column: the values of a road, flat.
        steps: T; 1/T is a coefficient that a person may have meant.
        deeper: further pools, each tried if those before gave nothing.
    """
    told = np.isfinite(target)
    if not told.any():
        return []
    if not told.all():
        target, column = target[told], _entries(column, told)
    fit = _Fit(target, right, column, steps)
    fit.attempt([])
    if fit.found:
        return fit.found
    edits = pool()
    if not edits:
        return []
    with np.errstate(all="ignore"):
        columns = fit.columns(edits)
        fit.singly(edits, columns)
        for more in deeper() if deeper and not fit.found else ():
            fit.singly(more, fit.columns(more))
            if fit.found:
                break
        if not fit.found:
            fit.in_pairs(edits, columns)
    return fit.best()


def _entries(column: Column, told: NDArray[np.bool_]) -> Column:
    return lambda road: column(road)[told]


@dataclass(frozen=True)
class _Columns:
    """Edits as columns, what is left of them beside the right roads (of length 1), and whether anything is."""

    values: Array
    beside: Array
    usable: NDArray[np.bool_]
    share: Array  # of what the right roads leave unexplained


class _Fit:
    def __init__(self, target: Array, right: list[Road], column: Column, steps: int) -> None:
        self.target, self.right, self.column, self.steps = target, right, column, steps
        self.size = norm(target)
        columns = [column(road) for road in right]
        self.free = [k for k, values in enumerate(columns) if norm(values) > 1e-13]
        self.own = np.stack([columns[k] for k in self.free], 1) if self.free else np.zeros((len(target), 0))
        self.basis = np.linalg.qr(self.own)[0] if self.free else self.own
        self.rest = target - self.basis @ (self.basis.T @ target)
        self.found: list[Explanation] = []

    def best(self) -> list[Explanation]:
        ranked = sorted(self.found, key=lambda found: found.cost)[:RIVALS]
        return [found for found in ranked if found.cost < ranked[0].cost + CLOSE]

    def columns(self, edits: list[Edit]) -> _Columns:
        if not edits:
            nothing = np.zeros((len(self.target), 0))
            return _Columns(nothing, nothing, np.zeros(0, bool), np.zeros(0))
        values = np.stack([self.column(edit) for _, edit in edits], 1)
        lengths = np.maximum(np.linalg.norm(values, axis=0), 1e-300)
        beside = values / lengths
        beside = beside - self.basis @ (self.basis.T @ beside)
        left = np.linalg.norm(beside, axis=0)
        usable = (left > 1e-7) & np.isfinite(left)
        beside = beside / np.where(usable, left, 1)
        return _Columns(values, beside, usable, np.where(usable, beside.T @ self.rest, 0))

    def singly(self, edits: list[Edit], columns: _Columns) -> None:
        left = np.linalg.norm(self.rest[:, None] - columns.beside * columns.share, axis=0)
        for k in np.flatnonzero(left < 1e-5 * norm(self.rest)):
            self.attempt([(edits[k], columns.values[:, k])])
        if not self.found and len(self.free) == 1 and norm(self.rest) <= TOLERANCE * self.size:
            self._instead(edits, columns)

    def _instead(self, edits: list[Edit], columns: _Columns) -> None:
        """Edits by a factor that is the same number everywhere, the slope of a gate that is always open: what they
        give is a multiple of the right road, and beside that they are nothing."""
        far = np.linalg.norm(columns.values - self.target[:, None], axis=0)
        for k in np.flatnonzero(far <= TOLERANCE * self.size):
            if edits[k][0] == self.right[self.free[0]]:
                self.found.append(self._said({self.free[0]: 0.0}, [edits[k]], [1.0]))

    def in_pairs(self, edits: list[Edit], columns: _Columns) -> None:
        """Two edits explain the rest if its projection on their plane has its length: all pairs by the Gram matrix."""
        b, usable = columns.share, columns.usable
        gram = columns.beside.T @ columns.beside
        np.fill_diagonal(gram, 0)
        inside = (b[:, None] ** 2 + b[None] ** 2 - 2 * gram * b[:, None] * b[None]) / (1 - gram**2)
        inside[~(usable[:, None] & usable[None]) | (1 - gram**2 < 1e-9)] = 0
        for i, j in np.argwhere(np.triu(inside > (1 - 1e-9) * norm(self.rest) ** 2, 1))[:PAIRS]:
            self.attempt([(edits[k], columns.values[:, k]) for k in (i, j)])

    def attempt(self, extra: list[tuple[Edit, Array]]) -> None:
        """Fit the right roads and these edits; keep it if every coefficient snaps and nothing is left."""
        matrix = np.column_stack([self.own, *(values for _, values in extra)])
        scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-300)
        weights = np.linalg.lstsq(matrix / scale, self.target, rcond=1e-12)[0] / scale
        snapped = [self._meant(weight) for weight in weights]
        if any(c is None for c in snapped) or 0.0 in snapped[len(self.free) :]:
            return
        coefficients = [c for c in snapped if c is not None]
        if norm(matrix @ np.array(coefficients) - self.target) > TOLERANCE * max(self.size, 1e-9):
            return
        own = dict(zip(self.free, coefficients, strict=False))
        edits = [edit for edit, _ in extra]
        self.found.append(self._said(own, edits, coefficients[len(self.free) :]))

    def _meant(self, weight: float) -> float | None:
        meant = (0.0, 1.0, -1.0, 1 / self.steps, 2.0, 0.5, -2.0, 3.0, -1 / self.steps)
        written = float(f"{weight:.{DECIMALS}g}")
        return next((c for c in (*meant, written) if abs(weight - c) < SNAP * min(1.0, abs(c) or 1.0)), None)

    def _said(self, own: dict[int, float], edits: list[Edit], weights: list[float]) -> Explanation:
        """An edit stands for the road it was made from if that is missing, else it is a term too many."""
        cost = 0.0
        instead: dict[int, Road] = {}
        more: list[Road] = []
        for (base, edit), weight in zip(edits, weights, strict=True):
            gone = next((k for k, c in own.items() if self.right[k] == base and c == 0 and k not in instead), None)
            cost += edit.cost + EXTRA_TERM * (gone is None) + NOT_ONE * (weight != 1)
            road = _weighted(edit, weight)
            if gone is None:
                more.append(replace(road, mistakes=(Mistake("wrong_operand", "term_extra"), *road.mistakes)))
            else:
                instead[gone] = road
        kept = [instead.get(k) or scaled(road, own.get(k, 1.0), self.steps) for k, road in enumerate(self.right)]
        cost += sum(c != 1 for k, c in own.items() if k not in instead)
        return Explanation(cost, kept + more)


def _weighted(edit: Road, weight: float) -> Road:
    """An edited road with a coefficient, which is a further mistake unless it is 1."""
    if weight == 1:
        return edit
    sign = Mistake("wrong_sign", "term_sign")
    mistake = sign if weight == -1 else Mistake("extra_factor", "term_times", (weight,))
    return replace(edit, coefficient=edit.coefficient * weight, mistakes=(*edit.mistakes, mistake))


def scaled(road: Road, weight: float, steps: int) -> Road:
    """A right road with another coefficient, and what that mistake is called."""
    if weight == 1:
        return road
    if weight == 0:
        mistake = Mistake("missing_term", "term_missing")
    elif weight == -1:
        mistake = Mistake("wrong_sign", "term_sign")
    elif weight == 1 / steps:
        return replace(road, mask=MEAN).spoilt(Mistake("averaged", "term_mean"), 1.0)
    else:
        mistake = Mistake("extra_factor", "term_times", (weight,))
    return replace(road, coefficient=road.coefficient * weight).spoilt(mistake, 1.0)


def told_apart(samples: Samples, found: list[Explanation], t: int) -> list[Explanation]:
    """The explanations, cheapest first, without those that say the same in other words."""
    kept: list[tuple[Explanation, list[tuple[object, Array]]]] = []
    with np.errstate(all="ignore"):
        for explanation in sorted(found, key=lambda e: e.cost):
            written = [samples.meaning(road, t) for road in explanation.roads if road.coefficient]
            if not any(_same(written, other) for _, other in kept):
                kept.append((explanation, written))
    return [explanation for explanation, _ in kept]


def _same(one: list[tuple[object, Array]], other: list[tuple[object, Array]]) -> bool:
    pairs = list(zip(one, other, strict=False))
    return len(one) == len(other) and all(a == b and near(v, w) for (a, v), (b, w) in pairs)
