"""Pooling: a recurrent layer, a pool and a dense layer as one network, against PyTorch; what such a layer refuses."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import gated
from gated import Dense, Dropout, Network, Pool, Recurrent, WiredNetwork
from gated.data.sequences import Sequences
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.interop.model_file import load_model, save_model
from gated.learning import Adam, full_step, gradients
from gated.losses import SoftmaxCrossEntropy
from gated.nn.network import network_from_config

D, H, V = 3, 5, 4
LENGTHS = [7, 1, 4, 7, 2]
GATES = "i", "f", "g", "o"


def network(way, levels=1, both=True, dtype="float64", **options):
    common = {"dtype": dtype, **options}
    rnn = Recurrent(gated.cells.lstm, D, H, levels, bidirectional=both, seed=1, **common)
    size = rnn.output_size
    pool = Pool(size, way, directions=1 + both, dtype=dtype)
    return WiredNetwork({"rnn": rnn, "pool": pool, "head": Dense(size, V, seed=2, **common)}, {"rnn": "x"})


def batch(lengths=LENGTHS, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((7, 5, D)).astype(dtype)
    target = rng.integers(0, V, 5)
    weights = rng.uniform(0.5, 2.0, 5)
    return Sequences({"x": x}, target, None if lengths is None else {"x": np.array(lengths)}, weights)


def in_torch(net, levels, both):
    """(LSTM, Linear) with our parameters, and {ours: theirs}."""
    rnn, head = nn.LSTM(D, H, levels, bidirectional=both, dtype=torch.float64), nn.Linear(H * (1 + both), V)
    head = head.double()
    names = {"head.W.y": (head.weight, None), "head.b.y": (head.bias, None)}
    for level in range(levels):
        for end in ("", "_reverse") if both else ("",):
            for own, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
                for k, gate in enumerate(GATES):
                    names[f"rnn.l{level}{end}.{own}.{gate}"] = getattr(rnn, f"{theirs}_l{level}{end}"), k
            getattr(rnn, f"bias_hh_l{level}{end}").data.zero_()
    for name, (theirs, k) in names.items():
        rows = slice(None) if k is None else slice(k * H, (k + 1) * H)
        theirs.data[rows] = torch.from_numpy(net.params[name].copy())
    return rnn, head, names


def pooled_by_torch(rnn, x, lengths, way):
    rows = []
    for n, length in enumerate(lengths):  # one by one: no padding takes part
        y, (last, _) = rnn(x[:length, n : n + 1])
        y, directions = y[:, 0], 2 if rnn.bidirectional else 1
        rows.append({"mean": y.mean(0), "max": y.amax(0), "last": last[-directions:, 0].reshape(-1)}[way])
    return torch.stack(rows)


@pytest.mark.parametrize("way", ["mean", "max", "last"])
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_gradients_are_those_of_pytorch(way, levels, both, lengths):
    net, given = network(way, levels, both), batch(lengths)
    rnn, head, names = in_torch(net, levels, both)
    x = torch.from_numpy(given.x["x"].copy()).requires_grad_()
    y = head(pooled_by_torch(rnn, x, lengths or [7] * 5, way))
    each = nn.functional.cross_entropy(y, torch.from_numpy(given.target), reduction="none")
    weights = torch.from_numpy(given.mask)
    value = (each * weights).sum() / weights.sum()
    value.backward()
    found = gradients(net, SoftmaxCrossEntropy(), given)
    assert found.loss == pytest.approx(value.item(), abs=1e-12)
    for name, (theirs, k) in names.items():
        rows = slice(None) if k is None else slice(k * H, (k + 1) * H)
        np.testing.assert_allclose(found.grads[name], theirs.grad[rows].numpy(), atol=1e-12, err_msg=name)
    by_call, _, tape = net.forward(given.x, None, given.lengths)
    np.testing.assert_allclose(by_call, y.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(net.infer(given.x, None, given.lengths)[0], by_call, atol=1e-15)
    dy = np.random.default_rng(5).standard_normal(by_call.shape)
    x.grad = None
    head(pooled_by_torch(rnn, x, lengths or [7] * 5, way)).backward(torch.from_numpy(dy))
    np.testing.assert_allclose(net.backward(tape, dy)[0], x.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("way", ["mean", "max", "last"])
def test_the_derivative_is_that_of_a_complex_step(way):
    x, ends = np.random.default_rng(0).standard_normal((6, 4, 2)), np.array([6, 0, 3, 1])
    dy, way_of = np.random.default_rng(1).standard_normal((4, 2)), {"directions": 2}
    pool = Pool(2, way, **way_of)
    pool64 = Pool(2, way, dtype="float64", **way_of)
    _, _, tape = pool64.forward(x, None, ends)
    dx = pool64.backward(tape, dy)[0]
    turned = Pool(2, way, dtype="complex128", **way_of)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1e-30j
        slope = (turned.forward(moved, None, ends)[0].imag / 1e-30 * dy).sum()
        assert dx[place] == pytest.approx(slope, abs=1e-14)
    single = pool.forward(x.astype("float32"), None, ends)[0]
    np.testing.assert_allclose(single, pool64.forward(x, None, ends)[0], rtol=1e-6, atol=1e-6)
    assert (single[1] == 0).all()  # of no steps


def test_a_tie_of_the_maximum_is_shared_evenly():
    pool = Pool(2, "max", dtype="float64")
    x = np.array([[[1.0, -2.0]], [[1.0, -5.0]], [[0.0, -2.0]], [[9.0, 9.0]]])
    y, _, tape = pool.forward(x, None, [3])
    assert y.tolist() == [[1.0, -2.0]]
    assert pool.backward(tape, np.array([[1.0, 3.0]]))[0][:, 0].tolist() == [[0.5, 1.5], [0.5, 0], [0, 1.5], [0, 0]]


@pytest.mark.parametrize("way", ["mean", "max", "last"])
def test_what_stands_beyond_the_lengths_is_not_looked_at(way):
    x, ends = np.random.default_rng(0).standard_normal((6, 3, 4)).astype("float32"), np.array([6, 2, 5])
    pool = Pool(4, way)
    y = pool.forward(x, None, ends)[0]
    x[2:, 1], x[5:, 2] = np.nan, np.inf
    np.testing.assert_array_equal(pool.forward(x, None, ends)[0], y)
    for n, end in enumerate(ends):
        np.testing.assert_array_equal(pool.forward(x[:end, n : n + 1])[0][0], y[n])
    none = pool.forward(np.zeros((0, 2, 4), "float32"))
    assert none[0].tolist() == [[0] * 4] * 2
    assert pool.backward(none[2], np.ones((2, 4), "float32"))[0].shape == (0, 2, 4)


@pytest.mark.parametrize("way", ["mean", "max", "last"])
def test_batch_first(way):
    x, ends = np.random.default_rng(0).standard_normal((6, 3, 4)), np.array([6, 2, 5])
    plain, turned = Pool(4, way, dtype="float64"), Pool(4, way, batch_first=True, dtype="float64")
    y, _, tape = plain.forward(x, None, ends)
    theirs, _, their_tape = turned.forward(x.swapaxes(0, 1), None, ends)
    np.testing.assert_allclose(theirs, y, rtol=1e-15)
    dx = turned.backward(their_tape, y)[0]
    np.testing.assert_allclose(dx.swapaxes(0, 1), plain.backward(tape, y)[0], rtol=1e-15)
    rnn = Recurrent(gated.cells.gru, 3, 4, batch_first=True, dtype="float64")
    net = WiredNetwork({"rnn": rnn, "pool": turned, "head": Dense(4, V, dtype="float64")}, {"rnn": "x"})
    given = batch()
    same = Sequences({"x": given.x["x"].swapaxes(0, 1)}, given.target, given.lengths, given.mask)
    other = Recurrent(gated.cells.gru, 3, 4, dtype="float64")
    both = WiredNetwork({"rnn": other, "pool": plain, "head": Dense(4, V, dtype="float64")}, {"rnn": "x"})
    one, two = (gradients(each, SoftmaxCrossEntropy(), own) for each, own in ((net, same), (both, given)))
    np.testing.assert_allclose(one.grads.vector, two.grads.vector, atol=1e-14)
    assert net.inside(same.x, same.lengths).tolist() == [True] * 5


def test_the_loss_at_the_end_is_one_call_of_machine_code(monkeypatch):
    """The layers run once, and the head with the loss in the call that a chain's would be."""
    net, given = network("mean", dtype="float32"), batch(dtype="float32")
    calls = []
    forward = Recurrent.forward
    monkeypatch.setattr(Recurrent, "forward", lambda *a, **k: calls.append("rnn") or forward(*a, **k))
    monkeypatch.setattr(Dense, "forward", lambda *a, **k: calls.append("head"))
    full_step(net, SoftmaxCrossEntropy(), Adam(1e-2), given)
    assert calls == ["rnn"]
    assert "head and the loss are one call" in net.explain()


