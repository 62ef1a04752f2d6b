"""What the pages of all models share: the page, charts as the SVG that they are, numbers, movements of gates."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from gated.learning.training.figures import COLOURS
from gated.models.pages import Chart, dim, facts, head, heat, key, lines, moved, page, share, source, style, swatch
from gated.models.pages.chart import BLUE, number_told, round_ticks
from gated.models.pages.png import png_bytes
from gated.models.pages.style import curve


def parsed(svg):
    return ElementTree.fromstring(svg)


def test_lines_are_broken_where_a_number_is_missing():
    nan = float("nan")
    picture = parsed(lines({"a & b": [1, 2, nan, 4], "c": [nan] * 4}, limits=(0, 4), width=100, height=60))
    drawn = [each.get("points").split() for each in picture.iter("polyline")]
    assert [len(points) for points in drawn] == [2] and len(list(picture.iter("circle"))) == 1, "one alone is a dot"
    assert picture[0].text == "a & b, c"
    heights = [float(point.split(",")[1]) for point in drawn[0]]
    assert heights[0] > heights[1], "up is more"
    assert "4" in [each.text for each in picture.iter("text")]


def test_letters_of_broad_charts_are_larger_on_narrow_pages():
    assert parsed(lines({"a": [1, 2]})).get("class") == "chart broad"
    assert parsed(lines({"a": [1, 2]}, width=480)).get("class") == "chart"
    assert "@media (max-width: 36rem) { svg.broad { font-size:" in style.CHARTS


def test_charts_of_odd_numbers():
    for curves in ({"a": []}, {"a": [1.0]}, {"a": [2.0, 2.0]}, {}, {"a": [float("nan")]}, {"a": [1e300, -1e300]}):
        assert parsed(lines(curves)) is not None
        assert parsed(lines(curves, plain=True)) is not None


def test_a_map_is_a_png_of_its_numbers():
    image = pytest.importorskip("PIL.Image")
    values = np.array([[0.0, 1.0, np.nan], [2.0, 0.5, 0.25]])
    picture = parsed(heat(values))
    (found,) = picture.iter("image")
    assert found.get("href").startswith("data:image/png;base64,")
    drawn = np.asarray(image.open(io.BytesIO(base64.b64decode(found.get("href").partition(",")[2]))))
    assert drawn.shape == (2, 3, 4) and (drawn[..., :3] == BLUE).all(), "paper shows through where little is"
    assert drawn[..., 3].tolist() == [[0, 255, 0], [255, 128, 64]]
    colours = np.array([[[247, 251, 255], [8, 69, 148]]], np.uint8)
    np.testing.assert_array_equal(np.asarray(image.open(io.BytesIO(png_bytes(colours)))), colours)


def test_a_key_tells_the_colours_of_the_page():
    found = parsed(key(swatch(curve(0), "<a>"), swatch("own", "b", 0.5)))
    assert [each.get("style") for each in found.iter("i")] == [
        "background: var(--curve0)",
        "background: var(--own); opacity: 0.50",
    ]
    assert "".join(found.itertext()) == "<a> b"
    assert curve(0) == curve(len(COLOURS)) != curve(1) and "--curve0: #0072B2" in style.CHARTS


def test_a_page_is_whole():
    found = page("a < b", "zh", [head("c & d"), dim("<e>"), facts({"f": "<g>"})], ".h { color: red }")
    assert found.startswith('<!doctype html>\n<html lang="zh-Hans">') and "<title>a &lt; b</title>" in found
    assert "<h2>c &amp; d</h2>" in found and '<p class="dim">&lt;e&gt;</p>' in found
    assert "<th>f</th><td>&lt;g&gt;</td>" in found and found.count("<style>") == 1
    assert found.index(".scores td") < found.index("svg.chart") < found.index(".h { color: red }")
    assert page("", "en", []).startswith('<!doctype html>\n<html lang="en">')


def test_shares_and_files():
    assert (share(0.1234), share(1.0), share(float("nan"))) == ("12.3%", "100.0%", "-")
    assert source(b"abc", "audio/wav") == "data:audio/wav;base64,YWJj"


def test_how_far_gates_moved():
    gates = np.array([[0.5, 0.25], [1.0, 0.25], [0.25, 0.5]])
    assert moved(gates).tolist() == [[0, 0], [0.5, 0], [0.75, 0.25]]
    assert moved(gates[:1]).tolist() == [[0, 0]] and moved(gates[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (351, 378, [355, 360, 365, 370, 375]),
        (-3e6, 5e6, [-2e6, 0, 2e6, 4e6]),
        (1.001, 1.002, [1.001, 1.00125, 1.0015, 1.00175, 1.002]),
    ],
)
def test_round_ticks(low, high, ticks):
    assert round_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    "value, among, text",
    [
        (0.25, [0, 0.25], "0.25"),
        (2.5, [0, 2.5], "2.5"),
        (1000, [0, 500], "1,000"),
        (2e7, [0, 1e7], "2e+07"),
        (0, [-1, 0], "0"),
        (1e-9, [0, 1e-9], "1e-09"),
        (-0.0, [0, 1], "0"),
        (12.0, (), "12.00"),
    ],
)
def test_numbers_are_told(value, among, text):
    assert number_told(value, among) == text


def test_a_line_has_gaps_where_values_are_missing():
    chart = Chart((0, 4), [np.array([1.0, 3.0])])
    svg = chart.line(np.arange(5), np.array([1.0, 2.0, np.nan, 3.0, np.nan]), "own").svg("a & b")
    assert svg.count("<polyline") == 1 and svg.count("<circle") == 1 and "<title>a &amp; b</title>" in svg
    points = re.search(r'points="([^"]+)"', svg)[1].split()
    assert len(points) == 2 and points[0].startswith("56.0,")
    assert all(np.isfinite(float(number)) for point in points for number in point.split(","))
    assert Chart((0, 0), []).svg("") and Chart((0, 1), [np.array([np.nan])]).svg("")
