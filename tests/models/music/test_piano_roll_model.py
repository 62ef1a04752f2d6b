"""The model of piano rolls: its likelihood against others', what it learns, what it composes, its files."""

import numpy as np
import pytest
from tests.data.music import makers

import gated
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError
from gated.interop.model_file import save_model
from gated.learning import gradients
from gated.losses import SigmoidCrossEntropy
from gated.models.music import PianoRollModel
from gated.models.music.batches import shuffled, side_by_side
from gated.nn import LSTM, Dense, Network

PIECES = makers.pieces(5, steps=(1, 9))


def small(cell=None, **options):
    return PianoRollModel.build(cell, **{"hidden_size": 7, "dtype": "float64", "seed": 1} | options)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_numpy(model, roll):
    """(T,): the log-likelihood of an Elman network, step by step, from the definition."""
    p = {name: np.array(value) for name, value in model.network.params.items()}
    h, before, found = np.zeros(7), np.zeros(88), []
    for row in roll:
        h = np.tanh(p["rnn.l0.W.h"] @ before + p["rnn.l0.U.h"] @ h + p["rnn.l0.b.h"])
        sounds = sigmoid(p["head.W.y"] @ h + p["head.b.y"])
        found.append(np.where(row > 0, np.log(sounds), np.log(1 - sounds)).sum())
        before = row.astype(float)
    return np.array(found)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_the_likelihood_is_that_of_the_definition(backend):
    model = small(gated.cells.rnn, backend=backend)
    found = model.log_likelihood(PIECES)
    for piece, own in zip(PIECES, found, strict=True):
        np.testing.assert_allclose(own, by_numpy(model, piece.roll), rtol=1e-12)
    assert model.evaluate(PIECES) == pytest.approx(-np.concatenate(found).mean(), rel=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "gru_reset_after"])
def test_the_likelihood_is_pytorchs(kind):
    torch = pytest.importorskip("torch")
    from gated.cells import ZOO

    model = small(ZOO[kind], num_layers=2)
    p = {name: torch.tensor(np.array(value)) for name, value in model.network.params.items()}
    gates = {"lstm": ("i", "f", "g", "o"), "gru_reset_after": ("r", "z", "n")}[kind]
    rnn = (torch.nn.LSTM if kind == "lstm" else torch.nn.GRU)(88, 7, 2).double()
    with torch.no_grad():
        for layer in range(2):
            for theirs, family in (("weight_ih", "W"), ("weight_hh", "U"), ("bias_ih", "b")):
                value = torch.cat([p[f"rnn.l{layer}.{family}.{gate}"] for gate in gates])
                getattr(rnn, f"{theirs}_l{layer}").copy_(value)
            hidden = torch.zeros(len(gates) * 7, dtype=torch.double)
            if kind != "lstm":
                hidden[14:] = p[f"rnn.l{layer}.b.hn"]
            getattr(rnn, f"bias_hh_l{layer}").copy_(hidden)
        for piece, own in zip(PIECES, model.log_likelihood(PIECES), strict=True):
            roll = torch.tensor(piece.roll, dtype=torch.double)
            y = rnn(torch.cat([torch.zeros(1, 88), roll[:-1]]).double()[:, None])[0][:, 0]
            logits = y @ p["head.W.y"].T + p["head.b.y"]
            each = torch.nn.functional.binary_cross_entropy_with_logits(logits, roll, reduction="none")
            np.testing.assert_allclose(own, -each.sum(1).numpy(), rtol=1e-10)


def test_the_loss_of_a_batch_is_the_mean_over_all_steps_of_its_pieces():
    """So what is minimised is what is told: nats per step."""
    model = small()
    batch = side_by_side([piece.roll for piece in PIECES], model.network.dtype)
    assert gradients(model.network, SigmoidCrossEntropy(), batch).loss == pytest.approx(model.evaluate(PIECES))


