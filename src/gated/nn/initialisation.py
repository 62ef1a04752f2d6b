"""Initial values of parameters.

`pytorch`: U(±1/√hidden) for everything, biases too, as torch.nn.LSTM/GRU/RNN. `xavier`: Glorot & Bengio 2010, eq. 16,
matrices U(±√(6/(rows+cols))), vectors 0. `orthogonal`: Saxe, McClelland & Ganguli 2014, recurrent (square) matrices
orthogonal, the others xavier, vectors 0. `uniform`: U(±0.1). Each gate's matrix is drawn by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gated.errors import unknown

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
