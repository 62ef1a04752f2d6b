"""`gated classify` in this process: what it prints and writes, and its errors in one line."""

from __future__ import annotations

import numpy as np
import pytest

from gated.backends.native.threads import pool
from gated.cli import main
from gated.cli.classify import ARGUMENTS, matrix_text
from gated.cli.classify_folder import predictions_text
from gated.cli.threads import VARIABLES
from gated.data.series import SequenceSet
from gated.models.classification.scores import Scores

pytest.importorskip("typer")
pytest.importorskip("sklearn")
pytest.importorskip("pandas")
SMALL = ("--hidden", "6", "--epochs", "40")


@pytest.fixture(autouse=True)
def in_a_folder_with_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(pool, "_threads", None)
    rng = np.random.default_rng(0)
    y = np.array(["up", "down"] * 12)
    x = np.where(y == "up", 1.0, -1.0)[:, None] * np.arange(6) + rng.standard_normal((24, 6)) / 10
    np.savez("toy.npz", X=x, y=y)
    np.savez("plain.npz", X=x)
    np.savez("numbers.npz", X=x, y=x.sum(1))
    lines = ["id,t,kind,who,v", *(f"s{n},{t},{y[n]},{n // 4},{x[n, t]:.3f}" for n in range(24) for t in range(6))]
    (tmp_path / "long.csv").write_text("\n".join(lines))
    rows = ["a,b,c,label", *(f"{a:.3f},{b:.3f},{c:.3f},{kind}" for (a, b, c), kind in zip(x[:, :3], y, strict=True))]
    (tmp_path / "wide.csv").write_text("\n".join(rows))
    head = "@problemName walk\n@classLabel true down up\n@data\n"
    lines = [",".join(f"{v:.3f}" for v in row) + f":{kind}" for row, kind in zip(x, y, strict=True)]
    (tmp_path / "toy.ts").write_text(head + "\n".join(lines))


@pytest.fixture
def gated_command(capsys):
    def run(*words):
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def fails(result, words):
    assert result[0] == 2 and result[2].startswith("error: ") and result[2].count("\n") == 1, result
    assert words in result[2], result[2]


def test_from_data_to_page_and_back(gated_command, tmp_path):
    code, out, err = gated_command("classify", "toy.npz", *SMALL)
    assert (code, err) == (0, ""), err
    assert "data    toy: 24 sequences, 6 steps of 1 number, 2 classes\n" in out
    assert "split   18 to learn from, 6 to judge by\n" in out
    assert "SequenceClassifier    100.0%   61.0 to 100.0%             100.0%\n" in out
    assert "commonest class        50.0%    18.8 to 81.2%              50.0%\n" in out
    assert (
        "\n6 sequences are too few to judge by: the accuracy on many such sequences may be anything from 61.0% to"
        in out
    )
    assert "--folds 5 judges by every sequence once.\n" in out
    assert "true \\ said  down  up\ndown            3   0\nup              0   3\n" in out
    folder = tmp_path / "runs" / "classify-toy"
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        "model.safetensors",
        "predictions.csv",
        "report.html",
    ]
    assert (folder / "predictions.csv").read_text().startswith("sequence,true,said,probability,p(down),p(up)\n")
    assert "<td>1 x 6 x 2</td>" in (folder / "report.html").read_text()
    code, out, err = gated_command("classify", "plain.npz", "--model", "runs/classify-toy", "--out", "new")
    assert (code, err) == (0, "")
    assert "sequence,said,probability,p(down),p(up)\n0,up," in out and "and 12 more\n" in out
    assert len((tmp_path / "new" / "predictions.csv").read_text().splitlines()) == 25
    model = "runs/classify-toy/model.safetensors"
    code, out, err = gated_command(
        "classify", "toy.ts", "--model", model, "--out", "new", "--overwrite", "--lang", "zh"
    )
    assert (code, err) == (0, "") and "SequenceClassifier    100.0%" in out and "nearest" not in out
    assert "由先前学好的模型评判" in (tmp_path / "new" / "report.html").read_text()


def test_a_saved_model_is_not_removed(gated_command, tmp_path):
    assert gated_command("classify", "toy.npz", *SMALL)[0] == 0
    for model in ("runs/classify-toy", "runs/classify-toy/model.safetensors"):
        result = gated_command("classify", "toy.npz", "--model", model, "--overwrite")
        fails(result, "out: got 'runs/classify-toy', where the model lies, expected another one")
    assert (tmp_path / "runs" / "classify-toy" / "model.safetensors").exists()


def test_the_same_seed_gives_the_same(gated_command, tmp_path):
    pages = []
    for out, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert gated_command("classify", "toy.npz", *SMALL, "--seed", seed, "--out", out)[0] == 0
        pages.append((tmp_path / out / "predictions.csv").read_text())
    assert pages[0] == pages[1] != pages[2]


def test_tables_folds_groups_and_a_test_file(gated_command):
    long = ("--sequence", "id", "--time", "t", "--label", "kind")
    code, out, err = gated_command("classify", "long.csv", *long, "--group", "who", "--folds", "3", *SMALL)
    assert (code, err) == (0, "") and "split   3 parts, each judged by what learned from the others" in out
    assert "data    long: 24 sequences, 6 steps of 1 number, 2 classes" in out
    new = ("--sequence", "id", "--time", "t", "--drop", "kind", "--drop", "who")
    code, out, err = gated_command("classify", "long.csv", *new, "--model", "runs/classify-long", "--out", "new")
    assert (code, err) == (0, "") and "s0,up," in out
    code, out, err = gated_command("classify", "wide.csv", "--test", "wide.csv", *SMALL, "--lang", "zh", "--verbose")
    assert (code, err) == (0, "") and "24 to learn from, 24 to judge by" in out and "update" in out


