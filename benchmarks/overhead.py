"""What a call costs besides its machine code: the Python part, and what a batch of a new shape costs once.

It looks behind the curtain: the native backend's threads have two functions by which all machine code of a pass is run
(`Pool._run` and `Pool._conduct`), and both are timed here. Where a version of gated has other insides, the comparison
is left out with a note.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.problem import Problem
from benchmarks.sides.base import Unavailable

CALLS, WARM = 3000, 300  # of the same shape
SHAPES = 40  # new ones: so few that older versions, which hold 64 plans, have seen them indeed
CLASSES = 50  # of the network that is trained with ragged batches


def python_part(problem: Problem, infer: bool = False) -> list[float]:
    """Seconds of `forward` and `backward` together, less those of the machine code in them: of each call.

    Args:
        infer: of `infer` instead.

    Raises:
        Unavailable: the native backend is not built as this file knows it.
    """
    layer, x, r = _layer(problem), problem.x(), problem.r()

    def train() -> Any:
        tape = layer.forward(x)[2]
        return tape, layer.backward(tape, r)

    call, found = (lambda: layer.infer(x)) if infer else train, []
    with _clock() as inside:
        for _ in range(WARM + CALLS):
            inside[0] = 0.0
            begin = time.perf_counter()
            given = call()
            found.append(time.perf_counter() - begin - inside[0])
            del given
    return found[WARM:]


@contextmanager
def _clock() -> Iterator[list[float]]:
    """One number, to which the seconds of all machine code of passes are added."""
    try:
        pool: Any = importlib.import_module("gated.backends.native.threads.pool").pool()
        kept = {name: getattr(pool, name) for name in ("_run", "_conduct")}
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"the Python part cannot be timed apart in this version of gated ({error})") from error
    spent = [0.0]

    def timed(function: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: int) -> None:
            begin = time.perf_counter()
            function(*arguments)
            spent[0] += time.perf_counter() - begin

        return run

    for name, function in kept.items():
        setattr(pool, name, timed(function))
    try:
        yield spent
    finally:
        for name, function in kept.items():
            setattr(pool, name, function)


def new_shapes(problem: Problem, whole: bool) -> list[float]:
    """Seconds that a batch of sequences of different lengths costs more if it is the first of its shape: of each shape.

    That is compared with a later batch of the same lengths, both of numbers that no cache has seen. Up to T steps and N
    sequences, at least half of both. Code is compiled, and some batches of other shapes were seen, beforehand.

    Args:
        whole: of `full_step` on a network of an embedding, the layer and a head; of `forward` and `backward` without.
    """
    rng = np.random.default_rng(problem.seed)
    call = _update(problem) if whole else _passes(problem)

    def seconds(lengths: Any) -> float:
        batch = call(lengths, rng)
        begin = time.perf_counter()
        batch()
        return time.perf_counter() - begin

    for _ in range(SHAPES // 4):
        seconds(_lengths(rng, problem))
    shapes = [_lengths(rng, problem) for _ in range(SHAPES)]
    first, again = ([seconds(lengths) for lengths in shapes] for _ in range(2))
    return [new - seen for new, seen in zip(first, again, strict=True)]


def _lengths(rng: np.random.Generator, problem: Problem) -> Any:
    point = problem.point
    most = int(rng.integers(point.steps // 2, point.steps + 1))
    sequences = int(rng.integers(max(1, point.batch // 2), point.batch + 1))
    return np.append(rng.integers(most // 2, most + 1, sequences - 1), most)


def _passes(problem: Problem) -> Callable[[Any, np.random.Generator], Callable[[], Any]]:
    layer = _layer(problem)

    def of(lengths: Any, rng: np.random.Generator) -> Callable[[], Any]:
        x = rng.standard_normal((max(lengths), len(lengths), problem.point.hidden)).astype(np.float32)

        def call() -> None:
            y, _, tape = layer.forward(x, None, lengths)
            layer.backward(tape, y)

        return call

    return of


def _update(problem: Problem) -> Callable[[Any, np.random.Generator], Callable[[], Any]]:
    import gated
    from gated.data.sequences import Sequences
    from gated.learning import SGD, full_step
    from gated.losses import SoftmaxCrossEntropy

    size = problem.point.hidden
    table, head = gated.Embedding(CLASSES, size, seed=0), gated.Dense(size, CLASSES, seed=0)
    network = gated.Network({"embedding": table, "rnn": _layer(problem), "head": head})
    loss, optimizer = SoftmaxCrossEntropy(), SGD(1e-6)

    def of(lengths: Any, rng: np.random.Generator) -> Callable[[], Any]:
        x, target = rng.integers(0, CLASSES, (2, max(lengths), len(lengths)))
        batch = Sequences(x, target, lengths)
        return lambda: full_step(network, loss, optimizer, batch)

    return of


def _layer(problem: Problem) -> Any:
    import gated

    size = problem.point.hidden
    return gated.LSTM(size, size, seed=problem.seed, backend="native")
