"""Any number of wrong factors on a single road, by logarithms: log |theirs / adjoint| is a sum of logs of factors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.alphabet import Alphabet
from gated.audit.diagnosis.explain import Explanation
from gated.audit.diagnosis.roads import Mistake, Operation, Road
from gated.audit.diagnosis.samples import Array, Samples, norm
from gated.language.graph import ONE_DIM, Node, constant

MORE = 5  # factors that a road may have beside its own


def fit_logarithms(
    samples: Samples, alphabet: Alphabet, node: str, target: Array, right: list[Road], t: int, sources: Iterable[str]
) -> list[Explanation]:
    """The value of a node at step t as one adjoint times factors to whole powers; empty if it is none."""
    if len(right) != 1 or not right[0].operations or not right[0].elementwise:
        return []
    own = [op for op in right[0].operations if isinstance(op, Node)]
    graph, found = samples.graph, []
    with np.errstate(all="ignore"):
        factors, matrix = _independent(samples, _letters(alphabet, own, graph.size_of(node)), t, target.shape)
        for source in sources:
            if graph.size_of(source) != graph.size_of(node):
                continue
            logs = np.log(np.abs(target / samples.adjoints[t][source])).ravel()
            if not np.isfinite(logs).all() or len(logs) < len(factors) + 5:
                continue
            powers = np.round(np.linalg.lstsq(matrix, logs, rcond=None)[0]).astype(int)
            exact = norm(matrix @ powers - logs) <= 1e-7 * max(norm(logs), 1)
            if exact and np.abs(powers).sum() <= len(own) + MORE:
                powers_of = dict(zip(factors, powers.tolist(), strict=True))
                found.append(_said(samples, target, right[0], source, powers_of, t))
    return sorted(found, key=lambda e: e.cost)[:1]


def _letters(alphabet: Alphabet, own: list[Node], size: str) -> list[Node]:
    plain = [v for v in alphabet.values if alphabet.graph.size(v.dim) in (size, ONE_DIM)]
    one = constant(1.0)
    return list(dict.fromkeys([*own, *plain, *(one - v for v in plain), *(one - v * v for v in plain)]))


def _independent(samples: Samples, letters: list[Node], t: int, shape: tuple[int, ...]) -> tuple[list[Node], Array]:
    """The letters whose logarithms say something new (h = o tanh(c) does not), and these as columns."""
    factors, columns, basis = [], [], np.zeros((int(np.prod(shape)), 0))
    for letter in letters:
        column = np.log(np.abs(np.broadcast_to(samples.value(letter, t), shape))).ravel()
        if not np.isfinite(column).all():
            continue
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        if norm(rest) > 1e-6 * norm(column):
            factors.append(letter)
            columns.append(column)
            basis = np.column_stack([basis, rest / norm(rest)])
    return factors, np.stack(columns, 1)


def _said(samples: Samples, target: Array, right: Road, source: str, powers: dict[Node, int], t: int) -> Explanation:
    one = constant(1.0)
    operations = [f if power > 0 else one / f for f, power in powers.items() for _ in range(abs(power))]
    written: Counter[Operation] = Counter(operations)
    should = Counter(right.operations)
    lost, more = list((should - written).elements()), list((written - should).elements())
    road = Road(source, tuple(operations))
    sign = float(np.sign(np.vdot(samples.road(road, t), target)))
    mistakes = []
    if lost:
        mistakes += [Mistake("missing_factor", "factor_missing", (op,)) for op in lost]
    mistakes += [Mistake("extra_factor", "factor_extra", (op,)) for op in more]
    if source != right.source:
        mistakes.append(Mistake("wrong_delta", "delta_instead", (source, right.source)))
    if sign != right.coefficient:
        mistakes.append(Mistake("wrong_sign", "term_sign"))
    cost = 1.0 * len(mistakes)
    return Explanation(cost, [replace(road, coefficient=sign, mistakes=tuple(mistakes), cost=cost)])
