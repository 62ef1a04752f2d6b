"""One commit beside another: the command, and a quick run of this checkout beside itself."""

from __future__ import annotations

import pytest
from benchmarks.points import Point

from benchmarks import against, pairs

QUICK = pairs.Effort(burst=0.001, least=2, most=2, budget=0.1, trials=1, fresh=1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing-of-the-kind"], "OTHER: got 'nothing-of-the-kind', expected a commit or the folder of a checkout"),
        ([".", "--only", "lstm,gruu"], "--only: got 'gruu', expected some of lstm, gru, peephole, infer, stream"),
        ([".", "--points", "3x4"], "--points: got '3x4', expected TxNxH"),
    ],
)
def test_mistakes(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert against.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {text}") and error.count("\n") == 1


@pytest.mark.slow
def test_this_checkout_beside_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(against, "FULL", QUICK)
    monkeypatch.setattr(against, "EFFORT", QUICK)
    monkeypatch.setattr(against, "ROUNDS", 1)
    assert against.main([str(against.ROOT), "--only", "gru,infer", "--points", "3x2x4", "--memory"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["gru", "3x2x4"], ["gru", "memory"]]
    assert lines[-2].startswith("median of the pairs: 2 ratios of time, geometric mean ")
    assert lines[-1].startswith("the fastest of each: 2 ratios of time, geometric mean ")


def test_the_other_side_runs_the_other_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ratio is theirs over ours."""

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
    monkeypatch.setattr(
        against.pairs,
        "alternate",
        lambda ours, theirs, effort: [(ours.seconds, theirs.seconds), (1.0, 2.0), (0.5, 1.5)],
    )
    line = against.measure(Sides(), "lstm", Point(1, 1, 1))
    assert line.ratio.median == 2.0 and line.least == 3.0 and line.ours == 1.0
