"""A kind of layer in a file outside gated (`residual_layer`): all that a layer can do, without a change elsewhere."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.files.tensor_file import open_tensors
from gated.interop.model_file import load_model, save_model
from gated.learning import SGD, Adam, Online, full_step
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Layer, layer_of, network_from_config
from gated.nn.claims import DEPTH, claims
from gated.nn.equations import Equations
from gated.nn.kinds import KINDS
from gated.nn.maps import planned

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from residual_layer import Residual  # noqa: E402

Array = np.ndarray[Any, Any]
T, N = 6, 3


def network(which: str, seed: int = 0, dtype: str = "float64") -> gated.Network:
    """Residual layers around all sorts of layers; the last one gives 2 outputs."""

    def lstm(layers: int = 1) -> Any:
        return gated.LSTM(4, 4, num_layers=layers, dtype=dtype, seed=seed + 1)

    def dense(activation: str | None) -> Any:
        return gated.Dense(4, 4, activation, dtype=dtype, seed=seed + 2)

    below = gated.Dense(3, 4, "tanh", dtype=dtype, seed=seed + 3)
    above = gated.Dense(4, 2, dtype=dtype, seed=seed + 4)
    middle = {
        "map": {"rnn": lstm(), "skip": Residual(dense("tanh"))},
        "recurrent": {"skip": Residual(lstm(2))},
        "both": {"one": Residual(Residual(dense("sigmoid"))), "rnn": lstm(), "two": Residual(lstm()), "last": lstm()},
        "nested": {"inner": gated.Network({"skip": Residual(lstm()), "map": Residual(dense(None))})},
    }[which]
    made = gated.Network({"below": below, **middle, "above": above})
    made.theta[...] = np.random.default_rng(seed).normal(0, 0.4, made.theta.size)
    return made


WHICH = ("map", "recurrent", "both", "nested")
KNOWN = "recurrent, dense, dropout, embedding, network, pool, "


def drawn(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def states_of(made: gated.Network, seed: int = 3) -> Any:
    rng = np.random.default_rng(seed)

    def fill(state: Any) -> Any:
        if isinstance(state, dict):
            return {name: fill(own) for name, own in state.items()}
        return tuple(rng.normal(0, 0.5, array.shape) for array in state)

    return fill(made.initial_state(N))


@pytest.mark.parametrize("which", WHICH)
def test_its_gradient_is_that_of_differences(which: str) -> None:
    made, x, dy = network(which), drawn(T, N, 3), drawn(T, N, 2, seed=2)
    state = states_of(made)
    _, _, tape = made.forward(x, state)
    dx, _, grads = made.backward(tape, dy)
    step, place = 1e-6, np.random.default_rng(5)
    for array, found in ((made.theta, grads.vector), (x, dx)):
        for k in place.choice(array.size, 12, replace=False):
            values = []
            for sign in (1, -1):
                array.reshape(-1)[k] += sign * step
                values.append((made.forward(x, state)[0] * dy).sum())
                array.reshape(-1)[k] -= sign * step
            assert found.reshape(-1)[k] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("which", WHICH)
def test_it_trains_streams_and_copies(which: str) -> None:
    made, x, target = network(which), drawn(T, N, 3), drawn(T, N, 2, seed=2)
    optimizer, losses = Adam(0.03), []
    for _ in range(60):
        losses.append(full_step(made, SquaredError(), optimizer, (x, target), clip=1.0)[0])
    assert losses[-1] < 0.5 * losses[0]
    state = states_of(made)
    y, last, _ = made.forward(x, state)
    np.testing.assert_allclose(made.infer(x, state)[0], y, rtol=1e-12, atol=1e-14)
    stream = made.stream(N, state)
    np.testing.assert_allclose([stream.step(row).copy() for row in x], y, rtol=1e-12, atol=1e-14)
    assert list(stream.state) == list(last)
    for other in (copy.deepcopy(made), copy.copy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(other.forward(x, state)[0], y)
        other.theta[...] = 0
    np.testing.assert_array_equal(made.forward(x, state)[0], y)


def test_it_has_the_parameters_of_the_inner_layer() -> None:
    own, x = Residual(gated.Dense(4, 4, dtype="float64")), drawn(T, N, 4)
    for layer in (own, copy.deepcopy(own), pickle.loads(pickle.dumps(own)), layer_of(own.config())):
        layer.theta[...] = 0
        np.testing.assert_array_equal(layer(x)[0], x)
        layer.params = gated.Dense(4, 4, dtype="float64", seed=5).params
        np.testing.assert_array_equal(layer(x)[0], x + gated.Dense(4, 4, dtype="float64", seed=5)(x)[0])
    made = gated.Network({"own": own})
    made.theta[...] = 0
    np.testing.assert_array_equal(own.inner.theta, np.zeros(20))
    with pytest.raises(ArgumentError, match="belongs to another network"):
        gated.Network({"again": Residual(own.inner)})


# learning in real time


@pytest.mark.parametrize("which", WHICH)
def test_rtrl_is_backpropagation_through_time(which: str) -> None:
    made, x, target = network(which), drawn(T, N, 3), drawn(T, N, 2, seed=2)
    state, loss = states_of(made), SquaredError()
    rate, before = 0.1, made.theta.copy()
    learner = Online(made, "rtrl", SGD(rate), loss, batch=N)
    learner.reset(state)
    for t in range(T - 1):
        learner.step(x[t])
    learner.step(x[-1], target[-1])
    found = (before - made.theta) / rate
    after = learner.network_state
    made.theta[...] = before
    y, last, tape = made.forward(x, state)
    dy = np.zeros_like(y)
    dy[-1] = loss(y[-1], target[-1])[1]
    exact = made.backward(tape, dy)[2].vector
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12 * np.linalg.norm(exact) / rate)
    assert np.linalg.norm(exact) > 1e-3
    flat, other = _arrays(after), _arrays(last)
    assert flat.keys() == other.keys()
    for name, array in flat.items():
        np.testing.assert_allclose(array, other[name], rtol=1e-12, atol=1e-14)


def _arrays(state: Any, name: str = "") -> dict[str, Array]:
    if isinstance(state, dict):
        return {k: v for key, own in state.items() for k, v in _arrays(own, f"{name}.{key}").items()}
    return {f"{name}.{k}": array for k, array in enumerate(state)}


@gated.cell
def leaky(x, h, *, W, a):
    """No recurrent matrix: what is online here is exact."""
    h = gated.sigmoid(a.h) * h + gated.tanh(W.h @ x)
    return h


@pytest.mark.parametrize("around", ["map", "recurrent", "both"])
def test_online_is_exact_where_nothing_is_cut(around: str) -> None:
    def own(seed: int) -> gated.Recurrent:
        return gated.Recurrent(leaky, 4, 4, dtype="float64", seed=seed)

    skip = Residual(gated.Dense(4, 4, "tanh", dtype="float64"))
    layers = {
        "map": {"rnn": own(1), "skip": skip},
        "recurrent": {"skip": Residual(own(1))},
        "both": {"rnn": Residual(own(1)), "skip": skip},
    }[around]
    made = gated.Network({**layers, "above": gated.Dense(4, 2, dtype="float64", seed=4)})
    x, target, loss, rate = drawn(T, N, 4), drawn(T, N, 2, seed=2), SquaredError(), 0.1
    state, before = states_of(made), made.theta.copy()
    learner = Online(made, "online", SGD(rate), loss, batch=N)
    learner.reset(state)
    mask = np.array([True, False, True])
    for t in range(T - 1):
        learner.step(x[t])
    learner.step(x[-1], target[-1], mask)
    found = (before - made.theta) / rate
    made.theta[...] = before
    y, _, tape = made.forward(x, state)
    dy = np.zeros_like(y)
    dy[-1] = loss(y[-1], target[-1], mask)[1]
    exact = made.backward(tape, dy)[2].vector
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12 * np.linalg.norm(exact) / rate)
    again = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(again.step(x[0], target[0]), learner.step(x[0], target[0]))


class Plain(Layer):
    """A layer without a state that tells no equations, nor its kind."""

    def __init__(self, size: int) -> None:
        self.input_size = self.output_size = size
        self.dtype = np.dtype("float64")
        self.params = gated.nn.ParameterVector({"s": (size,)}, self.dtype)
        self.params["s"] = np.linspace(0.4, 1.6, size)

    def forward(self, x: Array, state: Any = None, lengths: Any = None, *, rng: Any = None) -> tuple[Any, ...]:
        y = np.sin(x * self.params["s"])
        return y, (), np.array(x)

    def backward(self, tape: Array, dy: Array, dstate: Any = None) -> tuple[Any, ...]:
        inner = dy * np.cos(tape * self.params["s"])
        grads = self.params.like()
        grads["s"] = (inner * tape).sum(axis=(0, 1))
        return inner * self.params["s"], (), grads

    def config(self) -> dict[str, Any]:
        return {"kind": "plain"}


def learnt_at_the_last_step(
    made: gated.Network, algorithm: str, x: Any, target: Any, backend: str | None = None
) -> tuple[Any, Any]:
    """The gradient of the last step's loss: by what a learner in real time changes, and by backpropagation."""
    loss, rate, before = SquaredError(), 0.1, made.theta.copy()
    learner = Online(made, algorithm, SGD(rate), loss, batch=N, backend=backend)
    for t in range(T - 1):
        learner.step(x[t])
    learner.step(x[-1], target[-1])
    found = (before - made.theta) / rate
    made.theta[...] = before
    y, _, tape = made.forward(x)
    dy = np.zeros_like(y)
    dy[-1] = loss(y[-1], target[-1])[1]
    return found, made.backward(tape, dy)[2].vector


