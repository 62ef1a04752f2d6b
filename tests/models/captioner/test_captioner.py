"""The captioner against PyTorch's autograd, overfitted, searched, saved, refused."""

import copy
import itertools
import json

import numpy as np
import pytest
import torch
from torch import nn

import gated
from gated.data.scenes import scene_captions
from gated.data.words import Tokenizer, WordVocabulary, caption_ids
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.models.captioner import Captioner, beam_search
from gated.models.captioner.eye import Eye, Filters
from gated.models.cs231n import CaptioningRNN

RNG = np.random.default_rng(0)
TEXTS = ["a red circle", "two blue stars, and a ring", "a ring", "the star is blue", "two red rings"]
FEATURES = RNG.standard_normal((5, 9))


def small(cell=None, **options):
    options = {"features": 9, "embedding_size": 6, "hidden_size": 8, "dtype": "float64", "seed": 3} | options
    return Captioner.build(TEXTS, cell, **options)


def by_torch(captioner, texts):
    """Loss and gradients of the plain form."""
    params = {name: torch.tensor(array, requires_grad=True) for name, array in captioner.network.params.items()}
    ids = torch.tensor(caption_ids(texts, captioner.vocabulary).astype(np.int64))
    h = torch.tensor(FEATURES) @ params["project.W.y"].T + params["project.b.y"]
    c, loss = torch.zeros_like(h), 0.0
    for t in range(ids.shape[1] - 1):
        x = params["embed.W"][ids[:, t]]
        gates = {g: x @ params[f"rnn.l0.W.{g}"].T + h @ params[f"rnn.l0.U.{g}"].T for g in "ifgo"}
        i, f, o = (torch.sigmoid(gates[g] + params[f"rnn.l0.b.{g}"]) for g in "ifo")
        c = f * c + i * torch.tanh(gates["g"] + params["rnn.l0.b.g"])
        h = o * torch.tanh(c)
        logits = h @ params["head.W.y"].T + params["head.b.y"]
        own = nn.functional.cross_entropy(logits, ids[:, t + 1], reduction="none")
        loss = loss + (own * (ids[:, t + 1] != 0)).sum() / len(texts)
    loss.backward()
    return loss.item(), {name: value.grad.numpy() for name, value in params.items()}


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_loss_and_every_gradient_are_pytorchs(backend):
    captioner = small(backend=backend)
    loss, grads = captioner.loss(FEATURES, TEXTS)
    expected, by_name = by_torch(captioner, TEXTS)
    assert loss == pytest.approx(expected, rel=1e-12)
    for name, array in by_name.items():
        np.testing.assert_allclose(grads[name], array, rtol=0, atol=1e-12 * max(1.0, np.abs(array).max()))


def test_ids_are_as_good_as_texts():
    captioner = small()
    loss, grads = captioner.loss(FEATURES, TEXTS)
    again, others = captioner.loss(FEATURES, caption_ids(TEXTS, captioner.vocabulary, 20))
    assert loss == pytest.approx(again, rel=1e-14)
    np.testing.assert_allclose(grads["Wx"], others["Wx"], rtol=0, atol=1e-14)


