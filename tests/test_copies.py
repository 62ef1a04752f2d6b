"""copy, deepcopy, pickle, joblib, new processes: equal bits after, independent, no larger than the numbers.

Pickles name public entry points only: they must outlive a module that moves.
"""

from __future__ import annotations

import copy
import importlib
import io
import multiprocessing
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.zoo import FEW

import gated
from gated import sigmoid, tanh

Array = np.ndarray[Any, Any]


@gated.cell
def mine(x, h, c, *, W, U, b):
    """A cell of somebody's own."""
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    c = f * c + (1 - f) * tanh(W.c @ x)
    return tanh(c) * f, c


unnamed = gated.cell(lambda x, h, *, W, U: tanh(W.a @ x + U.a @ h))


def cell_of_a_notebook() -> gated.Cell:
    """A function that no module has, as in a cell of a notebook."""
    scope: dict[str, Any] = {"gated": gated}
    exec("@gated.cell\ndef shown(x, h, *, W, U):\n    return gated.tanh(W.h @ x + U.h @ h)\n", scope)  # our own text
    made: gated.Cell = scope["shown"]
    return made


def network() -> gated.Network:
    tied = gated.Dense(6, 6, "tanh", seed=4)
    inner = gated.Network({"rnn": gated.Recurrent(mine, 6, 6, seed=2, sizes={}), "mix": tied})
    return gated.Network(
        {"embed": gated.Embedding(7, 6, seed=1), "inner": inner, "again": gated.Dense(6, 3, bias=False, seed=5)}
    )


def tied() -> gated.Network:
    cell, head = gated.PeepholeLSTM(4, 4, seed=3), gated.Dense(4, 4, "sigmoid", seed=4)
    return gated.Network({"a": cell, "b": head, "c": cell, "d": head})


def language_model() -> Any:
    model = gated.models.CharacterLanguageModel.build(gated.data.Vocabulary("banana split"), mine, hidden_size=8)
    model.about = {"note": "fruit"}
    return model


def output(thing: Any) -> list[Array]:
    """What a thing does: the same numbers from two things make them equal."""
    x = np.random.default_rng(0).standard_normal((5, 2, 4)).astype("f4")
    if isinstance(thing, gated.Cell):
        thing = gated.Recurrent(thing, 4, 4, seed=1)
    if isinstance(thing, gated.models.CharacterLanguageModel):
        return [np.array(list(map(ord, thing.sample(30, seed=2)))), thing.network.theta]
    if isinstance(thing, gated.Network) and "embed" in thing.layers:
        x = np.random.default_rng(0).integers(0, 7, (5, 2))
    y, _, tape = thing.forward(x)
    return [y, thing.backward(tape, np.ones_like(y))[2].vector, thing.theta]


THINGS: dict[str, Callable[[], Any]] = {
    **{f"zoo: {name}": (lambda name=name: gated.cells.ZOO[name]) for name in FEW},
    "a cell of one's own": lambda: mine,
    "a lambda's": lambda: unnamed,
    "from a notebook": cell_of_a_notebook,
    "without biases": lambda: gated.cells.lstm.without("b"),
    "layer": lambda: gated.LSTM(4, 8, 2, bidirectional=True, dropout=0.1, seed=3),
    "layer with options": lambda: gated.PeepholeLSTM(4, 5, proj_size=4, bias=False, backend="reference", init="xavier"),
    "dense": lambda: gated.Dense(4, 3, "softplus", seed=2),
    "network": network,
    "tied network": tied,
    "language model": language_model,
}
COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": (lambda thing, p=p: pickle.loads(pickle.dumps(thing, p))) for p in range(2, 6)},
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", THINGS)
def test_equal_and_independent(name: str, how: str) -> None:
    thing = THINGS[name]()
    other = COPIES[how](thing)
    assert type(other) is type(thing) and other is not thing
    before = output(thing)
    for one, two in zip(before, output(other), strict=True):
        assert one.dtype == two.dtype and one.tobytes() == two.tobytes()
    if isinstance(thing, gated.Cell):
        assert other == thing and str(other) == str(thing) and other.doc == thing.doc
        return
    holder = other.network if hasattr(other, "network") else other
    holder.theta = 0.25 * np.arange(holder.theta.size, dtype="f4")
    for one, two in zip(before, output(thing), strict=True):
        assert one.tobytes() == two.tobytes()  # the original is as it was
    assert holder.theta[-1] == np.float32(0.25 * (holder.theta.size - 1))


