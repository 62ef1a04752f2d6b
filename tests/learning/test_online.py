"""Online learning: against backpropagation where it must be equal, its interface, its memory, its checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
from tests.zoo import ONLINE, inputs_of, layer_of

import gated
from gated.cells import ZOO
from gated.errors import ArgumentError, GatedError
from gated.learning import SGD, Adam, Online, Optimizer
from gated.learning.realtime.engines import begin, rule_of
from gated.losses import SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

T, N, D, H, V = 6, 2, 3, 4, 2
REFUSED = {"gru": "U.n", **{name: "P.h" for name in ZOO if name.startswith("projected")}}
REFUSED["projected_gru"] = "U.n, P.h"


def _network(cell=gated.cells.peephole_lstm, layers=1, dtype="float64", first=None, head=None):
    rng = np.random.default_rng(11)
    rnn = layer_of(cell, D, H, layers, dtype=dtype)
    network = Network(
        {
            **(first or {}),
            "rnn": rnn,
            "head": head or Dense(rnn.output_size, V, dtype=dtype),
        }
    )
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    return network


def _data(steps=T, batch=N):
    rng = np.random.default_rng(12)
    return rng.standard_normal((steps, batch, D)), rng.standard_normal((steps, batch, V))


def _state(network, seed=5):
    rng = np.random.default_rng(seed)
    layer = network.layers["rnn"]
    return {"rnn": tuple(0.3 + np.abs(rng.standard_normal((layer.num_layers, N, s))) for s in layer.state_sizes)}


def _sum_of_steps(network, x, dy, state, **options):
    rule = rule_of(network, "online", x.shape[1], **options)
    begin(rule.arrays(), network, state)
    total = np.zeros_like(network.theta)
    for x_t, dy_t in zip(x, dy, strict=True):
        rule.forward(x_t)
        total += rule.gradient(dy_t)
    return network.params.like(total)


def _through_time(network, x, dy, state):
    _, _, tape = network.forward(x, state)
    return network.backward(tape, dy)[2]


def _cut(network):
    """All matrices applied to states become 0."""
    for array in network.params.values():
        if array.shape == (H, H):
            array[...] = 0


# the gradient


@pytest.mark.parametrize("name", ONLINE)
def test_online_is_exact_where_the_recurrent_matrices_are_zero(name):
    network = _network(ZOO[name])
    _cut(network)
    _, dy = _data()
    x = inputs_of(network.layers["rnn"], np.random.default_rng(12), T, N)
    state = _state(network)
    exact, own = _through_time(network, x, dy, state), _sum_of_steps(network, x, dy, state)
    for key, wanted in exact.items():
        assert np.linalg.norm(own[key] - wanted) <= 1e-12 * np.linalg.norm(wanted), key
    dead = {"augru": {"rnn.l0.W.r"}}.get(name, set())  # r is a factor of U.n @ h alone
    assert all(np.linalg.norm(array) > 0 for key, array in exact.items() if ".W." in key and key not in dead)


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru_reset_after", "slstm", "indrnn"])
def test_the_error_of_any_one_step_reaches_the_past_through_the_traces(name):
    network = _network(ZOO[name])
    _cut(network)
    x, dy = _data()
    dy[:-1] = 0
    state = _state(network)
    exact, own = _through_time(network, x, dy, state), _sum_of_steps(network, x, dy, state)
    np.testing.assert_allclose(own.vector, exact.vector, rtol=1e-10, atol=1e-14)


def test_with_recurrent_matrices_it_is_the_gradient_with_h_held_constant():
    """An oracle of its own: a cell that is given h of the step before as an input, and so cannot see through it."""

    @gated.cell
    def given(x, h, c, *, W, U, p, b, A, B):
        a, k = A.x @ x, B.h @ x  # the input, and the h of the step before, cut out of one vector
        i = gated.sigmoid(W.i @ a + U.i @ k + p.i * c + b.i)
        f = gated.sigmoid(W.f @ a + U.f @ k + p.f * c + b.f)
        g = gated.tanh(W.g @ a + U.g @ k + b.g)
        c = f * c + i * g
        o = gated.sigmoid(W.o @ a + U.o @ k + p.o * c + b.o)
        h = o * gated.tanh(c)
        return h, c

    network = _network(gated.cells.peephole_lstm)
    x, dy = _data()
    state = _state(network)
    learner = Online(network, batch=N)
    learner.reset(state)
    before = [state["rnn"][0][0]]
    for x_t in x:
        learner.step(x_t)
        before.append(learner.network_state["rnn"][0][0])
    oracle = Network(
        {
            "rnn": Recurrent(given, D + H, H, dtype="float64", sizes={"a": D}),
            "head": Dense(H, V, dtype="float64"),
        }
    )
    for name, array in network.params.items():
        oracle.params[name] = array
    oracle.params["rnn.l0.A.x"], oracle.params["rnn.l0.B.h"] = np.eye(D, D + H), np.eye(H, D + H, D)
    joined = np.concatenate([x, np.stack(before[:-1])], axis=2)
    exact = _through_time(oracle, joined, dy, state)
    own = _sum_of_steps(network, x, dy, state)
    for name, array in own.items():
        np.testing.assert_allclose(array, exact[name], rtol=1e-10, atol=1e-13, err_msg=name)


def _elementwise_cells():
    """Cells whose recurrence is elementwise, and cells whose output reaches the past by more than one road."""
    exp, sigmoid, softplus, sqrt, tanh = gated.exp, gated.sigmoid, gated.softplus, gated.sqrt, gated.tanh

    @gated.cell
    def sru(x, h, c, *, W, v, b):
        f = sigmoid(W.f @ x + v.f * c + b.f)
        r = sigmoid(W.r @ x + v.r * c + b.r)  # both gates look at the cell of the step before
        c = f * c + (1 - f) * (W.c @ x)
        h = r * c + (1 - r) * (W.h @ x)
        return h, c

    @gated.cell
    def min_gru(x, h, *, W, b):
        z = sigmoid(W.z @ x + b.z)
        return (1 - z) * h + z * (W.h @ x + b.h)

    @gated.cell
    def min_lstm(x, h, *, W, b):
        f, i = sigmoid(W.f @ x + b.f), sigmoid(W.i @ x + b.i)
        return f / (f + i) * h + i / (f + i) * (W.h @ x + b.h)

    @gated.cell
    def rg_lru(x, h, *, W, L, b):
        a = exp(-8 * softplus(L.a) * sigmoid(W.a @ x + b.a))
        return a * h + sqrt(1 - a * a) * sigmoid(W.i @ x + b.i) * (W.x @ x)

    @gated.cell
    def qrnn(x, h, c, u, *, W, V):
        f, o = sigmoid(W.f @ x + V.f @ u), sigmoid(W.o @ x + V.o @ u)
        c = f * c + (1 - f) * tanh(W.z @ x + V.z @ u)
        return o * c, c, x  # u is the input of the step before

    @gated.cell
    def brc(x, h, *, W, w):
        a, c = 1 + tanh(W.a @ x + w.a * h), sigmoid(W.c @ x + w.c * h)
        return c * h + (1 - c) * tanh(W.h @ x + a * h)

    @gated.cell
    def only_the_old(x, h, c, *, W, b):
        new = 0.5 * c + tanh(W.c @ x + b.c)
        return sigmoid(W.o @ x) * c, new

    @gated.cell
    def two_memories(x, h, c, k, *, W, p):
        o = sigmoid(p.c * c + p.k * k + W.o @ x)
        c, k = 0.9 * c + tanh(W.c @ x + p.d * k), 0.5 * k + W.k @ x * c
        return o * (c + k), c, k

    @gated.cell
    def handed_on(x, h, c, k, *, W):
        n = 0.5 * c + tanh(W.c @ x)
        return sigmoid(W.h @ x) * n * c + k, n, c  # the new k is the old c, which the output reads too

    @gated.cell
    def spikes(x, s, v, *, W, b, w):
        v = sigmoid(b.d) * v * (1 - s) + W.v @ x + w.s * s
        soft = sigmoid(4 * (v - 0.3))
        return gated.hold(gated.where(v > 0.3, 1, 0) - soft) + soft, v

    @gated.cell
    def branches(x, h, c, *, W, b):  # in those that are not taken stand NaN and infinite slopes
        a = W.a @ x + b.a
        c = gated.where(a > 0, sqrt(a) + c**2 * gated.log(a + 1), 0.5 * c - a**3)
        return gated.clip(c, -0.5, 0.5) + gated.where(c <= 0, tanh(b.h * c), gated.hold(c) * sqrt(c)), c

    @gated.cell
    def a_state_that_is_a_product(x, h, c, *, W):
        n = W.c @ x
        return tanh(W.h @ x) * n + tanh(c), n

    @gated.cell
    def a_state_that_is_a_bias(x, h, c, *, W, b):
        return tanh(W.h @ x + c + b.c), b.c

    @gated.cell
    def an_output_that_is_a_bias(x, h, c, *, W, b):
        return b.h, 0.5 * c + tanh(W.c @ x)

    @gated.cell
    def a_state_that_nobody_reads(x, h, c, *, W, b):
        return tanh(W.h @ x + 0.5 * h), tanh(W.c @ x + b.c + h)

    return {cell.name: cell for cell in locals().values() if isinstance(cell, gated.Cell)}


ELEMENTWISE = {"indrnn": gated.cells.indrnn} | _elementwise_cells()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_online_is_exact_where_no_matrix_is_applied_to_what_depends_on_a_parameter(name):
    size = D if any(ELEMENTWISE[name].graph.dims[state] == "input" for state in ELEMENTWISE[name].states) else H
    rnn = Recurrent(ELEMENTWISE[name], D, size, dtype="float64")
    network = Network({"rnn": rnn, "head": Dense(size, V, dtype="float64")})
    network.theta[:] = 0.5 * np.random.default_rng(11).standard_normal(network.theta.size)
    x, target = _data(9)
    state, loss = _state(network), SquaredError("sum")
    y, _, tape = network.forward(x, state)
    exact = network.backward(tape, loss(y, target)[1])[2]
    for backend in ("reference", "native"):
        learner = Online(network, "online", Recorder(), loss, batch=N, backend=backend)
        learner.reset(state)
        learner.partial_fit(x, target)
        own = exact.like(learner.optimizer.sum)
        for key, wanted in exact.items():
            assert np.linalg.norm(own[key] - wanted) <= 1e-12 * np.linalg.norm(wanted), (backend, key)


def test_what_reaches_nothing_is_no_reason_to_refuse_a_cell():
    gradient = _sum_of_steps(_network(ELEMENTWISE["a_state_that_nobody_reads"]), *_data(), None)
    assert not gradient["rnn.l0.W.c"].any() and not gradient["rnn.l0.b.c"].any() and gradient["rnn.l0.W.h"].all()


def test_a_matrix_that_is_met_only_at_the_next_step_is_named():
    @gated.cell
    def late(x, h, c, *, W, U):
        return gated.tanh(W.h @ x + U.h @ c), W.c @ x

    with pytest.raises(ArgumentError, match=r"elementwise: W\.c reach h only through the matrix U\.h, so"):
        Online(_network(late))


def test_the_output_that_reads_an_old_memory_in_a_stack():
    """The error that goes down stays that of the step: of one step from a state, that is the whole gradient."""
    network = _network(ELEMENTWISE["sru"], layers=2)
    x, dy = _data(steps=1)
    state = _state(network)
    own, exact = _sum_of_steps(network, x, dy, state), _through_time(network, x, dy, state)
    np.testing.assert_allclose(own.vector, exact.vector, rtol=1e-10, atol=1e-14)


def test_without_peepholes_an_output_peephole_on_the_old_cell_is_left_out_too():
    network = _network(ELEMENTWISE["two_memories"])
    x, dy = _data()
    state = _state(network)
    full, less = (_sum_of_steps(network, x, dy, state, peepholes=p) for p in (True, False))
    # p.c and p.k learn from the step alone; o is no road from the old memories to the output
    assert not np.allclose(full["rnn.l0.W.c"], less["rnn.l0.W.c"])
    np.testing.assert_allclose(full["rnn.l0.W.o"], less["rnn.l0.W.o"], rtol=1e-12)


def test_a_cell_that_learns_nothing_without_its_peepholes_is_refused():
    @gated.cell
    def scaled(x, h, c, *, W, p, b):
        c = 0.5 * c + gated.tanh(W.c @ x + b.c)
        return p.o * c + b.o, c

    Online(_network(scaled))
    with pytest.raises(ArgumentError) as error:
        Online(_network(scaled), peepholes=False)
    assert str(error.value) == (
        "peepholes: got False for the cell scaled, expected True: W.c, b.c reach h only through a product with "
        "a vector weight"
    )


class Recorder(Optimizer):
    """Adds up the gradients and changes nothing."""

    def __init__(self):
        super().__init__(1.0)
        self.sum = 0.0

    def _apply(self, theta, g, lr):
        self.sum = self.sum + g


@pytest.mark.parametrize("name", REFUSED)
def test_a_cell_for_which_it_is_not_defined_is_told_why(name):
    rnn = Recurrent(ZOO[name], D, H, sizes={ZOO[name].graph.dims["h"]: 3} if name.startswith("projected") else None)
    network = Network({"rnn": rnn, "head": Dense(rnn.output_size, V)})
    with pytest.raises(ArgumentError) as error:
        Online(network)
    parameters = [parameter for parameter in ZOO[name].parameters if parameter != "P.h"]
    lost = "W.r, U.r, b.r" if name == "gru" else ", ".join(parameters)
    assert str(error.value) == (
        f"algorithm: got 'online' for the cell {name}, expected a cell whose output every parameter reaches "
        f"elementwise: {lost} reach h only through the matrix {REFUSED[name]}, so one trace per weight does not hold "
        "the derivative; algorithm='rtrl' or backpropagation through time does"
    )


def test_without_peepholes_only_the_cells_that_have_them_change():
    x, dy = _data()
    for name in ("lstm", "peephole_lstm"):
        network = _network(ZOO[name])
        state = _state(network)
        full = _sum_of_steps(network, x, dy, state).vector
        less = _sum_of_steps(network, x, dy, state, peepholes=False).vector
        assert np.array_equal(full, less) == (name == "lstm")


def test_traces_are_as_many_numbers_as_traced_parameters():
    network = _network(gated.cells.lstm)
    names = [name for name in Online(network, batch=3).state() if ".trace." in name]
    assert {name.rpartition(".trace.")[2] for name in names} == {f"c.{m}.{g}" for m in "WUb" for g in "ifg"}
    traced = 3 * sum(network.params[f"rnn.l0.{m}.{g}"].size for m in "WUb" for g in "ifg")
    assert sum(Online(network, batch=3).state()[name].size for name in names) == traced


def test_a_stack_sends_the_error_down_within_the_step():
    network = _network(gated.cells.lstm, layers=2, first={"pre": Dense(D, D, "tanh", dtype="float64")})
    x, dy = _data(steps=1)
    own, exact = _sum_of_steps(network, x, dy, None), _through_time(network, x, dy, None)
    np.testing.assert_allclose(own.vector, exact.vector, rtol=1e-10, atol=1e-14)


def test_ids_and_a_softmax():
    network = _network(first={"embed": Embedding(5, D, dtype="float64")})
    _cut(network)
    ids, dy = np.array([[0, 4]]), _data(1)[1]
    own, exact = _sum_of_steps(network, ids, dy, _state(network)), _through_time(network, ids, dy, _state(network))
    np.testing.assert_allclose(own.vector, exact.vector, rtol=1e-10, atol=1e-14)
    learner = Online(network, "online", SGD(0.5), SoftmaxCrossEntropy())
    losses = []
    for _ in range(40):
        losses.append(SoftmaxCrossEntropy()(learner.step(3, 1), np.array(1))[0])
    assert losses[-1] < 0.1 * losses[0]


# the interface


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_partial_fit_is_step_after_step(algorithm):
    x, target = _data(9)
    mask = np.random.default_rng(1).random((9, N)) < 0.6
    mask[3] = False
    whole, single = _network(), _network()
    a = Online(whole, algorithm, Adam(0.01), batch=N)
    b = Online(single, algorithm, Adam(0.01), batch=N)
    y = np.concatenate([a.partial_fit(x[:4], target[:4], mask[:4]), a.partial_fit(x[4:], target[4:], mask[4:])])
    steps = [b.step(x[t], target[t] if mask[t].any() else None, mask[t]) for t in range(9)]
    np.testing.assert_array_equal(y, np.stack(steps))
    np.testing.assert_array_equal(whole.theta, single.theta)
    assert a.optimizer.updates == b.optimizer.updates == int(mask.any(axis=1).sum())


@pytest.mark.parametrize(("algorithm", "backend"), [("online", "native"), ("online", "reference"), ("rtrl", None)])
def test_the_axis_of_one_sequence_may_be_left_out(algorithm, backend):
    x, target = _data(5, 1)
    a, b = (Online(_network(), algorithm, backend=backend) for _ in range(2))
    assert a.step(x[0], target[0]).shape == (1, V) and b.step(x[0, 0], target[0, 0]).shape == (V,)
    np.testing.assert_array_equal(a.partial_fit(x, target)[:, 0], b.partial_fit(x[:, 0], target[:, 0]))
    np.testing.assert_array_equal(a.network.theta, b.network.theta)
    assert a.partial_fit(x[:0]).shape == (0, 1, V)


def test_the_prediction_is_from_before_the_update_and_none_is_made_without_a_target():
    network = _network()
    x, target = _data()
    y, _, _ = network.forward(x)
    learner = Online(network, batch=N)
    before = network.theta.copy()
    np.testing.assert_allclose(learner.partial_fit(x[:-1]), y[:-1], rtol=1e-13)
    np.testing.assert_array_equal(network.theta, before)
    np.testing.assert_allclose(learner.step(x[-1], target[-1]), y[-1], rtol=1e-13)
    assert (network.theta != before).any()


def test_what_step_returns_and_takes_is_the_callers():
    network = Network({"rnn": Recurrent(gated.cells.lstm, D, H, dtype="float64")})
    x, _ = _data()
    for algorithm in ("online", "rtrl"):
        a, b = (Online(network, algorithm, batch=N) for _ in range(2))
        a.step(x[0])[...] = 7.0
        b.step(x[0])
        np.testing.assert_array_equal(a.step(x[1]), b.step(x[1]))


def test_sequences_begin_anew_one_by_one():
    network = _network()
    x, _ = _data()
    for algorithm in ("online", "rtrl"):
        learner = Online(network, algorithm, batch=N)
        learner.partial_fit(x[:3])
        learner.reset(rows=[True, False])
        y = learner.partial_fit(x[3:])
        np.testing.assert_allclose(y[:, 0], network.forward(x[3:])[0][:, 0], rtol=1e-12)
        np.testing.assert_allclose(y[:, 1], network.forward(x)[0][3:, 1], rtol=1e-12)
        learner.reset(rows=[True, True])
        assert not any(array.any() for name, array in learner.state().items() if name.startswith("memory."))


def test_a_state_to_begin_from_and_to_go_on_with():
    network = _network(gated.cells.lstm, layers=2)
    x, _ = _data()
    state = _state(network)
    y, last, _ = network.forward(x, state)
    learner = Online(network, batch=N)
    learner.reset(state)
    np.testing.assert_allclose(learner.partial_fit(x), y, rtol=1e-12)
    for own, wanted in zip(learner.network_state["rnn"], last["rnn"], strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-12)


def test_every_option_changes_something():
    x, target = _data(20)
    results = {}
    options = {
        "plain": {},
        "rtrl": {"algorithm": "rtrl"},
        "rate": {"optimizer": SGD(0.3)},
        "adam": {"optimizer": Adam(0.1)},
        "loss": {"loss": SigmoidSquaredError()},
        "sum": {"loss": SquaredError("sum")},
        "peepholes": {"peepholes": False},
        "clip": {"clip": 0.1},
    }
    for name, option in options.items():
        network = _network()
        Online(network, batch=N, **option).partial_fit(x, target)
        results[name] = network.theta.tobytes()
    names = list(results)
    same = [(a, b) for i, a in enumerate(names) for b in names[:i] if results[a] == results[b]]
    assert not same


def test_a_gradient_that_is_not_finite_leaves_the_weights_alone():
    network = _network()
    learner = Online(network)
    before = network.theta.copy()
    with pytest.raises(GatedError, match="^gradient: got NaN or inf at update 0, expected finite numbers; "):
        learner.step(np.zeros(D), np.full(V, np.nan))
    np.testing.assert_array_equal(network.theta, before)
