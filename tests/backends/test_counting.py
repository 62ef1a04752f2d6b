"""A backend owns arithmetic: one that counts is put in the place of each, and parameters tell who computes with them.

Parameters and gradients are of a subclass of NumPy's array that notes every ufunc and function that is called on it
while no method of a backend runs.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gated
from gated import backends
from gated.backends.interface import Arithmetic, Backend
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.reference import ReferenceBackend
from gated.learning import SGD, Adam, AdamW, Online, RMSProp, clip_by_global_norm, full_step, truncated_step
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import ParameterVector

Array = np.ndarray[Any, Any]
METHODS = [name for name in dir(Backend) if not name.startswith("_")]
ROOM = ("zeros_like", "empty_like", "copyto", "shape", "ndim", "size", "array_equal", "can_cast", "result_type")


class Watch:
    """What was called: of a backend, and on parameters outside of it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.outside: list[str] = []
        self.depth = 0

    @contextlib.contextmanager
    def within(self, name: str) -> Iterator[None]:
        self.calls[name] += not self.depth  # what a backend calls of itself is its own affair
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


def counting(kind: type[Any], watch: Watch) -> Any:
    """A backend of this kind that counts the calls of its methods."""

    def counted(name: str) -> Any:
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            with watch.within(name):
                return getattr(kind, name)(self, *arguments, **options)

        return call

    return type("Counting", (kind,), {name: counted(name) for name in METHODS})()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()

    class Watched(np.ndarray):  # type: ignore[type-arg]
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
            note(ufunc.__name__)
            plain = [a.view(np.ndarray) if isinstance(a, Watched) else a for a in inputs]
            if out:
                options["out"] = tuple(a.view(np.ndarray) if isinstance(a, Watched) else a for a in out)
            result = getattr(ufunc, method)(*plain, **options)
            return out[0] if out else result

        def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
            if function.__name__ not in ROOM:
                note(function.__name__)
            return super().__array_function__(function, types, arguments, options)

    def note(name: str) -> None:
        if not watch.depth:
            watch.outside.append(name)

    lay = ParameterVector._lay

    def watched(self: Any, *arguments: Any) -> None:
        lay(self, *arguments)
        self._vector = self._vector.view(Watched)

    monkeypatch.setattr(ParameterVector, "_lay", watched)
    for name, kind in (("native", NativeBackend), ("reference", ReferenceBackend)):
        counts = counting(kind, watch)
        monkeypatch.setitem(backends.MAKERS, name, lambda counts=counts: counts)
    return watch


def network(backend: str, dtype: str = "float32") -> gated.Network:
    embed, head = gated.Embedding(7, 4, dtype=dtype), gated.Dense(10, 7, dtype=dtype, seed=2)
    rnn = gated.PeepholeLSTM(4, 5, num_layers=2, bidirectional=True, dtype=dtype, backend=backend, seed=1)
    return gated.Network({"embed": embed, "rnn": rnn, "head": head})


IDS = np.random.default_rng(0).integers(0, 7, (6, 3))
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: RMSProp(0.01, momentum=0.5),
    "adam": lambda: Adam(0.01),
    "adamw": lambda: AdamW(0.01),
}


def updated(backend: str, optimizer: str) -> Array:
    """The parameters after two updates."""
    made, rule, state = network(backend), OPTIMIZERS[optimizer](), None
    for _ in range(2):
        full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:], [5, 3, 1]), clip=1e-3)
    for _ in range(2):
        _, state, _ = truncated_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]), state)
    return np.array(made.theta)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_whole_update_computes_nowhere_else(request: pytest.FixtureRequest, backend: str, optimizer: str) -> None:
    expected = updated(backend, optimizer)
    watch = request.getfixturevalue("watch")
    found = updated(backend, optimizer)
    assert watch.outside == []
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() > 0


