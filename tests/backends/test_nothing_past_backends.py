"""No arithmetic on parameters, gradients and activations but in a backend: see `watching` for how it is seen."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated.data import stream_windows
from gated.data.vocabulary import Vocabulary
from gated.errors import GatedError
from gated.learning import (
    SGD,
    Adam,
    AdamW,
    Online,
    RMSProp,
    Training,
    clip_by_global_norm,
    compare_gradients,
    full_step,
    global_norm,
    truncated_step,
)
from gated.learning.training import bptt
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.models import CharacterLanguageModel

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "nn"):
    sys.path.insert(0, str(folder))
from residual_layer import Residual  # noqa: E402
from watching import Watch, mark, watching  # noqa: E402

Array = np.ndarray[Any, Any]
IDS = np.random.default_rng(0).integers(0, 7, (7, 3))
X = np.random.default_rng(1).standard_normal((6, 3, 4))
Y = np.random.default_rng(2).random((6, 3, 4))
LENGTHS = [6, 2, 4]
MASK = np.random.default_rng(3).random((6, 3)) < 0.6
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: SGD(0.1),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: RMSProp(0.01),
    "rmsprop with momentum": lambda: RMSProp(0.01, momentum=0.5),
    "adam": lambda: Adam(0.01),
    "adamw": lambda: AdamW(0.01),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stack": {"num_layers": 3},
    "both directions": {"bidirectional": True},
    "dropout": {"num_layers": 3, "dropout": 0.3},
    "all": {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
}
CELLS = {"rnn": gated.RNN, "lstm": gated.LSTM, "peephole": gated.PeepholeLSTM, "gru": gated.GRU}
BACKENDS = ("native", "reference")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return watching(monkeypatch)


@pytest.fixture
def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates are made part by part, as where a network has a layer of somebody's own."""
    monkeypatch.setattr(bptt, "train_in_one_call", lambda *_: None)


def network(backend: str = "native", cell: Any = gated.LSTM, dtype: str = "float32", **options: Any) -> gated.Network:
    """Ids in, 7 numbers out; one layer comes twice, and two are in a network of their own."""
    rnn = cell(4, 5, dtype=dtype, backend=backend, seed=1, **options)
    tied = gated.Dense(4, 4, "sigmoid", dtype=dtype, seed=3)
    layers = {"embed": gated.Embedding(7, 4, dtype=dtype), "rnn": rnn}
    layers |= {"wide": gated.Dense(rnn.output_size, 4, "tanh", dtype=dtype, seed=2), "tied": tied, "again": tied}
    inner = gated.Network(
        {"a": gated.Dense(4, 6, "relu", dtype=dtype), "b": gated.Dense(6, 7, bias=False, dtype=dtype)}
    )
    return gated.Network({**layers, "head": inner})


def trained(made: Any, rule: Any, clip: float | None) -> Array:
    """The parameters after full and truncated updates."""
    rng, state = np.random.default_rng(4), None
    for _ in range(2):
        full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:], LENGTHS), clip=clip, rng=rng)
    for _ in range(2):
        batch = IDS[:-1], IDS[1:], None, MASK
        _, state, _ = truncated_step(made, SoftmaxCrossEntropy("sum"), rule, batch, state, clip=clip, rng=rng)
    return np.array(made.theta)


@pytest.mark.parametrize("options", OPTIONS)
def test_training_in_one_call(request: pytest.FixtureRequest, options: str) -> None:
    def run() -> Array:
        return trained(network("native", gated.PeepholeLSTM, **OPTIONS[options]), Adam(0.01), clip=1e-3)

    expected = run()
    watch = request.getfixturevalue("watch")
    np.testing.assert_array_equal(run(), expected)
    assert watch.outside == [] and watch.calls == {"train": 4}


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_training(request: pytest.FixtureRequest, backend: str, options: str) -> None:
    def run() -> Array:
        return trained(network(backend, gated.PeepholeLSTM, **OPTIONS[options]), Adam(0.01), clip=1e-3)

    expected = run()
    watch = request.getfixturevalue("watch")
    np.testing.assert_array_equal(run(), expected)
    assert watch.outside == []
    assert watch.calls["update"] == 4 and np.isfinite(expected).all() and np.abs(expected).max() > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("clip", [None, 1e-3])
