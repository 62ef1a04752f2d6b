"""No side is timed that computes something else."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.agree import TOLERANCE, Disagreement, check, differences


@pytest.fixture
def numbers():
    random = np.random.default_rng(5)
    return {name: random.normal(size=(4, 3)).astype(np.float32) for name in ("y", "dx", "dW.i")}


def test_the_same(numbers):
    assert check(numbers, {name: value.copy() for name, value in numbers.items()}) == 0.0


def test_the_difference_is_relative_to_the_norm(numbers):
    other = numbers | {"dx": numbers["dx"] * np.float32(1.5)}
    assert differences(numbers, other)["dx"] == pytest.approx(1 / 3, rel=1e-6)


def test_one_wrong_gradient_is_named(numbers):
    other = numbers | {"dW.i": numbers["dW.i"] * np.float32(1 + 3 * TOLERANCE)}
    with pytest.raises(Disagreement, match=r"dW\.i differs by"):
        check(numbers, other)


def test_a_difference_within_the_tolerance_passes(numbers):
    other = numbers | {"dW.i": numbers["dW.i"] * np.float32(1 + TOLERANCE / 2)}
    assert 0 < check(numbers, other) < TOLERANCE


def test_not_a_number_is_no_agreement(numbers):
    for one, two in (
        (numbers, numbers | {"y": numbers["y"] * np.nan}),
        (numbers | {"y": numbers["y"] * np.nan}, numbers),
    ):
        with pytest.raises(Disagreement, match="y differs by nan"):
            check(one, two)


def test_a_gradient_that_only_one_side_has(numbers):
    with pytest.raises(Disagreement, match="one side has"):
        check(numbers, numbers | {"db.i": numbers["y"]})


def test_shapes(numbers):
    with pytest.raises(Disagreement, match="shapes"):
        check(numbers, numbers | {"y": numbers["y"].T})
