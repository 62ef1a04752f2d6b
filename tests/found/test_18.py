"""FOUND 18: what could not be read back is not written, and the file that was there stays."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.interop.model_file import load_model, save_model


def network():
    return gated.Network({"rnn": gated.LSTM(2, 3, seed=1), "head": gated.Dense(3, 2, seed=2)})


def spoiled():
    spoiled = network()
    spoiled.params["rnn.l0.W.f"][1, 0] = np.nan
    return spoiled


REFUSED = [
    (spoiled, {}, ArgumentError, "rnn.l0.W.f: got NaN or inf, expected finite numbers; nothing was written"),
    (network, {"network": {}}, ArgumentError, "documents: got one called 'network', expected another name"),
    (network, {"kind": {}}, ArgumentError, "documents: got one called 'kind', expected another name"),
    (network, {"format": {}}, ArgumentError, "documents: got one called 'format', expected another name"),
    (network, {"note": {"loss": float("nan")}}, ArgumentError, "note['loss']: got float nan, expected a value that"),
    (network, {"note": np.zeros(3)}, ArgumentError, "note: got an array of shape (3,) and dtype float64, expected"),
    (network, {"note": [1, {"x": {2}}]}, ArgumentError, "note[1]['x']: got set {2}, expected a value that JSON can"),
    (network, {"note": {1: "a"}}, ArgumentError, "note: got the key int 1, expected texts as keys"),
    (network, {3: "a"}, ArgumentTypeError, "documents: got the name int 3, expected a text"),
    (network, {"__metadata__": {}}, None, ""),
    (network, {"\ud800": {}}, ArgumentError, "documents: got the name \\ud800, which no file can hold"),
    (network, 5, ArgumentTypeError, "documents: got int 5, expected a dict of names and JSON values"),
    (network, np.zeros(3), ArgumentTypeError, "documents: got an array of shape (3,)"),
]


@pytest.mark.parametrize(("make", "documents", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_and_the_old_file_stays(tmp_path, make, documents, error, words):
    path = tmp_path / "m"
    save_model(path, "k", network(), {"note": {"old": 1}})
    before = path.read_bytes()
    if error is None:
        save_model(path, "k", make(), documents)
        assert load_model(path, "k", tuple(documents))[1] == documents
        return
    with pytest.raises(error) as caught:
        save_model(path, "k", make(), documents)
    assert isinstance(caught.value, GatedError)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [3, 2.5, None, True, "text", [1, [2]], {"a": []}, np.float32(0.5), np.int64(7)])
def test_every_value_of_json_comes_back(tmp_path, value):
    save_model(tmp_path / "m", "k", network(), {"note": value, "more": {"in": value}})
    assert load_model(tmp_path / "m", "k", ("note", "more"))[1] == {"note": value, "more": {"in": value}}
