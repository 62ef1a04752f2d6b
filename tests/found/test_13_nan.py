"""FOUND 13, last line: NaN in x, and training said that a smaller learning rate may help."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, GatedError
from gated.learning import SGD, Adam, Online, Sequences, Training, compare_gradients, full_step, truncated_step
from gated.losses import SquaredError

HINT = "a smaller learning rate or a smaller clip may help"
T, N, D, V = 5, 3, 2, 2


def _network(batch_first=False):
    rnn = gated.LSTM(D, 4, dtype="float64", seed=1, batch_first=batch_first)
    return gated.Network({"rnn": rnn, "head": gated.Dense(4, V, dtype="float64", seed=2)})


def _data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((T, N, D)), rng.standard_normal((T, N, V))


def _message(call, network):
    before = network.theta.copy()
    with pytest.raises(GatedError) as caught:
        call(network)
    np.testing.assert_array_equal(network.theta, before)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_training_says_where_x_holds_it(bad):
    (x, target), loss = _data(), SquaredError()
    x[2, 1, 0] = bad
    calls = {
        "full": lambda n: full_step(n, loss, SGD(0.1), (x, target)),
        "clipped": lambda n: full_step(n, loss, SGD(0.1), (x, target), clip=1.0),
        "truncated": lambda n: truncated_step(n, loss, SGD(0.1), (x, target), None),
        "training": lambda n: next(iter(Training(n, loss, SGD(0.1), lambda _: [(x, target)], carry_state=False))),
        "windows": lambda n: next(iter(Training(n, loss, SGD(0.1), lambda _: [(x, target)], carry_state=True))),
    }
    for name, call in calls.items():
        text = _message(call, _network())
        if bad is math.nan:
            assert text == "loss: got nan at update 0, expected a finite number; x holds NaN at [2, 1, 0]", name
        else:
            assert text.endswith("expected a finite number; x holds inf at [2, 1, 0]"), name


def test_training_in_the_order_of_the_network():
    x, target = (array.swapaxes(0, 1).copy() for array in _data())
    x[1, 4, 1] = x[2, 0, 0] = math.nan  # the first of them lies beyond its sequence
    batch = Sequences(x, target, np.array([5, 4, 3]))
    text = _message(lambda n: full_step(n, SquaredError(), SGD(0.1), batch), _network(True))
    assert text == "loss: got nan at update 0, expected a finite number; x holds NaN at [2, 0, 0]"


def test_what_lies_beyond_a_sequence_is_no_cause():
    x, target = _data()
    x[4, 1], target[4, 1] = math.nan, math.nan
    full_step(_network(), SquaredError(), SGD(0.1), Sequences(x, target, np.array([5, 4, 5])))
    target[0, 2, 1] = math.nan
    text = _message(
        lambda n: full_step(n, SquaredError(), SGD(0.1), Sequences(x, target, np.array([5, 4, 5]))), _network()
    )
    assert text == "loss: got nan at update 0, expected a finite number; target holds NaN at [0, 2, 1]"


def test_a_state_and_a_parameter_are_told_too():
    x, target = _data()
    state = {"rnn": tuple(np.zeros((1, N, 4)) for _ in range(2))}
    state["rnn"][1][0, 2, 3] = math.nan
    text = _message(lambda n: truncated_step(n, SquaredError(), SGD(0.1), (x, target), state), _network())
    assert text.endswith("; state['rnn'][1] holds NaN at [0, 2, 3]")
    network = _network()
    network.params["rnn.l0.U.f"][1, 2] = math.nan
    text = _message(lambda n: full_step(n, SquaredError(), SGD(0.1), (x, target)), network)
    assert text.endswith("; the parameter rnn.l0.U.f holds NaN at [1, 2]")


def test_where_nothing_that_went_in_is_to_blame_the_hint_stays():
    x, target = _data()
    network = _network()
    network.params["head.b.y"] = 1e300  # its square is not finite
    assert _message(lambda n: full_step(n, SquaredError(), SGD(0.1), (x, target)), network).endswith(f"; {HINT}")


def test_a_comparison_of_gradients():
    x, target = _data()
    x[0, 1, 1] = math.nan
    text = _message(lambda n: compare_gradients(n, x, target), _network())
    assert text == "gradient: got NaN or inf, expected finite numbers; x holds NaN at [0, 1, 1]"


# in real time


def _learners():
    options = [("online", "native"), ("online", "reference"), ("rtrl", None)]
    return [Online(_network(), a, o, batch=N, backend=b) for a, b in options for o in (SGD(0.1), Adam(0.1))]


def test_a_step():
    x, target = (array[0] for array in _data())
    x[1, 0] = math.nan
    for learner in _learners():
        text = _message(lambda n: learner.step(x, target), learner.network)  # noqa: B023
        assert text == "x_t: got NaN at [1, 0], expected finite numbers"


def test_a_step_of_one_sequence_as_the_user_gave_it():
    for backend in ("native", "reference"):
        learner = Online(_network(), backend=backend)
        text = _message(lambda n: learner.step([0.0, math.nan], [0.0, 0.0]), learner.network)  # noqa: B023
        assert text == "x_t: got NaN at [1], expected finite numbers"
        xs = np.zeros((4, D))
        xs[2, 1] = math.nan
        with pytest.raises(GatedError, match=r"^xs: got NaN at \[2, 1\], expected finite numbers$"):
            learner.partial_fit(xs, np.zeros((4, V)))


def test_many_steps_and_nothing_has_moved():
    x, target = _data()
    x[3, 2, 1] = x[4, 0, 0] = target[4, 0, 0] = math.nan
    for learner in _learners():
        learner.partial_fit(x[:3], target[:3])
        before = learner.state()
        with pytest.raises(GatedError) as caught:
            learner.partial_fit(x, target)
        assert str(caught.value) == "xs: got NaN at [3, 2, 1], expected finite numbers"
        after = learner.state()
        assert all(np.array_equal(after[name], array) for name, array in before.items())
        mask = np.ones((T, N), bool)
        mask[3:, 2] = mask[4:, 0] = False  # those sequences have ended
        learner.partial_fit(x, target, mask)
        assert np.isfinite(learner.network.theta).all()
        mask[4, 2] = True  # but for this step, which looks at the states that NaN left behind
        with pytest.raises(GatedError, match=r"^xs: got NaN at \[3, 2, 1\]"):
            learner.partial_fit(x, target, mask)


def test_a_long_stream_of_many_calls():
    rng = np.random.default_rng(0)
    xs, targets = rng.standard_normal((700, D)), rng.standard_normal((700, V))
    xs[600, 1] = math.nan
    with pytest.raises(GatedError, match=r"^xs: got NaN at \[600, 1\], expected finite numbers$"):
        Online(_network(), optimizer=SGD(0.01), backend="native").partial_fit(xs, targets)


def test_what_an_earlier_step_left_behind():
    """NaN that came with a state is met at a later step whose x is good; one in x comes into no state."""
    x, target = (array[0] for array in _data())
    for learner in _learners():
        with pytest.raises(ArgumentError, match=r"^x_t: got NaN at \[0, 0\], expected finite numbers$"):
            learner.step(np.full((N, D), math.nan))
        assert np.isfinite(learner.step(x)).all()
        learner.reset({"rnn": tuple(np.full_like(s, math.nan) for s in learner.network_state["rnn"])})
        text = _message(lambda n: learner.step(x, target), learner.network)  # noqa: B023
        start = "gradient: got NaN or inf at update 0, expected finite numbers; the memory rnn.l0."
        assert text.startswith(start) and text.endswith(f"(reset() empties it); {HINT}")
        learner.reset()
        learner.step(x, target)


def test_targets_that_count():
    x, target = _data()
    mask = np.ones((T, N), bool)
    mask[1, 1] = False
    target[1, 1] = target[2, 0, 1] = math.nan
    for learner in _learners():
        with pytest.raises(GatedError, match=r"at update 2, expected finite numbers; target holds NaN at \[2, 0, 1\]$"):
            learner.partial_fit(x, target, mask)