def test_padding_changes_nothing():
    model = small()
    alone = [model.log_likelihood([piece])[0] for piece in PIECES]
    for together in (PIECES, [*PIECES, *makers.pieces(1, rng=9, steps=(40, 41))]):
        for own, other in zip(alone, model.log_likelihood(together), strict=False):
            np.testing.assert_allclose(own, other, rtol=1e-13)
    batch = side_by_side([piece.roll for piece in PIECES], "float64")
    dirty = batch.x.copy()
    for n, length in enumerate(batch.lengths):
        dirty[length:, n] = 1.0
    loss = SigmoidCrossEntropy()
    one = gradients(model.network, loss, batch)
    other = gradients(model.network, loss, batch._replace(x=dirty))
    np.testing.assert_array_equal(one.grads.vector, other.grads.vector)


def test_the_first_step_is_foretold_from_silence_and_counts():
    batch = side_by_side([makers.roll_of((60,), (62, 64), (65,)), makers.roll_of((70,))], "float32")
    assert batch.lengths.tolist() == [3, 1] and not batch.x[0].any() and not batch.x[:, 1].any()
    np.testing.assert_array_equal(batch.x[1:, 0], batch.target[:-1, 0])
    assert [len(own) for own in small().log_likelihood(PIECES)] == [len(piece.roll) for piece in PIECES]


@pytest.mark.parametrize("cell", ["rnn", "gru", "peephole_lstm"])
def test_the_gradient_is_that_of_differences(cell):
    model, rng = small(gated.cells.ZOO[cell]), np.random.default_rng(0)
    batch = side_by_side([piece.roll for piece in PIECES], "float64")
    found = gradients(model.network, SigmoidCrossEntropy(), batch)
    theta, direction = model.network.theta, rng.standard_normal(model.network.theta.shape)
    before, values = theta.copy(), []
    for sign in (1, -1):
        theta[:] = before + sign * 1e-6 * direction
        values.append(model.evaluate(PIECES))
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(found.grads.vector @ direction), rel=1e-6)


def test_it_begins_with_how_often_each_key_sounds():
    model = small(pieces=PIECES)
    rolls = np.concatenate([piece.roll for piece in PIECES])
    share = (rolls.sum(0) + 1) / (len(rolls) + 2)
    np.testing.assert_allclose(sigmoid(model.network.params["head.b.y"]), share)
    assert sigmoid(small().network.params["head.b.y"]).sum() == pytest.approx(4)


def test_it_learns_by_heart():
    model = small(gated.cells.lstm, hidden_size=24, pieces=PIECES[:3])
    before = model.evaluate(PIECES[:3])
    assert model.fit(PIECES[:3], epochs=300, batch=2, lr=2e-2) is model
    assert model.evaluate(PIECES[:3]) < 0.15 * before


def test_the_best_of_the_valid_pieces_is_kept():
    """Learning random pieces by heart makes others ever less likely."""
    judged = []

    class Watch(gated.learning.Callback):
        def on_evaluation(self, run, line):
            judged.append(line["nats_per_step"])

    model = small(hidden_size=16, pieces=PIECES[:3])
    model.fit(PIECES[:3], PIECES[3:], epochs=60, batch=3, lr=3e-2, patience=5, callbacks=[Watch()])
    assert len(judged) < 60 and int(np.argmin(judged)) == len(judged) - 6
    assert model.evaluate(PIECES[3:]) == pytest.approx(min(judged), rel=1e-12)


