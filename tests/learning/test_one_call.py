"""A step of training in one call gives what its parts give, one by one, and what the reference gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from tests.learning.networks_by_chance import LOSSES, RULES, Drawn, distance, drawn

import gated
from gated.backends import backend_of
from gated.backends.native.passes.training_plan import BackwardPlan
from gated.data.sequences import Sequences
from gated.errors import ArgumentError, GatedError
from gated.learning import Adam, full_step, truncated_step
from gated.learning.rules.clipping import clipped
from gated.learning.rules.optimizers import update_by
from gated.learning.training import one_call
from gated.learning.training.bptt import inside
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

CLOSE = {"float64": 1e-12, "float32": 5e-6}


def by_parts(case: Drawn, network, dtype):
    """loss, gradient, last states, the adjoints of the first ones and of x."""
    x, target, lengths, mask = case.batch(network, dtype)
    y, last, tape = network.forward(x, case.initial(network, dtype), lengths, rng=case.rng())
    mask = inside(network, Sequences(x, target, lengths)) if mask is None and lengths is not None else mask
    value, dy = LOSSES[case.loss](case.reduction)(y, target, mask)
    dx, first, grads = network.backward(tape, dy)
    return value, grads.vector, last, first, dx


def in_one_call(case: Drawn, network, dtype, optimizer=None, limit=math.inf, inwards=False):
    batch, loss = Sequences(*case.batch(network, dtype)), LOSSES[case.loss](case.reduction)
    state = case.initial(network, dtype)
    return one_call.train_in_one_call(network, loss, optimizer, batch, state, limit, case.rng(), inwards)


@pytest.mark.parametrize("dtype", list(CLOSE))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(case=drawn())
def test_loss_gradient_and_states_are_those_of_the_reference(dtype, case):
    """For networks that do not amplify rounding itself."""

    def results(own, kind):
        value, gradient, states, first, dx = by_parts(case, own, kind)
        arrays = [array for both in (states, first) for arrays in both.values() for array in arrays]
        return [np.array(value), gradient, *arrays, *([] if dx is None else [dx])]

    network, right = case.network("native", dtype), case.network("reference", "float64")
    right.theta[:] = network.theta
    found = in_one_call(case, network, dtype, inwards=case.inwards)
    assert found is not None, one_call.why_not(network, LOSSES[case.loss]())
    trained = found.trained
    value, gradient, states, first, dx = by_parts(case, right, "float64")
    bound = CLOSE[dtype]
    assume(case.amplified(dtype, results) <= bound / 5)
    assert abs(trained.loss - value) <= bound * max(1.0, abs(value))
    assert distance(trained.gradient, gradient) <= bound
    assert abs(trained.norm - np.linalg.norm(gradient)) <= bound * max(1.0, np.linalg.norm(gradient))
    if not case.inwards:
        assert found.first is found.dx is None
    elif dx is None:
        assert found.dx is None
    else:
        assert found.dx.shape == dx.shape and found.dx.dtype == dtype
        assert distance(found.dx, dx) <= bound
    for came, expected in ((found.last, states), (found.first, first))[: 1 + case.inwards]:
        assert came.keys() == expected.keys()
        for name, arrays in expected.items():
            for mine, theirs in zip(came[name], arrays, strict=True):
                assert mine.shape == theirs.shape and mine.dtype == dtype
                assert distance(mine, theirs) <= bound


@pytest.mark.parametrize("dtype", list(CLOSE))
@settings(max_examples=40, deadline=None)
@given(case=drawn())
def test_the_update_is_that_of_the_optimizer(dtype, case):
    network, other = case.network("native", dtype), case.network("native", dtype)
    mine, theirs = RULES[case.rule](), RULES[case.rule]()
    limit = math.inf if case.clip is None else case.clip
    for _ in range(3):
        trained, *_ = in_one_call(case, network, dtype, mine, limit)
        assert trained.updated
        gradient, backend = trained.gradient.copy(), backend_of(other)
        assert clipped(gradient, limit, backend) == trained.norm
        update_by(backend, theirs, other.theta, gradient)
        np.testing.assert_array_equal(network.theta, other.theta)
    for name, array in theirs.state().items():
        np.testing.assert_array_equal(mine.state()[name], array)


@settings(max_examples=25, deadline=None)
@given(case=drawn())
def test_threads_change_no_output_and_no_state(case):
    before, found = gated.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            gated.set_num_threads(threads)
            found.append(in_one_call(case, case.network("native", "float32"), "float32"))
    finally:
        gated.set_num_threads(before)
    (one, states, *_), *others = found
    for other, theirs, *_ in others:
        assert other.loss == one.loss
        for name, arrays in states.items():
            for array, same in zip(arrays, theirs[name], strict=True):
                np.testing.assert_array_equal(array, same)
        assert distance(other.gradient, one.gradient) < 2e-5  # groups of sequences are summed apart


def tied():
    shared = Dense(5, 5, "tanh", dtype="float64", seed=3)
    again = Recurrent(gated.cells.gru, 5, 5, dtype="float64", seed=4)
    return Network({"a": shared, "r": again, "b": shared, "s": again, "c": shared, "d": Dense(5, 3, dtype="float64")})


def test_tied_layers_add_their_gradients():
    network, rng = tied(), np.random.default_rng(0)
    x, target = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 3, 3))
    trained, last, *_ = one_call.train_in_one_call(network, SquaredError(), None, Sequences(x, target), None)
    y, states, tape = network.forward(x)
    value, dy = SquaredError()(y, target)
    np.testing.assert_allclose(trained.gradient, network.backward(tape, dy)[2].vector, rtol=1e-12, atol=1e-13)
    assert abs(trained.loss - value) < 1e-13
    assert last.keys() == states.keys()


def language(**options):
    return Network(
        {
            "e": Embedding(7, 4, **options),
            "r": Recurrent(gated.cells.lstm, 4, 6, **options),
            "d": Dense(6, 7, **options),
        }
    )


def batch(seed=0, shape=(5, 3)):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 7, shape), rng.integers(0, 7, shape)


def test_pieces_of_the_head_are_one_sum(monkeypatch):
    from gated.backends.native.tuning import TRIED

    whole, pieces = (language(dtype="float64") for _ in range(2))
    given = Sequences(*batch(1, (300, 7)))
    one, *_ = one_call.train_in_one_call(whole, SoftmaxCrossEntropy(), None, given, None)
    monkeypatch.setitem(TRIED, "head_piece", 1)
    other, *_ = one_call.train_in_one_call(pieces, SoftmaxCrossEntropy(), None, given, None)
    assert abs(one.loss - other.loss) < 1e-13
    np.testing.assert_allclose(other.gradient, one.gradient, rtol=1e-11, atol=1e-15)


@gated.cell
def straight(x, h, *, U):
    """x as it is: its adjoint is that of the pre-activation, of which U's gradient is made."""
    h = gated.tanh(x + U.h @ h)
    return h


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("lengths", [None, [6, 2, 0, 4]])
@pytest.mark.parametrize(("cell", "hidden"), [(gated.cells.lstm, 7), (straight, 5)])
def test_the_adjoint_of_the_batch_is_not_made_where_it_comes_last(cell, hidden, lengths, both, monkeypatch):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((6, 4, 5)), rng.standard_normal((6, 4, 3))
    with_dx = []

    def made(plan, forward, parameters, with_dx_=True):
        with_dx.append(with_dx_)
        init(plan, forward, parameters, with_dx_)

    init = BackwardPlan.__init__
    monkeypatch.setattr(BackwardPlan, "__init__", made)
    layers = {"r": Recurrent(cell, 5, hidden, bidirectional=both, dtype="float64")}
    network = Network(layers | {"d": Dense(hidden * (1 + both), 3, dtype="float64")})
    given = Sequences(x, target, None if lengths is None else np.array(lengths))
    trained, *_ = one_call.train_in_one_call(network, SquaredError(), None, given, None)
    assert with_dx == [cell is straight] * (1 + both)
    y, _, tape = network.forward(x, lengths=given.lengths)
    value, dy = SquaredError()(y, target, None if lengths is None else inside(network, given))
    np.testing.assert_allclose(trained.gradient, network.backward(tape, dy)[2].vector, rtol=1e-12, atol=1e-14)
    assert abs(trained.loss - value) < 1e-13