def test_options_reach_the_classifier(gated_command, tmp_path):
    from gated.models import SequenceClassifier

    (tmp_path / "own.py").write_text(
        "import gated\nfrom gated import tanh\n\n\n@gated.cell\ndef mine(x, h, *, W, U):\n"
        "    h = tanh(W.h @ x + U.h @ h)\n    return h\n"
    )
    options = {"--cell": "own.py:mine", "--hidden": "5", "--layers": "2", "--pooling": "last", "--dropout": "0.1"}
    options |= {"--epochs": "2", "--batch": "7", "--lr": "0.02"}
    words = [word for pair in options.items() for word in pair]
    assert gated_command("classify", "toy.npz", *words, "--one-direction", "--to-the-end", "--balanced")[0] == 0
    own = SequenceClassifier.load(tmp_path / "runs" / "classify-toy" / "model.safetensors")
    wanted = {"hidden_size": 5, "num_layers": 2, "pooling": "last", "dropout": 0.1, "epochs": 2, "batch_size": 7}
    wanted |= {"learning_rate": 0.02, "bidirectional": False, "early_stopping": False, "class_weight": "balanced"}
    assert {name: getattr(own, name) for name in wanted} == wanted
    assert set(ARGUMENTS.values()) <= set(SequenceClassifier().get_params())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no.npz"], "path: got 'no.npz', which is no file"),
        (["toy.npz", "--label", "kind"], "label: got 'kind' for 'toy.npz', expected it for a .csv file alone"),
        (
            ["wide.csv", "--label", "kind"],
            "label: got 'kind', expected one of the columns of 'wide.csv': 'a', 'b', 'c', 'label'",
        ),
        (["numbers.npz"], "expected classes; gated.models.SequenceRegressor foretells numbers"),
        (["plain.npz"], "data: got 'plain' without labels, expected a class for each sequence"),
        (["toy.npz", "--folds", "2", "--test", "toy.npz"], "folds: got two of --test, --folds and --held-out"),
        (["toy.npz", "--held-out", "1"], "held_out: got 1.0, expected a share above 0 and below 1"),
        (["toy.npz", "--lang", "fr"], "lang: got 'fr', expected 'en' or 'zh'"),
        (["toy.npz", "--cell", "lstmm"], "cell: got 'lstmm', expected the name of a cell of the zoo"),
        (["toy.npz", "--cell", "no.py:mine"], "cell: got 'no.py', which is no file"),
        (["toy.npz", "--out", "wide.csv"], "out: got 'wide.csv', which is a file, expected a folder"),
        (["toy.npz", "--pooling", "sum"], "pooling: got 'sum', expected"),
        (["toy.npz", "--model", "none", "--hidden", "3"], "hidden: got it together with --model, which learns no more"),
        (["toy.npz", "--model", "none"], "none"),
    ],
)
def test_errors(gated_command, words, message, tmp_path):
    fails(gated_command("classify", *words), message)
    assert not (tmp_path / "runs").exists(), "nothing is written"


def test_an_interrupt_writes_nothing_and_says_so(gated_command, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gated.models.SequenceClassifier.fit", stop)
    code, out, err = gated_command("classify", "toy.npz", *SMALL)
    assert code == 130 and err.startswith("stopped: nothing is written; ") and not (tmp_path / "runs").exists()


def test_what_is_there_is_not_overwritten_unless_told(gated_command, tmp_path):
    assert gated_command("classify", "toy.npz", *SMALL, "--out", "x")[0] == 0
    before = (tmp_path / "x" / "model.safetensors").read_bytes()
    fails(gated_command("classify", "toy.npz", *SMALL, "--out", "x"), "expected a new folder, or --overwrite to start")
    assert (tmp_path / "x" / "model.safetensors").read_bytes() == before
    assert gated_command("classify", "toy.npz", *SMALL, "--out", "x", "--overwrite", "--seed", "4")[0] == 0
    assert (tmp_path / "x" / "model.safetensors").read_bytes() != before


def test_a_matrix_of_many_classes_is_its_worst_pairs():
    confusion = np.diag(np.full(20, 5))
    confusion[3, 4] = 2
    confusion[0, 1] = 7
    text = matrix_text(Scores(np.array([f"c{k}" for k in range(20)]), confusion))
    assert text == "confused most\n  c0 taken for c1: 7\n  c3 taken for c4: 2"
    assert matrix_text(Scores(np.arange(20), np.diag(np.full(20, 5)))) == "none is confused"


def test_predictions_are_a_table():
    data = SequenceSet("t", [np.ones((3, 1))] * 2, np.array(["a", "x"]))
    said = np.array(["a", "b"]), np.array([[0.4, 0.6], [0.9, 0.1]])
    assert predictions_text(data, *said).splitlines() == [
        "sequence,true,said,probability,p(a),p(b)",
        "0,a,b,0.6000,0.4000,0.6000",
        "1,x,a,0.9000,0.9000,0.1000",
    ]
    text = predictions_text(SequenceSet("t", data.x), *said)
    assert text.startswith("sequence,said,probability,p(a),p(b)\n0,b,0.6000,")
