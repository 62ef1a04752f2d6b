"""``gated experiment``: what is printed and written, options, errors in one line, Ctrl-C and going on."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gated
from gated.cli import main
from gated.cli.threads import VARIABLES
from gated.experiments import KINDS

pytest.importorskip("typer")

TINY = ["--seeds", "2", "--hidden", "4", "--max-sequences", "6", "--every", "3", "--after", "1", "--cells", "lstm"]
PAIR = [*TINY, "--algorithms", "online,full"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:  # the commands set them; this puts them back
        monkeypatch.setenv(name, "1")


@pytest.fixture
def gated_command(capsys):
    def run(*words):
        code = main(["experiment", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def _fails(result, words, code=2):
    assert result[0] == code, result
    assert result[2].startswith("error: ")
    assert result[2].count("\n") == 1
    assert words in result[2]


def _results(path):
    return json.loads((path / "results.json").read_text(encoding="utf-8"))


def _trials(path):
    found = _results(path)["trials"]
    return {(t["algorithm"], t["cell"], t["seed"]): {k: v for k, v in t.items() if k != "seconds"} for t in found}


def test_help(gated_command):
    code, out, _ = gated_command("--help")
    assert code == 0
    for command in ("reber", "adding", "timing", "gradients", "lahore"):
        assert f"\n  {command} " in out
        code, text, err = gated_command(command, "--help")
        assert (code, err) == (0, "")
        assert f"\n  gated experiment {command}" in text
    text = gated_command("reber", "--help")[1]
    for option in ("--algorithms", "--cells", "--seeds", "--hidden", "--max-sequences", "--lr", "--out", "--overwrite"):
        assert option in text


def test_reber_prints_and_writes_what_it_found(gated_command, tmp_path):
    code, out, err = gated_command("reber", *PAIR)
    assert (code, err) == (0, "")
    for algorithm in ("online", "full"):
        for seed in (0, 1):
            assert f"{algorithm:9} lstm, seed {seed}: not solved at the end of 6 sequences\n" in out
        assert f"\n{algorithm:9} lstm 0 of 2" in out
    folder = tmp_path / "runs" / "experiment-reber"
    assert out.endswith(f"report: {os.path.join('runs', 'experiment-reber', 'report.md')}\n")
    assert list(_trials(folder)) == [(a, "lstm", s) for s in (0, 1) for a in ("online", "full")]
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "| online | lstm | 227 | 0 of 2 | more than 6 |" in text
    assert "learning rate 0.003" in text
    assert "hard step" in text
    for name in ("solved.png", "curves.png"):
        assert (f"({name})" in text) == (folder / name).exists()
    settings = _results(folder)["settings"]
    assert settings["seeds"] == 2
    assert settings["lr"] == {name: KINDS["reber"].lr[name] for name in ("online", "full")}


def test_the_same_command_finds_the_same(gated_command, tmp_path):
    for out in ("a", "b"):
        assert gated_command("reber", *PAIR, "--out", out)[0] == 0
    assert _trials(tmp_path / "a") == _trials(tmp_path / "b")


@pytest.fixture(scope="module")
def without_options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without")
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.setenv(name, "1")
        assert main(["experiment", "reber", *PAIR, "--out", str(folder / "a")]) == 0
    return _trials(folder / "a")


@pytest.mark.parametrize(
    "words",
    [
        ["--hidden", "5"],
        ["--max-sequences", "9"],
        ["--every", "2"],
        ["--batch", "2"],
        ["--lr", "0.5"],
        ["--lr", "online=0.5"],
        ["--algorithms", "full"],
        ["--cells", "rnn"],
        ["--seeds", "1"],
    ],
)
def test_each_option_changes_something(gated_command, without_options, tmp_path, words):
    assert gated_command("reber", *PAIR, *words, "--out", "b")[0] == 0
    assert without_options != _trials(tmp_path / "b")


def test_rates_of_one_and_of_all(gated_command, tmp_path):
    assert gated_command("reber", *PAIR, "--lr", "0.5", "--lr", "full=0.25", "--out", "a")[0] == 0
    assert _results(tmp_path / "a")["settings"]["lr"] == {"online": 0.5, "full": 0.25}


def test_adding_and_timing_pass_their_options_on(gated_command, tmp_path):
    assert gated_command("adding", *TINY, "--algorithms", "full", "--steps", "30", "--out", "a")[0] == 0
    assert _results(tmp_path / "a")["settings"]["options"] == {"steps": 30}
    words = ["--algorithms", "truncated", "--window", "3", "--period", "5", "--delays", "0, 4"]
    assert gated_command("timing", *TINY, *words, "--out", "b")[0] == 0
    settings = _results(tmp_path / "b")["settings"]
    assert settings["options"] == {"period": 5, "delays": [0, 4]}
    assert settings["window"] == 3
    for folder in ("a", "b"):
        assert "right" in _results(tmp_path / folder)["trials"][0]["figures"]
        assert "mean squared error" in _results(tmp_path / folder)["trials"][0]["figures"]


def test_a_cell_from_a_file_and_one_for_which_online_is_not_defined(gated_command, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import gated\nfrom gated import tanh\n\n@gated.cell\ndef own(x, h, *, W, U, b):\n"
        "    h = tanh(W.h @ x + U.h @ h + b.h)\n    return h\n"
    )
    code, out, _ = gated_command("reber", *PAIR, "--cells", "mine.py:own,gru", "--seeds", "1", "--out", "a")
    assert code == 0
    assert "online    gru, seed 0: not defined\n" in out
    text = (tmp_path / "a" / "report.md").read_text(encoding="utf-8")
    assert "| full | own |" in text
    assert "- online, gru: algorithm: got 'online' for the cell gru" in text


def test_it_does_not_overwrite_unless_told(gated_command, tmp_path):
    assert gated_command("reber", *PAIR, "--out", "a")[0] == 0
    before = (tmp_path / "a" / "results.json").read_bytes()
    _fails(gated_command("reber", *PAIR, "--out", "a"), "out: got 'a', which is not empty")
    assert (tmp_path / "a" / "results.json").read_bytes() == before
    assert gated_command("reber", *PAIR, "--out", "a", "--overwrite", "--seeds", "1")[0] == 0
    assert len(_trials(tmp_path / "a")) == 2


def _interrupt_after(monkeypatch, tests):
    """Ctrl-C once so many tests are made."""
    from gated.experiments import contest

    count = 0
    real = contest._test

    def counted(*arguments):
        nonlocal count
        count += 1
        real(*arguments)
        if count == tests:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(contest, "_test", counted)
    return lambda: monkeypatch.setattr(contest, "_test", real)


@pytest.mark.skipif(os.name != "posix", reason="a process sends itself SIGINT on POSIX only")
def test_ctrl_c_writes_what_there_is_and_resume_goes_on(gated_command, tmp_path, monkeypatch):
    assert gated_command("reber", *PAIR, "--out", "whole")[0] == 0
    restore = _interrupt_after(monkeypatch, 3)  # the second trial is under way
    code, out, err = gated_command("reber", *PAIR, "--out", "parts")
    assert code == 130
    assert "--resume --out parts goes on" in err
    assert "Traceback" not in err
    text = (tmp_path / "parts" / "report.md").read_text(encoding="utf-8")
    assert "**Stopped: 1 of 4 trials are finished**" in text
    assert (tmp_path / "parts" / "curves.png").exists() == (tmp_path / "whole" / "curves.png").exists()
    assert [t["finished"] for t in _results(tmp_path / "parts")["trials"]] == [True, False]
    restore()
    code, out, _ = gated_command("reber", *PAIR, "--out", "parts", "--resume")
    assert code == 0
    assert "online    lstm, seed 0" not in out, "it was finished"
    assert _trials(tmp_path / "parts") == _trials(tmp_path / "whole")
    more = [*PAIR, "--out", "parts", "--resume", "--seeds", "3"]
    assert gated_command("reber", *more)[1].count("not solved at the end") == 2


def test_going_on_with_something_else_is_refused(gated_command):
    assert gated_command("reber", *PAIR, "--out", "a")[0] == 0
    _fails(gated_command("reber", *PAIR, "--hidden", "5", "--out", "a", "--resume"), "hidden: got 5 for a contest that")
    _fails(gated_command("reber", *PAIR, "--lr", "9", "--out", "a", "--resume"), "lr: got 9.0 for online")
    _fails(gated_command("timing", *PAIR, "--out", "a", "--resume"), "kind: got 'timing'")
    _fails(gated_command("reber", *PAIR, "--out", "none", "--resume"), "no results.json")
    _fails(gated_command("reber", *PAIR, "--out", "a", "--resume", "--overwrite"), "expected one of the two")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dance"], "No such command 'dance'"),
        (["reber", "--wings"], "--wings"),
        (["reber", "--hidden", "many"], "--hidden"),
        (["reber", "--hidden", "0"], "hidden: got 0"),
        (["reber", "--seeds", "0"], "seeds: got 0"),
        (["reber", "--max-sequences", "0"], "max_sequences: got 0"),
        (["reber", "--algorithms", "bptt"], "algorithms: got 'bptt', expected some of online, truncated, full, rtrl"),
        (["reber", "--algorithms", "full,"], "algorithms: got 'full,', expected names with commas"),
        (["reber", "--algorithms", "full,full"], "expected one or more, each once"),
        (
            ["reber", "--cells", "lstn"],
            "cell: got 'lstn', expected FILE.py:NAME or the name of a cell of the zoo (`gated cells`",
        ),
        (["reber", "--cells", "lstm,lstm"], "cells: got 'lstm' twice"),
        (["reber", "--lr", "fast"], "lr: got 'fast', expected ALGORITHM=RATE or RATE"),
        (["reber", "--lr", "full=-1"], "lr of full: got -1.0"),
        (["reber", "--lr", "sgd=0.1"], "lr: got a rate for 'sgd'"),
        (["reber", "--out", "file"], "expected a folder"),
        (["adding", "--steps", "3"], "steps: got 3, expected at least 20"),
        (["timing", "--period", "0"], "period: got 0"),
        (["timing", "--delays", "0,x"], "delays: got 'x', expected whole numbers"),
        (["timing", "--delays", "-1"], "delays: got -1"),
        (["gradients", "--steps", "1"], "steps: got 1"),
        (["gradients", "--updates", "0"], "updates: got 0"),
        (["gradients", "--seed", "-1"], "seed: got -1"),
        (["gradients", "--cells", "x.py:y"], "'x.py', which is no file"),
        (["lahore", "--strings", "0"], "strings: got 0"),
        (["lahore", "--rates", "0.1;2"], "rates: got '0.1;2', expected numbers with commas"),
        (["lahore", "--rates", "0"], "rates: got 0.0"),
        (["lahore", "--scale", "nan"], "scale: got nan"),
    ],
)
def test_errors_are_one_line_and_leave_nothing_behind(gated_command, tmp_path, words, expected):
    (tmp_path / "file").write_text("")
    _fails(gated_command(*words), expected)
    assert not (tmp_path / "runs").exists()


def test_gradients(gated_command, tmp_path):
    words = ["--cells", "rnn,lstm", "--steps", "6", "--hidden", "3", "--updates", "2"]
    code, out, _ = gated_command("gradients", *words)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[:4]] == [
        [cell, kind] for cell in ("rnn", "lstm") for kind in ("untrained", "trained")
    ]
    folder = tmp_path / "runs" / "experiment-gradients"
    found = _results(folder)["found"]
    assert [len(f["norms"]["h"]) for f in found] == [6] * 4
    assert "| lstm | trained |" in (folder / "report.md").read_text(encoding="utf-8")
    for option in (["--steps", "7"], ["--hidden", "4"], ["--updates", "3"], ["--seed", "1"], ["--lr", "0.5"]):
        assert gated_command("gradients", *words, *option, "--overwrite")[0] == 0
        assert _results(folder)["found"] != found, option
    _fails(gated_command("gradients", *words), "which is not empty")


def test_lahore(gated_command, tmp_path):
    words = ["--hidden", "3", "--strings", "2", "--seeds", "2", "--rates", "0.1"]
    code, out, _ = gated_command("lahore", *words)
    assert code == 0
    assert "| output W | exact, 0.0° | exact, 0.0° | exact, 0.0° | exact, 0.0° |" in out
    folder = tmp_path / "runs" / "experiment-lahore"
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert out.startswith(report.split("![")[0].rstrip())
    assert list(_results(folder)["stale"]) == ["0.1"]
    found = _results(folder)["differences"]
    for option in (["--hidden", "4"], ["--strings", "3"], ["--seeds", "1"], ["--scale", "1"], ["--trained", "5"]):
        assert gated_command("lahore", *words, *option, "--overwrite")[0] == 0
        assert _results(folder)["differences"] != found, option
    _fails(gated_command("lahore", *words), "which is not empty")


def test_the_live_table_tells_how_it_goes():
    from rich.console import Console

    from gated.cli.contest_table import table
    from gated.experiments import Settings, Trial

    kind = KINDS["reber"]
    numbers = {"seeds": 2, "hidden": 4, "batch": 1, "window": 4, "max_sequences": 900, "every": 3, "after": 1}
    settings = Settings("reber", {}, ("online", "full"), ("lstm",), lr=dict(kind.lr), **numbers)
    solved = Trial("online", "lstm", 0, 9, [300], {"hard step": [1.0], "other steps": [1.0]}, [True], finished=True)
    now = Trial("full", "lstm", 0, 9, [600], {"hard step": [0.625], "other steps": [0.9]}, [False])
    console = Console(width=80)

    def printed(*arguments):
        with console.capture() as capture:
            console.print(table(settings, kind, [solved, now], *arguments))
        return [line.split() for line in capture.get().splitlines()]

    _, online, full = printed(now)
    assert online == ["online", "lstm", "1", "of", "1", "300"]
    assert full == ["full", "lstm", "seed", "0,", "600:", "hard", "step", "62.5%"]
    now.finished = True
    head, online, full = printed()
    assert head == ["algorithm", "cell", "solved", "median", "range", "other", "steps", "hard", "step"]
    assert online == ["online", "lstm", "1", "of", "1", "300", "300–300", "300", "300"]
    assert full == ["full", "lstm", "0", "of", "1", ">900", ">900", ">900"]


def test_defaults_are_such_that_they_can_be_run():
    from gated.cli import experiment

    for name, kind in KINDS.items():
        defaults = {p.name: p.default for p in inspect.signature(getattr(experiment, name)).parameters.values()}
        assert set(defaults["algorithms"].split(",")) <= set(kind.lr)
        assert defaults["max_sequences"] % defaults["every"] == 0
        assert defaults["every"] % defaults["batch"] == 0


HOLDS = """
import sys
from pathlib import Path
from gated.files.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.readline()
"""


def test_one_process_at_a_time_writes_a_report(gated_command, tmp_path):
    assert gated_command("reber", *PAIR, "--out", "report")[0] == 0
    assert not (tmp_path / "report" / ".lock").exists()
    before = {file.name: file.read_bytes() for file in (tmp_path / "report").iterdir()}
    environment = {**os.environ, "PYTHONPATH": str(Path(gated.__file__).parents[1])}
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "report")],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        for option in ("--resume", "--overwrite"):
            refused = gated_command("reber", *PAIR, "--out", "report", option)
            _fails(refused, f"folder: got 'report', where process {other.pid} is at work")
    finally:
        other.communicate("\n")
    assert {file.name: file.read_bytes() for file in (tmp_path / "report").iterdir()} == before
    (tmp_path / "report" / ".results.json.0a1b.tmp").write_text("half")
    assert gated_command("reber", *PAIR, "--out", "report", "--resume")[0] == 0
    assert {file.name for file in (tmp_path / "report").iterdir()} == set(before)


def test_sigterm_stops_as_ctrl_c_does(gated_command, tmp_path, monkeypatch):
    shown = []

    def show(trial):
        shown.append(trial)
        signal.raise_signal(signal.SIGTERM)
        return ""

    monkeypatch.setattr("gated.cli.contest_table._line", show)
    code, _, err = gated_command("reber", *PAIR, "--out", "report")
    assert code == 143 and len(shown) == 1
    assert "stopped; the report is of what there is, and --resume --out report goes on" in err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert gated_command("reber", *PAIR, "--out", "report", "--resume")[0] == 0
    assert len(_trials(tmp_path / "report")) == 4
