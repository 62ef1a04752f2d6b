"""The command line in this process: what is printed, exit codes, one line per error."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import os
import re

import numpy as np
import pytest

import gated
from gated.backends.native.threads import pool
from gated.cells import FAMILIES, ZOO
from gated.cli import main
from gated.cli.threads import VARIABLES
from gated.learning.training.run_folder import RunFolder
from gated.models import CharacterLanguageModel, LanguageModel

pytest.importorskip("typer")

TEXT = "".join(np.random.default_rng(0).choice(list("abc de\n"), 1300))
SMALL = ["--hidden", "8", "--embed", "4", "--batch", "4", "--window", "16", "--epochs", "2", "--sample", "30"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:  # train sets them; this puts them back
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(pool, "_threads", None)
    (tmp_path / "corpus.txt").write_text(TEXT)


@pytest.fixture
def gated_command(capsys):
    def run(*words):
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def _fails(result, words, code=2):
    assert result[0] == code, result
    assert result[1] == ""
    assert result[2].startswith("error: ")
    assert result[2].count("\n") == 1
    assert words in result[2]


def test_version_and_help(gated_command):
    assert gated_command("--version") == (0, f"gated {gated.__version__}\n", "")
    code, out, _ = gated_command("--help")
    assert code == 0
    for command in ("train", "sample", "derive", "cells"):
        assert f"\n  {command} " in out
        code, text, err = gated_command(command, "--help")
        assert (code, err) == (0, "")
        assert f"\n  gated {command} " in text, "each command's help has an example on a line of its own"
    assert "\n  gated train book.txt --hidden 256" in gated_command("train", "--help")[1]


def test_without_arguments_the_help(gated_command):
    for words in ((), ("experiment",)):
        code, out, err = gated_command(*words)
        assert (code, out, err) == gated_command(*words, "--help")
        assert code == 0 and len(out.splitlines()) > 8


def test_cells(gated_command):
    code, out, _ = gated_command("cells")
    assert code == 0
    lines = [line for line in out.splitlines() if line[:1].strip()]
    assert [line for line in lines if line in FAMILIES] == list(FAMILIES)
    assert [word for line in lines if (word := line.split()[0]) in ZOO] == list(ZOO)
    size = gated.Recurrent(ZOO["lstm_full_gate_recurrence"], 64, 64).theta.size
    assert re.search(rf"^lstm_full_gate_recurrence +h c i f o +{size:,} ", out, re.MULTILINE)
    code, out, _ = gated_command("cells", "gru")
    assert code == 0
    for line in (*ZOO["gru"].equations(), "h; the output is h", "U.n  (hidden, hidden)", "b.z  (hidden,)"):
        assert f"    {line}\n" in out
    assert "Source:" in out


def test_derive(gated_command, tmp_path):
    seen = set()
    for options in ([], ["--format", "markdown"], ["--format", "latex"], ["--format", "numpy"], ["--lang", "zh"]):
        code, out, err = gated_command("derive", "gru", *options)
        assert (code, err) == (0, "")
        format, lang = (options[1] if "--format" in options else "text"), ("zh" if "zh" in options else "en")
        assert out.rstrip("\n") == ZOO["gru"].derive(format, lang).rstrip("\n")
        seen.add(out)
    assert len(seen) == 5
    assert gated_command("derive", "gru", "-o", "gru.txt") == (0, "", "")
    assert (tmp_path / "gru.txt").read_text(encoding="utf-8").rstrip("\n") == ZOO["gru"].derive().rstrip("\n")
    _fails(gated_command("derive", "gru", "--format", "pdf"), "pdf")
    _fails(gated_command("derive", "gru", "--lang", "fr"), "fr")
    _fails(gated_command("derive", "gru", "-o", "no/folder/x"), "cannot be written")


def test_train_then_sample(gated_command, tmp_path):
    code, out, _ = gated_command("train", "corpus.txt", *SMALL, "--evaluate-every", "9")
    assert code == 0
    assert "1,235 characters to learn, 65 held out, 7 different" in out
    assert "lstm, 1 x 8 units" in out
    folder = RunFolder(tmp_path / "runs" / "lstm")
    evaluated = [line for line in folder.read_metrics() if "held_out_bits_per_character" in line]
    assert [line["step"] for line in evaluated] == [9, 18, 27, 36, 40]
    for line in evaluated:
        assert f"held out {line['held_out_bits_per_character']:.4f} bits/char" in out
    best = min(line["held_out_bits_per_character"] for line in evaluated)
    assert f"best held-out: {best:.4f} bits per character" in out
    model = CharacterLanguageModel.load(folder.model_file)
    assert out.endswith("\n" + model.sample(30, temperature=0.8, seed=0) + "\n")
    options = ["--length", "40", "--temperature", "0.5", "--seed", "3", "--prompt", "ab"]
    wanted = "ab" + model.sample(40, temperature=0.5, seed=3, prompt="ab") + "\n"
    assert gated_command("sample", "runs/lstm", *options) == (0, wanted, "")
    assert gated_command("sample", "runs/lstm/model.safetensors", *options) == (0, wanted, "")


def test_train_does_not_overwrite_unless_told(gated_command, tmp_path):
    assert gated_command("train", "corpus.txt", *SMALL, "--out", "run")[0] == 0
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    _fails(gated_command("train", "corpus.txt", *SMALL, "--out", "run"), "which is not empty")
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before
    assert gated_command("train", "corpus.txt", *SMALL, "--out", "run", "--overwrite", "--seed", "5")[0] == 0
    assert json.loads((tmp_path / "run" / "config.json").read_bytes())["settings"]["seed"] == 5


def test_train_goes_on(gated_command, tmp_path):
    code, out, _ = gated_command("train", "corpus.txt", *SMALL, "--out", "run", "--minutes", "1e-9")
    assert code == 0
    assert "time is over at update 1 of 40; gated train --out run --resume goes on" in out
    code, out, _ = gated_command("train", "--out", "run", "--resume", "--sample", "0")
    assert code == 0
    assert "from update 1 to 40" in out
    assert RunFolder(tmp_path / "run").read_metrics()[-1]["step"] == 40
    _fails(
        gated_command("train", "--out", "run", "--resume", "--hidden", "9"),
        "hidden: got 9, expected 8, as the run began",
    )
    short = gated_command("train", "--out", "run", "--resume", "--steps", "30", "--sample", "0")
    _fails(short, "steps: got 30, but the run is at update 40 already, expected more")
    short = gated_command("train", "--out", "run", "--resume", "--epochs", "1", "--sample", "0")
    _fails(short, "epochs: got 1, but the run is at update 40 already, expected more passes")
    same = gated_command("train", "corpus.txt", "--out", "run", "--resume", *SMALL)
    assert same[0] == 0 and "from update 40 to 40" in same[1]
    taken = "which is not empty, expected a new folder, or resume (--resume) to go on there, or overwrite"
    _fails(gated_command("train", "corpus.txt", "--out", "run", *SMALL), taken)
    assert "to 60" in gated_command("train", "--out", "run", "--resume", "--epochs", "3")[1]


def test_threads_are_told_to_gated_and_to_the_libraries(gated_command):
    alone = gated.get_num_threads()
    assert gated_command("train", "corpus.txt", *SMALL, "--steps", "2", "--out", "one")[0] == 0
    assert {os.environ[name] for name in VARIABLES} == {"1"} and gated.get_num_threads() == alone
    assert gated_command("train", "corpus.txt", *SMALL, "--steps", "2", "--threads", "3")[0] == 0
    assert {os.environ[name] for name in VARIABLES} == {"3"} and gated.get_num_threads() == 3


def test_each_option_reaches_the_settings(gated_command, tmp_path):
    asked = {
        "cell": "gru", "hidden": 6, "layers": 2, "embed": 3, "batch": 5, "window": 9, "epochs": 1, "steps": 7,
        "encoding": "ascii",
        "optimizer": "rmsprop", "lr": 0.02, "warmup": 2, "clip": 0.5, "dropout": 0.1, "dtype": "float64", "seed": 4,
        "held_out": 0.2, "evaluate_every": 3, "log_every": 2,
        "units": "words", "minimum_count": 3, "maximum_size": 40, "chinese": "words",
    }  # fmt: skip
    words = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert gated_command("train", "corpus.txt", *words, "--sample", "0")[0] == 0
    assert RunFolder(tmp_path / "runs" / "gru").read_config()["settings"] == {"corpus": "corpus.txt", **asked}


CELLS = """
import gated
from gated import tanh, sigmoid