@pytest.mark.parametrize("how", COPIES)
def test_views_and_ties_of_a_copy_are_its_own(how: str) -> None:
    thing = tied()
    other = COPIES[how](thing)
    assert other.layers["a"] is other.layers["c"] is not thing.layers["a"]
    assert other.params.ties == thing.params.ties and other.theta.size == thing.theta.size
    other.theta = np.arange(other.theta.size)
    assert other.layers["d"].theta[-1] == other.params["d.b.y"][-1] == other.theta.size - 1
    assert np.shares_memory(other.layers["c"].theta, other.theta)


@pytest.mark.parametrize("how", COPIES)
def test_a_layer_of_a_network_is_copied_out_of_it(how: str) -> None:
    whole = network()
    layer = COPIES[how](whole.layers["inner"])
    assert not layer.params.is_part and not np.shares_memory(layer.theta, whole.theta)
    gated.Network({"taken": layer})  # it may become part of another one


@pytest.mark.parametrize("name", [name for name in THINGS if not name.startswith("zoo") or name.endswith("lstm")])
@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickles_name_public_places_only(name: str, protocol: int) -> None:
    data = pickle.dumps(THINGS[name](), protocol)
    named = set()
    strings: list[str] = []
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            named.add(tuple(str(argument).split(" ")))
        elif opcode.name == "STACK_GLOBAL":
            named.add((strings[-2], strings[-1]))
        elif isinstance(argument, str):
            strings.append(argument)
    ours = {(module, word) for module, word in named if module.split(".")[0] == "gated"}
    assert ours <= {
        ("gated", "Cell"),
        ("gated", "Recurrent"),
        ("gated", "Dense"),
        ("gated", "Embedding"),
        ("gated", "Network"),
        ("gated.nn", "ParameterVector"),
        ("gated.models", "CharacterLanguageModel"),
        ("gated.data", "Vocabulary"),
    }
    for module, word in ours:
        assert hasattr(importlib.import_module(module), word)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_size_is_that_of_the_numbers(dtype: str) -> None:
    joblib = pytest.importorskip("joblib")
    layer = gated.LSTM(64, 128, 2, dtype=dtype)
    whole = gated.Network({"rnn": layer, "head": gated.Dense(128, 50, dtype=dtype)})
    buffer = io.BytesIO()
    joblib.dump(whole, buffer)
    for data in (buffer.getvalue(), *(pickle.dumps(whole, p) for p in range(2, 6)), pickle.dumps(layer)):
        numbers = whole.theta.nbytes if data is not pickle.dumps(layer) else layer.theta.nbytes
        limit = numbers + 8_000 if not data.startswith(b"\x80\x02") else 2 * numbers + 8_000  # 2 has no bytes type
        assert len(data) <= limit
    buffer.seek(0)
    again = joblib.load(buffer)
    assert again.theta.tobytes() == whole.theta.tobytes()


def learner() -> Any:
    """In the middle of a stream."""
    whole = gated.Network({"rnn": gated.LSTM(4, 5, seed=1), "head": gated.Dense(5, 2, seed=2)})
    made = gated.learning.Online(whole, optimizer=gated.learning.Adam(gated.learning.schedules.cosine(0.1, 9)))
    rng = np.random.default_rng(0)
    made.partial_fit(rng.standard_normal((5, 4)), rng.standard_normal((5, 2)))
    return made


def answer(thing: Any) -> list[bytes]:
    """In another process: what a thing does next."""
    if isinstance(thing, gated.learning.schedules.Schedule):
        return [np.array([thing(step) for step in range(20)]).tobytes()]
    if isinstance(thing, gated.learning.Optimizer):
        theta = np.ones(4)
        thing.update(theta, np.arange(4.0))
        return [theta.tobytes(), *(array.tobytes() for array in thing.state().values())]
    if isinstance(thing, gated.learning.Online):
        return [thing.step(np.ones(4, "f4"), np.zeros(2)).tobytes(), thing.network.theta.tobytes()]
    if isinstance(thing, gated.losses.Loss):
        value, dy = thing(np.arange(6.0).reshape(2, 3), [0, -100])
        return [np.array(value).tobytes(), dy.tobytes()]
    return [array.tobytes() for array in output(thing)]


