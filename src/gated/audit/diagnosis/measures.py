"""What their gradients say of the adjoints of nodes: matrices, the input, vectors of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from gated.audit.diagnosis.alphabet import Alphabet
from gated.audit.diagnosis.roads import Factor, Road
from gated.audit.diagnosis.samples import TINY, TOLERANCE, Array, Samples, near, norm, undone


def measured(samples: Samples, alphabet: Alphabet) -> dict[str, list[Array]]:
    """Node -> what each matrix says of its adjoint: (T, S, H), NaN at the steps of which it says nothing.

    The gradient of a matrix is G = Σₜ δₜ vₜᵀ. If no more steps than columns are summed, the v are independent and
    δ = G pinv(V). A gradient that is no such sum names another operand, and is read with that one.
    """
    found: dict[str, list[Array]] = {}
    for name, (road, *others) in samples.graph.shown.items():
        if name not in samples.theirs or others or road.operand is None:
            continue
        operand, size = road.operand, samples.graph.size
        like = [v for v in alphabet.values if size(v.dim) == size(operand.dim) and v is not operand]
        for value in [operand, *like]:
            adjoint = _read_off(samples, samples.theirs[name], value)
            if adjoint is not None:
                found.setdefault(road.source, []).append(road.coefficient * adjoint)
                break
    if (by_input := _by_input(samples)) is not None:
        found.setdefault(samples.graph.gradients["x"][0].source, []).append(by_input)
    if samples.T == 1:
        for node, values in _by_vectors(samples, alphabet).items():
            found.setdefault(node, []).extend(value[None] for value in values)
    return found


def _by_input(samples: Samples) -> Array | None:
    """What x says of the only adjoint that reaches it, Wᵀ δ; nothing if it is no such product."""
    shown, said = samples.graph.shown_by_input, samples.theirs.get("x")
    if shown is None or said is None or said.shape[2] <= samples.units:
        return None
    road, matrix = shown
    turned = np.linalg.pinv(samples.parameters[matrix.name])
    adjoint = road.coefficient * np.einsum("tsd,sdh->tsh", said, turned)
    if norm(np.stack([samples.along(road, step, 0) for step in adjoint]) - said) > TOLERANCE * norm(said):
        return None
    adjoint[np.linalg.norm(adjoint, axis=(1, 2)) < TINY] = np.nan
    return adjoint


def _by_vectors(samples: Samples, alphabet: Alphabet) -> dict[str, list[Array]]:
    """Node -> what the vectors of weights say of its adjoint in the one step that there is.

    If they contradict each other, each of them may have another factor, or one too many; what two of them agree on
    comes first then.
    """
    gradients = {n: roads for n, roads in samples.graph.shown_by_vectors.items() if n in samples.theirs}
    found: dict[str, list[Array]] = {}
    for node in dict.fromkeys(road.source for (road,) in gradients.values()):
        own = {n: road for n, (road,) in gradients.items() if road.source == node}
        said = [undone(samples, road, samples.theirs[n], 0) for n, road in own.items()]
        found[node] = said if all(near(said[0], other) for other in said) else [*_agreed(samples, alphabet, own), *said]
    return found


def _agreed(samples: Samples, alphabet: Alphabet, own: Mapping[str, Road]) -> list[Array]:
    """Adjoints that two vectors imply, each with one factor exchanged, dropped or too many."""
    implied = []
    for name, road in own.items():
        letters = [letter.factor for letter in alphabet.letters]
        ways = {(*road.operations[:k], *new, *road.operations[k + 1 :]) for k in range(len(road.operations))
                for new in [(), *((letter,) for letter in letters)]}  # fmt: skip
        ways |= {(*road.operations, letter) for letter in letters}
        with np.errstate(all="ignore"):
            values = (undone(samples, replace(road, operations=w), samples.theirs[name], 0) for w in ways)
            implied.append([value for value in values if np.isfinite(value).all()])
    return [value for a, b in combinations(implied, 2) if a and b for value in _common(np.stack(a), np.stack(b))]


def _common(one: Array, other: Array) -> list[Array]:
    """Those of `one` (count, S, H) that are near one of `other`: by a number of each first, in which all differ."""
    a, b = (values.reshape(len(values), -1) for values in (one, other))
    close = np.abs(a[:, None, 0] - b[None, :, 0]) <= TOLERANCE * np.linalg.norm(b, axis=1)
    return [one[i] for i, j in np.argwhere(close) if near(a[i], b[j])]


def _read_off(samples: Samples, gradient: Array, operand: Factor) -> Array | None:
    values = np.stack([samples.value(operand, t) for t in range(samples.T)], 1)  # (S, T, columns)
    seen = np.linalg.norm(values, axis=2) > TINY  # a relu may be zero in all units
    adjoint = np.linalg.pinv(values.swapaxes(1, 2)) @ gradient.swapaxes(1, 2)
    if norm(np.einsum("sth,std->shd", adjoint, values) - gradient) > TOLERANCE * norm(gradient):
        return None
    dependent = np.linalg.matrix_rank(values, tol=1e-9) < seen.sum(axis=1)
    adjoint[~seen | dependent[:, None]] = np.nan
    adjoint = adjoint.swapaxes(0, 1)
    adjoint[np.linalg.norm(np.nan_to_num(adjoint), axis=(1, 2)) < TINY] = np.nan
    return adjoint