@pytest.mark.parametrize("algorithm", ["rtrl", "online"])
@pytest.mark.parametrize("skip", [False, True], ids=["alone", "in a residual one"])
def test_a_layer_without_equations_learns_by_its_own_backward(algorithm: str, skip: bool) -> None:
    own = Residual(Plain(4)) if skip else Plain(4)
    layers = {"below": Plain(4), "rnn": gated.Recurrent(leaky, 4, 4, dtype="float64"), "own": own}
    made = gated.Network({**layers, "above": gated.Dense(4, 2, dtype="float64", seed=4)})
    x, target = drawn(T, N, 4), drawn(T, N, 2, seed=2)
    found, exact = learnt_at_the_last_step(made, algorithm, x, target)
    # online, the error of a step reaches the layers below only through that step
    seen = slice(None) if algorithm == "rtrl" else slice(made.params.span("rnn.l0.W.h")[0], None)
    np.testing.assert_allclose(found[seen], exact[seen], rtol=0, atol=1e-11 * np.linalg.norm(exact))


def test_a_state_without_equations_does_not_learn_in_real_time() -> None:
    class Counts(Plain):
        def initial_state(self, batch: int) -> Any:
            return (np.zeros((batch, 1)),)

    made = gated.Network({"own": Counts(4)})
    with pytest.raises(ArgumentTypeError) as caught:
        Online(made)
    assert str(caught.value).startswith("layers['own']: got Counts <") and str(caught.value).endswith(
        ", expected a Recurrent, a Dense, an Embedding, or a layer whose equations() tells what a step is"
    )


