"""The timing tasks against their definition: the distances between spikes, counted step by step."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data import generating_timed_spikes, measuring_spike_distances, periodic_function
from gated.errors import ArgumentError, ArgumentTypeError


def waits(train):
    """The steps from each spike to the next, the first counted from the step before the sequence."""
    assert set(train) <= {0, 1}
    return np.diff([-1, *np.flatnonzero(train)]).tolist()


@pytest.mark.parametrize("spikes", [1, 2, 30])
@pytest.mark.parametrize(("period", "delays"), [(10, (0, 1)), (1, (0,)), (4, range(11)), (3, np.array([2, 7]))])
def test_measuring_spike_distances(period, delays, spikes):
    batch = measuring_spike_distances(40, 1, period=period, delays=delays, spikes=spikes)
    seen = set()
    for n, length in enumerate(batch.lengths):
        train, target = batch.x[:length, n, 0], batch.target[:length, n, 0]
        distances = waits(train)
        assert len(distances) == spikes and train[-1] == 1
        assert np.array_equal(batch.mask[:length, n], train == 1)
        assert target[train == 1].tolist() == [distance - period for distance in distances]
        seen |= set(distances)
    assert seen <= {period + delay for delay in delays}
    if spikes == 30:
        assert seen == {period + delay for delay in delays}


def test_delays_have_equal_chances_and_repeated_ones_count_twice():
    batch = measuring_spike_distances(1000, 2, delays=(0, 5, 5), spikes=3)
    share = (batch.target[batch.mask] == 5).mean()
    assert abs(share - 2 / 3) < 4 * np.sqrt(2 / 9 / 3000)


@pytest.mark.parametrize("spikes", [1, 10])
@pytest.mark.parametrize(("period", "delays"), [(10, (0,)), (1, (0,)), (1, (0, 2)), (5, (0, 1, 4))])
def test_generating_timed_spikes(period, delays, spikes):
    batch = generating_timed_spikes(30, 1, period=period, delays=delays, spikes=spikes)
    for n, length in enumerate(batch.lengths):
        x, train = batch.x[:length, n, 0], batch.target[:length, n, 0]
        distances = waits(train)
        assert len(distances) == spikes and train[-1] == 1
        assert batch.mask[:length, n].all() and not batch.mask[length:, n].any()
        wanted = np.zeros(length)
        start = 0
        for distance in distances:  # a delay is told at the first step of its interval
            wanted[start] = distance - period
            start += distance
        assert start == length and np.array_equal(x, wanted)
    assert (batch.x == 0).all() == (max(delays) == 0)


def test_generating_is_measuring_with_the_spikes_as_the_target():
    options = {"period": 6, "delays": (0, 1, 2), "spikes": 4}
    measured = measuring_spike_distances(7, 3, **options)
    generated = generating_timed_spikes(7, 3, **options)
    assert np.array_equal(measured.x, generated.target) and np.array_equal(measured.lengths, generated.lengths)
    assert np.array_equal(measured.target.sum(0), generated.x.sum(0))


SHAPES = {
    "cos": {4: [0, 0.5, 1, 0.5], 3: [0, 0.75, 0.75], 2: [0, 1]},
    "tri": {4: [0, 0.5, 1, 0.5], 5: [0, 0.4, 0.8, 0.8, 0.4], 2: [0, 1]},
    "rect": {4: [0, 0, 0, 1], 5: [0, 0, 0, 1, 1], 2: [0, 0]},
}


@pytest.mark.parametrize(("shape", "period"), [(shape, period) for shape in SHAPES for period in SHAPES[shape]])
def test_periodic_functions_by_hand(shape, period):
    batch = periodic_function(11, shape, period)
    once = SHAPES[shape][period]
    assert batch.target.shape == batch.x.shape == (11, 1, 1)
    assert batch.target.dtype == np.float32
    np.testing.assert_allclose(batch.target[:, 0, 0], (6 * once)[:11], atol=1e-7)
    assert not batch.x.any() and batch.mask.all() and batch.lengths.tolist() == [11]


@pytest.mark.parametrize("shape", SHAPES)
def test_periodic_functions_of_the_paper_repeat_after_a_period(shape):
    for period in (10, 25):
        curve = periodic_function(100, shape, period).target[:, 0, 0]
        assert np.array_equal(curve[period:], curve[:-period])
        assert curve.min() == 0 and curve.max() == pytest.approx(1, abs=0.05)
    assert periodic_function(1, shape).target.tolist() == [[[0]]]


ERRORS = [
    (lambda: measuring_spike_distances(0, 0), "count: got 0, expected at least 1"),
    (lambda: measuring_spike_distances(1, 0, period=0), "period: got 0, expected at least 1"),
    (lambda: measuring_spike_distances(1, 0, spikes=0), "spikes: got 0, expected at least 1"),
    (lambda: measuring_spike_distances(1, 0, delays=()), "delays: got none, expected at least one"),
    (lambda: measuring_spike_distances(1, 0, delays=(1, -1)), "delays: got -1, expected at least 0"),
    (lambda: measuring_spike_distances(1, 0, delays=(0.5,)), "delays: got float 0.5, expected an integer"),
    (lambda: measuring_spike_distances(1, 0, delays=3), "delays: got int 3, expected a sequence of integers"),
    (lambda: measuring_spike_distances(1, 0, delays="01"), "delays: got str '0', expected an integer"),
    (
        lambda: measuring_spike_distances(1, None),
        "rng: got None, expected a numpy.random.Generator or an integer seed",
    ),
    (lambda: generating_timed_spikes(1, 0, period=2.5), "period: got float 2.5, expected an integer"),
    (lambda: generating_timed_spikes(1, 0, spikes=-1), "spikes: got -1, expected at least 1"),
    (lambda: periodic_function(0), "steps: got 0, expected at least 1"),
    (lambda: periodic_function(period=1), "period: got 1, expected at least 2"),
    (lambda: periodic_function(shape="saw"), "shape: got 'saw', expected 'cos', 'tri' or 'rect'"),
    (lambda: periodic_function(shape=None), "shape: got None, expected 'cos', 'tri' or 'rect'"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
    of_type = any(word in message for word in ("got float", "got int", "got str", "rng: got None"))
    assert isinstance(error.value, ArgumentTypeError if of_type else ArgumentError)
