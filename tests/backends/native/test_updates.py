"""The rules of the optimizers in machine code: the bits of the reference, whatever the processor and the threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gated
from gated.backends.native.machine.target import hosts

from .vector_arrays import (
    DTYPES,
    RULES,
    SIZES,
    THREADS,
    Array,
    arrays_for,
    between_canaries,
    intact,
    native,
    reference,
    updated,
    without_help,
)

pytestmark = pytest.mark.usefixtures("small_work")


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    without_help(monkeypatch, "update", "norm")


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_an_update_is_that_of_the_reference_to_the_bit(name: str, dtype: str) -> None:
    for size in SIZES:
        wanted = arrays_for(name, size, dtype)
        for _ in range(2):
            updated(reference, name, wanted)
        for threads in THREADS:
            gated.set_num_threads(threads)
            placed = [between_canaries(array, 1 + k) for k, array in enumerate(arrays_for(name, size, dtype))]
            found = [array for array, _ in placed]
            found[1].flags.writeable = False
            for _ in range(2):
                updated(native, name, found)
            for array, want, (_, room) in zip(found, wanted, placed, strict=True):
                np.testing.assert_array_equal(array, want)
                np.testing.assert_array_equal(np.signbit(array), np.signbit(want))
                assert intact(array, room)


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("instructions", list(hosts()))
def test_every_processor_makes_the_same(instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CPU", instructions)
    for dtype in DTYPES:
        for name in RULES:
            found, wanted = (arrays_for(name, 10_007, dtype) for _ in range(2))
            updated(native, name, found)
            updated(reference, name, wanted)
            for array, want in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(array, want)
        vector = np.random.default_rng(0).standard_normal(10_007).astype(dtype)
        with monkeypatch.context() as widest:
            widest.setenv("GATED_CPU", "")
            norm = native.norm(vector)
        assert native.norm(vector) == norm


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_nan_and_inf_go_where_they_go_in_the_reference(name: str, dtype: str) -> None:
    found, wanted = ([array.copy() for array in arrays_for(name, 41, dtype)] for _ in range(2))
    for arrays in (found, wanted):
        for k, array in enumerate(arrays):
            array[3 * k : 3 * k + 3] = np.nan, np.inf, -np.inf
            array[-1 - k] = np.nan
    updated(native, name, found)
    updated(reference, name, wanted)
    for array, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(array, want)


part = st.floats(0.0, 1.0, exclude_max=True)
OPTIONS = {
    "momentum": part,
    "weight_decay": st.floats(0.0, 10.0),
    "nesterov": st.booleans(),
    "alpha": part,
    "b1": part,
    "b2": part,
    "lr": st.floats(0.0, 100.0),
    "eps": st.floats(1e-20, 1.0),
    "updates": st.integers(1, 10_000),
    "decay": st.floats(-1.0, 1.0),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_options(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(("sgd momentum", "rmsprop momentum", "adam decay")))
    options = {name: data.draw(OPTIONS[name], name) for name in RULES[rule][2]}
    if options["lr"] and rule == "adam decay" and options["b1"] ** options["updates"] == 1.0:
        return  # b1 so near to 1 that nothing is left
    gated.set_num_threads(data.draw(st.sampled_from(THREADS)))
    dtype, size = data.draw(st.sampled_from(DTYPES)), data.draw(st.integers(0, 70))
    placed = [between_canaries(array, data.draw(st.integers(0, 16))) for array in arrays_for(rule, size, dtype)]
    wanted = [array.copy() for array, _ in placed]
    updated(native, rule, [array for array, _ in placed], **options)
    updated(reference, rule, wanted, **options)
    for (array, room), want in zip(placed, wanted, strict=True):
        np.testing.assert_array_equal(array, want)
        assert intact(array, room)


def test_every_option_does_something() -> None:
    for name, (_, _, options) in RULES.items():
        for option, value in options.items():
            if not value or option == "nesterov" or (option == "lr" and not value):
                continue
            one, other = (arrays_for(name, 5, "float64") for _ in range(2))
            updated(native, name, one)
            updated(native, name, other, **{option: value * 1.5 if option in ("lr", "eps", "updates") else value / 2})
            assert any((a != b).any() for a, b in zip(one, other, strict=True)), (name, option)


def test_a_rule_of_somebody_s_own() -> None:
    def rule(theta: Array, g: Array, buffers: Any, scratch: Any, *, lr: float) -> None:
        theta -= lr * np.sign(g)

    theta, gradient = np.zeros(3), np.array([2.0, -3.0, 0.0])
    native.update(rule, theta, gradient, {}, (theta.copy(), theta.copy()), lr=0.5)
    np.testing.assert_array_equal(theta, [-0.5, 0.5, 0.0])


def test_many_callers_at_once() -> None:
    gated.set_num_threads(2)

    def trained(seed: int) -> tuple[Array, float]:
        arrays = [array + seed for array in arrays_for("adam", 50_021, "float32")]
        for _ in range(20):
            updated(native, "adam", arrays)
        return arrays[0], native.norm(arrays[0])

    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(trained, range(8)))
    for seed, (theta, norm) in enumerate(found):
        wanted, norm_alone = trained(seed)
        np.testing.assert_array_equal(theta, wanted)
        assert norm == norm_alone