def test_every_optimizer(request: pytest.FixtureRequest, optimizer: str, clip: float | None) -> None:
    expected = trained(network(), OPTIMIZERS[optimizer](), clip)
    watch = request.getfixturevalue("watch")
    np.testing.assert_array_equal(trained(network(), OPTIMIZERS[optimizer](), clip), expected)
    assert watch.outside == []


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("loss", [SquaredError, SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy])
def test_every_loss(watch: Watch, loss: Any) -> None:
    rnn = gated.GRU(4, 5)
    made = gated.Network({"rnn": rnn, "head": gated.Dense(5, 4)})
    for reduction in ("mean", "sum"):
        full_step(made, loss(reduction), SGD(0.1), (X.astype("float32"), Y.astype("float32"), LENGTHS))
        y = made.infer(X.astype("float32"))[0]
        loss(reduction)(y, Y.astype("float32"), MASK)
        loss(reduction)(y, Y.astype("float32"), MASK * 0.5)
    assert watch.outside == [] and watch.calls["loss"] == 6


@pytest.mark.usefixtures("by_parts")
def test_a_training(watch: Watch) -> None:
    ids = np.tile(IDS.ravel(), 3)
    training = Training(
        network(num_layers=2, dropout=0.2),
        SoftmaxCrossEntropy(),
        Adam(0.01),
        lambda epoch: stream_windows(ids, 3, 6),
        carry_state=True,
        clip=0.1,
    )
    for _, update in zip(range(5), training, strict=False):
        assert np.isfinite(update.loss)
    assert watch.outside == [] and watch.calls["update"] == 5


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_without_a_tape(watch: Watch, backend: str, options: str) -> None:
    made = network(backend, **OPTIONS[options])
    y, state = made.infer(IDS, None, LENGTHS)
    made.infer(IDS, state)
    if "bidirectional" not in OPTIONS[options]:
        stream = made.stream(3)
        for ids in IDS:
            stream.step(ids)
        stream.reset(stream.state)
        stream.refresh()
        stream.step(IDS[0])
        rnn = made.layers["rnn"]
        state, tape = rnn.step(X[0].astype("float32"))
        rnn.backward_step(tape, state)
    assert watch.outside == [] and y.shape == (7, 3, 7)


def test_the_evaluation_of_a_model(watch: Watch) -> None:
    """All of it but what is made of the predictions: what a person reads is no part of learning."""
    model = CharacterLanguageModel.build(Vocabulary("abcdefg"), embedding_size=4, hidden_size=5)
    model.evaluate(IDS.ravel(), streams=2)
    model.sample(5)
    assert {entry.split(":")[0] for entry in watch.outside} == {"gated.models.text_score"}
    assert watch.calls == {"infer_chain": 1, "stream": 1, "put": 1, "draw": 1}


def test_clipping_by_hand(watch: Watch) -> None:
    gradient = mark(X.ravel())
    before = clip_by_global_norm(gradient, 0.5)
    assert global_norm(gradient) == pytest.approx(0.5) and before > 0.5
    assert clip_by_global_norm(gradient, 0.6) == global_norm(gradient)
    assert watch.outside == []


def online(
    made: gated.Network, algorithm: str, loss: Any, x: Array, y: Array, backend: str | None, clip: float | None
) -> tuple[Array, Array]:
    """Predictions and parameters of a learner, with masks and without, step by step and several at once."""
    learner = Online(made, algorithm, Adam(0.01), loss, batch=3, clip=clip, backend=backend)
    found = [learner.partial_fit(x[:4], y[:4]), learner.partial_fit(x[4:], y[4:], MASK[4:])]
    learner.reset(learner.network_state, rows=np.array([True, False, True]))
    found += [learner.step(x[0], y[0])[None], learner.step(x[1], y[1], MASK[1])[None], learner.step(x[2])[None]]
    return np.array(np.concatenate(found)), np.array(made.theta)


ROADS = [
    ("online", "native", "lstm"),
    ("online", "reference", "rnn"),
    ("online", "reference", "lstm"),
    ("online", "reference", "peephole"),
    ("rtrl", "reference", "rnn"),
    ("rtrl", "reference", "lstm"),
    ("rtrl", "reference", "peephole"),
    ("rtrl", "reference", "gru"),
]


