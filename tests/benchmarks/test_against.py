"""One commit beside another: the command, whose sources a side runs, and a quick run beside a copy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from benchmarks.points import Point

from benchmarks import against, agree, pairs

QUICK = pairs.Effort(burst=0.001, least=2, most=2, budget=0.1, trials=1, fresh=1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing-of-the-kind"], "OTHER: got 'nothing-of-the-kind', expected a commit or the folder of a checkout"),
        ([".", "--only", "lstm,gruu"], "--only: got 'gruu', expected some of lstm, gru, peephole, infer, stream"),
        ([".", "--points", "3x4"], "--points: got '3x4', expected TxNxH"),
        ([str(against.ROOT)], f"OTHER: got {str(against.ROOT)!r}, which is this checkout, expected another"),
    ],
)
def test_mistakes(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert against.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {text}") and error.count("\n") == 1


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another checkout: a copy of these sources."""
    shutil.copytree(against.ROOT / "src", tmp_path / "checkout" / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "checkout"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FULL", QUICK), ("EFFORT", QUICK), ("ROUNDS", 1)):
        monkeypatch.setattr(against, name, value)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_copy_of_this_checkout(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert against.main([str(other), "--only", "gru,infer", "--points", "3x2x4", "--memory"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["gru", "3x2x4"], ["gru", "memory"]]
    assert lines[-2].startswith("median of the pairs: 2 ratios of time, geometric mean ")
    assert lines[-1].startswith("the fastest of each: 2 ratios of time, geometric mean ")


def test_each_side_runs_its_own_sources(other: Path, tmp_path: Path) -> None:
    with against.Sides(other, 1, tmp_path).processes() as (ours, theirs):
        assert ours.ask("source") == str(against.ROOT / "src" / "gated" / "__init__.py")
        assert theirs.ask("source") == str(other / "src" / "gated" / "__init__.py")


@pytest.mark.usefixtures("quick")
def test_the_other_side_computes_what_the_other_sources_say(other: Path, tmp_path: Path) -> None:
    """Its LSTM is made another one: the two disagree."""
    file = other / "src" / "gated" / "cells" / "_lstm.py"
    text = file.read_text()
    assert text.count("    c = f * c + i * g\n") > 1
    file.write_text(text.replace("    c = f * c + i * g\n", "    c = f * c + i * g * 1.25\n"))
    with pytest.raises(agree.Disagreement):
        against.measure(against.Sides(other, 1, tmp_path), "lstm", Point(2, 1, 3))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("slip", "name"), [((0, 0), "the other"), ((1, 1), "ours"), ((1, 0), "ours")])
@pytest.mark.parametrize("measure", [against.measure, against.measure_memory])
def test_a_slip_in_the_path_is_refused(
    measure: Any, slip: tuple[int, int], name: str, other: Path, tmp_path: Path
) -> None:
    sides = against.Sides(other, 1, tmp_path)
    paths = [more["PYTHONPATH"] for more in sides._more]
    for more, place in zip(sides._more, slip, strict=True):
        more["PYTHONPATH"] = paths[place]
    with pytest.raises(against.WrongSources) as caught:
        measure(sides, "lstm", Point(2, 1, 3))
    runs = (other if name == "ours" else against.ROOT) / "src"
    wanted = (against.ROOT if name == "ours" else other) / "src"
    assert str(caught.value) == f"{name} runs {runs / 'gated' / '__init__.py'}, expected the sources in {wanted}"


def test_the_command_says_so(other: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: object) -> None:
        raise against.WrongSources("ours runs something else")

    monkeypatch.setattr(against, "measure", refuse)
    assert against.main([str(other), "--points", "2x1x3"]) == 1
    assert capsys.readouterr().err == "error: ours runs something else\n"


def test_a_ratio_is_theirs_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Timed:
        def __init__(self, process: str, *_: object) -> None:
            self.seconds = {"ours": 1.0, "other": 2.0}[process]

        def prepare(self) -> Timed:
            return self

        def numbers(self) -> dict[str, object]:
            return {}

    class Sides:
        def processes(self):
            import contextlib

            return contextlib.nullcontext([Process("ours"), Process("other")])

    class Process(str):
        pid = 1

    monkeypatch.setattr(against, "Timed", Timed)
    monkeypatch.setattr(against.agree, "check", lambda ours, theirs: 0.0)
    rest = [(1.0, 2.0), (0.5, 1.5)]
    monkeypatch.setattr(against.pairs, "alternate", lambda ours, theirs, _: [(ours.seconds, theirs.seconds), *rest])
    line = against.measure(Sides(), "lstm", Point(1, 1, 1))
    assert line.ratio.median == 2.0 and line.least == 3.0 and line.ours == 1.0
