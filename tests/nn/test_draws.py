"""Layers whose equations have draws: a number hangs on its place alone, whoever computes and however it is packed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gated
from gated import bernoulli, normal, sigmoid, tanh
from gated.backends.draws import Place, drawn

Array = np.ndarray[Any, Any]


@gated.cell
def zoneout(x: Any, h: Any, c: Any, *, W: Any, U: Any, b: Any, keep: float = 0.4) -> Any:
    zc, zx, noise = bernoulli(keep), bernoulli(0.8, per="sequence"), normal(0.3)
    g = tanh(W.g @ (x * (1 - zx)) + U.g @ h + b.g + noise)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c = zc * c + (1 - zc) * g
    h = o * tanh(c)
    return h, c


def run(lengths: Any, steps: int, batch: int, backend: str, threads: int, **options: Any) -> dict[str, Array]:
    gated.set_num_threads(threads)
    layer = gated.Recurrent(zoneout, 3, 5, dtype="float64", seed=1, backend=backend, **options)
    x = np.random.default_rng(0).normal(size=(steps, batch, 3))
    y, last, tape = layer.forward(x, lengths=lengths, rng=np.random.default_rng(3))
    dx, first, grads = layer.backward(tape, np.cos(np.arange(y.size)).reshape(y.shape))
    assert dx.shape == x.shape
    found = {"y": y, "dx": dx, "theta": grads.vector}
    found |= {f"last {k}": array for k, array in enumerate(last)} | {f"first {k}": a for k, a in enumerate(first)}
    return found | {name: tape[name] for name in tape.names()}


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "dropout": 0.3}], ids=str)
@pytest.mark.parametrize(
    ("steps", "batch", "lengths"), [(1, 1, None), (6, 7, None), (6, 7, [6, 3, 0, 6, 1, 4, 5])], ids=str
)
def test_backends_and_threads(steps: int, batch: int, lengths: Any, options: Any) -> None:
    wanted = run(lengths, steps, batch, "reference", 1, **options)
    for threads in (1, 2, 3):
        found = run(lengths, steps, batch, "native", threads, **options)
        assert found.keys() == wanted.keys()
        for name, array in found.items():
            if name.endswith((".zc", ".zx")):
                np.testing.assert_array_equal(array, wanted[name], name)
            np.testing.assert_allclose(array, wanted[name], 1e-12, 1e-13, err_msg=name)


def test_each_number_has_its_place() -> None:
    """Of the tape of both directions, as the generator gives them for layer, direction, step, sequence and unit."""
    lengths = [4, 2, 0, 3]
    layer = gated.Recurrent(zoneout, 3, 5, num_layers=2, bidirectional=True)
    _, _, tape = layer.forward(np.ones((4, 4, 3), "float32"), lengths=lengths, rng=np.random.default_rng(3))
    key = int(np.random.default_rng(3).integers(0, 2**64, dtype=np.uint64))
    for name in tape.names():
        prefix, _, draw = name.rpartition(".")
        for number, (own, law) in enumerate(zoneout.graph.draws.items()):
            if own != draw:
                continue
            value = 0.4 if law.value == "keep" else law.value
            word = Place(int(prefix[1]), int(prefix.endswith("_reverse")), number).word
            found = tape[name]
            for n, length in enumerate(lengths):
                steps = None if law.per == "sequence" else np.arange(length)
                wanted = drawn(key, word, law.kind, value, steps, np.full(length, n), found.shape[2], "float32")
                np.testing.assert_allclose(found[:length, n], wanted, 1e-6, err_msg=name)
    assert tape["l0.zx"].shape == (4, 4, 3)
    assert tape["l1.zx"].shape == (4, 4, 10)
