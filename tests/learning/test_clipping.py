"""Clipping by the global norm."""

from __future__ import annotations

import numpy as np
import pytest

from gated.errors import ArgumentError, GatedError
from gated.learning import clip_by_global_norm, global_norm


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_long_gradient_is_scaled_to_the_bound(dtype):
    gradient = np.random.default_rng(0).standard_normal(1000).astype(dtype) * 3
    before = gradient.copy()
    norm = clip_by_global_norm(gradient, 2.0)
    assert norm == pytest.approx(np.linalg.norm(before.astype("float64")), rel=1e-12)
    np.testing.assert_allclose(gradient, before * (2.0 / norm), rtol=1e-6)
    assert global_norm(gradient) == pytest.approx(2.0, rel=1e-6)
    assert gradient.dtype == dtype


def test_a_short_gradient_is_left_to_the_bit():
    gradient = np.random.default_rng(0).standard_normal(10) * 1e-3
    before = gradient.copy()
    clip_by_global_norm(gradient, 1.0)
    np.testing.assert_array_equal(gradient, before)


def test_against_torch():
    torch = pytest.importorskip("torch")
    gradient = np.random.default_rng(0).standard_normal(1000)
    parameter = torch.nn.Parameter(torch.zeros(1000, dtype=torch.float64))
    parameter.grad = torch.tensor(gradient)
    theirs = torch.nn.utils.clip_grad_norm_([parameter], 2.0)
    assert clip_by_global_norm(gradient, 2.0) == pytest.approx(float(theirs), rel=1e-12)
    # torch adds 1e-6 to the norm it divides by
    np.testing.assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-6)


def test_an_overflowing_square_is_no_infinite_norm():
    gradient = np.full(4, 1e200)
    assert clip_by_global_norm(gradient, 1.0) == pytest.approx(2e200)
    np.testing.assert_allclose(gradient, 0.5)
    assert global_norm(np.full(4, 1e30, "float32")) == pytest.approx(2e30, rel=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused_and_not_spread(bad):
    gradient = np.array([1.0, bad, 3.0])
    with pytest.raises(ArgumentError) as caught:
        clip_by_global_norm(gradient, 1.0)
    assert str(caught.value) == f"gradient: got {bad} at entry 1 of 3, expected finite numbers"
    np.testing.assert_array_equal(gradient, [1.0, bad, 3.0])
    assert not np.isfinite(global_norm(gradient))


def test_a_norm_that_no_number_holds_is_refused():
    gradient = np.full(4, 1e308)
    with pytest.raises(ArgumentError, match="^gradient: got numbers too large for a norm, expected a finite norm$"):
        clip_by_global_norm(gradient, 1.0)


def test_an_empty_gradient_has_norm_zero():
    assert clip_by_global_norm(np.zeros(0), 1.0) == 0.0


@pytest.mark.parametrize(
    ("gradient", "bound", "argument"),
    [
        (np.ones(2), 0, "max_norm"),
        (np.ones(2), float("nan"), "max_norm"),
        ([1.0], 1.0, "gradient"),
        (np.ones(2, int), 1.0, "gradient"),
        (np.ma.array(np.ones(2), mask=[True, False]), 1.0, "gradient"),
        (np.broadcast_to(np.ones(1), 2), 1.0, "gradient"),
    ],
)
def test_bad_arguments_are_named_in_one_line(gradient, bound, argument):
    with pytest.raises(GatedError, match=rf"^{argument}: got .*, expected "):
        clip_by_global_norm(gradient, bound)
