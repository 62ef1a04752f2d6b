"""FOUND 17: names and values of a stranger's file are cut, and their control characters escaped, in error messages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import gated
from gated.errors import FileFormatError, GatedError, shown
from gated.interop.model_file import load_model
from gated.learning.training.run_folder import RunFolder
from gated.models.language_run import LanguageRun
from gated.nn import network_from_config

LONG = "\x1b[2J\n\u202e\ud800" + "n" * 1_000_000
MARKS = {"format": "gated", "format_version": "1", "kind": "k"}
LAYER = gated.LSTM(2, 2).config()
NUMBER = {"a": np.zeros(1, "f4")}


def network(name="rnn", **changes):
    return {"kind": "network", "layers": [[name, LAYER | changes]]}


def model(path, config, arrays=NUMBER, **metadata):
    save_file(arrays, path, MARKS | {"network": json.dumps(config)} | metadata)
    load_model(path, "k", ("note",) if "note" in metadata else ())


CASES = {
    "name of a layer": lambda path: model(path, network(LONG)),
    "two layers of a name": lambda path: network_from_config(
        {"kind": "network", "layers": [[LONG, LAYER], [LONG, LAYER]]}
    ),
    "kind of a layer": lambda path: model(path, network(kind=LONG)),
    "kind of a list": lambda path: model(path, network(kind=[LONG])),
    "size": lambda path: model(path, network(hidden_size=LONG)),
    "size of many digits": lambda path: model(path, network(hidden_size=10**4000)),
    "layers of many digits": lambda path: model(path, network(num_layers=10**4000)),
    "dimension": lambda path: model(path, network(sizes={LONG: 3})),
    "dimension's length": lambda path: model(path, network(sizes={"h": LONG})),
    "dtype": lambda path: model(path, network(dtype=LONG)),
    "option": lambda path: network_from_config(network(**{LONG: 1})),
    "activation": lambda path: network_from_config(
        {"kind": "network", "layers": [["d", gated.Dense(2, 2).config() | {"activation": LONG}]]}
    ),
    "kind of a file": lambda path: model(path, network(), kind=LONG.replace("\ud800", "")),
    "version of a file": lambda path: model(path, network(), format_version=LONG.replace("\ud800", "")),
    "bad JSON": lambda path: model(path, network(), note=LONG.replace("\ud800", "")),
    "bad JSON under a long name": lambda path: model(path, network(), **{LONG.replace("\ud800", ""): "{"}),
    "name of an array": lambda path: model(
        path, {"kind": "network", "layers": [["d", gated.Dense(1, 1, bias=False).config()]]},
        {"d.W.y": np.zeros((1, 1), "f4"), LONG.replace("\ud800", ""): np.zeros(1, "f4")},
    ),
    "dtype of a long name": lambda path: model(path, network(), {LONG.replace("\ud800", ""): np.zeros(1, "f2")}),
    "NaN in a long name": lambda path: model(
        path, {"kind": "network", "layers": [["d" * 100_000, gated.Dense(1, 1, bias=False).config()]]},
        {"d" * 100_000 + ".W.y": np.full((1, 1), np.nan, "f4")},
    ),
    "many dimensions": lambda path: model(
        path, {"kind": "network", "layers": [["d", gated.Dense(1, 1, bias=False).config()]]},
        {"d.W.y": np.zeros((1,) * 60, "f4")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_model_file(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError) as caught:
        CASES[name]("m")
    short_and_printable(str(caught.value))


SETTINGS = [
    {"corpus": LONG}, {"cell": LONG}, {"optimizer": LONG}, {"dtype": LONG}, {"encoding": LONG}, {"encoding": "\0"},
    {"hidden": LONG}, {"lr": LONG}, {"held_out": LONG}, {"seed": LONG}, {"seed": -(10**4000)}, {"steps": 10**4000},
    {"corpus": [LONG]}, {LONG: 1}, {"corpus": "c" * 1_000_000},
]  # fmt: skip


@pytest.mark.parametrize("change", SETTINGS, ids=lambda change: str(list(change))[:20])
def test_settings_of_a_run(change, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder("run")
    folder.start({})
    folder.config_file.write_text(json.dumps({"settings": change}))
    with pytest.raises(GatedError) as caught:
        LanguageRun.resume("run")
    short_and_printable(str(caught.value))


@pytest.mark.parametrize("line", [LONG.encode("utf-8", "replace"), b'{"' + b"x" * 10**6, b"[" * 10**6, b"9" * 10**6])
def test_metrics_and_config_of_a_run(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder("run")
    folder.start({})
    folder.metrics_file.write_bytes(line.replace(b"\n", b"") + b"\n")
    folder.config_file.write_bytes(line)
    for read in (folder.read_metrics, folder.read_config):
        with pytest.raises(FileFormatError) as caught:
            read()
        short_and_printable(str(caught.value))


def short_and_printable(message):
    assert len(message) <= 300
    assert message.isprintable(), "control characters, line ends, halves of surrogate pairs"


def test_what_is_shown():
    assert shown("plain name") == "plain name"
    assert shown("長い名前") == "長い名前"
    assert shown("a\x1b\n\u202e\ud800b") == "a\\x1b\\n\\u202e\\ud800b"
    assert shown("x" * 100) == "x" * 100
    assert shown("x" * 101) == "x" * 97 + "..."
    assert len(shown("\n" * 1000)) == 100 and shown("\n" * 1000).endswith("...")
    assert shown(10**30, 8) == "10000..."