@pytest.mark.parametrize(("algorithm", "backend", "cell"), ROADS, ids=map(" ".join, ROADS))
@pytest.mark.parametrize("clip", [None, 0.01])
def test_learning_in_real_time(
    request: pytest.FixtureRequest, algorithm: str, backend: str, cell: str, clip: float | None
) -> None:
    layers = 1 if backend == "native" else 2

    def run() -> tuple[Array, Array]:
        rnn = CELLS[cell](4, 5, num_layers=layers, dtype="float64", seed=1)
        made = gated.Network({"rnn": rnn, "head": gated.Dense(5, 4, "tanh", dtype="float64")})
        return online(made, algorithm, SquaredError(), X, Y, backend, clip)

    expected = run()
    watch = request.getfixturevalue("watch")
    for found, wanted in zip(run(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert watch.outside == []


class Scaled(gated.nn.Layer):
    """A layer of somebody's own, without equations: each number times a parameter."""

    def __init__(self, size: int) -> None:
        self.input_size = self.output_size = size
        self.dtype = np.dtype("float64")
        self.params = gated.nn.ParameterVector({"a": (size,)}, "float64")
        self.params["a"] = 1.5

    def forward(self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None) -> Any:
        return x * self.params["a"], (), x

    def backward(self, tape: Any, dy: Any, dstate: Any = None) -> Any:
        grads = self.params.like()
        grads["a"] = (dy * tape).reshape(-1, self.input_size).sum(axis=0)
        return dy * self.params["a"], (), grads

    def config(self) -> dict[str, Any]:
        return {"kind": "scaled"}


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_all_kinds_of_layers_in_real_time(request: pytest.FixtureRequest, algorithm: str) -> None:
    """A table, a residual connection, tied layers, a network in a network, a layer without equations."""

    def run() -> tuple[Array, Array]:
        tied = gated.Dense(4, 4, "sigmoid", dtype="float64")
        own: dict[str, Any] = {"own": Scaled(4), "tied": tied, "again": tied}
        inner = gated.Network({"rnn": gated.RNN(4, 4, dtype="float64"), "head": gated.Dense(4, 7, dtype="float64")})
        residual = Residual(gated.PeepholeLSTM(4, 4, dtype="float64", seed=1))
        made = gated.Network({"embed": gated.Embedding(7, 4, dtype="float64"), "res": residual, **own, "inner": inner})
        return online(made, algorithm, SoftmaxCrossEntropy(), IDS[:-1], IDS[1:], None, 0.1)

    expected = run()
    watch = request.getfixturevalue("watch")
    for found, wanted in zip(run(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert watch.ours == []
    assert {entry.split(":")[0] for entry in watch.outside} == {__name__}, "what a user's layer computes is its own"


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_the_comparison_of_gradients(watch: Watch, algorithm: str) -> None:
    """All of it but the figures that a person reads."""
    found = compare_gradients(network(dtype="float64"), IDS[:-1], IDS[1:], SoftmaxCrossEntropy(), algorithm=algorithm)
    assert {entry.split(":")[0] for entry in watch.outside} == {"gated.learning.realtime.compare"}
    assert {entry.split(": ")[1] for entry in watch.outside} == {"norm", "subtract", np.divide.__name__}
    assert found[-1].relative_error < (1e-12 if algorithm == "rtrl" else 2)


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
@pytest.mark.parametrize("name", ["res.l0.U.i", "inner.head.b.y"])
def test_a_gradient_that_is_not_finite_is_found_by_the_backend(watch: Watch, algorithm: str, name: str) -> None:
    """With an error and no warning, whatever the way on which inf becomes NaN."""
    rnn, head = gated.RNN(4, 4, dtype="float64"), gated.Dense(4, 5, dtype="float64")
    residual = Residual(gated.PeepholeLSTM(4, 4, dtype="float64", seed=1))
    made = gated.Network({"res": residual, "inner": gated.Network({"rnn": rnn, "head": head})})
    learner = Online(made, algorithm, SGD(0.1), batch=3)
    learner.step(X[0], np.ones((3, 5)))
    made.params[name][...] = np.resize([np.inf, -np.inf], made.params[name].shape)
    with pytest.raises(GatedError) as error:
        for x in X:
            learner.step(x, np.ones((3, 5)))
    assert re.fullmatch(
        r"gradient: got NaN or inf at update \d, expected finite numbers; the parameter \S+ holds (NaN|inf|-inf) at .*",
        str(error.value),
    )
    looking = {"gated.learning.rules.option_checks", "gated.learning.rules.finite"}  # for what to say
    assert {entry.split(":")[0] for entry in watch.ours} <= looking
    assert watch.calls["all_finite"] == watch.calls["loss"] + 1


def test_the_watch_sees(watch: Watch) -> None:
    made = network()
    np.multiply(made.theta, 2.0)
    made.theta *= 1.0
    weights = made.params["wide.W.y"]
    weights @ np.ones(5, "float32")
    weights.T.dot(np.ones(4, "float32"))
    np.sum(made.theta[3:])
    weights.reshape(-1).astype("float64").mean()
    y, _, tape = made.forward(IDS)
    _, _, grads = made.backward(tape, y)
    (
        bool((y != 0).any()),
        grads["head.a.W.y"] + 1,
        np.concatenate([np.ones(2), y[0, 0]]) * 2,
        np.dot(y[0], weights[0, 0]),
    )
    seen = [entry.removeprefix(f"{__name__}: ") for entry in watch.outside]
    sums = ["sum", "add.reduce", "add.reduce"]
    assert seen == ["multiply", "multiply", "matmul", "dot", *sums, "not_equal", "add", "multiply", "dot"]
    assert watch.ours == []
