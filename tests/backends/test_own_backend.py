"""A layer computes by the backend that it is given, a network by its layers', in what belongs to none of them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated.backends import backend_of, default_backend, get_backend
from gated.errors import ArgumentError
from gated.learning import (
    SGD,
    Adam,
    AdamW,
    Online,
    Optimizer,
    Training,
    clip_by_global_norm,
    compare_gradients,
    full_step,
    truncated_step,
)
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Layer, layer_of

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from watching import Watch, watching  # noqa: E402

Array = np.ndarray[Any, Any]
IDS = np.random.default_rng(0).integers(0, 7, (6, 3))
X = np.random.default_rng(1).standard_normal((6, 3, 4))
BACKENDS = ("native", "reference")
OTHER = {"native": "reference", "reference": "native"}
WHOLE = {"loss", "norm", "scale", "all_finite", "update", "add"}  # what belongs to no layer


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return watching(monkeypatch)


def layers(embed: str, rnn: str, head: str, dtype: str = "float64") -> dict[str, Any]:
    return {
        "embed": gated.Embedding(7, 4, dtype=dtype, backend=embed),
        "rnn": gated.LSTM(4, 5, dtype=dtype, backend=rnn, seed=1),
        "head": gated.Dense(5, 7, dtype=dtype, backend=head, seed=2),
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_layer_computes_where_it_is_told(watch: Watch, backend: str) -> None:
    dense, embed = gated.Dense(4, 3, "tanh", dtype="float64", backend=backend), gated.Embedding(7, 4, backend=backend)
    y, _, tape = dense.forward(X)
    dense.backward(tape, y)
    dense.infer(X)
    y, _, tape = embed.forward(IDS)
    embed.backward(tape, y)
    embed.infer(IDS)
    assert watch.of[backend] == {"map": 2, "map_backward": 1, "look_up": 2, "look_up_backward": 1, "empty": 2}
    assert not watch.of[OTHER[backend]]


@pytest.mark.parametrize(
    "make",
    [lambda **own: gated.Recurrent(gated.cells.lstm, 4, 5, **own), lambda **own: gated.Dense(4, 5, **own)]
    + [lambda **own: gated.Embedding(4, 5, **own)],
    ids=["Recurrent", "Dense", "Embedding"],
)
def test_the_argument_is_that_of_a_recurrent_layer(make: Any) -> None:
    assert make().backend_name == "native"
    assert backend_of(make()) is get_backend("native")
    reference = make(backend="reference")
    for same in (reference, copy.copy(reference), pickle.loads(pickle.dumps(reference))):
        assert backend_of(same) is get_backend("reference")
    for wrong in ("tpu", None, 3):
        with pytest.raises(ArgumentError) as error:
            make(backend=wrong)
        assert str(error.value) == f"backend: got {wrong!r}, expected one of 'native', 'reference'"
    assert "backend" not in reference.config(), "a file says what a model is, not where it ran"
    assert layer_of(reference.config()).backend_name == "native"
    assert layer_of({**reference.config(), "backend": "reference"}).backend_name == "reference"


def test_a_dense_layer_is_made_without_llvm() -> None:
    code = "import sys, gated; gated.Dense(3, 4), gated.Embedding(3, 4); print('llvmlite' in sys.modules)"
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout.strip() == "False"


def test_layers_of_before_there_was_a_choice() -> None:
    """Pickles of older versions name none."""
    for layer in (gated.Dense(4, 3, dtype="float64"), gated.Embedding(7, 4)):
        del vars(layer)["backend_name"]
        again = pickle.loads(pickle.dumps(layer))
        assert again.backend_name is None and backend_of(again) is default_backend()


class Plain(Layer):
    """Somebody's own: y = x."""

    def __init__(self) -> None:
        self.input_size = self.output_size = 4
        self.dtype, self.params = np.dtype("float64"), gated.nn.ParameterVector({}, "float64")

    def forward(self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None) -> Any:
        return x, (), None

    def backward(self, tape: Any, dy: Any, dstate: Any = None) -> Any:
        return dy, (), self.params.like()

    def config(self) -> dict[str, Any]:
        return {"kind": "plain"}


def test_the_backend_of_a_network() -> None:
    def name(*own: Any) -> str | None:
        return gated.Network({f"layer{k}": layer for k, layer in enumerate(own)}).backend_name

    def dense(backend: str) -> gated.Dense:
        return gated.Dense(4, 4, dtype="float64", backend=backend)

    native, reference = (lambda: dense("native")), (lambda: dense("reference"))
    assert name(native(), native()) == "native"
    assert name(reference(), reference()) == "reference"
    assert name(native(), reference()) == name(reference(), native()) == "reference", "they differ"
    assert name(Plain(), native(), Plain()) == "native", "one that names none has no say"
    assert name(Plain()) is None and backend_of(gated.Network({"a": Plain()})) is default_backend()
    assert name(gated.Network({"a": native()}), native()) == "native"
    assert name(gated.Network({"a": native(), "b": reference()}), native()) == "reference"
    assert name(gated.Network({"a": Plain()}), native()) == "native"
    made = gated.Network({"a": native(), "b": Plain()})
    assert copy.deepcopy(made).backend_name == "native"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_whole_update_is_made_by_one(watch: Watch, backend: str) -> None:
    made = gated.Network(layers(backend, backend, backend))
    full_step(made, SoftmaxCrossEntropy(), AdamW(0.01), (IDS[:-1], IDS[1:]), clip=1e-3)
    truncated_step(made, SoftmaxCrossEntropy(), SGD(0.01), (IDS[:-1], IDS[1:]), None)
    training = Training(made, SoftmaxCrossEntropy(), Adam(0.1), lambda epoch: [(IDS[:-1], IDS[1:])], carry_state=True)
    next(iter(training))
    if backend == "native":
        assert watch.of[backend] == {"train": 3}
    else:
        assert watch.of[backend].keys() >= WHOLE | {"forward", "backward", "map", "look_up"}
        assert watch.of[backend]["update"] == 3
    assert not watch.of[OTHER[backend]]


