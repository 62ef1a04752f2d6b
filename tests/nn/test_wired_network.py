"""Networks that are no chain against PyTorch's autograd, by parts and with their end in one call."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import gated
from gated import Dense, Embedding, Network, Recurrent, WiredNetwork
from gated.data.sequences import Sequences
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.learning import SGD, Adam, Online, Training, full_step, gradients
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn.network import network_from_config

T, S, N = 6, 4, 5
CLOSE = 1e-12


def captioner(backend="native", cell=gated.cells.lstm, both=False, **options):
    """Features into h0; with `both` at every step too."""
    common = {"dtype": "float64", "backend": backend}
    layers = {
        "project": Dense(9, 2 * 13, "tanh", seed=1, **common),
        "embed": Embedding(11, 7, seed=2, **common),
        "rnn": Recurrent(cell, 7 + 9 * both, 13, num_layers=2, seed=3, **options, **common),
        "head": Dense(13, 11, seed=4, **common),
    }
    wires = {
        "project": "features",
        "embed": "captions",
        "rnn": {"x": ["embed", "features"] if both else "embed", "h": "project"},
    }
    return WiredNetwork(layers, wires)


def translator(backend="native", bidirectional=False):
    """The last states of one network feed another: as they are, or through a dense layer."""
    common = {"dtype": "float64", "backend": backend}
    layers = {
        "read": Embedding(8, 3, seed=1, **common),
        "encoder": gated.GRU(3, 6, bidirectional=bidirectional, reset_after=True, seed=2, **common),
        **({"bridge": Dense(12, 6, "tanh", seed=3, **common)} if bidirectional else {}),
        "write": Embedding(9, 4, seed=4, **common),
        "decoder": gated.GRU(4, 6, reset_after=True, seed=5, **common),
        "head": Dense(6, 9, seed=6, **common),
    }
    start = {"h": "bridge"} if bidirectional else {"state": "encoder"}
    wires = {"read": "source", "write": "target", "decoder": {"x": "write", **start}}
    wires |= {"bridge": "encoder.h"} if bidirectional else {}
    return WiredNetwork(layers, wires)


def caption_batch(seed=0, lengths=True):
    rng = np.random.default_rng(seed)
    x = {"features": rng.standard_normal((N, 9)), "captions": rng.integers(0, 11, (T, N))}
    target = rng.integers(0, 11, (T, N))
    own = {"captions": np.array([T, 1, 3, T, 2])} if lengths else None
    return Sequences(x, target, own)


def translator_batch(seed=0):
    rng = np.random.default_rng(seed)
    x = {"source": rng.integers(0, 8, (S, N)), "target": rng.integers(0, 9, (T, N))}
    lengths = {"source": np.array([S, 1, 2, 4, 3]), "target": np.array([2, T, 1, T, 3])}
    return Sequences(x, rng.integers(0, 9, (T, N)), lengths)


def tensor(array):
    return torch.tensor(array, requires_grad=True)


def lstm_by_torch(params, prefix, x, h, c):
    """(T, N, D) through one layer, equation by equation."""
    own = {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
    outputs = []
    for x_t in x:
        gates = {g: x_t @ own[f"W.{g}"].T + h @ own[f"U.{g}"].T + own[f"b.{g}"] for g in "ifgo"}
        i, f, o = (torch.sigmoid(gates[g]) for g in "ifo")
        c = f * c + i * torch.tanh(gates["g"])
        h = o * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


def caption_loss_by_torch(network, batch, both):
    params = {name: tensor(array) for name, array in network.params.items()}
    features = tensor(batch.x["features"])
    h0 = torch.tanh(features @ params["project.W.y"].T + params["project.b.y"])
    y = params["embed.W"][torch.tensor(batch.x["captions"])]
    if both:
        y = torch.cat([y, features.expand(T, N, 9)], dim=2)
    for level in range(2):
        zeros = torch.zeros(N, 13, dtype=torch.float64)
        y = lstm_by_torch(params, f"rnn.l{level}.", y, h0[:, 13 * level : 13 * (level + 1)], zeros)
    logits = y @ params["head.W.y"].T + params["head.b.y"]
    losses = nn.functional.cross_entropy(logits.permute(0, 2, 1), torch.tensor(batch.target), reduction="none")
    inside = torch.ones(T, N, dtype=bool)
    if batch.lengths is not None:
        inside = torch.arange(T)[:, None] < torch.tensor(batch.lengths["captions"])
    loss = losses[inside].mean()
    loss.backward()
    return loss.item(), {name: value.grad.numpy() for name, value in params.items()}, features.grad.numpy()


def close(came, expected):
    for name, array in expected.items():
        assert np.linalg.norm(came[name] - array) <= CLOSE * max(np.linalg.norm(array), 1e-3), name


@pytest.mark.parametrize("both", [False, True], ids=["into h0", "at every step too"])
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_captioner_is_pytorchs(backend, lengths, both):
    network, batch = captioner(backend, both=both), caption_batch(lengths=lengths)
    loss, grads, features = caption_loss_by_torch(network, batch, both)
    found = gradients(network, SoftmaxCrossEntropy(), batch)
    assert found.loss == pytest.approx(loss, rel=CLOSE)
    close(found.grads, grads)
    y, _, tape = network.forward(batch.x, lengths=batch.lengths)
    value, dy = SoftmaxCrossEntropy()(y, batch.target, network.inside(batch.x, batch.lengths))
    dx, _, own = network.backward(tape, dy)
    assert value == pytest.approx(loss, rel=CLOSE)
    close(own, grads)
    close({"features": dx["features"]}, {"features": features})
    assert dx["captions"] is None


def translator_loss_by_torch(network, batch, bidirectional):
    params = {name: tensor(array) for name, array in network.params.items()}

    def gru(prefix, x, h, lengths, reverse=False):
        own = {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
        outputs = []
        for n, length in enumerate(lengths):
            state, steps = h[n], []
            for t in reversed(range(length)) if reverse else range(length):
                wx = {g: own[f"W.{g}"] @ x[t, n] + own[f"b.{g}"] for g in "rzn"}
                r, z = (torch.sigmoid(wx[g] + own[f"U.{g}"] @ state) for g in "rz")
                new = torch.tanh(wx["n"] + r * (own["U.n"] @ state + own["b.hn"]))
                state = (1 - z) * new + z * state
                steps.append(state)
            outputs.append(steps)
        return outputs

    zeros = torch.zeros(N, 6, dtype=torch.float64)
    source = params["read.W"][torch.tensor(batch.x["source"])]
    state = torch.stack([steps[-1] for steps in gru("encoder.l0.", source, zeros, batch.lengths["source"])])
    if bidirectional:
        back = gru("encoder.l0_reverse.", source, zeros, batch.lengths["source"], reverse=True)
        both = torch.cat([state, torch.stack([steps[-1] for steps in back])], dim=1)
        state = torch.tanh(both @ params["bridge.W.y"].T + params["bridge.b.y"])
    words = params["write.W"][torch.tensor(batch.x["target"])]
    outputs = gru("decoder.l0.", words, state, batch.lengths["target"])
    losses = []
    for n, steps in enumerate(outputs):
        logits = torch.stack(steps) @ params["head.W.y"].T + params["head.b.y"]
        losses.append(nn.functional.cross_entropy(logits, torch.tensor(batch.target[: len(steps), n]), reduction="sum"))
    loss = sum(losses) / int(batch.lengths["target"].sum())
    loss.backward()
    return loss.item(), {name: value.grad.numpy() for name, value in params.items()}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_translator_is_pytorchs(backend, bidirectional):
    network, batch = translator(backend, bidirectional), translator_batch()
    loss, grads = translator_loss_by_torch(network, batch, bidirectional)
    found = gradients(network, SoftmaxCrossEntropy(), batch)
    assert found.loss == pytest.approx(loss, rel=CLOSE)
    close(found.grads, grads)
    y, _, tape = network.forward(batch.x, lengths=batch.lengths)
    _, dy = SoftmaxCrossEntropy()(y, batch.target, network.inside(batch.x, batch.lengths))
    close(network.backward(tape, dy)[2], grads)


@pytest.mark.parametrize("make, batch", [(captioner, caption_batch), (translator, translator_batch)])
def test_infer_is_forward(make, batch):
    network, own = make(), batch()
    y, last, _ = network.forward(own.x, lengths=own.lengths)
    again, states = network.infer(own.x, lengths=own.lengths)
    np.testing.assert_allclose(again, y, rtol=0, atol=1e-13)
    assert states.keys() == last.keys()
    for name, arrays in last.items():
        for one, other in zip(arrays, states[name], strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-13)


def test_batch_first_is_the_same_turned():
    one, other = captioner(both=True), captioner(both=True, batch_first=True)
    batch = caption_batch()
    x = {**batch.x, "captions": batch.x["captions"].T}
    mine = gradients(one, SoftmaxCrossEntropy(), batch)
    theirs = gradients(other, SoftmaxCrossEntropy(), batch._replace(x=x, target=batch.target.T))
    assert mine.loss == pytest.approx(theirs.loss, rel=1e-14)
    close(theirs.grads, dict(mine.grads))


def test_a_state_that_is_given_goes_before_what_is_wired():
    network, batch, rng = captioner(), caption_batch(lengths=False), np.random.default_rng(3)
    state = {"rnn": tuple(rng.standard_normal((2, N, 13)) for _ in range(2))}
    y, last, tape = network.forward(batch.x, state)
    plain = Network({name: copy.deepcopy(network.layers[name]) for name in ("embed", "rnn", "head")})
    expected, _, own = plain.forward(batch.x["captions"], state)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)
    dy = rng.standard_normal(y.shape)
    dx, first, grads = network.backward(tape, dy, {"rnn": state["rnn"]})
    _, other, _ = plain.backward(own, dy, {"rnn": state["rnn"]})
    for mine, theirs in zip(first["rnn"], other["rnn"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)
    assert not grads["project.W.y"].any() and dx["features"] is None or not np.any(dx["features"])
    found = gradients(network, SoftmaxCrossEntropy(), batch, state)
    assert not found.grads["project.W.y"].any() and found.grads["rnn.l0.W.i"].any()


def test_the_adjoint_of_last_states_comes_beside_that_of_who_reads_them():
    """By differences of a loss of y and the encoder's last state."""
    network, batch, rng = translator(), translator_batch(), np.random.default_rng(5)
    y, last, tape = network.forward(batch.x, lengths=batch.lengths)
    dy, dlast = rng.standard_normal(y.shape), rng.standard_normal(last["encoder"][0].shape)
    grads = network.backward(tape, dy, {"encoder": (dlast,)})[2]

    def value():
        y, last = network.infer(batch.x, lengths=batch.lengths)
        return float((y * dy).sum() + (last["encoder"][0] * dlast).sum())

    direction, step, theta = rng.standard_normal(network.theta.shape), 1e-6, network.theta.copy()
    values = []
    for sign in (1, -1):
        network.theta[:] = theta + sign * step * direction
        values.append(value())
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(grads.vector @ direction), rel=1e-7)


