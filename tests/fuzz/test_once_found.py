"""What the fuzzer once found, each by itself: files that ended the reader, took long or raised something foreign."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

import gated
from gated.errors import FileFormatError, GatedError
from gated.files.tensor_file import open_tensors
from gated.interop.model_file import load_model, save_model
from gated.learning.training.run_folder import RunFolder
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Settings
from gated.nn import network_from_config

LSTM = gated.LSTM(2, 2).config()


def network(**cell):
    return {"kind": "network", "layers": [["rnn", LSTM | {"cell": LSTM["cell"] | cell}]]}


def grown(count, *, shared=False):
    """The equations with `count` operations more."""
    cell = copy.deepcopy(LSTM["cell"])
    last = cell["outputs"][0]
    for _ in range(count):
        args = [last, last] if shared else [last]
        cell["nodes"].append(["call", "add" if shared else "tanh", cell["nodes"][last][2], args])
        last = len(cell["nodes"]) - 1
    for named in cell["names"]:
        named[0] = last if named[0] == cell["outputs"][0] else named[0]
    cell["outputs"][0] = last
    return {"kind": "network", "layers": [["rnn", LSTM | {"cell": cell}]]}


def test_a_name_of_a_value_that_nobody_needs(tmp_path):
    """KeyError when the network was written again."""
    nodes = [*LSTM["cell"]["nodes"], ["constant", 0.25, "1", []]]
    config = network(nodes=nodes, names=[*LSTM["cell"]["names"], [len(nodes) - 1, "quarter"]])
    try:
        again = network_from_config(config)
    except FileFormatError:
        return
    save_model(tmp_path / "m", "k", again, {})
    assert load_model(tmp_path / "m", "k")[0].config() == again.config()


@pytest.mark.parametrize("count", [20, 26, 900, 3000, 50_000])
@pytest.mark.parametrize("shared", [False, True], ids=["deep", "shared"])
def test_equations_that_grow_when_they_are_written(count, shared):
    """A text of 2 to the power of the count, a stack as deep as the count, minutes of compiling."""
    try:
        cell = network_from_config(grown(count, shared=shared)).layers["rnn"].cell
    except FileFormatError as error:
        assert count >= 1000 and len(str(error)) <= 300
        return
    assert count < 1000 and len(str(cell)) < 1_000_000 and len(cell.derive()) < 10_000_000
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell


@pytest.mark.parametrize("place", ["\x1b[2J\n\x00", "\ud800", "\u202e", 10**4000, "n" * 100_000])
def test_places_in_a_graph_that_are_no_numbers(place):
    """They were shown as they came."""
    cell = copy.deepcopy(LSTM["cell"])
    cell["nodes"][-1][3][0] = place
    with pytest.raises(FileFormatError) as caught:
        gated.Cell.from_json(cell)
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 300


CHANGES = [
    {"encoding": ""}, {"encoding": "n" * 10_000}, {"encoding": "hex"}, {"lr": 10**4000}, {"held_out": 10**4000},
    {"clip": 10**4000}, {"dropout": 10**4000}, {"epochs": 10**400}, {"corpus": "a\0b"}, {"corpus": ""},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{next(iter(change))}")
def test_settings_of_a_run(tmp_path, change):
    """LookupError, OverflowError."""
    (tmp_path / "corpus.txt").write_text("the cat sat on the mat.\n" * 12)
    settings = Settings(corpus=str(tmp_path / "corpus.txt"), hidden=2, embed=2, batch=2, window=8, steps=2)
    LanguageRun.start(str(tmp_path / "run"), settings)
    file = RunFolder(tmp_path / "run").config_file
    config = json.loads(file.read_bytes())
    config["settings"] |= change
    file.write_text(json.dumps(config))
    with pytest.raises(GatedError) as caught:
        LanguageRun.resume(str(tmp_path / "run"))
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 300


def test_lengths_that_numpy_has_not(tmp_path):
    """An empty array may say of itself that it has 2^62 columns, or seventy dimensions."""
    for shape in ([0, 2**62, 2**62], [0] * 70, [1] * 70):
        part = {"dtype": "F64", "shape": shape, "data_offsets": [0, 8 if 0 not in shape else 0]}
        marks = {"format": "gated", "format_version": "1", "kind": "k"}
        header = json.dumps({"__metadata__": marks, "a": part}).encode()
        (tmp_path / "f").write_bytes(len(header).to_bytes(8, "little") + header + bytes(part["data_offsets"][1]))
        try:
            with open_tensors(tmp_path / "f", "k") as file:
                assert file.read("a").shape == tuple(shape)
        except FileFormatError as error:
            assert len(str(error)) <= 300 + len(str(tmp_path))


def test_a_mutant_is_the_same_for_the_same_numbers():
    """What is reported as `kind seed number` can be made again."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent))
    try:
        from mutations import mutant
    finally:
        sys.path.pop(0)
    whole = json.dumps(gated.cells.lstm.to_json()).encode()
    first, again, other = (mutant(np.random.default_rng([0, n]), "cell", whole) for n in (5, 5, 6))
    assert first == again != other