@pytest.mark.parametrize("cell, kind", [("lstm", "lstm"), ("rnn", "rnn")])
def test_gradients_have_the_assignments_names_and_layouts(cell, kind):
    """The same numbers as `CaptioningRNN` of the assignment gives for the same parameters."""
    captioner = small(gated.cells.ZOO[cell])
    words = {word: number for number, word in enumerate(captioner.vocabulary.words)}
    other = CaptioningRNN(words, input_dim=9, wordvec_dim=6, hidden_dim=8, cell_type=kind, dtype=np.float64)
    own = captioner.network.params
    gates = "ifgo" if cell == "lstm" else "h"
    order = "ifog" if cell == "lstm" else "h"
    assert sorted(gates) == sorted(order)
    other.params = {
        "W_proj": own["project.W.y"].T.copy(),
        "b_proj": own["project.b.y"].copy(),
        "W_embed": own["embed.W"].copy(),
        "Wx": np.concatenate([own[f"rnn.l0.W.{g}"] for g in order]).T.copy(),
        "Wh": np.concatenate([own[f"rnn.l0.U.{g}"] for g in order]).T.copy(),
        "b": np.concatenate([own[f"rnn.l0.b.{g}"] for g in order]),
        "W_vocab": own["head.W.y"].T.copy(),
        "b_vocab": own["head.b.y"].copy(),
    }
    loss, grads = captioner.loss(FEATURES, TEXTS)
    theirs, expected = other.loss(FEATURES, caption_ids(TEXTS, captioner.vocabulary))
    assert loss == pytest.approx(theirs, rel=1e-12)
    for name, array in expected.items():
        np.testing.assert_allclose(grads[name], array, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("show", ["state", "steps", "both"])
@pytest.mark.parametrize("features", [9, (3, 4)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole_lstm"])
def test_gradients_of_every_form_are_those_of_differences(cell, features, show):
    rng = np.random.default_rng(1)
    captioner = small(gated.cells.ZOO[cell], features=features, show=show, look=(5,), read=3)
    seen = rng.standard_normal((5, *(features if isinstance(features, tuple) else (features,))))
    _, grads = captioner.loss(seen, TEXTS)
    theta, names = captioner.network.theta, list(captioner.network.params)
    direction = rng.standard_normal(theta.shape)
    own = np.concatenate([grads[name].ravel() for name in names])
    before, values = theta.copy(), []
    for sign in (1, -1):
        theta[:] = before + sign * 1e-6 * direction
        values.append(captioner.loss(seen, TEXTS)[0])
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(own @ direction), rel=1e-6)


def test_fifty_captions_are_learned_by_heart():
    scenes = scene_captions(50, 1)
    captioner = Captioner.build(scenes.captions, gated.cells.lstm, hidden_size=128, seed=1)
    captioner.fit(scenes.pictures, scenes.captions, epochs=160, batch=10, lr=5e-3)
    assert captioner.predict(scenes.pictures) == scenes.captions
    assert captioner.evaluate(scenes.pictures, scenes.captions) < 0.05


def test_chinese_captions_are_learned_by_heart():
    scenes = scene_captions(12, 2, lang="zh")
    captioner = Captioner.build(scenes.captions, seed=1)
    captioner.fit(scenes.pictures, scenes.captions, epochs=150, batch=6, lr=5e-3)
    assert captioner.predict(scenes.pictures) == scenes.captions


def test_a_search_with_all_beginnings_finds_the_likeliest_caption():
    captioner = small(hidden_size=5)
    captioner.network.params["head.W.y"][:] *= 8.0
    words, length = len(captioner.vocabulary), 3
    end, start = 2, 1
    best = []
    for n in range(len(FEATURES)):
        found = {}
        for caption in itertools.product(range(words), repeat=length):
            own = caption[: caption.index(end) + 1] if end in caption else caption
            found[own] = None
        columns = [[*own, *[0] * (length - len(own))] for own in found]
        given = np.array([[start, *own[:-1]] for own in columns]).T
        seen = captioner._shown(np.repeat(FEATURES[n : n + 1], len(columns), axis=0))
        y, _ = captioner.network.infer({"features": seen, "captions": given})
        log_p = y - np.log(np.exp(y).sum(-1, keepdims=True))
        score = [sum(log_p[t, k, word] for t, word in enumerate(own)) for k, own in enumerate(found)]
        best.append((list(found)[int(np.argmax(score))], max(score)))
    width = words**2
    stream = captioner.network.stream({"features": captioner._shown(np.repeat(FEATURES, width, axis=0))})
    ids, score = beam_search(stream, len(FEATURES), width, start, end, length)
    for n, (caption, own) in enumerate(best):
        assert tuple(ids[: len(caption), n]) == caption
        assert score[n] == pytest.approx(own, rel=1e-10)


def test_one_beam_is_the_likeliest_word_each_time_and_more_beams_are_no_worse():
    captioner = small()
    captioner.fit(FEATURES, TEXTS, epochs=8, batch=5)
    assert captioner.predict(FEATURES, beams=1) == captioner.sample(FEATURES, temperature=0.0)
    stream = captioner.network.stream({"features": captioner._shown(FEATURES)})
    greedy, one = beam_search(stream, 5, 1, 1, 2, 12)
    np.testing.assert_array_equal(
        captioner.sample_ids(FEATURES, temperature=0.0, max_length=12).T != 0, greedy_words(greedy)
    )
    stream = captioner.network.stream({"features": captioner._shown(np.repeat(FEATURES, 6, axis=0))})
    _, six = beam_search(stream, 5, 6, 1, 2, 12)
    assert (six >= one - 1e-12).all()


def greedy_words(ids):
    """Where words stand: <END> and before it."""
    ended = np.cumsum(ids == 2, axis=0) - (ids == 2) > 0
    return ~ended


def test_a_penalty_likes_long_captions():
    captioner = small()
    captioner.fit(FEATURES, TEXTS, epochs=8, batch=5)
    short, long = (captioner.predict(FEATURES, beams=4, penalty=penalty) for penalty in (0.0, 3.0))
    assert sum(map(len, long)) > sum(map(len, short))


def test_draws_depend_on_seed_and_temperature_and_not_on_the_backend():
    options = {"max_length": 12}
    one, other = small(), small(backend="reference")
    assert one.sample(FEATURES, seed=1, **options) == other.sample(FEATURES, seed=1, **options)
    assert one.sample(FEATURES, seed=1, **options) != one.sample(FEATURES, seed=2, **options)
    assert one.sample(FEATURES, seed=1, temperature=1e-6, **options) == one.predict(FEATURES, **options)
    ids = one.sample_ids(FEATURES, max_length=7)
    assert ids.shape == (5, 7)
    behind = np.cumsum(ids == 2, axis=1) - (ids == 2) > 0
    assert (ids[behind] == 0).all()


def test_what_is_saved_is_read_again(tmp_path):
    scenes = scene_captions(8, 1)
    captioner = Captioner.build(scenes.captions, gated.cells.gru, hidden_size=16)
    captioner.about = {"place": "here"}
    captioner.fit(scenes.pictures, scenes.captions, epochs=2)
    captioner.save(tmp_path / "model.safetensors")
    again = Captioner.load(tmp_path / "model.safetensors")
    assert again.about == {"place": "here"} and again.vocabulary == captioner.vocabulary
    assert again.predict(scenes.pictures) == captioner.predict(scenes.pictures)
    assert copy.copy(again).predict(scenes.pictures[0]) == again.predict(scenes.pictures[:1])


def test_gates_of_a_caption_are_those_of_the_tape():
    captioner = small(gated.cells.peephole_lstm)
    found = captioner.explain(FEATURES[2], max_length=6)
    assert set(found.gates) == {"i", "f", "o"} and len(found.words) == len(found.gates["f"])
    assert found.caption == captioner.predict(FEATURES[2:3], max_length=6)[0]
    ids = [captioner.vocabulary.word_to_idx[word] for word in found.words]
    x = {"features": captioner._shown(FEATURES[2:3]), "captions": np.array([[1], *([n] for n in ids[:-1])])}
    _, _, tape = captioner.network.forward(x)
    np.testing.assert_array_equal(found.gates["f"], tape.layers["rnn"]["f"][:, 0])


def test_several_captions_of_a_picture_are_learned_each():
    captioner, told = small(), []
    several = [[text, f"{text} again"] for text in TEXTS]
    captioner = Captioner.build(several, features=9)
    captioner.fit(FEATURES, several, epochs=3, batch=4, on_update=told.append)
    assert told[-1].step == 3 * 3 and "again" in captioner.vocabulary


def test_rare_words_are_unknown():
    captioner = Captioner.build(TEXTS, features=9, minimum_count=2)
    assert set(captioner.vocabulary.words[4:]) == {"a", "red", "two", "blue", "ring"}
    assert np.isfinite(captioner.loss(FEATURES, TEXTS)[0])


WRONG = [
    (lambda c: c.loss(FEATURES[:3], TEXTS), r"captions: got those of 5 pictures, expected 3, one or several of each"),
    (lambda c: c.loss(FEATURES, "a text"), r"captions: got str 'a text', expected a text, or a list of some, for each"),
    (lambda c: c.loss(FEATURES, [*TEXTS[:4], []]), r"captions\[4\]: got list \[\], expected at least one text"),
    (lambda c: c.loss(FEATURES, [*TEXTS[:4], 3]), r"captions\[4\]: got int 3, expected a text, or a list of some"),
    (
        lambda c: c.loss(FEATURES[:, :4], TEXTS),
        r"pictures: got an array of shape \(5, 4\) .* features of shape \(N, 9\)",
    ),
    (lambda c: c.loss(np.zeros((5, 8, 8, 3), np.uint8), TEXTS), r"pictures: got .* it has no filters"),
    (lambda c: c.loss(FEATURES * np.nan, TEXTS), r"pictures: got features that are not finite"),
    (
        lambda c: c.loss(FEATURES.astype(int), TEXTS),
        r"pictures: got .* expected pictures \(N, S, S, 3\) uint8, or feat",
    ),
    (lambda c: c.loss(FEATURES, np.full((5, 4), 99)), r"captions: got ids from 99 to 99, expected 0 to"),
    (lambda c: c.loss(FEATURES, np.array([[1, 0, 4]] * 5)), r"captions: got <NULL> before other words"),
    (lambda c: c.loss(FEATURES, np.zeros(5)), r"captions: got .* expected texts, or ids \(N, T\)"),
    (lambda c: c.sample(FEATURES, beams=2), r"beams: got 2 with temperature 1, expected temperature 0"),
    (lambda c: c.sample(FEATURES, temperature=-1), r"temperature: got -1"),
    (lambda c: c.predict(FEATURES, beams=0), r"beams: got 0"),
    (lambda c: c.predict(FEATURES, max_length=0), r"max_length: got 0"),
    (lambda c: c.explain(FEATURES), r"picture: got 5 pictures, expected one"),
    (lambda c: c.fit(FEATURES, TEXTS, epochs=0), r"epochs: got 0"),
    (lambda c: c.fit(FEATURES, TEXTS, optimizer="adagrad"), r"optimizer: got 'adagrad'"),
    (lambda c: small(features=(3, 4, 5)), r"features: got tuple \(3, 4, 5\), expected D, or \(places, D\)"),
    (lambda c: small(features="many"), r"features: got str 'many', expected numbers of a picture"),
    (lambda c: small(show="never"), r"show: got 'never'"),
    (lambda c: small(look=(0,)), r"look: got 0"),
    (
        lambda c: Captioner(c.network, WordVocabulary(["a b"], specials=("<UNK>",)), c.eye),
        r"vocabulary: got another word",
    ),
    (lambda c: Captioner(c.network, WordVocabulary(["a b"]), c.eye), r"network: got layers for 17 and 17 words"),
    (lambda c: Captioner(c.network, ["a"], c.eye), r"vocabulary: got list .* expected a WordVocabulary"),
]


@pytest.mark.parametrize("call, message", WRONG)
def test_wrong_arguments_are_told(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        call(small())


def test_networks_that_are_no_captioners_are_told():
    captioner = small()
    words = len(captioner.vocabulary)
    plain = gated.Network({"embed": gated.Embedding(words, 3), "rnn": gated.LSTM(3, 4), "head": gated.Dense(4, words)})
    with pytest.raises(
        ArgumentError, match=r"network: got .* expected a WiredNetwork that reads features and captions"
    ):
        Captioner(plain, captioner.vocabulary, captioner.eye)
    layers = {
        "embed": gated.Embedding(words, 3),
        "rnn": gated.LSTM(12, 4, bidirectional=True),
        "head": gated.Dense(8, words),
    }
    both = gated.WiredNetwork(layers, {"embed": "captions", "rnn": ["embed", "features"]})
    with pytest.raises(ArgumentError, match=r"expected head last, and rnn in one direction"):
        Captioner(both, captioner.vocabulary, captioner.eye)


def test_damaged_files_are_refused(tmp_path):
    from gated.interop.model_file import save_model

    captioner = small()
    captioner.fit(FEATURES, TEXTS, epochs=1)
    documents = {"vocabulary": captioner.vocabulary.to_json(), "eye": captioner.eye.to_json(), "about": {}}
    damage = [
        ("vocabulary", {"words": []}),
        ("about", 3),
        ("eye", 3),
        ("eye", {}),
        ("eye", {**documents["eye"], "shape": [1, 2, 3]}),
        ("eye", {**documents["eye"], "shape": -1}),
        ("eye", {**documents["eye"], "shape": "9"}),
        ("eye", {**documents["eye"], "mean": [0.0]}),
        ("eye", {**documents["eye"], "factor": ["x"] * 9}),
        ("eye", {**documents["eye"], "filters": {"size": 64, "grid": 3}}),
        ("eye", {**documents["eye"], "filters": {"size": 10**9, "grid": 3}}),
    ]
    path = tmp_path / "model.safetensors"
    for name, value in damage:
        save_model(path, "gated captioner", captioner.network, {**documents, name: value})
        with pytest.raises(FileFormatError):
            Captioner.load(path)
    save_model(path, "gated captioner", captioner.network, documents)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError):
        Captioner.load(path)
    with pytest.raises(ArgumentError):
        Captioner.load(tmp_path / "none")


def test_the_eye_brings_features_to_one_deviation():
    eye = Eye((2, 3))
    features = np.random.default_rng(0).standard_normal((40, 2, 3)) * [1.0, 10.0, 0.1] + 5.0
    eye.fit(features)
    shown = eye.shown(features, "float64")
    assert shown.shape == (2, 40, 3)
    np.testing.assert_allclose(shown.reshape(-1, 3).std(0), 1.0, atol=0.02)
    again = Eye.from_json(json.loads(json.dumps(eye.to_json())))
    np.testing.assert_array_equal(again.shown(features, "float32"), eye.shown(features, "float32"))
    assert np.abs(eye.shown(features + 1e6, "float64")).max() == 5.0


def test_the_tokenizer_of_captions_keeps_signs():
    assert Captioner.build(["a star, and b."], features=2).vocabulary.tokenizer == Tokenizer("words and signs")
    assert Filters(32, 2).shape == (4, 148)
