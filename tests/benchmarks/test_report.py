"""Tables, JSON and picture of rows that are made up."""

from __future__ import annotations

import json

import pytest
from benchmarks.comparisons import COMPARISONS
from benchmarks.points import GRID, STREAM, Point
from benchmarks.ratios import Spread
from benchmarks.suite import Row

from benchmarks import plot, report

CONDITIONS = report.Conditions("python -m benchmarks", 2, "full", {"numpy": "2.0"}, ("a remark",))
COMPARISON = {comparison.key: comparison for comparison in COMPARISONS}


def row(key, point, ratio, **more):
    return Row(key, point, 0.002, 0.002 * ratio, Spread(ratio, 0.9 * ratio, 1.1 * ratio, 9), "1 thread", 3e-7, **more)


@pytest.fixture
def rows():
    return [
        row("lstm", GRID[0], 4.0),
        row("lstm", GRID[1], 1.0),
        Row("gru", GRID[0], note="not timed, the numbers differ: dW.r | 0.1"),
        row("rate.lstm", Point(100, 64, 256), 0.85, work=(2e8, 4e8)),
        Row("start.cold", STREAM, 0.75, ratio=Spread(0.75, 0.7, 0.8, 5)),
        row("memory.lstm", GRID[0], 1.5),
    ]


def test_the_page(rows):
    page = report.markdown(rows, CONDITIONS)
    lines = page.splitlines()
    assert "| 100x1x64 | 2 ms | 8 ms | 1 thread | 4.00 (3.60–4.40) | 9 | 3.0e-07 |" in lines
    assert "| geometric mean | | | | **2.00** | | |" in lines
    assert "| 100x1x64 |  |  | not timed, the numbers differ: dW.r / 0.1 |  |  |  |" in lines
    assert "| 100x1x64 | 0.750 | 0.700–0.800 | 5 |" in lines
    assert "| LSTM training over PyTorch, everywhere | ≥ 1 | 1.00 at 100x1x128 | yes, at 2 of 9 points |" in lines
    assert "| GRU training over PyTorch, everywhere | ≥ 1.2 |  | not measured |" in lines
    assert "- a remark" in lines and "JAX lax.scan under jit" not in page


def test_every_table_has_as_many_cells_in_each_line(rows):
    for block in report.markdown(rows, CONDITIONS).split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, block


def test_rates_and_sizes(rows):
    assert "100 GFLOP/s |  235 GFLOP/s  0.85" in report.line(COMPARISON["rate.lstm"], rows[3])
    assert report.amount(1.5e6, "memory") == "1.5 MB"
    assert [report.amount(value, "train") for value in (2.5, 0.25, 2.5e-6)] == ["2.5 s", "250 ms", "2.5 µs"]


def test_a_figure_is_not_rounded_onto_its_bound():
    assert report.rounded(0.8961, 0.9) == "0.896"
    assert report.rounded(1.2345, 0.9) == "1.23"
    assert report.rounded(0.9, 0.9) == "0.90"


def test_the_document(rows):
    content = json.loads(report.document(rows, CONDITIONS))
    assert [one["key"] for one in content["rows"]] == [one.key for one in rows]
    assert content["rows"][0]["ratio"] == {"median": 4.0, "low": 3.6, "high": 4.4, "count": 9}
    judged = {one["text"]: one["reached"] for one in content["targets"]}
    assert judged["LSTM training over PyTorch"] is True and judged["GRU training over PyTorch"] is None


def test_rows_are_read_back_from_the_document(rows):
    content = json.loads(report.document(rows, CONDITIONS))
    assert [Row.from_json(one) for one in content["rows"]] == rows


def test_kept_rows_stand_where_one_run_would_have_put_them(rows):
    run = pytest.importorskip("benchmarks.run")
    assert run.in_order(rows[::-1]) == [*rows[:4], rows[5], rows[4]]


def test_the_picture(rows):
    pytest.importorskip("matplotlib")
    assert plot.picture(rows, "note").startswith(b"\x89PNG")
    assert plot.picture(rows[2:3], "note") is None


def test_the_picture_says_what_its_marks_are_and_writes_over_none(rows):
    pytest.importorskip("matplotlib")
    more = [row("eager", point, ratio) for point, ratio in zip(GRID, (40.0, 9.0, 2.6, 1.7, 1.6), strict=False)]
    figure = plot.drawn([*rows, *more], "note")
    figure.canvas.draw()
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said[-3:] == ["equally fast", "wanted at every size", "red: less than wanted"]
    assert any("100 time steps" in text.get_text() for text in figure.texts)
    for axes in figure.axes:
        frame = axes.get_window_extent()
        assert axes.texts and all(text.get_window_extent().x0 > frame.x1 for text in axes.texts)
        boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
        assert all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:], strict=False))
    eager = figure.axes[1]
    assert [text.get_text() for text in eager.texts] == ["1.60", "1.70", "2.6", "9.0", "40.0"]
    assert [text.get_color() for text in eager.texts] == [plot.BAD] * 2 + [plot.GOOD] * 3


def test_the_picture_is_drawn_anew_from_the_document(rows, tmp_path):
    pytest.importorskip("matplotlib")
    document = json.loads(report.document(rows, CONDITIONS))
    (tmp_path / "results.json").write_text(json.dumps(document), encoding="utf-8")
    assert plot.main([str(tmp_path)]) == 0
    note = plot.note_of(document["conditions"]["processor"], document["conditions"]["threads"])
    assert (tmp_path / "results.png").read_bytes() == plot.picture(rows, note)
    (tmp_path / "results.json").write_text(json.dumps(document | {"rows": document["rows"][2:3]}), encoding="utf-8")
    assert plot.main([str(tmp_path)]) == 1
