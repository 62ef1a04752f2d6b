"""Initial values of parameters.

`pytorch`: U(±1/√hidden) for everything, biases too, as torch.nn.LSTM/GRU/RNN. `xavier`: Glorot & Bengio 2010, eq. 16,
matrices U(±√(6/(rows+cols))), vectors 0. `orthogonal`: Saxe, McClelland & Ganguli 2014, recurrent (square) matrices
orthogonal, the others xavier, vectors 0. `uniform`: U(±0.1). Each gate's matrix is drawn by itself.

A cell's own rules (`@gated.cell(init=...)`) may have numbers:

    zeros, ones, constant(v)
    uniform(low, high), normal(deviation), log_uniform(low, high)    log_uniform: the logarithm is uniform
    identity, identity(v)      v on the diagonal
    spectral(radius, density)  of echo states: so many entries are not 0 (from 0 to 1, all if left out), drawn from
                               U(±1), the matrix then scaled to this spectral radius. H. Jaeger (2001), The "echo state"
                               approach to analysing and training recurrent neural networks, GMD Report 148
    ring(low, high)            logarithms of -log(r): of numbers r = exp(-exp(ν)) whose squares are uniform between
                               low² and high². A. Orvieto et al. (2023), Resurrecting recurrent neural networks for long
                               sequences, ICML, Lemma 3.2
    legendre(θ)                the matrix (order, order), or the vector (order,), of a delay of θ steps in Legendre
                               polynomials, held for a step: A. R. Voelker, I. Kajić, C. Eliasmith (2019), Legendre
                               memory units: continuous-time representation in recurrent neural networks, NeurIPS,
                               eqs. 1 and 2, and the supplement's zero-order hold
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from gated.errors import CellError, unknown, wrong
from gated.language.first_values import parsed

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


def _pytorch(shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    bound = 1.0 / np.sqrt(hidden)
    return rng.uniform(-bound, bound, shape)


def _xavier(shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    if len(shape) == 1:
        return np.zeros(shape)
    bound = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-bound, bound, shape)


def _orthogonal(shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    if len(shape) == 1 or shape[0] != shape[1]:
        return _xavier(shape, hidden, rng)
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return np.asarray(q * np.sign(np.diag(r)))  # the signs make the distribution uniform (Haar)


def _uniform(shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    return rng.uniform(-0.1, 0.1, shape)


INITIALISERS: dict[str, Callable[[tuple[int, ...], int, Rng], Array]] = {
    "pytorch": _pytorch,
    "xavier": _xavier,
    "orthogonal": _orthogonal,
    "uniform": _uniform,
}


def _constant(shape: tuple[int, ...], rng: Rng, value: float) -> Array:
    return np.full(shape, value)


def _between(shape: tuple[int, ...], rng: Rng, low: float, high: float) -> Array:
    return rng.uniform(low, high, shape)


def _normal(shape: tuple[int, ...], rng: Rng, deviation: float) -> Array:
    return deviation * rng.standard_normal(shape)


def _log_uniform(shape: tuple[int, ...], rng: Rng, low: float, high: float) -> Array:
    return np.exp(rng.uniform(np.log(low), np.log(high), shape))


def _identity(shape: tuple[int, ...], rng: Rng, value: float = 1.0) -> Array:
    return value * np.eye(shape[0], shape[1])


def _spectral(shape: tuple[int, ...], rng: Rng, radius: float, density: float = 1.0) -> Array:
    found = rng.uniform(-1.0, 1.0, shape) * (rng.random(shape) < density)
    largest = float(np.abs(np.linalg.eigvals(found)).max())
    return found * (radius / largest) if largest else found


def _ring(shape: tuple[int, ...], rng: Rng, low: float, high: float) -> Array:
    return np.log(-0.5 * np.log(rng.uniform(low * low, high * high, shape)))


def _legendre(shape: tuple[int, ...], rng: Rng, theta: float) -> Array:
    order = shape[0]
    i, j = np.indices((order, order))
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1)) / theta
    b = ((2 * np.arange(order) + 1) * (-1.0) ** np.arange(order)) / theta
    held = _exponential(np.block([[a, b[:, None]], [np.zeros((1, order + 1))]]))  # of both at once
    return held[:order, :order] if len(shape) == 2 else held[:order, order]


def _exponential(matrix: Array) -> Array:
    """exp of a matrix, by Taylor's series of a part of it, squared again and again."""
    size = float(np.abs(matrix).sum(axis=0).max())
    halvings = max(0, math.frexp(size)[1] + 4)
    part, term = matrix / 2.0**halvings, np.eye(len(matrix))
    found = term.copy()
    for k in range(1, 20):
        term = term @ part / k
        found = found + term
    for _ in range(halvings):
        found = found @ found
    return found


# word -> what makes the values, the numbers of axes that it can have, and the numbers that it takes
RULES: dict[str, tuple[Callable[..., Array], tuple[int, ...], tuple[int, ...]]] = {
    "zeros": (lambda shape, rng: np.zeros(shape), (1, 2), (0,)),
    "ones": (lambda shape, rng: np.ones(shape), (1, 2), (0,)),
    "constant": (_constant, (1, 2), (1,)),
    "uniform": (_between, (1, 2), (2,)),
    "normal": (_normal, (1, 2), (1,)),
    "log_uniform": (_log_uniform, (1, 2), (2,)),
    "identity": (_identity, (2,), (0, 1)),
    "spectral": (_spectral, (2,), (1, 2)),
    "ring": (_ring, (1, 2), (2,)),
    "legendre": (_legendre, (1, 2), (1,)),
}


def by_rule(parameter: str, rule: str, shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    """A parameter that begins as its cell says, float64.

    Raises:
        CellError: the rule has no values of this shape, or takes other numbers.
    """
    word, numbers = parsed(rule)
    if not numbers and word in INITIALISERS:
        return INITIALISERS[word](shape, hidden, rng)
    if word not in RULES:
        raise unknown(f"init of {parameter}", word, RULES)
    make, axes, counts = RULES[word]
    if len(numbers) not in counts:
        expected = " or ".join(map(str, counts))
        raise CellError(f"init of {parameter}: got {rule!r}, expected {expected} number(s) for {word}")
    square = word in ("spectral", "legendre") and len(shape) == 2
    if len(shape) not in axes or (square and shape[0] != shape[1]):
        raise CellError(f"init of {parameter}: got {rule!r} for shape {shape}, expected a square matrix or a vector")
    found: Array | None = None
    with np.errstate(all="ignore"), suppress(OverflowError, ValueError):  # NumPy's, of bounds that are none
        found = make(shape, rng, *numbers)
    if found is None or not np.isfinite(found).all():
        raise wrong(f"init of {parameter}", repr(rule), "numbers for which its values are finite")
    return np.asarray(found)


def initial_value(name: str, shape: tuple[int, ...], hidden: int, rng: Rng) -> Array:
    """A random parameter, float64.

    Args:
        name: a key of INITIALISERS.
        shape: (rows, cols) or (rows,).
        hidden: the layer's hidden size (the fan that PyTorch uses).
        rng: generator.

    Raises:
        ArgumentError: unknown name.
    """
    if not isinstance(name, str) or name not in INITIALISERS:
        raise unknown("init", name, INITIALISERS)
    return INITIALISERS[name](shape, hidden, rng)
