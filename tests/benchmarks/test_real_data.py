"""The comparison on real data, with tiny data and somebody else's Python that only says what it would have found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.points import UsageError
from benchmarks.real_data import aeon_side, cli, here, records
from benchmarks.real_data.methods import METHODS, SETS

pytest.importorskip("sklearn")
FAKE = """#!{python}
import json, sys
wanted = json.loads(sys.argv[2])
assert sys.argv[1].endswith("aeon_side.py") and wanted["test"].endswith("ItalyPowerDemand_TEST.ts")
if wanted["method"] == "fcn":
    sys.exit("no tensorflow here")
for seed in wanted["seeds"]:
    found = {{"seed": seed, "accuracy": 0.5 + seed / 10, "fit_seconds": 12.0, "predict_seconds": 0.5}}
    print(json.dumps({{**found, "padded": wanted["method"] == "rocket", "aeon": "1.6.0"}}))
"""


@pytest.fixture
def place(tmp_path):
    """A folder of data, and a Python."""
    rng = np.random.default_rng(0)
    for name in SETS[:3]:
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for part in ("TRAIN", "TEST"):
            rows = [f"{','.join(f'{v:.2f}' for v in k % 2 + rng.normal(size=5) / 9)}:{k % 2}" for k in range(12)]
            text = "@classLabel true 0 1\n@data\n" + "\n".join(rows)
            (folder / f"{name}_{part}.ts").write_text(text)
    python = tmp_path / "python"
    python.write_text(FAKE.format(python=sys.executable))
    python.chmod(0o755)
    return tmp_path


def run(place, capsys, *words):
    given = ["--data", str(place / "data"), "--aeon", str(place / "python"), "--output", str(place / "out.json")]
    code = cli.main([*given, *words])
    return code, *capsys.readouterr()


def test_a_run_is_kept_and_printed(place, capsys, monkeypatch):
    from gated.models import SequenceClassifier

    monkeypatch.setattr(here, "OURS", {name: {**own, "epochs": 3, "hidden_size": 4} for name, own in here.OURS.items()})
    code, out, err = run(place, capsys, "--only", "default,dtw,rocket,ItalyPowerDemand", "--seeds", "2")
    assert code == 0 and err.splitlines()[1] == "ItalyPowerDemand  rocket        55.0 ± 7.1  12 + 0.50 s"
    table = out.splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == ["`SequenceClassifier()`", "ROCKET", "1-NN, DTW"]
    assert table[3] == "| ROCKET | | | 55.0 ± 7.1; 12 + 0.50 s * | |"
    assert table[4] == "| 1-NN, DTW | | | 50.0; 12 + 0.50 s | |", "run once, as chance has no part in it"
    rows = records.read(place / "out.json")
    ours = next(row for row in rows if row.method == "default")
    split = here.load("ItalyPowerDemand", place / "data")
    made = SequenceClassifier(**here.OURS["default"], random_state=1).fit(split.x, split.y)
    assert ours.seeds == [0, 1] and ours.accuracy[1] == np.mean(made.predict(split.held_out_x) == split.held_out_y)
    assert set(ours.versions) == {"gated"} and {"aeon": "1.6.0"} in [row.versions for row in rows]


def test_a_later_run_replaces_its_own_rows_alone(place, capsys):
    assert run(place, capsys, "--only", "rocket,dtw,ItalyPowerDemand")[0] == 0
    assert run(place, capsys, "--only", "rocket,ItalyPowerDemand", "--seeds", "1")[0] == 0
    found = {row.method: row.seeds for row in records.read(place / "out.json")}
    assert found == {"rocket": [0], "dtw": [0]}
    code, out, _ = run(place, capsys, "--show")
    assert code == 0 and "| ROCKET | | | 50.0; 12 + 0.50 s * | |" in out


def test_digits_by_scikit_learn(place, capsys):
    code, out, _ = run(place, capsys, "--only", "scikit", "--seeds", "1")
    assert code == 0 and "| `SVC(gamma=0.001)` | | | | 96.9; " in out, "what scikit-learn's own example prints: 0.97"
    split = here.load("digits", None)
    assert split.x.shape == (898, 8, 8) and len(split.held_out_y) == 899


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--only", "rockets"],
            "--only: got 'rockets', expected some of gated, aeon, scikit, default, forward, rocket",
        ),
        (["--seeds", "0"], "--seeds: got 0, expected at least 1"),
        (["--only", "aeon", "--aeon", "no"], "--aeon: got 'no', expected the Python of an environment with aeon"),
        (["--only", "default", "--data", "no"], "folder: got 'no', expected one with aeon's data sets; pip install"),
        (["--only", "fcn,ItalyPowerDemand"], "--aeon: got an error of fcn on ItalyPowerDemand (no tensorflow here)"),
    ],
)
def test_errors(place, capsys, words, message):
    code, out, err = run(place, capsys, *words)
    assert (code, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1 and message in err


def test_a_file_that_is_none(place, capsys):
    for text in ("{", '{"rows": [{"data": "x"}]}', '{"rows": [{"odd": 1}]}', "[]"):
        (place / "out.json").write_text(text)
        with pytest.raises(UsageError, match="--output: got .*, expected what an earlier run wrote"):
            records.read(place / "out.json")


def test_names_are_known_on_both_sides():
    assert set(aeon_side.METHODS) == {method.name for method in METHODS if method.side == "aeon"}
    assert set(here.OURS) == {method.name for method in METHODS if method.side == "gated"}
    assert len({method.name for method in METHODS}) == len(METHODS)


def test_the_table_in_both_languages(tmp_path):
    rows = [records.Row("digits", "default", [0, 1], [0.9, 0.8], [3.0, 5.0], [0.01, 0.03], {}, False)]
    for lang, head in (("en", "accuracy in %"), ("zh", "准确率")):
        lines = records.table(rows, lang).splitlines()
        assert head in lines[0] and lines[2] == "| `SequenceClassifier()` | | | | 85.0 ± 7.1; 4.0 + 0.02 s |"
    records.write(tmp_path / "new" / "r.json", rows, {"date": "2026-01-01"})
    assert records.read(tmp_path / "new" / "r.json") == rows
    assert json.loads(Path(tmp_path, "new", "r.json").read_text())["conditions"]["date"] == "2026-01-01"
    assert records.read(tmp_path / "none.json") == []