@pytest.mark.parametrize("both", [False, True])
def test_a_stream_is_the_sequence_step_by_step(both):
    network, batch = captioner(both=both), caption_batch(lengths=False)
    y, last = network.infer(batch.x)
    stream = network.stream({"features": batch.x["features"]})
    for t in range(T):
        np.testing.assert_allclose(stream.step(batch.x["captions"][t]), y[t], rtol=0, atol=1e-13)
    for mine, theirs in zip(stream.state["rnn"], last["rnn"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-13)
    stream.reset()
    np.testing.assert_allclose(stream.step(batch.x["captions"][0]), y[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("both", [False, True])
def test_draws_are_the_likeliest_at_temperature_0_and_backends_agree(both):
    batch, drawn = caption_batch(lengths=False), []
    uniforms = np.random.default_rng(1).random((T, N))
    for backend in ("native", "reference"):
        network = captioner(backend, both=both)
        stream, ids = network.stream({"features": batch.x["features"]}), np.arange(N)
        greedy = network.stream({"features": batch.x["features"]}).draw(ids, uniforms, 0.0)
        for t in range(T):
            ids = stream.step(ids).argmax(axis=1)
            np.testing.assert_array_equal(greedy[t], ids)
        drawn.append(network.stream({"features": batch.x["features"]}).draw(np.arange(N), uniforms, 1.0))
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("both", [False, True])
def test_select_goes_on_from_others(both):
    network, batch = captioner(both=both), caption_batch(lengths=False)
    rows = np.array([2, 2, 0, 4, 1])
    stream = network.stream({"features": batch.x["features"]})
    stream.step(batch.x["captions"][0])
    stream.select(rows)
    came = stream.step(batch.x["captions"][1][rows])
    x = {"features": batch.x["features"][rows], "captions": batch.x["captions"][:2, rows]}
    np.testing.assert_allclose(came, network.infer(x)[0][1], rtol=0, atol=1e-13)
    stream.reset()
    np.testing.assert_allclose(stream.step(x["captions"][0]), network.infer(x)[0][0], rtol=0, atol=1e-13)
    with pytest.raises(ArgumentError, match=r"rows: got the id 5, expected ids from 0 to 4"):
        stream.select([0, 1, 2, 3, 5])


def test_the_translator_writes_from_the_end_of_what_it_has_read():
    network, batch = translator(), translator_batch()
    x, lengths = {"source": batch.x["source"]}, {"source": batch.lengths["source"]}
    stream = network.stream(x, lengths=lengths)
    y = network.infer(batch.x, lengths=lengths)[0]
    for t in range(T):
        np.testing.assert_allclose(stream.step(batch.x["target"][t]), y[t], rtol=0, atol=1e-13)


def test_steps_of_training_are_those_of_the_parts():
    rng, losses = np.random.default_rng(0), []
    for backend in ("native", "reference"):
        network, optimizer = captioner(backend, both=True), SGD(0.1)
        own = []
        for k in range(5):
            own.append(full_step(network, SoftmaxCrossEntropy(), optimizer, caption_batch(k), clip=0.5))
        losses.append((own, network.theta.copy()))
    np.testing.assert_allclose(losses[0][0], losses[1][0], rtol=1e-11)
    np.testing.assert_allclose(losses[0][1], losses[1][1], rtol=0, atol=1e-11)
    assert rng is not None


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_dropout_draws_the_same_masks(backend):
    network, batch = captioner(backend, dropout=0.5), caption_batch()
    found = gradients(network, SoftmaxCrossEntropy(), batch, rng=np.random.default_rng(7))
    y, _, tape = network.forward(batch.x, lengths=batch.lengths, rng=np.random.default_rng(7))
    value, dy = SoftmaxCrossEntropy()(y, batch.target, network.inside(batch.x, batch.lengths))
    assert found.loss == pytest.approx(value, rel=1e-13)
    close(found.grads, dict(network.backward(tape, dy)[2]))
    assert found.loss != pytest.approx(gradients(network, SoftmaxCrossEntropy(), batch).loss, rel=1e-6)


def test_a_batch_without_a_mask_counts_the_predictions_of_the_output():
    training = Training(
        translator(), SoftmaxCrossEntropy(), Adam(1e-2), lambda epoch: [translator_batch()], carry_state=False
    )
    update = next(iter(training))
    assert update.predictions == int(translator_batch().lengths["target"].sum())
    losses = [update.loss for update, _ in zip(training, range(60), strict=False)]
    assert losses[-1] < losses[0] / 3


def test_an_output_without_steps():
    """One answer for each sequence: the last state and other numbers, side by side."""
    layers = {
        "rnn": gated.LSTM(2, 5, dtype="float64", seed=1),
        "answer": Dense(8, 3, dtype="float64", seed=2),
    }
    network = WiredNetwork(layers, {"rnn": "x", "answer": ["rnn.h", "about"]})
    rng = np.random.default_rng(0)
    x = {"x": rng.standard_normal((T, N, 2)), "about": rng.standard_normal((N, 3))}
    target, lengths = rng.standard_normal((N, 3)), {"x": [1, T, 2, 3, T]}
    found = gradients(network, SquaredError(), Sequences(x, target, lengths))
    y, _, tape = network.forward(x, lengths=lengths)
    assert y.shape == (N, 3)
    value, dy = SquaredError()(y, target)
    assert found.loss == pytest.approx(value, rel=1e-14)
    close(found.grads, dict(network.backward(tape, dy)[2]))
    direction, theta, values = rng.standard_normal(network.theta.shape), network.theta.copy(), []
    for sign in (1, -1):
        network.theta[:] = theta + sign * 1e-6 * direction
        values.append(SquaredError()(network.infer(x, lengths=lengths)[0], target)[0])
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(found.grads.vector @ direction), rel=1e-7)


def test_tied_layers_share_their_gradient():
    shared = Embedding(9, 4, dtype="float64", seed=1)
    common = {"dtype": "float64"}
    layers = {
        "read": shared,
        "encoder": gated.LSTM(4, 6, seed=2, **common),
        "write": shared,
        "decoder": gated.LSTM(4, 6, seed=3, **common),
        "head": Dense(6, 9, seed=4, **common),
    }
    network = WiredNetwork(layers, {"read": "source", "write": "target", "decoder": {"x": "write", "state": "encoder"}})
    batch = translator_batch()
    found = gradients(network, SoftmaxCrossEntropy(), batch)
    y, _, tape = network.forward(batch.x, lengths=batch.lengths)
    _, dy = SoftmaxCrossEntropy()(y, batch.target, network.inside(batch.x, batch.lengths))
    close(found.grads, dict(network.backward(tape, dy)[2]))
    reference = WiredNetwork(
        {name: copy.deepcopy(layer) for name, layer in layers.items()},
        {"read": "source", "write": "target", "decoder": {"x": "write", "state": "encoder"}},
    )
    apart = gradients(reference, SoftmaxCrossEntropy(), batch).grads
    close({"read.W": found.grads["read.W"]}, {"read.W": apart["read.W"] + apart["write.W"]})


@pytest.mark.parametrize("make", [captioner, translator])
def test_copies_pickles_and_descriptions_are_the_same_network(make, tmp_path):
    network = make()
    batch = {captioner: caption_batch, translator: translator_batch}[make]()
    y = network.infer(batch.x, lengths=batch.lengths)[0]
    described = network_from_config(network.config())
    described.theta[:] = network.theta
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), described):
        assert other.inputs == network.inputs
        np.testing.assert_array_equal(other.infer(batch.x, lengths=batch.lengths)[0], y)
        other.theta[:] = 0.0
    np.testing.assert_array_equal(network.infer(batch.x, lengths=batch.lengths)[0], y)
    from gated.interop.model_file import load_model, save_model

    save_model(tmp_path / "model.safetensors", "mine", network, {})
    loaded, _ = load_model(tmp_path / "model.safetensors", "mine")
    np.testing.assert_array_equal(loaded.infer(batch.x, lengths=batch.lengths)[0], y)


