"""Whether a promise is kept is decided by the figures alone, and a part of the points is never the whole."""

from __future__ import annotations

import pytest
from benchmarks.comparisons import COMPARISONS
from benchmarks.points import GRID, LARGE, Point
from benchmarks.targets import TARGETS, Target, better_of, verdict, verdicts

EVERYWHERE = Target("everywhere", ("lstm",), "lowest", 1.0)
MEAN = Target("mean", ("lstm",), "geometric mean", 2.0)


def all_points(value, **exceptions):
    table = dict.fromkeys(GRID, value)
    return table | {Point.parse(point.replace("_", "x").strip("x")): figure for point, figure in exceptions.items()}


def test_one_slow_point_breaks_everywhere_and_is_named():
    found = verdict(EVERYWHERE, {"lstm": all_points(3.0, _100_7_100=0.99)})
    assert found.reached is False and found.word == "**no**"
    assert (found.figure, found.where) == (0.99, "100x7x100")


def test_exactly_the_bound_is_enough():
    assert verdict(EVERYWHERE, {"lstm": all_points(1.0)}).word == "yes"


def test_a_mean_forgives_one_point():
    figures = all_points(2.0, _100_1_64=4.0, _100_1_128=1.0)
    assert verdict(MEAN, {"lstm": figures}).figure == pytest.approx(2.0)
    assert verdict(EVERYWHERE, {"lstm": figures}).reached


def test_seconds_have_to_stay_below():
    target = Target("start", ("start.cold",), "highest", 1.0, at_most=True)
    point = Point(100, 1, 64)
    assert verdict(target, {"start.cold": {point: 0.9}}).reached is True
    assert verdict(target, {"start.cold": {point: 1.1}}).reached is False


def test_a_part_of_the_points_is_called_so():
    found = verdict(EVERYWHERE, {"lstm": {GRID[0]: 5.0}})
    assert found.word == "yes, at 1 of 9 points"
    # a point that is not in the grid does not fill a gap
    other = {Point(3, 2, 4): 5.0} | dict.fromkeys(GRID[:8], 5.0)
    assert verdict(EVERYWHERE, {"lstm": other}).word == "yes, at 8 of 9 points"


def test_what_was_not_measured_is_neither_reached_nor_missed():
    found = verdict(EVERYWHERE, {"lstm": {}})
    assert found.reached is None and found.word == "not measured"


def test_a_target_at_one_point_ignores_the_others():
    target = Target("there", ("eager",), "lowest", 30.0, (Point(100, 1, 64),))
    assert verdict(target, {"eager": all_points(3.0, _100_1_64=31.0)}).word == "yes"
    assert verdict(target, {"eager": {GRID[1]: 31.0}}).reached is None


def test_against_the_better_of_two_peers():
    first, second = {GRID[0]: 2.0, GRID[1]: 0.5, GRID[2]: 9.0}, {GRID[0]: 1.5, GRID[1]: 3.0}
    assert better_of([first, second]) == {GRID[0]: 1.5, GRID[1]: 0.5}
    target = Target("infer", ("infer.torch", "infer.onnx"), "lowest", 0.95)
    assert verdict(target, {"infer.torch": first, "infer.onnx": second}).figure == 0.5
    assert verdict(target, {"infer.torch": first}).reached is None  # the better of two needs both


def test_every_target_is_about_a_comparison():
    keys = {comparison.key for comparison in COMPARISONS}
    assert {key for target in TARGETS for key in target.comparisons} <= keys
    assert len(keys) == len(COMPARISONS)


def test_only_what_was_measured_is_judged():
    judged = verdicts({"gru": all_points(3.5)})
    assert [one.target.comparisons for one in judged] == [("gru",)] * 2
    assert [one.word for one in judged] == ["yes", "yes"]


def test_rates_of_training_are_compared_at_large_sizes():
    for comparison in COMPARISONS:
        assert comparison.group != "rate" or all(point.hidden >= LARGE for point in comparison.points)


def test_inference_has_its_share_of_the_rate_beside_each_point():
    points = {comparison.key: comparison.points for comparison in COMPARISONS}
    assert points["infer.rate"] == points["infer.torch"] == points["infer.onnx"] == GRID