MIXED = [("native", "native", "reference"), ("reference", "native", "native"), ("native", "reference", "native")]


@pytest.mark.parametrize("names", MIXED, ids="-".join)
def test_a_mixed_network_is_updated_by_the_reference(watch: Watch, names: tuple[str, str, str]) -> None:
    made = gated.Network(layers(*names))
    full_step(made, SoftmaxCrossEntropy(), Adam(0.01), (IDS[:-1], IDS[1:]), clip=1e-3)
    assert not WHOLE & watch.of["native"].keys() and watch.of["reference"].keys() >= WHOLE
    for method, name in zip(("look_up", "forward", "map"), names, strict=True):  # each layer stays where it is
        assert watch.of[name][method] == 1 and not watch.of[OTHER[name]][method]


def test_all_backends_make_the_same_update() -> None:
    """But for the last digits: sums are made in another order."""

    def updated(clip: float | None, *names: str) -> Array:
        made, rule = gated.Network(layers(*names)), Adam(0.01)
        for _ in range(3):
            full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]), clip=clip)
        return made.theta.copy()

    for clip in (None, 0.1):
        native = updated(clip, "native", "native", "native")
        for names in (("reference", "native", "reference"), ("reference", "reference", "reference")):
            np.testing.assert_allclose(updated(clip, *names), native, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_learning_in_real_time_is_made_by_the_network_s(watch: Watch, backend: str, algorithm: str) -> None:
    made = gated.Network(layers(backend, backend, backend))  # with a table: there is no machine code for it
    learner = Online(made, algorithm, Adam(0.01), SoftmaxCrossEntropy(), batch=3, clip=1e-3)
    learner.partial_fit(IDS[:-1], IDS[1:])
    compare_gradients(made, IDS[:-1], IDS[1:], SoftmaxCrossEntropy(), algorithm=algorithm)
    assert watch.of[backend].keys() >= WHOLE | {"look_up", "evaluate", "pull", "sum_of_products", "sum_rows"}
    assert not watch.of[OTHER[backend]]


def test_a_learner_in_real_time_may_name_another(watch: Watch) -> None:
    made = gated.Network(layers("native", "native", "native"))
    learner = Online(made, "online", Adam(0.01), SoftmaxCrossEntropy(), batch=3, clip=1e-3, backend="reference")
    learner.partial_fit(IDS[:-1], IDS[1:])
    assert watch.of["reference"]["update"] == 5 and not watch.of["native"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_machine_code_leaves_of_an_online_update(watch: Watch, backend: str) -> None:
    rnn, head = gated.LSTM(4, 5, dtype="float64", backend=backend), gated.Dense(5, 4, dtype="float64", backend=backend)
    learner = Online(gated.Network({"rnn": rnn, "head": head}), "online", Adam(0.01), SquaredError(), batch=3, clip=0.1)
    learner.partial_fit(X, X)
    left = {} if backend == "native" else {"norm": 6, "scale": 6, "all_finite": 6, "update": 6}
    assert watch.of[backend] == left
    assert not watch.of[OTHER[backend]]


def test_by_hand_it_is_the_default_one(watch: Watch) -> None:
    made = gated.Network(layers("native", "native", "native"))
    y, _, tape = made.forward(IDS[:-1])
    _, dy = SoftmaxCrossEntropy()(y, IDS[1:])
    grads = made.backward(tape, dy)[2]
    watch.of["native"].clear()
    clip_by_global_norm(grads, 1e-3)
    rule = AdamW(0.01)
    full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]))
    watch.of["native"].clear()
    rule.update(made.params, grads)  # also after an update of a network's own
    assert watch.of["reference"] == {"loss": 1, "norm": 1, "scale": 1, "all_finite": 1, "update": 1}
    assert not watch.of["native"]


class Halved(SGD):
    """Somebody's own, with an `update` of its own."""

    def update(self, theta: Any, gradient: Any) -> None:
        super().update(theta, 0.5 * np.asarray(gradient))


class Signs(Optimizer):
    """Somebody's own, with a rule of its own."""

    def _apply(self, theta: Array, g: Array, lr: float) -> None:
        theta -= lr * np.sign(g)


@pytest.mark.parametrize("online", [False, True])
def test_optimizers_of_somebody_s_own(online: bool) -> None:
    """Those that know of no backend do what they did."""

    def moved(rule: Any) -> Array:
        made = gated.Network(layers("native", "native", "native"))
        before = made.theta.copy()
        if online:
            Online(made, "rtrl", rule, SoftmaxCrossEntropy(), batch=3).step(IDS[0], IDS[1])
        else:
            full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]))
        return made.theta - before

    whole = moved(SGD(0.1))
    assert np.abs(whole).max() > 1e-3
    np.testing.assert_allclose(moved(Halved(0.1)), 0.5 * whole, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(moved(Signs(0.1)), 0.1 * np.sign(whole), rtol=1e-9, atol=1e-15)


def test_an_optimizer_keeps_no_backend_in_copies() -> None:
    made, rule = gated.Network(layers("native", "native", "native")), Adam(0.01)
    full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]))
    for again in (copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
        assert "_backend" not in vars(again)
        theta, same = made.theta.copy(), made.theta.copy()
        again.update(theta, np.ones_like(theta))
        copy.copy(rule).update(same, np.ones_like(same))
        np.testing.assert_array_equal(theta, same)
