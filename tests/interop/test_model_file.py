"""Model files: a network comes back with its equations; each way of being wrong has its error."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from tests.zoo import FEW

import gated
from gated import sigmoid, tanh
from gated.cells import ZOO
from gated.errors import FileFormatError
from gated.interop.model_file import load_model, save_model
from gated.nn import Dense, Embedding, Network, Recurrent

KIND = "test network"


def _network(cell, layers=2, **options):
    rnn = Recurrent(cell, 6, 6, layers, dtype="float64", seed=1, **options)
    return Network(
        {
            "embed": Embedding(5, 6, dtype="float64", seed=2),
            "rnn": rnn,
            "head": Dense(rnn.output_size, 3, "tanh", dtype="float64", seed=3),
        }
    )


def _same(first, second):
    ids = np.random.default_rng(0).integers(0, 5, (4, 2))
    np.testing.assert_array_equal(first.theta, second.theta)
    np.testing.assert_array_equal(first.forward(ids)[0], second.forward(ids)[0])


@pytest.mark.parametrize("name", FEW)
def test_every_cell_comes_back(tmp_path, name):
    network = _network(ZOO[name])
    save_model(tmp_path / "m", KIND, network, {"note": {"a": 1}})
    loaded, documents = load_model(tmp_path / "m", KIND, ("note",))
    _same(network, loaded)
    assert documents == {"note": {"a": 1}}


@pytest.mark.parametrize("options", [{"bidirectional": True}, {"sizes": {"h": 4}}])
def test_options_come_back(tmp_path, options):
    network = _network(gated.cells.projected_lstm, **options)
    save_model(tmp_path / "m", KIND, network, {})
    _same(network, load_model(tmp_path / "m", KIND)[0])


def test_a_cell_of_the_users_comes_back_without_its_function(tmp_path):
    @gated.cell
    def mine(x, h, *, W, U, b):
        z = sigmoid(W.z @ x + b.z)
        h = z * h + (1 - z) * tanh(U.h @ h + W.h @ x)
        return h

    network = _network(mine)
    save_model(tmp_path / "m", KIND, network, {})
    loaded = load_model(tmp_path / "m", KIND)[0]
    _same(network, loaded)
    assert loaded.layers["rnn"].cell.equations() == mine.equations()


def test_ties_and_networks_in_networks_come_back(tmp_path):
    tied = Recurrent(gated.cells.gru, 6, 6, dtype="float64", seed=1)
    inner = Network({"a": tied, "b": tied})
    embed, head = Embedding(5, 6, dtype="float64"), Dense(6, 3, dtype="float64")
    network = Network({"embed": embed, "in": inner, "again": inner, "head": head})
    save_model(tmp_path / "m", KIND, network, {})
    with safe_open(tmp_path / "m", "np") as file:
        assert set(file.keys()) == set(network.params.shapes)
    loaded = load_model(tmp_path / "m", KIND)[0]
    _same(network, loaded)
    assert loaded.layers["in"] is loaded.layers["again"] and loaded.params.ties == network.params.ties
    loaded.params["again.b.l0.U.z"][0, 0] = 7.0
    assert loaded.params["in.a.l0.U.z"][0, 0] == 7.0


@pytest.fixture
def parts(tmp_path):
    """A function that writes a model file after a change to its arrays and metadata, and its path."""
    path = tmp_path / "m"
    save_model(path, KIND, _network(gated.cells.lstm, 1), {"note": {}})
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def change(edit):
        config = json.loads(metadata["network"])
        edit(arrays, metadata, config)
        if "network" in metadata:
            metadata["network"] = json.dumps(config) if metadata["network"] != "[]" else "[]"
        save_file(arrays, path, metadata)
        return path

    return change


def _layer(config, name):
    return dict(config["layers"])[name]


def _remove(arrays, metadata, config):
    del arrays["rnn.l0.U.f"]


def _add(arrays, metadata, config):
    arrays["rnn.l0.U.x"] = np.zeros(3)


def _reshape(arrays, metadata, config):
    arrays["rnn.l0.U.f"] = arrays["rnn.l0.U.f"].reshape(4, 9)


def _turn_shape(arrays, metadata, config):
    arrays["head.W.y"] = np.ascontiguousarray(arrays["head.W.y"].T)


def _other_dtype(arrays, metadata, config):
    arrays["head.b.y"] = arrays["head.b.y"].astype("float32")


def _nan(arrays, metadata, config):
    arrays["rnn.l0.b.f"][2] = np.nan


def _no_network(arrays, metadata, config):
    del metadata["network"]


def _no_note(arrays, metadata, config):
    del metadata["note"]


def _list_network(arrays, metadata, config):
    metadata["network"] = "[]"


def _unknown_kind(arrays, metadata, config):
    _layer(config, "head")["kind"] = "os.system"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (_remove, "got no array rnn.l0.U.f, expected one of shape"),
        (_add, "got an array rnn.l0.U.x, expected none of this name"),
        (_reshape, r"got shape \(4, 9\) for rnn.l0.U.f, expected \(6, 6\)"),
        (_turn_shape, r"got shape \(6, 3\) for head.W.y, expected \(3, 6\)"),
        (_other_dtype, "got float32 for head.b.y, expected float64"),
        (_nan, "got NaN or inf in rnn.l0.b.f"),
        (_no_network, "got no 'network' in the metadata"),
        (_no_note, "got no 'note' in the metadata"),
        (_list_network, "got list under 'network', expected dict"),
        (_unknown_kind, "os.system"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(parts, edit, words):
    with pytest.raises(FileFormatError, match=words) as caught:
        load_model(parts(edit), KIND, ("note",))
    assert "\n" not in str(caught.value)


HOSTILE = [
    ("rnn", {"hidden_size": 10**9}),
    ("rnn", {"hidden_size": 2000}),
    ("rnn", {"input_size": 10**12}),
    ("rnn", {"num_layers": 10**9}),
    ("rnn", {"hidden_size": -5}),
    ("rnn", {"hidden_size": "6"}),
    ("rnn", {"hidden_size": None}),
    ("rnn", {"hidden_size": 6.0}),
    ("rnn", {"hidden_size": True}),
    ("rnn", {"sizes": [1]}),
    ("rnn", {"sizes": {"h": 3}}),
    ("rnn", {"sizes": "hidden"}),
    ("rnn", {"cell": {}}),
    ("rnn", {"cell": None}),
    ("rnn", {"cell": "lstm"}),
    ("rnn", {"dtype": "object"}),
    ("rnn", {"dtype": "float32"}),
    ("rnn", {"bidirectional": True}),
    ("rnn", {"nonsense": 1}),
    ("embed", {"num_embeddings": 2**40}),
    ("embed", {"size": 2**40}),
    ("head", {"output_size": 2**62}),
    ("head", {"activation": "__import__"}),
    ("head", {"activation": []}),
]


@pytest.mark.parametrize(("layer", "change"), HOSTILE, ids=str)
def test_a_hostile_description_is_refused_before_memory_is_taken(parts, layer, change):
    path = parts(lambda arrays, metadata, config: _layer(config, layer).update(change))
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError) as caught:
            load_model(path, KIND)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def _deleted(layer, key):
    def edit(arrays, metadata, config):
        del _layer(config, layer)[key]

    return edit


@pytest.mark.parametrize(
    ("layer", "key"),
    [("rnn", "cell"), ("rnn", "hidden_size"), ("rnn", "kind"), ("embed", "size"), ("head", "output_size")],
)
def test_a_missing_size_is_refused(parts, layer, key):
    with pytest.raises(FileFormatError):
        load_model(parts(_deleted(layer, key)), KIND)


@pytest.mark.parametrize(
    "layers", [None, {}, [], [[]], [["rnn"]], [["rnn", None]], "rnn", [[1, {"kind": "dense"}]]], ids=str
)
def test_layers_that_are_none(parts, layers):
    with pytest.raises(FileFormatError):
        load_model(parts(lambda arrays, metadata, config: config.update(layers=layers)), KIND)


def test_every_cut_of_the_graph_is_refused_or_equal(parts, tmp_path):
    """Delete each entry of the saved equations in turn: no other error than FileFormatError may come."""
    network = _network(gated.cells.lstm, 1)
    save_model(tmp_path / "whole", KIND, network, {})
    with safe_open(tmp_path / "whole", "np") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    count = len(list(_places(json.loads(metadata["network"])["layers"][1][1]["cell"])))
    assert count > 50
    for number in range(count):
        config = json.loads(metadata["network"])
        container, key = list(_places(config["layers"][1][1]["cell"]))[number]
        del container[key]
        save_file(arrays, tmp_path / "cut", {**metadata, "network": json.dumps(config)})
        try:
            load_model(tmp_path / "cut", KIND)
        except FileFormatError as error:
            assert "\n" not in str(error)


def _places(value):
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