def test_pieces_are_moved_while_learning_within_the_keyboard():
    rolls = [makers.roll_of((21, 60), (60,)), makers.roll_of((60,), (108,)), makers.roll_of((58, 60), (59,))]
    seen = {k: set() for k in range(3)}
    for seed in range(60):
        for batch in shuffled(rolls, 2, 3, np.random.default_rng(seed), "float32"):
            for n in range(batch.target.shape[1]):
                own = batch.target[:, n]
                keys = np.flatnonzero(own.any(0)) + 21
                kind = next(k for k, roll in enumerate(rolls) if np.ptp(np.flatnonzero(roll.any(0))) == np.ptp(keys))
                assert own.sum() == rolls[kind].sum()
                seen[kind].add(int(keys[0] - 21 - np.flatnonzero(rolls[kind].any(0))[0]))
    assert seen == {0: {0, 1, 2, 3}, 1: {-3, -2, -1, 0}, 2: {-3, -2, -1, 0, 1, 2, 3}}
    (batch,) = shuffled(rolls, 3, 0, np.random.default_rng(0), "float32")
    assert sorted(batch.target.sum((0, 2)).tolist()) == [2, 3, 3]


@pytest.mark.parametrize("voices", [None, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 0.0])
def test_one_seed_composes_the_same_in_both_backends(voices, temperature):
    rolls = []
    for backend in ("native", "reference"):
        model = small(backend=backend, pieces=PIECES)
        how = {"temperature": temperature, "voices": voices, "prompt": PIECES[0], "seed": 5}
        rolls.append(model.sample(40, **how))
        np.testing.assert_array_equal(np.array(list(model.stream(40, **how))), rolls[-1])
    np.testing.assert_array_equal(*rolls)
    assert rolls[0].shape == (40, 88) and rolls[0].dtype == np.uint8
    if voices:
        assert (rolls[0].sum(1) == voices).all()


def test_another_seed_or_prompt_composes_something_else():
    model = small(pieces=PIECES)
    whole = model.sample(30, seed=1)
    assert (model.sample(30, seed=2) != whole).any()
    np.testing.assert_array_equal(model.sample(12, seed=1), whole[:12])
    assert model.sample(0).shape == (0, 88)
    # a prompt is what has sounded: the likelihood of what follows says how likely it was to be drawn
    roll = np.concatenate([PIECES[1].roll, model.sample(1, temperature=0.0, prompt=PIECES[1])])
    logits = model.network.forward(side_by_side([roll], "float64").x)[0][-1, 0]
    likeliest = np.argsort(-logits, kind="stable")[: round(float(sigmoid(logits).sum()))]
    assert len(likeliest) and sorted(likeliest) == np.flatnonzero(roll[-1]).tolist()


def test_what_it_draws_has_the_models_probabilities():
    model = small(pieces=PIECES)
    prompt = PIECES[2].roll
    logits = model.network.forward(side_by_side([np.concatenate([prompt, prompt[:1]])], "float64").x)[0][-1, 0]
    share = np.mean([model.sample(1, prompt=prompt, seed=seed)[0] for seed in range(2000)], axis=0)
    np.testing.assert_allclose(share, sigmoid(logits), atol=0.05)


@pytest.mark.parametrize("cell, names", [("lstm", "ifo"), ("gru", "rz"), ("rnn", "")])
def test_gates_are_those_of_the_equations(cell, names):
    model = small(gated.cells.ZOO[cell], num_layers=2)
    found = model.gates(PIECES[0])
    assert list(found) == list(names)
    steps = len(PIECES[0].roll)
    assert all(own.shape == (steps, 7) and (own > 0).all() and (own < 1).all() for own in found.values())
    if cell == "gru":  # at the first step the second layer reads h of the first, from silence and rest
        p = {name: np.array(value) for name, value in model.network.params.items()}
        z = sigmoid(p["rnn.l0.b.z"])
        h = z * np.tanh(p["rnn.l0.b.n"])
        np.testing.assert_allclose(found["r"][0], sigmoid(p["rnn.l1.W.r"] @ h + p["rnn.l1.b.r"]))


