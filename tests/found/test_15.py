"""FOUND 15: what is built from a file is bounded by what the file holds, and it is refused before anything is built."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save_file

import gated
from gated.errors import FileFormatError
from gated.interop.model_file import load_model, save_model
from gated.nn import network_from_config


@gated.cell
def bare(x, h):
    h = 0.5 * h + 0.5 * x
    return h


@gated.cell
def small(x, h, *, W):
    h = gated.tanh(W.h @ x)
    return h


def _file(path, cell, arrays, size=1, **changes):
    layer = gated.Recurrent(cell, size, size).config() | changes
    config = {"kind": "network", "layers": [["rnn", layer]]}
    marks = {"format": "gated", "format_version": "1", "kind": "k"}
    save_file(arrays, path, marks | {"network": json.dumps(config)})
    return config


def _refused_at_once(path, words, megabytes=5):
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=words) as caught:
            load_model(path, "k")
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_cell_without_parameters_and_a_thousand_million_layers(tmp_path, bidirectional):
    config = _file(tmp_path / "m", bare, {"a": np.zeros(1, "f4")}, num_layers=10**9, bidirectional=bidirectional)
    most = 10_000 if bidirectional else 20_000
    _refused_at_once(tmp_path / "m", f"num_layers: got 1000000000, expected at most {most} for the cell bare")
    with pytest.raises(FileFormatError, match="num_layers: got 1000000000"):
        network_from_config(config)


def test_a_cell_without_parameters_and_a_length_that_nothing_tells(tmp_path):
    _file(tmp_path / "m", bare, {"a": np.zeros(1, "f4")}, input_size=10**12, hidden_size=10**12)
    _refused_at_once(tmp_path / "m", "the length input: got 1000000000000, expected at most 1000000")


@pytest.mark.parametrize("layers", [20_000, 300_000, 10**9])
def test_many_layers_of_one_by_one(tmp_path, layers):
    """Only the first is in the file."""
    _file(tmp_path / "m", small, {"rnn.l0.W.h": np.zeros((1, 1), "f4")}, num_layers=layers)
    words = "got no array rnn.l1.W.h, expected one of shape .1, 1." if layers <= 20_000 else "num_layers: got"
    _refused_at_once(tmp_path / "m", words)


def test_many_layers_that_are_all_there_are_too_many(tmp_path):
    """30,000 arrays of one number: names and views would take a hundred times the memory of the numbers."""
    arrays = {f"rnn.l{k}.W.h": np.zeros((1, 1), "f4") for k in range(30_000)}
    _file(tmp_path / "m", small, arrays, num_layers=30_000)
    _refused_at_once(tmp_path / "m", "num_layers: got 30000, expected at most 20000", megabytes=30)


def test_what_would_be_refused_is_not_written(tmp_path):
    network = gated.Network({"rnn": gated.LSTM(1, 1, 2000)})  # 24,000 arrays
    with pytest.raises(gated.errors.ArgumentError, match="could not be read back .*num_layers: got 2000,") as caught:
        save_model(tmp_path / "m", "k", network, {})
    assert "\n" not in str(caught.value) and not (tmp_path / "m").exists()


def test_what_fits_is_read(tmp_path):
    network = gated.Network({"rnn": gated.Recurrent(small, 3, 3, 40), "bare": gated.Recurrent(bare, 3, 3, 7)})
    save_model(tmp_path / "m", "k", network, {})
    again = load_model(tmp_path / "m", "k")[0]
    np.testing.assert_array_equal(again.theta, network.theta)
    assert again.layers["bare"].num_layers == 7