def everything(network, optimizer):
    return network.theta.copy(), optimizer.state()


def assert_untouched(network, optimizer, before):
    np.testing.assert_array_equal(network.theta, before[0])
    now = optimizer.state()
    assert now.keys() == before[1].keys()
    for name, array in before[1].items():
        np.testing.assert_array_equal(now[name], array)


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_changes_nothing(bad, steps):
    network, optimizer = language(), Adam(0.01)
    for _ in range(steps):
        full_step(network, SoftmaxCrossEntropy(), optimizer, batch())
    network.params["r.l0.U.f"][1, 2] = bad
    before = everything(network, optimizer)
    with pytest.raises(GatedError, match=r"loss: got nan at update \d, .*the parameter r\.l0\.U\.f holds (NaN|inf) at"):
        full_step(network, SoftmaxCrossEntropy(), optimizer, batch())
    assert_untouched(network, optimizer, before)


def test_a_sequence_with_nan_is_named():
    layers = {"r": Recurrent(gated.cells.gru, 3, 4, dtype="float64"), "d": Dense(4, 2, dtype="float64")}
    network, optimizer, rng = Network(layers), Adam(0.01), np.random.default_rng(0)
    x, target = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3, 2))
    x[2, 1, 0] = math.nan
    before = everything(network, optimizer)
    with pytest.raises(GatedError, match=r"loss: got nan at update 0.*x"):
        full_step(network, SquaredError(), optimizer, (x, target))
    assert_untouched(network, optimizer, before)