def values() -> list[Any]:
    """Everything that people hand to workers."""
    used = gated.learning.RMSProp(0.1, momentum=0.5)
    used.update(np.ones(4), np.ones(4))
    return [
        *(mine, unnamed, cell_of_a_notebook(), gated.GRU(4, 5, seed=1), network(), tied(), language_model()),
        *(used, learner(), gated.losses.SoftmaxCrossEntropy()),
        gated.learning.schedules.warmup(gated.learning.schedules.step_decay(0.1, 0.5, 3), 4),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes(method: str) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        for thing, found in zip(values(), pool.map(answer, values()), strict=True):
            assert found == answer(thing)


def test_joblib(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    for number, (thing, same) in enumerate(zip(values(), values(), strict=True)):
        joblib.dump(thing, tmp_path / str(number))
        assert answer(joblib.load(tmp_path / str(number))) == answer(same)


def test_what_is_kept_and_what_is_made_again() -> None:
    layer = gated.LSTM(4, 5, seed=2, forget_bias=1.5, backend="reference")
    layer.note = "mine"  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(layer))
    assert (again.note, again.backend_name, again.forget_bias, again.init) == ("mine", "reference", 1.5, "pytorch")
    assert again.config() == layer.config() and repr(again) == repr(layer)
    assert copy.copy(mine).__wrapped__ is mine.__wrapped__ and pickle.loads(pickle.dumps(mine)).__wrapped__ is None


def test_a_layer_without_parameters() -> None:
    cell = gated.cell(lambda x, h: 0.9 * h + 0.1 * x)
    layer = copy.deepcopy(gated.Recurrent(cell, 3, 3))
    assert layer.theta.size == 0 and layer.infer(np.ones((2, 1, 3)))[0].shape == (2, 1, 3)


# arrays that come from beside the pickle


def large_things() -> dict[str, tuple[Any, Callable[[Any], list[Array]]]]:
    """Thing, and the arrays that it changes in place: above 1 MB, from where joblib maps them into memory."""
    layer = gated.LSTM(256, 256, seed=1)
    whole = gated.Network({"rnn": gated.LSTM(256, 256, seed=1), "head": gated.Dense(256, 4)})
    optimizer = gated.learning.Adam(0.1)
    optimizer.update(np.ones(300_000, "f4"), np.ones(300_000, "f4"))

    def theta(thing: Any) -> list[Array]:
        return [thing.theta]

    return {
        "layer": (layer, theta),
        "dense": (gated.Dense(1024, 512), theta),
        "embedding": (gated.Embedding(1024, 512), theta),
        "network": (whole, lambda thing: [thing.theta, *(part.theta for part in thing.layers.values())]),
        "layer of a network": (copy.deepcopy(whole).layers["rnn"], theta),
        "parameters": (layer.params, lambda thing: [thing.vector]),
        "optimizer": (optimizer, lambda thing: list(thing._buffers.values())),
    }


def beside_the_pickle(thing: Any, folder: Path) -> list[Any]:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(thing, 5, buffer_callback=buffers.append)
    assert buffers
    return [pickle.loads(data, buffers=buffers) for _ in range(2)]


def beside_the_pickle_read_only(thing: Any, folder: Path) -> list[Any]:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(thing, 5, buffer_callback=buffers.append)
    return [pickle.loads(data, buffers=[bytes(buffer) for buffer in buffers])]


def mapped(mode: str) -> Callable[[Any, Path], list[Any]]:
    def load(thing: Any, folder: Path) -> list[Any]:
        joblib = pytest.importorskip("joblib")
        joblib.dump(thing, folder / "thing")
        return [joblib.load(folder / "thing", mmap_mode=mode) for _ in range(2)]

    return load


@pytest.mark.parametrize("name", large_things())
@pytest.mark.parametrize(
    "load",
    [beside_the_pickle, beside_the_pickle_read_only, mapped("r"), mapped("r+"), mapped("c")],
    ids=["buffers", "read-only buffers", "mmap r", "mmap r+", "mmap c"],
)
def test_what_was_loaded_is_independent_and_writable(name: str, load: Any, tmp_path: Path) -> None:
    thing, arrays = large_things()[name]
    kept = [array.copy() for array in arrays(thing)]
    found = load(thing, tmp_path)
    for other in found:
        for array, right, mine in zip(arrays(other), kept, arrays(thing), strict=True):
            assert type(array) is np.ndarray and array.dtype == right.dtype and array.tobytes() == right.tobytes()
            assert array.flags.writeable and not np.shares_memory(array, mine)
        for array in arrays(other):
            array -= 0.25
    for array, right in zip(arrays(thing), kept, strict=True):
        assert array.tobytes() == right.tobytes()


def train(thing: Any) -> bytes:
    """In a worker of joblib."""
    if isinstance(thing, gated.learning.Optimizer):
        theta = np.ones(300_000, "f4")
        thing.update(theta, theta.copy())
        return theta.tobytes()
    thing.theta -= 0.1
    next(iter(thing.params.values()))[...] *= 2
    return thing.theta.tobytes()


@pytest.mark.slow
def test_workers_of_joblib_train() -> None:
    joblib = pytest.importorskip("joblib")
    things = [thing for name, (thing, _) in large_things().items() if name != "parameters"]
    wanted = [train(copy.deepcopy(thing)) for thing in things]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(train)(thing) for thing in things)
    assert [one == other for one, other in zip(found, wanted, strict=True)] == [True] * len(things)