# files


def fresh(code: str, imports: bool) -> str:
    first = f"import sys; sys.path.insert(0, {str(HERE)!r})\n" + "import residual_layer\n" * imports
    done = subprocess.run([sys.executable, "-c", first + code], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout.strip()


@pytest.mark.parametrize("which", WHICH)
def test_files(tmp_path: Path, which: str) -> None:
    made, path = network(which), str(tmp_path / "model")
    save_model(path, "test", made, {"more": [1]})
    other, found = load_model(path, "test", ["more"])
    assert repr(other.config()) == repr(made.config()) and found == {"more": [1]}
    np.testing.assert_array_equal(other.theta, made.theta)
    assert [name for name, *_ in claims(made.config())] == list(made.params)
    np.testing.assert_array_equal(other.forward(drawn(T, N, 3))[0], made.forward(drawn(T, N, 3))[0])


def test_a_fresh_process_that_imports_it(tmp_path: Path) -> None:
    made, path = network("both"), str(tmp_path / "model")
    save_model(path, "test", made, {})
    read = (
        "import numpy as np\n"
        "from gated.errors import FileFormatError\n"
        "from gated.interop.model_file import load_model\n"
        "try:\n"
        f"    network, _ = load_model({path!r}, 'test')\n"
        "    print(network.forward(np.ones((2, 1, 3)))[0].tobytes().hex())\n"
        "except FileFormatError as error:\n"
        "    print(error)\n"
    )
    assert fresh(read, imports=True) == made.forward(np.ones((2, 1, 3)))[0].tobytes().hex()
    assert fresh(read, imports=False) == (
        f"{path!r}: network: layer 'one' is of kind 'residual', expected {KNOWN}"
        "or first an import of the module that defines it (with kind='residual')"
    )


def test_descriptions_of_it_that_are_wrong(tmp_path: Path) -> None:
    made = network("recurrent")
    good = json.loads(json.dumps(made.config()))

    def refused(change: Any) -> str:
        config = copy.deepcopy(good)
        change(config["layers"][1][1])
        with pytest.raises(FileFormatError) as caught:
            network_from_config(config)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    unknown = f"expected {KNOWN}"
    for wrong_kind in ("resid", "network", "tied", 3, None):
        found = refused(lambda own, kind=wrong_kind: own["inner"].update(kind=kind))
        assert found.startswith(f"network: a layer in a layer is of kind '{wrong_kind}', {unknown}"), found
    assert "a layer in a layer is of kind 'None'" in refused(lambda own: own.pop("inner"))
    assert "a layer in a layer has 'seed', expected none" in refused(lambda own: own["inner"].update(seed=1))
    assert "layer 'skip' cannot be built: hidden_size" in refused(lambda own: own["inner"].update(hidden_size=-1))
    assert "layer 'skip' cannot be built: inner: got sizes 5 and 4" in refused(
        lambda own: own["inner"].update(input_size=5)
    )

    def deep(own: dict[str, Any]) -> None:
        for _ in range(DEPTH + 1):
            own["inner"] = {"kind": "residual", "inner": own["inner"], "dtype": "float64"}

    assert refused(deep) == f"network: got more than {DEPTH} layers within each other, expected fewer"


def test_one_by_its_description() -> None:
    layer = layer_of(Residual(gated.Dense(4, 4)).config())
    assert isinstance(layer, Residual) and layer.theta.size == 20
    with pytest.raises(FileFormatError) as caught:
        layer_of({"kind": "mine"})
    assert str(caught.value).startswith(f"layer: got the kind 'mine', expected {KNOWN}")
    with pytest.raises(FileFormatError, match="^layer: got the kind None, expected recurrent"):
        layer_of([])  # type: ignore[arg-type]


# kinds


def test_names_of_kinds() -> None:
    parts = {"forward": 0, "backward": 0, "config": 0, "claims": 0}
    with pytest.raises(ArgumentError) as caught:
        type("Other", (Layer,), parts, kind="residual")
    assert str(caught.value) == "kind: got 'residual', that of residual_layer.Residual, expected another name"
    with pytest.raises(ArgumentError, match="^kind: got 'dense', that of gated.Dense, expected another name$"):
        type("Other", (Layer,), parts, kind="dense")
    with pytest.raises(ArgumentError, match="^kind: got 'tied', what a layer is that comes again, expected another"):
        type("Other", (Layer,), parts, kind="tied")
    with pytest.raises(ArgumentTypeError, match="^kind: got int 3, expected a text such as 'residual'$"):
        type("Other", (Layer,), parts, kind=3)
    with pytest.raises(ArgumentTypeError) as lacking:
        type("Other", (Layer,), {"forward": 0}, kind="other")
    assert str(lacking.value) == "kind: got a class Other without backward, config, claims, expected one that has them"


def test_a_class_that_is_defined_again_takes_the_place() -> None:
    kept = dict(KINDS)
    parts = {"forward": 0, "backward": 0, "config": 0, "claims": 0, "__module__": "book"}
    try:
        one = type("Again", (Layer,), dict(parts), kind="again")
        two = type("Again", (Layer,), dict(parts), kind="again")
        assert KINDS["again"] is two is not one
    finally:
        KINDS.clear()
        KINDS.update(kept)


def test_a_layer_above_an_embedding() -> None:
    rnn = gated.LSTM(4, 4, dtype="float64", seed=2)
    layers = {"embed": gated.Embedding(5, 4, dtype="float64"), "skip": Residual(rnn)}
    made = gated.Network({**layers, "head": gated.Dense(4, 5, dtype="float64", seed=1)})
    ids = np.random.default_rng(0).integers(0, 5, (T + 1, N))
    losses = [full_step(made, SoftmaxCrossEntropy(), Adam(0.05), (ids[:-1], ids[1:]))[0] for _ in range(3)]
    assert losses[-1] < losses[0]
    before, rate = made.theta.copy(), 0.1
    learner = Online(made, "rtrl", SGD(rate), SoftmaxCrossEntropy(), batch=N)
    for t in range(T - 1):
        learner.step(ids[t])
    learner.step(ids[T - 1], ids[T])
    found = (before - made.theta) / rate
    made.theta[...] = before
    y, _, tape = made.forward(ids[:-1])
    dy = np.zeros_like(y)
    dy[-1] = SoftmaxCrossEntropy()(y[-1], ids[T])[1]
    exact = made.backward(tape, dy)[2].vector
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-11 * np.linalg.norm(exact))


