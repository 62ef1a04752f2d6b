"""Captioners and their batches, the same in every process.

Two of the plain form, features -> affine -> h0; embedding; LSTM; affine; and the one that `gated caption train` trains,
which reads the places of a picture first (`gated.models.captioner.network`), with the GRU that PyTorch has.

Legend: T words, N captions, V words in all, E the size of an embedding, H hidden units, P places, D numbers of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.problem import Array, Numbers, Problem

BATCHES = 8  # that come in turn
UPDATES = 50  # whose losses are compared
RATE, CLIP = 1e-3, 5.0  # of Adam, and of the gradient's norm
NULL, START, END, FIRST = 0, 1, 2, 4


@dataclass(frozen=True)
class Sizes:
    """Of a model besides H and V.

    Attributes:
        look: of dense layers before the places are read; none in the plain form.
        read: units that read them, in each direction.
    """

    embedding: int
    features: tuple[int, ...]  # (D,) or (P, D)
    look: tuple[int, ...] = ()
    read: int = 0


SIZES = {120: Sizes(64, (256,)), 1004: Sizes(256, (512,)), 127: Sizes(64, (9, 148), (64, 24), 128)}  # by V


def weights(problem: Problem) -> Numbers:
    """By the names that our network has. float32; U(-1/sqrt(inputs), 1/sqrt(inputs)), the embedding normal."""
    sizes, hidden, random = SIZES[problem.vocabulary], problem.point.hidden, _random(problem, 1)
    found: Numbers = {}

    def dense(name: str, inputs: int, outputs: int) -> None:
        bound = inputs**-0.5
        found[f"{name}.W.y"] = random.uniform(-bound, bound, (outputs, inputs))
        found[f"{name}.b.y"] = random.uniform(-bound, bound, outputs)

    def recurrent(name: str, inputs: int, units: int) -> None:
        bound = units**-0.5
        shapes: dict[str, tuple[int, ...]] = {}
        for family, shape in (("W", (units, inputs)), ("U", (units, units)), ("b", (units,))):
            shapes |= {f"{family}.{gate}": shape for gate in problem.gates}
        if problem.cell == "gru":
            shapes["b.hn"] = (units,)
        found.update({f"{name}.{key}": random.uniform(-bound, bound, shape) for key, shape in shapes.items()})

    size = sizes.features[-1]
    for k, width in enumerate(sizes.look, 1):
        dense(f"look{k}", size, width)
        size = width
    if sizes.read:
        recurrent("read.l0", size, sizes.read)
        recurrent("read.l0_reverse", size, sizes.read)
        size = 2 * sizes.read
    dense("project", size, hidden)
    found["embed.W"] = random.standard_normal((problem.vocabulary, sizes.embedding))
    recurrent("rnn.l0", sizes.embedding + (size if sizes.read else 0), hidden)
    dense("head", hidden, problem.vocabulary)
    return {name: value.astype(np.float32) for name, value in found.items()}


def batches(problem: Problem) -> list[tuple[Array, Array, Array, Array]]:
    """(features, (N, D) or (P, N, D); words in, words out, (T, N); weights (T, N)), padded to T.

    The weights make a sum over words one over words divided by the number of captions, as in the course assignment.
    """
    point, sizes, random = problem.point, SIZES[problem.vocabulary], _random(problem, 2)
    found = []
    for _ in range(BATCHES):
        shape = (point.batch, *sizes.features)
        features = random.standard_normal(shape, np.float32)
        features = features.swapaxes(0, 1).copy() if len(shape) == 3 else features
        ids = random.integers(FIRST, problem.vocabulary, (point.steps + 1, point.batch))
        lengths = random.integers(point.steps // 2, point.steps + 1, point.batch)
        steps = np.arange(point.steps + 1)[:, None]
        ids[0] = START
        ids = np.where(steps < lengths, ids, np.where(steps == lengths, END, NULL))
        mask = (ids[1:] != NULL).astype(np.float32) / np.float32(point.batch)
        found.append((features, ids[:-1].copy(), ids[1:].copy(), mask))
    return found


def _random(problem: Problem, purpose: int) -> np.random.Generator:
    point = problem.point
    return np.random.default_rng([problem.seed, 9, purpose, problem.vocabulary, point.steps, point.batch, point.hidden])