def test_training_with_counts_by_the_rows():
    """Without a mask every sequence counts once."""
    from gated.learning import Training

    net = network("max", dtype="float32")
    given = batch(dtype="float32")._replace(mask=None)
    updates = iter(Training(net, SoftmaxCrossEntropy(), Adam(1e-2), lambda epoch: [given], carry_state=False))
    first = next(updates)
    assert first.predictions == 5
    for _ in range(50):
        last = next(updates)
    assert last.loss < first.loss / 2


def test_a_pooled_sequence_stands_beside_others():
    """What has no steps may be read beside a sequence, at every step; and the network knows of itself what it has."""
    common = {"dtype": "float64"}
    layers = {
        "a": Recurrent(gated.cells.gru, 3, 4, seed=1, **common),
        "pool": Pool(4, "mean", **common),
        "b": Recurrent(gated.cells.gru, 2 + 4, 5, seed=2, **common),
        "head": Dense(5, V, seed=3, **common),
    }
    net = WiredNetwork(layers, {"a": "x", "b": ["z", "pool"]})
    assert not net.stepless and network("max").stepless
    rng = np.random.default_rng(0)
    x = {"x": rng.standard_normal((6, 2, 3)), "z": rng.standard_normal((4, 2, 2))}
    ends = {"x": np.array([6, 3]), "z": np.array([2, 4])}
    target = rng.integers(0, V, (4, 2))
    assert net.inside(x, ends).tolist() == [[True, True], [True, True], [False, True], [False, True]]
    loss = SoftmaxCrossEntropy()
    found = gradients(net, loss, (x, target, ends)).grads.vector
    for k in rng.integers(0, net.theta.size, 12):
        values = []
        for step in (1e-5, -1e-5):
            net.theta[k] += step
            y = net.infer(x, None, ends)[0]
            values.append(loss(y, target, net.inside(x, ends))[0])
            net.theta[k] -= step
        assert found[k] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