def test_explain_says_what_is_one_call():
    assert (
        captioner().explain().splitlines()[0] == "the layers embed, rnn, head and the loss are one call of machine code"
    )
    assert "read" in translator().explain() and "encoder" in translator().explain()
    assert "one call" not in captioner("reference").explain()


LAYERS = {"a": Dense(2, 3), "r": gated.LSTM(3, 4), "d": Dense(4, 2)}
WRONG = [
    (None, r"wires: got None, expected a dict"),
    ({"z": "x"}, r"wires: got the name 'z', expected names of layers: a, r, d"),
    ({}, r"wires: got none for 'a', the first layer, expected {'a': 'x'}, x being an input"),
    ({"a": "d"}, r"wires\['a'\]\['x'\]: got 'd', expected a layer that comes before it"),
    ({"a": "x", "r": {"h": "a"}}, r"wires\['r'\]: got h alone, expected what the layer reads as 'x'"),
    ({"a": "x", "r": {"x": "a", "q": "a"}}, r"wires\['r'\]: got the name 'q', expected one of x, state, h, c"),
    ({"a": "x", "r": {"x": "a", "h": "a"}}, r"wires\['r'\]\['h'\]: got 3 numbers of 'a', expected 4: 1 levels"),
    ({"a": "x", "r": ["a", "a"]}, r"wires\['r'\]\['x'\]: got 3 \+ 3 numbers for input_size 3"),
    ({"a": "x", "d": "r.q"}, r"wires\['d'\]\['x'\]: got 'r.q', expected a state of 'r': h, c"),
    ({"a": "x", "d": "a.h"}, r"wires\['d'\]\['x'\]: got 'a', expected a recurrent layer that comes before"),
    ({"a": "x", "d": "x y"}, r"wires\['d'\]\['x'\]: got 'x y', expected a name such as"),
    ({"a": "x", "d": 3}, r"wires\['d'\]\['x'\]: got int 3, expected a source, or a list of some"),
    ({"a": "x", "d": [3]}, r"wires\['d'\]\['x'\]: got int 3, expected the name of a layer or of an input"),
    ({"a": "x", "d": {"x": "r", "h": "a"}}, r"wires\['d'\]: got a state 'h', expected x alone: the layer has no state"),
    ({"a": "x", "d": "z"}, r"wires: got nobody who reads 'r', expected a layer that does"),
    ({"a": "x", "r": {"x": "a", "state": "a"}}, r"wires\['r'\]\['state'\]: got 'a', expected a recurrent layer"),
]