def test_a_learner_is_kept_in_a_file(tmp_path: Path) -> None:
    x, target = drawn(T, N, 3), drawn(T, N, 2, seed=2)
    one, two = (Online(network("recurrent"), "rtrl", SGD(0.1), batch=N) for _ in range(2))
    one.partial_fit(x, target)
    one.save(tmp_path / "learner")
    two.load(tmp_path / "learner")
    np.testing.assert_array_equal(one.partial_fit(x, target), two.partial_fit(x, target))
    with open_tensors(tmp_path / "learner", "gated online learner") as file:
        assert any(name.startswith("memory.skip.l1.state.") for name in file.shapes)


class Scaled(gated.Dense):
    """y = s x + tanh(W x + b): a graph of its own, with three parameters."""

    def __init__(self, size: int) -> None:
        super().__init__(size, size, "tanh", dtype="float64")
        own = {"s.y": (size,), **self.params.shapes}
        self._params = gated.nn.ParameterVector(own, self.dtype)
        self.theta = drawn(self.theta.size, seed=7)

    def _plan(self) -> None:
        super()._plan()
        self._schedule = planned(_scaled)
        self._sizes = {dim: self.input_size for dim in ("input", *self._schedule.graph.free_dims)}


def _scaled(x, *, W, b, s):  # type: ignore[no-untyped-def]
    return s.y * x + gated.tanh(W.y @ x + b.y)


@pytest.mark.parametrize(
    ("algorithm", "backend"), [("online", "native"), ("online", "reference"), ("rtrl", "reference")]
)
def test_a_graph_of_its_own_on_a_cell(algorithm: str, backend: str) -> None:
    made = gated.Network({"rnn": gated.Recurrent(leaky, 3, 4, dtype="float64"), "own": Scaled(4)})
    assert isinstance(made.layers["own"].equations("own")[0], Equations)
    x, target = drawn(T, N, 3), drawn(T, N, 4, seed=2)
    found, exact = learnt_at_the_last_step(made, algorithm, x, target, backend)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-11 * np.linalg.norm(exact))