def test_files_and_copies(tmp_path):
    net, given = network("last", dtype="float32"), batch(dtype="float32")
    y = net.infer(given.x, None, given.lengths)[0]
    save_model(tmp_path / "m.safetensors", "test", net, {})
    others = [load_model(tmp_path / "m.safetensors", "test")[0], copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    for other in others:
        np.testing.assert_array_equal(other.infer(given.x, None, given.lengths)[0], y)
        assert other.layers["pool"].config() == net.layers["pool"].config()
    drop = Network({"rnn": gated.LSTM(3, 4), "drop": Dropout(4, 0.25), "head": Dense(4, 2)})
    assert network_from_config(drop.config()).layers["drop"].probability == 0.25
    bad = net.config()
    bad["layers"][1][1]["size"] = "many"
    with pytest.raises(FileFormatError, match="layer 'pool' cannot be built"):
        network_from_config(bad)
    with pytest.raises(ArgumentTypeError, match="tape: got copy or pickle"):
        copy.copy(net.layers["pool"].forward(np.zeros((2, 1, 10), "float32"))[2])


def test_dropout_is_a_mask_forward_and_backward():
    drop, x = Dropout(3, 0.4, dtype="float64"), np.random.default_rng(0).standard_normal((50, 4, 3))
    y, _, mask = drop.forward(x, rng=np.random.default_rng(1))
    zero = y == 0
    assert 0.3 < zero.mean() < 0.5
    np.testing.assert_allclose(y[~zero], (x / 0.6)[~zero])
    np.testing.assert_array_equal(drop.backward(mask, x)[0], y)
    plain, _, none = drop.forward(x)
    np.testing.assert_array_equal(plain, x)
    np.testing.assert_array_equal(drop.backward(none, x)[0], x)
    np.testing.assert_array_equal(drop.infer(x)[0], x)
    assert repr(drop) == "Dropout(3, 0.4)"


def test_messages():
    with pytest.raises(ArgumentError, match="way: got 'sum', expected 'mean', 'max' or 'last'"):
        Pool(4, "sum")
    with pytest.raises(ArgumentError, match="size: got 3, expected an even number for 2 directions"):
        Pool(3, "last", directions=2)
    with pytest.raises(ArgumentError, match="directions: got 3, expected at most 2"):
        Pool(3, directions=3)
    with pytest.raises(ArgumentError, match=r"layers\['pool'\]: got a layer whose output has no steps, in a chain"):
        Network({"rnn": gated.LSTM(3, 4), "pool": Pool(4), "head": Dense(4, 2)})
    pool = Pool(4)
    with pytest.raises(ArgumentError, match=r"x: got an array of shape \(2, 4\)"):
        pool.forward(np.zeros((2, 4), "float32"))
    with pytest.raises(ArgumentError, match="lengths: got a length of 3, expected 0 to 2"):
        pool.forward(np.zeros((2, 1, 4), "float32"), None, [3])
    tape = pool.forward(np.zeros((2, 1, 4), "float32"))[2]
    with pytest.raises(ArgumentError, match=r"dy: got an array of shape \(2, 4\)"):
        pool.backward(tape, np.zeros((2, 4), "float32"))
    with pytest.raises(ArgumentTypeError, match="tape: got that of another layer"):
        Pool(4).backward(tape, np.zeros((1, 4), "float32"))
    with pytest.raises(ArgumentError, match="x: got no 'x', for whose end 'pool' waits, expected a sequence whose end"):
        network("mean", both=False).stream()
    with pytest.raises(ArgumentError, match=r"probability: got 1.0, expected a probability, 0 <= p < 1"):
        Dropout(4, 1.0)
    with pytest.raises(ArgumentError, match=r"x: got one number, expected shape \(..., 4\)"):
        Dropout(4).forward(1.0)
    with pytest.raises(ArgumentError, match=r"dy: got shape \(1, 4\), expected \(2, 4\), that of y"):
        drop = Dropout(4)
        drop.backward(drop.forward(np.ones((2, 4), "float32"), rng=np.random.default_rng(0))[2], np.ones((1, 4), "f4"))