@pytest.mark.parametrize("wires, message", WRONG)
def test_wrong_wires_are_told(wires, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        WiredNetwork(copy.deepcopy(LAYERS), wires)


def test_wrong_calls_are_told():
    network, batch = captioner(), caption_batch(lengths=False)
    words, features = batch.x["captions"], batch.x["features"]
    cases = [
        (words, None, r"x: got an array of shape \(6, 5\) and dtype int64, expected a dict with features, captions"),
        ({"captions": words}, None, r"x: got the names captions, expected features, captions"),
        ({"captions": words[..., None], "features": features}, None, r"x\['captions'\]: got an array .* expected ids"),
        ({"captions": words, "features": features[0]}, None, r"x\['features'\]: got an array .* expected numbers"),
        ({"captions": words, "features": features[:2]}, None, r"x\['captions'\]: got 5 sequences, expected 2"),
        (batch.x, [1] * N, r"lengths: got .* expected a dict: {'features': \(N,\)}"),
        (batch.x, {"words": [1] * N}, r"lengths: got the name 'words', expected one of features, captions"),
        (batch.x, {"features": [1] * N}, r"lengths\['features'\]: got lengths of what has no steps, expected none"),
        (batch.x, {"captions": [9] * N}, r"lengths: got a length of 9, expected 0 to 6"),
        (
            {**batch.x, "features": np.zeros((T, N, 9))},
            None,
            r"state from 'project': got shape \(6, 5, 26\), a sequence",
        ),
        (
            {**batch.x, "captions": words[0]},
            None,
            r"x: got no steps of 'embed', which 'rnn' reads, expected a sequence",
        ),
    ]
    for x, lengths, message in cases:
        for call in (network.forward, network.infer):
            with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
                call(x, lengths=lengths)
    with pytest.raises(ArgumentError, match=r"x: got the inputs \(none\), expected all but one of features, captions"):
        network.stream()
    with pytest.raises(ArgumentError, match=r"expected names of recurrent layers: rnn"):
        network.forward(batch.x, {"head": None})
    _, _, tape = network.forward(batch.x)
    with pytest.raises(ArgumentTypeError, match=r"tape"):
        captioner().backward(tape, np.zeros((T, N, 11)))
    config = network.config()
    config["wires"]["rnn"]["x"] = ["nobody", 3]
    with pytest.raises(FileFormatError, match=r"wires"):
        network_from_config(config)


def test_what_cannot_run_step_by_step_is_told():
    with pytest.raises(ArgumentError, match=r"x: got no 'source', at whose end 'decoder' begins"):
        translator().stream({"target": translator_batch().x["target"]})
    layers = {"r": gated.LSTM(2, 3, bidirectional=True), "d": Dense(6, 2)}
    with pytest.raises(ArgumentError, match="bidirectional"):
        WiredNetwork(layers, {"r": "x"}).stream()
    layers = {"r": gated.LSTM(4, 3), "d": Dense(3, 2)}
    with pytest.raises(ArgumentError, match=r"a sequence from 'b' beside single steps in 'r'"):
        WiredNetwork(layers, {"r": ["a", "b"]}).stream({"b": np.zeros((T, N, 2), "f")})


def test_learning_in_real_time_is_refused():
    network = WiredNetwork({"r": gated.LSTM(2, 3), "d": Dense(3, 2)}, {"r": "x"})
    with pytest.raises(ArgumentError, match=r"network: got one that is no chain, expected a gated.Network"):
        Online(network, "online", SGD(0.1), SquaredError())