def test_what_is_called_in_one_update(watch: Watch) -> None:
    made, rule = network("native"), Adam(0.01)
    assert (watch.calls, watch.outside) == (Counter(), [])
    full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]), clip=1e-3)
    assert watch.calls == {
        "look_up": 1,
        "forward": 4,  # two layers, two directions
        "map": 1,
        "loss": 1,
        "map_backward": 1,
        "backward": 4,
        "look_up_backward": 1,
        "add": 3,  # a layer's gradient to the network's
        "norm": 1,
        "scale": 1,
        "all_finite": 1,
        "update": 1,
    }
    assert watch.outside == []


def test_without_a_tape(watch: Watch) -> None:
    rnn = gated.GRU(4, 5)
    made = gated.Network({"embed": gated.Embedding(7, 4), "rnn": rnn, "head": gated.Dense(5, 7)})
    made.infer(IDS)
    assert watch.calls == {"look_up": 1, "infer": 1, "map": 1}
    made.stream(3).step(IDS[0])
    assert watch.calls == {"look_up": 2, "infer": 1, "map": 2, "stepper": 1}
    assert watch.outside == []


@pytest.mark.parametrize(
    ("algorithm", "cell"),
    [("online", gated.LSTM), ("online", gated.PeepholeLSTM), ("rtrl", gated.PeepholeLSTM), ("rtrl", gated.GRU)],
)
def test_learning_in_real_time(watch: Watch, algorithm: str, cell: Any) -> None:
    rnn, head = cell(4, 5, dtype="float64"), gated.Dense(5, 7, dtype="float64")
    layers = {"embed": gated.Embedding(7, 4, dtype="float64"), "rnn": rnn, "head": head}
    learner = Online(gated.Network(layers), algorithm, Adam(0.01), SoftmaxCrossEntropy(), batch=3, clip=1e-3)
    learner.partial_fit(IDS[:-1], IDS[1:])
    assert watch.outside == []
    called = {"look_up", "evaluate", "pull", "loss", "norm", "scale", "all_finite", "update"}
    assert set(watch.calls) == called
    assert all(watch.calls[name] == 5 for name in called - {"evaluate", "pull"})


def test_the_watch_sees(watch: Watch) -> None:
    made = network("native")
    np.multiply(made.theta, 2.0)
    made.theta *= 1.0
    made.params["head.W.y"] @ np.ones(10, "float32")
    np.sum(made.theta)
    assert watch.outside == ["multiply", "multiply", "matmul", "sum", "add"]


def test_both_offer_all_of_it() -> None:
    for kind in (NativeBackend, ReferenceBackend):
        assert [name for name in METHODS if not callable(getattr(kind, name, None))] == []
    assert {name for name in dir(Arithmetic) if not name.startswith("_")} < set(METHODS)
    assert isinstance(backends.default_backend(), ReferenceBackend)


def test_the_arithmetic_of_vectors_and_tables() -> None:
    backend, rng = backends.default_backend(), np.random.default_rng(1)
    table, ids, dy = rng.normal(size=(5, 3)), rng.integers(0, 5, (4, 2)), rng.normal(size=(4, 2, 3))
    np.testing.assert_array_equal(backend.look_up(table, ids), table[ids])
    into, expected = np.zeros((5, 3)), np.zeros((5, 3))
    np.add.at(expected, ids, dy)
    backend.look_up_backward(ids, dy, into)
    np.testing.assert_allclose(into, expected, rtol=1e-14)
    backend.look_up_backward(ids[:0], dy[:0], into)
    vector = rng.normal(size=9)
    assert backend.norm(vector) == pytest.approx(np.linalg.norm(vector), rel=1e-15)
    assert backend.all_finite(vector) and not backend.all_finite(np.array([1.0, np.inf]))
    before = backend.norm(vector)
    assert before > 0.5 and clip_by_global_norm(vector, 0.5) == before
    assert backend.norm(vector) == pytest.approx(0.5, rel=1e-14)
    value, dy_ = SquaredError()._evaluate(table, np.zeros_like(table))
    assert value == pytest.approx(0.5 * np.square(table).sum() / 5) and dy_ == pytest.approx(table / 5)
