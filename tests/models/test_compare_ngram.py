"""The script that sets a trained model beside Kneser-Ney n-grams: the same split, the same characters counted."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from gated.models import KneserNey
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Settings

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "compare_ngram.py"


@pytest.fixture
def compare_ngram(monkeypatch):
    spec = importlib.util.spec_from_file_location("compare_ngram", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["compare_ngram.py", *words])
        return module.main()

    return run


def test_the_table(tmp_path, monkeypatch, capsys, compare_ngram):
    monkeypatch.setattr(LanguageRun, "draw", lambda run: None)
    text = "".join(np.random.default_rng(0).choice(list("abc de\n"), 1300))
    (tmp_path / "corpus.txt").write_text(text)
    settings = Settings(corpus=str(tmp_path / "corpus.txt"), hidden=8, embed=4, batch=4, window=16, epochs=1)
    run = LanguageRun.start(tmp_path / "run", settings)
    run.run()
    assert compare_ngram(str(tmp_path / "run")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1,235 characters to learn from, 65 held out"
    assert [line.split()[1] for line in lines[2:7]] == [f"{order}-gram" for order in range(2, 7)]
    corpus = run.corpus
    trigram = -KneserNey(3).fit(corpus.train, 7).log2_probabilities(corpus.held_out)[1:].mean()
    assert lines[3].split()[2:4] == [f"{trigram:.4f}", "1.000"]
    network = run.model.evaluate(corpus.held_out)
    assert lines[7].startswith("lstm 1 x 8 ")
    assert lines[7].split()[4:6] == [f"{network:.4f}", f"{network / trigram:.3f}"]


def test_errors_are_one_line(tmp_path, capsys, compare_ngram):
    assert compare_ngram(str(tmp_path)) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: folder: got ")
    assert err.count("\n") == 1
