"""Schedules, losses, optimizers, learners as values: copied and pickled, equal after, independent, by public names."""

from __future__ import annotations

import copy
import functools
import itertools
import pickle
import pickletools

import numpy as np
import pytest

import gated
from gated.data import stream_windows
from gated.errors import ArgumentTypeError
from gated.learning import SGD, Adam, AdamW, LahoreLSTM, Online, Optimizer, RMSProp, Training
from gated.learning.rules import schedules
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Network, Recurrent

PROTOCOLS = range(2, 6)
PUBLIC = {"gated.learning", "gated.learning.schedules", "gated.losses", "gated.data", "gated.nn", "gated"}


def ways():
    """Every way to make a copy, by name."""
    found = {"copy": copy.copy, "deepcopy": copy.deepcopy}
    for protocol in PROTOCOLS:
        found[f"pickle {protocol}"] = lambda value, p=protocol: pickle.loads(pickle.dumps(value, p))
    return found


WAYS = ways()


def modules_named(value):
    """The modules of this package that the pickles of a value name."""
    found = set()
    for protocol in PROTOCOLS:
        for _, argument, _ in pickletools.genops(pickle.dumps(value, protocol)):
            if isinstance(argument, str) and argument.split(".")[0].split(" ")[0] == "gated":
                found.add(argument.split(" ")[0])  # "module name" in the old opcode, the module alone in the new
    return found


# schedules


def slow(step):
    return 0.01