@pytest.mark.parametrize("number", [-1, 7])
def test_an_id_outside_the_table_is_refused(number):
    network, optimizer = language(), Adam(0.01)
    x, target = batch()
    x[1, 1] = number
    before = everything(network, optimizer)
    with pytest.raises(ArgumentError, match=f"x: got the id {number}, expected ids from 0 to 6"):
        full_step(network, SoftmaxCrossEntropy(), optimizer, (x, target))
    assert_untouched(network, optimizer, before)


def test_a_norm_whose_squares_overflow_is_clipped_all_the_same():
    network = Network({"d": Dense(2, 2, dtype="float64", bias=False)})
    optimizer = gated.learning.SGD(1.0)
    x, target = np.full((1, 1, 2), 1e100), np.full((1, 1, 2), 1e100)
    value, norm = full_step(network, SquaredError(), optimizer, (x, target), clip=1.0)
    assert math.isfinite(value) and 1e199 < norm < math.inf
    assert optimizer.updates == 1


def test_windows_go_on_from_each_other():
    one, other = language(dtype="float64"), language(dtype="float64", backend="reference")
    x, target = batch(3, (12, 3))
    states, rules = [None, None], [Adam(0.01), Adam(0.01)]
    for first in range(0, 12, 4):
        window = x[first : first + 4], target[first : first + 4]
        for k, network in enumerate((one, other)):
            _, states[k], _ = truncated_step(network, SoftmaxCrossEntropy(), rules[k], window, states[k])
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(states[0]["r"][1], states[1]["r"][1], rtol=1e-9)


def test_the_generator_is_drawn_from_as_by_the_layers():
    layer = Recurrent(gated.cells.lstm, 3, 4, num_layers=3, dropout=0.5, dtype="float64")
    network, rng = Network({"r": layer}), np.random.default_rng(0)
    x, target = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3, 4))
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    one_call.train_in_one_call(network, SquaredError(), None, Sequences(x, target), None, rng=one)
    network.forward(x, rng=other)
    assert one.random() == other.random()