@gated.cell
def mine(x, h, *, W, U, b):
    h = tanh(W.h @ x + U.h @ h + b.h)
    return h

def plain(x, h, *, W):
    return h

number = 3
"""


def test_a_cell_from_a_file(gated_command, tmp_path):
    (tmp_path / "my_cells.py").write_text(CELLS)
    code, out, _ = gated_command("cells", "my_cells.py:mine")
    assert code == 0
    assert "tanh(" in out
    assert gated_command("train", "corpus.txt", *SMALL, "--cell", "my_cells.py:mine")[0] == 0
    (tmp_path / "my_cells.py").unlink()
    code, out, _ = gated_command("sample", "runs/mine", "--length", "20")
    assert code == 0
    assert len(out) == 21


@pytest.mark.parametrize(
    ("source", "spec", "words"),
    [
        (CELLS, "c.py:other", "got no 'other' in c.py, expected one of its cells (mine)"),
        (CELLS, "c.py:plain", "a function, expected a cell: write @gated.cell above def plain"),
        (CELLS, "c.py:number", "c.py:number, an int, expected a cell"),
        (CELLS, "c.py", "expected the cell's name behind it: c.py:NAME"),
        (CELLS, "c.py:", "got no '' in c.py"),
        (CELLS, "d.py:mine", "'d.py', which is no file"),
        (CELLS, "lstn", "(`gated cells` lists them); did you mean 'lstm'?"),
        ("x = [\n1,\n", "c.py:mine", "c.py:1: SyntaxError"),
        ("\n\n1 / 0\n", "c.py:mine", "c.py:3: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "c.py:mine", "c.py:1: SystemExit: 3"),
        ("raise ValueError('a\\nb')", "c.py:mine", "c.py:1: ValueError: a"),
        ("import no_such_thing_at_all", "c.py:mine", "c.py:1: ModuleNotFoundError"),
        ("\0", "c.py:mine", "c.py"),
        ("import gated\n@gated.cell\ndef mine(x, h, *, W):\n    return W.h @ y\n", "c.py:mine", "c.py"),
        (
            "import gated\n@gated.cell\ndef mine(x, h, *, W):\n    if x:\n        h = x\n    return h\n",
            "c.py:mine",
            "c.py:4",
        ),
    ],
)
def test_a_cell_that_cannot_be_had(gated_command, tmp_path, source, spec, words):
    (tmp_path / "c.py").write_text(source)
    for command in (["cells", spec], ["derive", spec], ["train", "corpus.txt", "--cell", spec]):
        _fails(gated_command(*command), words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fly"], "No such command 'fly'"),
        (["train", "--wings", "2"], "--wings"),
        (["train", "--hidden", "many"], "--hidden"),
        (["train", "--hidden"], "--hidden"),
        (["train", "corpus.txt", "--hidden", "0"], "hidden: got 0"),
        (["train", "corpus.txt", "--lr", "nan"], "lr: got nan"),
        (["train", "corpus.txt", "--optimizer", "adagrad"], "optimizer: got 'adagrad'"),
        (["train", "corpus.txt", "--minutes", "0"], "minutes: got 0.0"),
        (["train", "corpus.txt", "--threads", "0"], "threads: got 0"),
        (["train", "corpus.txt", "--sample", "-1"], "sample: got -1"),
        (["train", "corpus.txt", "--dropout", "0.5"], "dropout: got 0.5"),
        (["train", "none.txt"], "'none.txt', which does not exist"),
        (["train", "binary"], "0xff at offset 0"),
        (["train", "corpus.txt", "--out", "corpus.txt"], "expected a folder"),
        (["train", "--resume", "--out", "none"], "'none', expected the folder of a run"),
        (["train", "--resume", "--overwrite"], "expected one of the two"),
        (["sample"], "run"),
        (["sample", "none"], "run: got 'none', which does not exist"),
        (["sample", "."], "run: got '.', which has no model.safetensors"),
        (["sample", "corpus.txt"], "not a whole safetensors file"),
    ],
)
def test_errors_are_one_line(gated_command, tmp_path, words, expected):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    _fails(gated_command(*words), expected)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("units", ["characters", "words", "bytes"])
def test_units_and_what_a_text_costs(gated_command, tmp_path, units):
    code, out, _ = gated_command("train", "corpus.txt", *SMALL, "--units", units, "--out", "run")
    assert code == 0 and f"{units} to learn, " in out and " bits per character, in " in out
    (tmp_path / "other.txt").write_text("abc dé\n中文" * 9, encoding="utf-8")
    code, out, err = gated_command("evaluate", "run", "other.txt")
    assert (code, err) == (0, "")
    lines = dict(line.split(None, 1) for line in out.splitlines())
    score = LanguageModel.load("run/model.safetensors").evaluate_file("other.txt")
    assert lines["text"] == f"other.txt: 81 characters, 126 bytes, {score.words} words"
    assert lines["bits/char"] == f"{score.bits / 81:.4f}" and lines["bits/byte"] == f"{score.bits / 126:.4f}"
    assert lines["unknown"] == ("0" if units == "bytes" else "27") == f"{score.unknown}"
    assert lines["perplexity"] == f"{score.perplexity:.4g} of a token, {score.word_perplexity:.4g} of a word"
    assert lines["tokens"].split()[0] == f"{score.tokens}"
    side_by_side = gated_command("evaluate", "run", "other.txt", "--streams", "5")[1]
    assert side_by_side.splitlines()[0] == out.splitlines()[0] and side_by_side != out


def test_options_of_sampling(gated_command):
    assert gated_command("train", "corpus.txt", *SMALL, "--steps", "9", "--out", "run")[0] == 0
    model = LanguageModel.load("run/model.safetensors")
    for words, options in (
        (("--top-k", "2"), {"top_k": 2}),
        (("--top-p", "0.5"), {"top_p": 0.5}),
        (("--stop", "b", "--stop", "de"), {"stop": ["b", "de"]}),
        (("--prompt", "abc", "--length", "9"), {"prompt": "abc", "length": 9}),
    ):
        wanted = options.get("prompt", "") + model.sample(**{"temperature": 0.8, **options}) + "\n"
        assert gated_command("sample", "run", *words) == (0, wanted, "")
    _fails(gated_command("sample", "run", "--top-k", "0"), "top_k: got 0, expected a whole number of at least 1")
    _fails(gated_command("sample", "run", "--top-p", "1.5"), "top_p: got 1.5, expected a number in [0, 1]")
    _fails(gated_command("sample", "run", "--stop", ""), "stop: got '', expected texts of at least one character")
    _fails(gated_command("evaluate", "run", "none.txt"), "path: got 'none.txt', which does not exist")
    _fails(gated_command("evaluate", "none", "corpus.txt"), "run: got 'none', which does not exist")
    _fails(gated_command("evaluate", "run", "corpus.txt", "--streams", "0"), "streams: got 0")
    _fails(gated_command("evaluate", "run", "corpus.txt", "--encoding", "x"), "encoding: got str 'x'")
    _fails(gated_command("train", "corpus.txt", "--units", "letters", "--out", "new"), "units: got 'letters', expected")


def test_errors_of_sampling(gated_command):
    assert gated_command("train", "corpus.txt", *SMALL, "--steps", "2", "--out", "run")[0] == 0
    _fails(gated_command("sample", "run", "--length", "-1"), "length: got -1")
    _fails(gated_command("sample", "run", "--temperature", "-1"), "temperature: got -1.0")
    _fails(gated_command("sample", "run", "--temperature", "nan"), "temperature: got nan")
    _fails(gated_command("sample", "run", "--prompt", "Q"), "prompt: got 'Q'")
    _fails(gated_command("sample", "run", "--seed", "-1"), "seed: got -1")


def test_debug_shows_the_traceback(gated_command):
    for words in (["--debug", "sample", "none"], ["sample", "none", "--debug"]):
        code, _, err = gated_command(*words)
        assert code == 2
        assert err.startswith("Traceback")
        assert err.splitlines()[-1] == "error: run: got 'none', which does not exist, expected the folder of a run"


def test_a_fault_of_gated_is_told_apart(gated_command, monkeypatch):
    def broken(*arguments):
        raise KeyError("inside")

    monkeypatch.setattr("gated.cli.cells.show_zoo", broken)
    _fails(gated_command("cells"), "KeyError: 'inside' (a fault of gated; --debug shows where)", code=1)


def test_ctrl_c_outside_of_training(gated_command, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("gated.cli.cells.show_zoo", interrupted)
    assert gated_command("cells")[0] == 130


def test_without_the_packages_it_says_what_to_install(gated_command, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "typer" else find(name, *rest))
    _fails(gated_command("cells"), "typer is needed for the command line; install it with: pip install 'gated[cli]'")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    words = "typer, rich, tqdm are needed for the command line; install them with: pip install 'gated[cli]'"
    _fails(gated_command("cells"), words)


def test_the_defaults_of_the_command_are_those_of_the_settings():
    from gated.cli.app import train
    from gated.cli.music import train as music
    from gated.cli.translate import train as translate
    from gated.models.date_settings import DateSettings
    from gated.models.language_settings import Settings
    from gated.models.music.music_settings import MusicSettings

    for command, kind in ((train, Settings), (translate, DateSettings), (music, MusicSettings)):
        parameters = inspect.signature(command).parameters
        assert {field.name: parameters[field.name].default for field in dataclasses.fields(kind)} == vars(kind())


def test_the_defaults_of_captions_are_those_of_their_settings():
    """Two kinds of runs share the options: where their defaults differ, the option has none and the help says both."""
    from typing import get_type_hints

    from gated.cli.caption import train
    from gated.models.captioner.data_settings import DataSettings
    from gated.models.captioner.scene_settings import SceneSettings

    parameters, hints = inspect.signature(train).parameters, get_type_hints(train, include_extras=True)
    both = vars(SceneSettings()), vars(DataSettings())
    told = 0
    for name in set(both[0]) | set(both[1]):
        values = [own[name] for own in both if name in own and own[name] not in (None, "")]
        if parameters[name].default is not None:
            assert set(values) <= {parameters[name].default}, name
            continue
        told += len(values)
        assert all(f"{value}" in hints[name].__metadata__[0].help for value in values), name
    assert told == 9
