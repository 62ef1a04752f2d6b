"""Generated tasks for estimators of sequences: as many sequences of unequal length as are wanted, with their answers.

N sequences, T steps of one, D channels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Task = tuple[list[Array], Array]  # N sequences (T, D), N answers
SHORTEST, LONGEST = 20, 60
SYMBOLS = 6
ORDERS = tuple(itertools.permutations(range(3)))
NOISE = 0.7  # deviation, of waves from -1 to 1


def waves(count: int, rng: np.random.Generator) -> Task:
    """Which of three periods a noisy wave has that begins anywhere, D = 1."""
    kinds = rng.integers(3, size=count)
    return [_wave((8, 10, 12)[kind], rng) for kind in kinds], kinds


def order(count: int, rng: np.random.Generator) -> Task:
    """In which of six orders three symbols came, each once among others, D = 6."""
    kinds, sequences = rng.integers(len(ORDERS), size=count), []
    for kind in kinds:
        symbols = rng.integers(3, SYMBOLS, _steps(rng))
        symbols[np.sort(rng.choice(len(symbols), 3, replace=False))] = ORDERS[kind]
        sequences.append(np.eye(SYMBOLS)[symbols])
    return sequences, kinds


def sums(count: int, rng: np.random.Generator) -> Task:
    """The sum of two marked ones of random numbers: the number and its mark, D = 2 (Hochreiter & Schmidhuber, 1997)."""
    sequences, answers = [], []
    for _ in range(count):
        numbers = rng.uniform(-1, 1, _steps(rng))
        marks = np.zeros(len(numbers))
        marks[rng.choice(len(numbers), 2, replace=False)] = 1
        sequences.append(np.column_stack([numbers, marks]))
        answers.append(numbers @ marks)
    return sequences, np.array(answers)


CLASSES: dict[str, Callable[[int, np.random.Generator], Task]] = {"waves": waves, "order": order}
NUMBERS: dict[str, Callable[[int, np.random.Generator], Task]] = {"sum": sums}


def _steps(rng: np.random.Generator) -> int:
    return int(rng.integers(SHORTEST, LONGEST))


def _wave(period: float, rng: np.random.Generator) -> Array:
    """(T, 1)"""
    steps = np.arange(_steps(rng))
    noise = NOISE * rng.standard_normal(len(steps))
    return (np.sin(2 * np.pi * (steps / period + rng.random())) + noise)[:, None]