def test_steps_behind_the_end_that_count_are_left_to_the_parts():
    one, other = language(dtype="float64"), language(dtype="float64", backend="reference")
    x, target = batch(4)
    given = x, target, np.array([5, 2, 3]), np.ones((5, 3))
    assert one_call.train_in_one_call(one, SoftmaxCrossEntropy(), None, Sequences(*given), None) is None
    found = [full_step(network, SoftmaxCrossEntropy(), Adam(0.01), given) for network in (one, other)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


class Twice(gated.nn.Layer):
    """Somebody's own: y = 2 x."""

    def __init__(self, size):
        self.input_size = self.output_size = size
        self.dtype, self.params = np.dtype("float64"), gated.nn.ParameterVector({}, "float64")

    def forward(self, x, state=None, lengths=None, *, rng=None):
        return 2 * x, (), None

    def backward(self, tape, dy, dstate=None):
        return 2 * dy, (), self.params.like()

    def config(self):
        return {"kind": "twice"}


class Louder(Dense):
    def forward(self, x, state=None, lengths=None, *, rng=None):
        y, state, tape = super().forward(x, state, lengths)
        return 3 * y, state, tape

    def backward(self, tape, dy, dstate=None):
        return super().backward(tape, 3 * np.asarray(dy), dstate)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Twice(4), "has a forward of its own"),
        (Louder(4, 4, dtype="float64"), "has a forward of its own"),
        (Dense(4, 4, dtype="float64", backend="reference"), "has backend='reference'"),
    ],
)
def test_a_part_of_somebody_s_own_is_called_and_told(layer, reason):
    network = Network({"r": Recurrent(gated.cells.gru, 3, 4, dtype="float64"), "own": layer})
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3, 4))
    y, _, tape = network.forward(x)
    value, dy = SquaredError()(y, target)
    expected = network.theta - 0.1 * network.backward(tape, dy)[2].vector
    found, _ = full_step(network, SquaredError(), gated.learning.SGD(0.1), (x, target))
    assert abs(found - value) < 1e-13
    np.testing.assert_allclose(network.theta, expected, rtol=1e-12)
    head, first, second = network.explain().splitlines()
    assert head == f"a step of training is made part by part: layer 'own' {reason}"
    assert (first, second) == ("  r: machine code", f"  own: {reason}")


def test_what_is_all_gated_s_own_is_told():
    head, *lines = language().explain().splitlines()
    assert head == "a step of training is one call of machine code, if loss and optimizer are gated's own"
    assert lines == [f"  {name}: machine code" for name in "erd"]


def test_losses_and_optimizers_of_somebody_s_own():
    class Own(SquaredError):
        def __call__(self, y, target, mask=None):
            return super().__call__(y, target, mask)

    class Slow(Adam):
        def _apply(self, theta, g, lr):
            super()._apply(theta, g, lr / 2)

    network = language()
    assert one_call.why_not(network, SquaredError(), Adam(0.1)) is None
    assert one_call.why_not(network, Own()) == "the loss says itself what it computes"
    assert one_call.why_not(network, SquaredError(), Slow(0.1)) == "the optimizer says itself what it does"
    one, other = language(dtype="float64"), language(dtype="float64")
    full_step(one, SoftmaxCrossEntropy(), Slow(0.2), batch())
    full_step(other, SoftmaxCrossEntropy(), Adam(0.1), batch())
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-10)


@pytest.mark.parametrize(
    ("given", "rng", "message"),
    [
        ((np.array([5, 2, 3]), np.ones(5)), None, "mask: got .*shape"),
        ((np.array([5, 2, 3]), np.ones((5, 4))), None, "mask: got .*shape"),
        ((np.array([5, 2, 9]), None), None, "lengths: got a length of 9"),
        ((None, None), 3, "rng: got .*, expected a numpy.random.Generator"),
    ],
)
def test_what_is_wrong_with_a_batch_is_told_by_the_parts(given, rng, message):
    network, optimizer = language(), Adam(0.01)
    before = everything(network, optimizer)
    with pytest.raises(GatedError, match=message):
        full_step(network, SoftmaxCrossEntropy(), optimizer, (*batch(), *given), rng=rng)
    assert_untouched(network, optimizer, before)