def test_it_is_read_again(tmp_path):
    model = small(gated.cells.lstm, num_layers=2, pieces=PIECES)
    model.about = {"what": "music"}
    model.save(tmp_path / "model.safetensors")
    again = PianoRollModel.load(tmp_path / "model.safetensors")
    assert again.about == {"what": "music"} and repr(again) == repr(model)
    np.testing.assert_array_equal(again.sample(20, seed=3), model.sample(20, seed=3))
    assert again.evaluate(PIECES) == model.evaluate(PIECES)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(ArgumentError, match="does not exist"):
        PianoRollModel.load(path)
    model = small()
    save_model(path, "gated translator", model.network, {"about": {}})
    with pytest.raises(FileFormatError, match="got a gated translator, expected a gated piano roll model"):
        PianoRollModel.load(path)
    save_model(path, "gated piano roll model", model.network, {"about": 3})
    with pytest.raises(FileFormatError, match="about: expected an object"):
        PianoRollModel.load(path)
    other = Network({"rnn": LSTM(88, 5), "head": Dense(5, 87)})
    save_model(path, "gated piano roll model", other, {"about": {}})
    with pytest.raises(FileFormatError, match="got a network from 88 to 87 numbers, expected 88 to 88"):
        PianoRollModel.load(path)
    model.about = [3]
    with pytest.raises(ArgumentTypeError, match="about: got"):
        model.save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FileFormatError, match="not a whole safetensors file"):
        PianoRollModel.load(path)


@pytest.mark.parametrize(
    "network, message",
    [
        (None, "network: got None, expected a Network of the layers rnn and head"),
        (Network({"a": LSTM(88, 88)}), "expected a Network of the layers rnn and head"),
        (Network({"rnn": Dense(88, 5), "head": Dense(5, 88)}), "as rnn, expected a Recurrent of one direction"),
        (
            Network({"rnn": LSTM(88, 5, bidirectional=True), "head": Dense(10, 88)}),
            "as rnn, expected a Recurrent of one direction",
        ),
    ],
)
def test_other_networks_are_refused(network, message):
    with pytest.raises(ArgumentError, match=message):
        PianoRollModel(network)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.fit(PIECES, epochs=0), "epochs: got 0"),
        (lambda m: m.fit(PIECES, batch=0), "batch: got 0"),
        (lambda m: m.fit(PIECES, patience=3), "valid: got None, expected pieces: patience is about"),
        (lambda m: m.fit(PIECES, transpose=-1), "transpose: got -1"),
        (lambda m: m.fit(PIECES, optimizer="lion"), "optimizer: got 'lion'"),
        (lambda m: m.fit([]), "pieces: got none, expected at least one piece"),
        (lambda m: m.fit(PIECES, []), "valid: got none"),
        (lambda m: m.fit(PIECES[0].roll), "pieces: got an array .*expected a list of pieces"),
        (lambda m: m.fit(3), "pieces: got int 3"),
        (lambda m: m.evaluate([np.zeros((0, 88))]), r"pieces\[0\]: got no step"),
        (lambda m: m.evaluate([PIECES[0], np.zeros((3, 4))]), r"pieces\[1\]: got .*expected shape"),
        (lambda m: m.sample(-1), "length: got -1"),
        (lambda m: m.sample(temperature=-0.1), "temperature: got -0.1"),
        (lambda m: m.sample(voices=0), "voices: got 0"),
        (lambda m: m.sample(voices=89), "voices: got 89, expected at most 88"),
        (lambda m: m.sample(seed=-1), "seed: got -1"),
        (lambda m: m.sample(prompt="C major"), "prompt: got"),
        (lambda m: m.gates(np.zeros((0, 88))), r"piece\[0\]: got no step"),
    ],
)
def test_messages(call, message):
    model = small()
    before = model.network.theta.copy()
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        call(model)
    np.testing.assert_array_equal(model.network.theta, before)


def test_a_network_that_is_not_finite_composes_nothing():
    model = small()
    model.network.theta[:] = np.nan
    with pytest.raises(GatedError, match="sample: the network's output is not finite at step 0"):
        model.sample(3)


def test_a_copy_has_a_network_of_its_own():
    import copy

    model = small()
    other = copy.copy(model)
    other.network.theta[:] = 0
    assert model.network.theta.any()