SCHEDULES = {
    "constant(lr=0.3)": schedules.constant(0.3),
    "step_decay(lr=0.3, factor=0.5, every=10)": schedules.step_decay(0.3, 0.5, every=10),
    "exponential_decay(lr=0.3, factor=0.9, every=1)": schedules.exponential_decay(0.3, 0.9),
    "cosine(lr=0.3, steps=60, final=0.1)": schedules.cosine(0.3, 60, final=0.1),
    "warmup(schedule=cosine(lr=0.3, steps=60, final=0.0), steps=5)": schedules.warmup(schedules.cosine(0.3, 60), 5),
    "warmup(schedule=constant(lr=0.3), steps=5)": schedules.warmup(0.3, 5),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", SCHEDULES)
def test_schedules(text, way):
    schedule = SCHEDULES[text]
    again = WAYS[way](schedule)
    assert repr(schedule) == repr(again) == text and again == schedule and hash(again) == hash(schedule)
    assert eval(text, vars(schedules)) == schedule
    assert [again(step) for step in range(80)] == [schedule(step) for step in range(80)]
    assert modules_named(schedule) == {"gated.learning.schedules"}


def test_schedules_with_other_numbers_differ():
    found = [*SCHEDULES.values(), schedules.constant(0.4), schedules.step_decay(0.3, 0.5, every=9)]
    assert all((a == b) == (a is b) for a, b in itertools.product(found, found))
    with pytest.raises(AttributeError):
        schedules.constant(0.3).lr = 0.5


def test_a_schedule_of_ones_own_in_a_warmup():
    for way in WAYS.values():
        assert way(schedules.warmup(slow, 3)) == schedules.warmup(slow, 3)


def test_a_warmup_of_what_has_no_name_is_refused_by_a_pickle_and_no_other_copy():
    schedule = schedules.warmup(lambda step: 0.1, 3)
    assert copy.copy(schedule)(7) == copy.deepcopy(schedule)(7) == 0.1
    with pytest.raises(ArgumentTypeError, match="^schedule: got the function .*<lambda>, which a pickle cannot name"):
        pickle.dumps(schedule)


# losses


LOSSES = [
    SoftmaxCrossEntropy("sum", ignore_index=0),
    SoftmaxCrossEntropy(),
    SquaredError(),
    SigmoidSquaredError("sum"),
    SigmoidCrossEntropy(),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_losses(loss, way):
    again = WAYS[way](loss)
    assert again == loss and hash(again) == hash(loss) and repr(again) == repr(loss)
    assert eval(repr(loss), vars(gated.losses)) == loss
    y, target = np.random.default_rng(0).standard_normal((2, 5, 3))
    for one, other in zip(again(y, target), loss(y, target), strict=True):
        np.testing.assert_array_equal(one, other)
    assert modules_named(loss) == {"gated.losses"}
    assert [other for other in LOSSES if other == again] == [loss]


# optimizers


OPTIMIZERS = {
    "sgd": lambda lr: SGD(lr),
    "nesterov": lambda lr: SGD(lr, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda lr: RMSProp(lr, momentum=0.5),
    "adam": lambda lr: Adam(lr, betas=(0.8, 0.95)),
    "adamw": lambda lr: AdamW(lr, weight_decay=0.1),
}
RATES = {"number": 0.1, "schedule": schedules.warmup(schedules.cosine(0.1, 20), 3), "function": slow}
GRADIENTS = np.random.default_rng(3).standard_normal((12, 1000))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, rate, way):
    optimizer, theta = OPTIMIZERS[name](RATES[rate]), np.linspace(-1, 1, 1000)
    fresh = WAYS[way](optimizer)
    for gradient in GRADIENTS[:6]:
        optimizer.update(theta, gradient)
    mine, again = theta.copy(), WAYS[way](optimizer)
    for gradient in GRADIENTS[6:]:
        again.update(mine, gradient)
    assert optimizer.updates == 6 and again.updates == 12 and fresh.updates == 0
    for gradient in GRADIENTS[6:]:  # the first one has not moved with its copy
        optimizer.update(theta, gradient)
    np.testing.assert_array_equal(theta, mine)
    assert optimizer.rate == again.rate and optimizer.state().keys() == again.state().keys()
    for key, array in optimizer.state().items():
        np.testing.assert_array_equal(array, again.state()[key])
    theta = np.linspace(-1, 1, 1000)
    for gradient in GRADIENTS:
        fresh.update(theta, gradient)
    np.testing.assert_array_equal(theta, mine)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_pickled_optimizer_is_its_buffers_and_little_else(name):
    optimizer = OPTIMIZERS[name](RATES["schedule"])
    optimizer.update(np.zeros(1000), GRADIENTS[0])
    buffers = sum(array.nbytes for array in optimizer.state().values())
    assert len(pickle.dumps(optimizer)) < buffers + 1000
    assert modules_named(optimizer) == {"gated.learning", "gated.learning.schedules"}


def test_a_rate_without_a_name_is_refused_by_a_pickle_and_no_other_copy():
    def local(step):
        return 0.5

    for rate in (lambda step: 0.5, local, functools.partial(lambda rate, step: rate, 0.5)):
        optimizer = Adam(rate)
        assert copy.copy(optimizer).rate == copy.deepcopy(optimizer).rate == 0.5
        with pytest.raises(ArgumentTypeError) as caught:
            pickle.dumps(optimizer)
        start, _, end = str(caught.value).partition("which a pickle cannot name, ")
        assert start.startswith("lr: got the function test_a_rate_without_a_name_is_refused")
        assert end == (
            "expected a schedule of gated.learning.schedules, such as cosine(0.1, steps=1000), "
            "or a function at the top of a module"
        )


def test_a_rate_may_be_set_anew():
    optimizer, theta = SGD(0.1), np.zeros(1)
    optimizer.lr = 0.5
    assert optimizer.rate == optimizer.lr == 0.5
    optimizer.update(theta, np.ones(1))
    assert theta[0] == -0.5
    with pytest.raises(ArgumentTypeError, match="^lr: got 'fast', expected a number$"):
        optimizer.lr = "fast"
    assert optimizer.rate == optimizer.lr == 0.5


class Own(Optimizer):
    """Somebody's own, with things of its own."""

    def __init__(self):
        super().__init__(0.1)
        self.seen = []

    def _apply(self, theta, g, lr):
        self.seen.append(float(g[0]))


def test_an_optimizer_of_ones_own():
    optimizer = Own()
    optimizer.update(np.zeros(2), np.ones(2))
    for way in WAYS.values():
        again = way(optimizer)
        again.update(np.zeros(2), np.zeros(2))
        assert again.seen == [1.0, 0.0] and optimizer.seen == [1.0]


# learners


def _network(layers=1, cell=gated.cells.peephole_lstm):
    network = Network(
        {"rnn": Recurrent(cell, 3, 4, layers, dtype="float64", seed=1), "head": Dense(4, 2, dtype="float64", seed=2)}
    )
    return network


LEARNERS = {
    "native": lambda: Online(_network(), optimizer=SGD(schedules.step_decay(0.1, 0.5, 7)), batch=2, backend="native"),
    "native, adam": lambda: Online(
        _network(), optimizer=Adam(0.01), loss=SigmoidSquaredError("sum"), batch=2, clip=1.0
    ),
    "reference": lambda: Online(_network(2), optimizer=Adam(0.01), batch=2, peepholes=False, backend="reference"),
    "rtrl": lambda: Online(_network(), "rtrl", batch=2, memory_limit=10**6),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LEARNERS)
def test_learners_go_on_with_the_same_bits(name, way):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((30, 2, 3)), rng.random((30, 2, 2))
    learner = LEARNERS[name]()
    learner.partial_fit(x[:13], target[:13])
    kept = learner.state()
    again = WAYS[way](learner)
    y = again.partial_fit(x[13:], target[13:])
    for key, array in learner.state().items():  # it has not moved with its copy
        np.testing.assert_array_equal(array, kept[key], err_msg=key)
    np.testing.assert_array_equal(learner.partial_fit(x[13:], target[13:]), y)
    assert learner.state().keys() == again.state().keys()
    for key, array in learner.state().items():
        np.testing.assert_array_equal(array, again.state()[key], err_msg=key)
    assert type(again._engine) is type(learner._engine) and again._description() == learner._description()
    assert (again.clip, again.memory_limit, again.loss) == (learner.clip, learner.memory_limit, learner.loss)
    assert again.network is not learner.network and again.optimizer is not learner.optimizer


def test_a_learner_and_its_network_stay_together():
    learner = LEARNERS["native"]()
    network, again = pickle.loads(pickle.dumps((learner.network, learner)))
    assert again.network is network
    network, again = copy.deepcopy((learner.network, learner))
    assert again.network is network


@pytest.mark.parametrize("way", WAYS)
def test_the_java_class(way):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((20, 3)), rng.random((20, 2))
    learner = LahoreLSTM(3, 2, 4)
    for x_t, d_t in zip(x[:9], target[:9], strict=True):
        learner.next(x_t, d_t)
    again = WAYS[way](learner)
    before = learner.parameters
    for x_t, d_t in zip(x[9:], target[9:], strict=True):
        y = again.next(x_t, d_t)
    np.testing.assert_array_equal(learner.parameters, before)
    for x_t, d_t in zip(x[9:], target[9:], strict=True):
        mine = learner.next(x_t, d_t)
    np.testing.assert_array_equal(mine, y)
    np.testing.assert_array_equal(learner.parameters, again.parameters)
    np.testing.assert_array_equal(learner.hidden, again.hidden)


def test_learners_name_public_modules_alone():
    learners = [make() for make in LEARNERS.values()]
    named = modules_named([*learners, LahoreLSTM(3, 2, 4)])
    assert {"gated.learning", "gated.losses"} <= named <= PUBLIC


# a training


def windows(epoch):
    return stream_windows(np.sin(np.arange(301.0).reshape(-1, 1)) * [1, 2, 3], 2, 10)


def _training(batches=windows):
    return Training(
        Network({"rnn": Recurrent(gated.cells.lstm, 3, 4, 2, dropout=0.3), "head": Dense(4, 3)}),
        SquaredError(),
        Adam(0.01),
        batches,
        carry_state=True,
        seed=3,
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_training_goes_on_with_the_same_bits(way):
    training = _training()
    list(itertools.islice(training, 7))
    again = WAYS[way](training)
    wanted = [update.loss for update in itertools.islice(again, 12)]
    assert training.progress.step == 7
    assert [update.loss for update in itertools.islice(training, 12)] == wanted
    np.testing.assert_array_equal(training.network.theta, again.network.theta)


def test_batches_without_a_name():
    training = _training(lambda epoch: windows(epoch))
    assert next(iter(copy.deepcopy(training))).loss == next(iter(training)).loss
    with pytest.raises(ArgumentTypeError) as caught:
        pickle.dumps(training)
    assert str(caught.value) == (
        "batches: got the function test_batches_without_a_name.<locals>.<lambda>, which a pickle cannot name, "
        "expected a function at the top of a module; state() is what a training has come to"
    )


def test_every_public_class_says_where_users_find_it():
    for module in (gated.learning, gated.losses):
        for name, value in vars(module).items():
            if isinstance(value, type) and not name.startswith("_") and value.__module__.startswith("gated"):
                assert getattr(__import__(value.__module__, fromlist=[name]), name) is value
                assert value.__module__ in PUBLIC, name
