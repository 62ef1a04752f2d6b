"""The command line: what it accepts, and one-line errors for what it does not."""

from __future__ import annotations

import pytest
from benchmarks.comparisons import COMPARISONS, select
from benchmarks.points import GRID, ONLINE, QUICK, STREAM, Point, UsageError

from benchmarks import cli, sides


def error_of(capsys, *words):
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1
    return err


def test_points():
    assert Point.parse(" 100x7x64 ") == Point(100, 7, 64)
    assert [Point.parse(str(point)) for point in GRID] == list(GRID)


@pytest.mark.parametrize("text", ["", "100x1", "100x1x64x2", "0x1x64", "-1x1x64", "axbxc", "1.5x1x1"])
def test_wrong_points(text, capsys):
    with pytest.raises(UsageError, match="expected TxNxH"):
        Point.parse(text)
    assert "--points: got" in error_of(capsys, "--points", f"3x2x4,{text}")


def test_groups():
    assert select() == list(COMPARISONS)
    assert [c.key for c in select("stream, start")] == ["stream", "start.cold", "start.cached"]
    assert {c.group for c in select("infer")} == {"infer"}


def test_wrong_group(capsys):
    assert "--only: got 'lstmm', expected some of update, caption, lstm, gru," in error_of(
        capsys, "--only", "lstm,lstmm"
    )


def test_other_points_reach_every_comparison_that_can_have_them():
    points = [Point(3, 2, 4), Point(3, 2, 256)]
    chosen = {comparison.key: comparison.points for comparison in select(None, points)}
    assert chosen["lstm"] == tuple(points)
    assert chosen["rate.lstm"] == (points[1],) and chosen["infer.rate"] == tuple(points)
    assert chosen["stream"] == (STREAM,)
    assert "rate.lstm" not in {comparison.key for comparison in select(None, points[:1])}


def test_quick_has_fewer_points_and_what_is_slow_has_one():
    chosen = {comparison.key: comparison.points for comparison in select(quick=True)}
    assert chosen["lstm"] == QUICK and chosen["compile"] == QUICK[:1]
    assert chosen["online.step"] == ONLINE[:2] and chosen["infer.rate"] == QUICK


def test_a_peer_that_is_not_installed(monkeypatch, capsys):
    monkeypatch.setattr(sides, "missing", lambda name: ["jax"] if name == "jax" else [])
    message = error_of(capsys, "--only", "lstm,peephole")
    assert message.startswith("error: jax: not installed, needed for peephole;") and "gated[bench]" in message


def test_threads(capsys):
    assert "--threads: got 0" in error_of(capsys, "--threads", "0")


def test_output_that_is_no_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sides, "missing", lambda name: [])
    (tmp_path / "file").write_text("")
    assert "--output: got" in error_of(capsys, "--output", str(tmp_path / "file" / "inside"))


def test_nothing_to_keep(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sides, "missing", lambda name: [])
    for content in (None, "{}", "[]", '{"rows": [{"key": 1}]}', "not json"):
        if content is not None:
            (tmp_path / "results.json").write_text(content)
        assert "expected the results of an earlier run" in error_of(capsys, "--keep", "--output", str(tmp_path))


def test_list(capsys):
    assert cli.main(["--list", "--only", "rate", "--quick"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["rate.lstm", "100x64x256"]


def test_help_names_every_group(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(group in text for group in cli.GROUPS)


def test_only_a_whole_run_writes_into_the_repository():
    def folder(*words):
        return cli.folder_of(cli.parser().parse_args(words)).relative_to(cli.ROOT).as_posix()

    assert folder() == folder("--threads", "4") == cli.RESULTS
    assert folder("--quick") == folder("--only", "lstm") == folder("--points", "3x2x4") == cli.SCRATCH
