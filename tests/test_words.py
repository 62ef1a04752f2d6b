"""What a newcomer wrote, and the one line that says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import GRU, LSTM, Dense, Embedding, Network
from gated.backends.native.threads import pool
from gated.data import Vocabulary, shuffled_batches, stream_windows
from gated.errors import ArgumentTypeError, GatedError
from gated.learning import SGD, Adam, RMSProp, Training, clip_by_global_norm, full_step, global_norm
from gated.losses import SoftmaxCrossEntropy, SquaredError


def said(call, kind=GatedError):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_layers_of_both_orders_of_the_axes():
    first, second = LSTM(3, 4, batch_first=True), GRU(4, 2)
    assert said(lambda: Network({"a": first, "b": second})) == (
        "layers['b']: got batch_first False, expected True, as 'a' has it: one for all"
    )
    inner = Network({"dense": Dense(4, 4), "rnn": LSTM(4, 4, batch_first=True)})
    assert said(lambda: Network({"a": LSTM(4, 4), "tied": inner, "again": inner})) == (
        "layers['tied.rnn']: got batch_first True, expected False, as 'a' has it: one for all"
    )
    layers = {"embed": Embedding(5, 4), "a": inner, "again": inner, "head": Dense(4, 2)}
    y = Network(layers).forward(np.zeros((2, 7), int))[0]
    assert y.shape == (2, 7, 2)


@pytest.mark.parametrize("batch_first", [False, True])
def test_ids_beyond_the_lengths_are_not_looked_at(batch_first):
    rnn = LSTM(3, 4, dtype="float64", batch_first=batch_first)
    inner = Network({"embed": Embedding(5, 3, dtype="float64"), "rnn": rnn})
    network = Network({"inner": inner, "head": Dense(4, 2, dtype="float64")})
    rng = np.random.default_rng(0)
    ids, lengths = rng.integers(0, 5, (6, 3)), np.array([6, 2, 0])
    beyond = np.arange(6)[:, None] >= lengths
    results = []
    for padding in (0, -1, 99):
        x = np.where(beyond, padding, ids)
        x = x.T if batch_first else x
        y, _, tape = network.forward(x, None, lengths)
        np.testing.assert_array_equal(network.infer(x, None, lengths)[0], y)
        dy = np.random.default_rng(1).standard_normal(y.shape)
        results.append((y, network.backward(tape, dy)[2].vector))
        assert x.min() == min(padding, 0)
    for y, gradient in results[1:]:
        np.testing.assert_array_equal(y, results[0][0])
        np.testing.assert_array_equal(gradient, results[0][1])
    x = ids.copy()
    x[5, 0] = -1
    x = x.T if batch_first else x
    assert said(lambda: network.forward(x, None, lengths)) == "x: got the id -1, expected ids from 0 to 4"
    assert said(lambda: network.forward(x)) == "x: got the id -1, expected ids from 0 to 4"


def test_a_layer_is_no_model(tmp_path):
    layer = LSTM(3, 4)
    assert said(lambda: gated.interop.model_file.save_model(tmp_path / "l.safetensors", "x", layer, {})) == (
        "network: got Recurrent(lstm, 3, 4), expected a gated.Network: Network({'rnn': layer})"
    )
    assert not list(tmp_path.iterdir())


def test_numbers_of_a_run_that_diverges():
    pytest.importorskip("typer")
    from gated.cli.train import _number

    assert (_number(6031704201323963597283158654976.0), _number(2.34567), _number(2.34567, 3)) == (
        "6e+30",
        "2.3457",
        "2.346",
    )


X, TARGET = np.zeros((3, 2, 3)), np.zeros((3, 2, 2))


def network():
    rnn, head = LSTM(3, 4, dtype="float64"), Dense(4, 2, dtype="float64")
    return Network({"rnn": rnn, "head": head})


def test_parameters_by_name_are_taken_for_their_vector():
    net, twin = network(), network()
    y, _, tape = net.forward(np.ones((3, 2, 3)))
    grads = net.backward(tape, np.ones_like(y))[2]
    norm = global_norm(grads.vector)
    assert norm > 1.0 and clip_by_global_norm(grads, 1.0) == norm
    assert global_norm(grads) == pytest.approx(1.0)
    Adam(0.1).update(net.theta, grads)
    Adam(0.1).update(twin.params, grads.vector)
    np.testing.assert_array_equal(net.theta, twin.theta)
    assert not np.array_equal(net.theta, network().theta)


def test_classes_as_floats():
    wanted = "integer classes of shape (5, 2), or probabilities of shape (5, 2, 2)"
    text = said(lambda: SoftmaxCrossEntropy()(np.zeros((5, 2, 2)), np.zeros((5, 2))))
    assert text == f"target: got an array of shape (5, 2) and dtype float64, expected {wanted}"


def test_what_a_step_of_learning_is_given_in_the_wrong_place():
    net, loss, optimizer = network(), SquaredError(), Adam(0.1)
    (batch,) = shuffled_batches([np.zeros((4, 3))], 1, np.random.default_rng(0))
    order = "the order is network, loss, optimizer"
    rows = {
        "target: got None, expected numbers: shuffled_batches(..., labels= or targets=)": (net, loss, optimizer, batch),
        f"loss: got Adam, expected a loss of gated.losses: {order}": (net, optimizer, loss, (X, TARGET)),
        f"loss: got Network, expected a loss of gated.losses: {order}": (net, net, optimizer, (X, TARGET)),
        f"network: got SquaredError, expected a gated.Network: {order}": (loss, net, optimizer, (X, TARGET)),
        f"optimizer: got float, expected an optimizer of gated.learning: {order}": (net, loss, 0.1, (X, TARGET)),
    }
    for text, given in rows.items():
        assert said(lambda: full_step(*given)) == text  # noqa: B023
    assert said(lambda: Training(net, loss, optimizer, [batch], carry_state=False)) == (
        "batches: got a list, expected a function of the pass's number, such as lambda epoch: stream_windows(...)"
    )
    assert said(lambda: Training(net, optimizer, loss, list, carry_state=False)).startswith("loss: got Adam, ")


@pytest.mark.parametrize("came", [-0.5, None, "fast", float("nan")])
def test_a_schedule_gives_no_rate(came):
    net = network()
    before = net.theta.copy()
    shown = repr(came) if isinstance(came, str) else came
    assert said(lambda: full_step(net, SquaredError(), SGD(lambda update: came), (X, TARGET + 1))) == (
        f"lr: got {shown} for update 0 from the schedule, expected a finite number of at least 0"
    )
    np.testing.assert_array_equal(net.theta, before)


def test_the_tape_of_something_else():
    layer, other = LSTM(3, 4), LSTM(3, 4)
    y, _, tape = other.forward(X)
    own = "the tape of this layer's forward()"
    assert said(lambda: layer.backward(tape, y)) == (
        f"tape: got that of another layer, Recurrent(lstm, 3, 4), expected {own}"
    )
    for made in (layer, Dense(3, 4), Embedding(3, 4), network()):
        what = "network" if isinstance(made, Network) else "layer"
        assert said(lambda: made.backward((y, ()), y)) == (  # noqa: B023
            f"tape: got a tuple of 2, expected the tape of this {what}'s forward() (a {what} that is called keeps "
            f"none): y, state, tape = {what}.forward(x)"
        )
    assert said(lambda: Dense(4, 4).backward(Dense(4, 4).forward(y)[2], y)).startswith(
        "tape: got that of another layer, Dense(4, 4), expected the tape"
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: LSTM(3, 4, batch_frist=True), "batch_frist: got bool True, expected no such option; did you mean "),
        (lambda: LSTM(3, 4, nonsense=1), "nonsense: got int 1, expected no such option; help(gated.Recurrent)"),
        (lambda: LSTM(units=4), "units: got int 4, expected hidden_size"),
        (lambda: LSTM(4, return_sequences=True), "return_sequences: got bool True, expected y[-1], "),
        (lambda: GRU(4), "hidden_size: got none, expected GRU(input_size, hidden_size, ...)"),
        (lambda: GRU(hidden_size=4), "input_size: got none, expected GRU(input_size, hidden_size, ...)"),
        (lambda: Network(Dense(3, 4), Dense(4, 2)), "layers: got 2 arguments, expected one dict of named layers: "),
        (lambda: Vocabulary(b"abc"), "text: got bytes, expected a text: Vocabulary(text.decode('utf-8'))"),
        (lambda: Vocabulary([1, 2]), "text: got list [1, 2], expected a text or single characters"),
        (lambda: Vocabulary(5), "text: got int 5, expected a text or single characters"),
        (
            lambda: stream_windows("hello", 1, 2),
            "ids: got str 'hello', expected integer ids (of a text: Vocabulary(text).encode(text)), or a series",
        ),
    ],
)
def test_one_line(call, text):
    assert said(call, ArgumentTypeError).startswith(text)


def test_a_cell_that_is_not_in_the_zoo():
    with pytest.raises(AttributeError, match=r"^module 'gated.cells' has no attribute 'foo'; the zoo has rnn, ind"):
        gated.cells.foo  # noqa: B018


def test_the_state_of_another_optimizer():
    adam = Adam(0.1)
    adam.update(np.zeros(3), np.ones(3))
    assert said(lambda: SGD(0.1).load_state(adam.state())) == "state: got the state of Adam, expected that of SGD"
    assert said(lambda: RMSProp(0.1).load_state(adam.state())) == (
        "state: got the state of Adam, expected that of RMSProp"
    )
    first, second = (Training(network(), SquaredError(), o, list, carry_state=False) for o in (adam, SGD(0.1)))
    adam.updates, adam._buffers = 1, {name: np.zeros_like(first.network.theta) for name in adam.buffers}
    text = said(lambda: second.load_state(*first.state()))
    assert text == "optimizer: state: got the state of Adam, expected that of SGD"


def test_numbers_without_an_axis_of_their_own_have_size_1():
    rng = np.random.default_rng(0)
    series, lengths = [rng.standard_normal(t) for t in (5, 3, 4)], np.array([5, 3, 4])
    net = Network({"rnn": LSTM(1, 3, dtype="float64"), "head": Dense(3, 1, dtype="float64")})
    for batch_first in (False, True):
        for extra in ({"labels": [0.1, 0.2, 0.3]}, {"targets": series}):
            (batch,) = shuffled_batches(series, 3, np.random.default_rng(1), **extra, batch_first=batch_first)
            assert batch.x.shape == batch.target.shape == ((3, 5, 1) if batch_first else (5, 3, 1))
            assert batch.lengths.tolist() == lengths[batch.indices].tolist()
            if not batch_first:
                full_step(net, SquaredError(), SGD(0.1), batch)
                for n, index in enumerate(batch.indices):
                    np.testing.assert_array_equal(batch.x[: lengths[index], n, 0], series[index])
    ids = [np.arange(3), np.arange(2)]
    (batch,) = shuffled_batches(ids, 2, rng, labels=[1, 0])
    assert batch.x.shape == batch.target.shape == (3, 2)


def test_threads(monkeypatch):
    monkeypatch.setattr(pool, "_threads", None)
    text = said(lambda: gated.set_num_threads("2"), ArgumentTypeError)
    assert text == "threads: got '2', expected a whole number"
    assert said(lambda: gated.set_num_threads(0)) == "threads: got 0, expected a whole number of at least 1"
    assert said(lambda: gated.set_num_threads(100_000)) == "threads: got 100000, expected at most 1024"
    monkeypatch.setenv("GATED_NUM_THREADS", "1024")
    assert gated.get_num_threads() == 1024
    for text in ("1025", "100000", "9" * 5000):
        monkeypatch.setenv("GATED_NUM_THREADS", text)
        assert said(gated.get_num_threads).endswith(", expected a positive whole number of at most 1024")


def test_dir_shows_what_is_public():
    assert set(gated.__all__) <= set(dir(gated))
    assert not {"Any", "annotations", "importlib", "lazy", "locks", "_HOME"} & set(dir(gated))
