"""The character language model: its loss, its samples, its file."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gated
from gated.data import Vocabulary, stream_windows
from gated.errors import ArgumentError, FileFormatError, GatedError
from gated.interop.model_file import save_model
from gated.learning import Adam, Training
from gated.losses import SoftmaxCrossEntropy
from gated.models import CharacterLanguageModel
from gated.models.language_model import KIND

TEXT = "the cat sat on the mat.\nthe dog sat on the log.\n" * 20


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(TEXT)


@pytest.fixture(scope="module")
def trained(vocabulary):
    """A model that knows TEXT nearly by heart."""
    model = CharacterLanguageModel.build(vocabulary, embedding_size=8, hidden_size=32)
    ids = vocabulary.encode(TEXT)
    training = Training(
        model.network,
        SoftmaxCrossEntropy(),
        Adam(0.02),
        lambda epoch: stream_windows(ids, 8, 24),
        carry_state=True,
        clip=1.0,
    )
    for update in training:
        if update.step == 150:
            return model
    raise AssertionError


def _build(vocabulary, **options):
    return CharacterLanguageModel.build(
        vocabulary, **{"embedding_size": 5, "hidden_size": 7, "dtype": "float64", "seed": 3, **options}
    )


@pytest.mark.parametrize("length", [2, 3, 130, 300])
def test_evaluate_is_the_mean_of_minus_log2_p_of_each_character_given_all_before(vocabulary, length):
    model, ids = _build(vocabulary), vocabulary.encode(TEXT)[:length]
    state, bits = None, 0.0
    for now, following in zip(ids[:-1], ids[1:], strict=True):
        y, state, _ = model.network.forward(np.array([[now]]), state)
        p = np.exp(y[0, 0]) / np.exp(y[0, 0]).sum()
        bits -= math.log2(p[following])
    assert model.evaluate(ids) == pytest.approx(bits / (length - 1), rel=1e-12)


@pytest.mark.parametrize("streams", [2, 3, 7, 64, 299])
def test_streams_predict_each_character_once_from_their_own_beginning(vocabulary, streams):
    model, ids = _build(vocabulary), vocabulary.encode(TEXT)[:300]
    length = -(-299 // streams)
    bits = 0.0
    for start in range(0, 299, length):
        piece = ids[start : min(start + length, 299) + 1]
        bits += model.evaluate(piece) * (len(piece) - 1)
    assert model.evaluate(ids, streams=streams) == pytest.approx(bits / 299, rel=1e-12)


def test_evaluate_uses_what_it_has_read(vocabulary, trained):
    ids = vocabulary.encode(TEXT)
    assert trained.evaluate(ids) < 0.5
    assert trained.evaluate(ids) < trained.evaluate(ids, streams=300) - 0.1
    assert _build(vocabulary).evaluate(ids) == pytest.approx(math.log2(len(vocabulary)), abs=0.4)


def test_samples(vocabulary, trained):
    text = trained.sample(200, temperature=0.5, seed=1)
    assert len(text) == 200
    assert set(text) <= set(TEXT)
    assert "sat on the" in text
    assert trained.sample(200, temperature=0.5, seed=1) == text
    assert trained.sample(200, temperature=3.0, seed=1) != text
    assert trained.sample(200, temperature=3.0, seed=1) != trained.sample(200, temperature=3.0, seed=2)
    assert trained.sample(0) == ""


def test_a_prompt_is_gone_on_from(trained):
    assert trained.sample(8, temperature=0, prompt="the cat s") == "at on th"
    assert trained.sample(8, temperature=0, prompt="the dog s", seed=5) == "at on th"
    assert trained.sample(3, temperature=0, prompt="\nthe c") == "at "
    assert trained.sample(3, temperature=0, prompt="\nthe d") == "og "


def test_temperature_zero_is_the_limit_of_small_temperatures(vocabulary):
    model = _build(vocabulary)
    assert model.sample(30, temperature=0) == model.sample(30, temperature=1e-5, seed=8)
    assert model.sample(30, temperature=1e-300) == model.sample(30, temperature=0)


def test_frequencies_of_samples_are_the_softmax(vocabulary):
    model = _build(vocabulary)
    model.network.theta[...] *= 3
    y, _, _ = model.network.forward(vocabulary.encode("\n")[:, None])
    p = np.exp(y[0, 0] / 0.7)
    p /= p.sum()
    drawn = [vocabulary.encode(model.sample(1, temperature=0.7, seed=seed))[0] for seed in range(3000)]
    frequency = np.bincount(drawn, minlength=len(vocabulary)) / 3000
    # five standard deviations of a count of 3000
    assert np.all(np.abs(frequency - p) < 5 * np.sqrt(p * (1 - p) / 3000))


@pytest.mark.parametrize("cell", [gated.cells.gru, gated.cells.projected_lstm, gated.cells.slstm])
def test_a_saved_model_is_the_same(tmp_path, vocabulary, cell):
    model = _build(vocabulary, cell=cell, num_layers=2, dropout=0.3)
    model.about = {"step": 3}
    model.save(tmp_path / "m")
    loaded = CharacterLanguageModel.load(tmp_path / "m")
    assert loaded.vocabulary == model.vocabulary
    assert loaded.about == {"step": 3}
    assert loaded.sample(50, seed=2) == model.sample(50, seed=2)
    assert loaded.network.layers["rnn"].dropout == 0.3
    ids = vocabulary.encode(TEXT)[:100]
    assert loaded.evaluate(ids) == model.evaluate(ids)


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ({"about": {}}, "got no 'vocabulary'"),
        ({"vocabulary": {"characters": "ab"}}, "got no 'about'"),
        ({"vocabulary": {"characters": "ab"}, "about": {}}, "expected 2 in both"),
        ({"vocabulary": {"characters": "ba"}, "about": {}}, "expected them sorted"),
        ({"vocabulary": ["a"], "about": {}}, "got list under 'vocabulary', expected dict"),
    ],
)
def test_a_wrong_vocabulary_is_refused(tmp_path, vocabulary, documents, words):
    save_model(tmp_path / "m", KIND, _build(vocabulary).network, documents)
    with pytest.raises(FileFormatError, match=words):
        CharacterLanguageModel.load(tmp_path / "m")


def test_other_layers_are_refused(tmp_path, vocabulary):
    network = gated.Network({"rnn": gated.LSTM(3, 4)})
    save_model(tmp_path / "m", KIND, network, {"vocabulary": vocabulary.to_json(), "about": {}})
    with pytest.raises(FileFormatError, match="got layers rnn, expected embed, rnn, head"):
        CharacterLanguageModel.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda m: m.sample(-1), "length"),
        (lambda m: m.sample(2.5), "length"),
        (lambda m: m.sample(5, temperature=-0.1), "temperature"),
        (lambda m: m.sample(5, temperature=math.nan), "temperature"),
        (lambda m: m.sample(5, temperature="hot"), "temperature"),
        (lambda m: m.sample(5, prompt="€"), "prompt"),
        (lambda m: m.sample(5, seed=-1), "seed"),
        (lambda m: m.evaluate([1]), "ids"),
        (lambda m: m.evaluate([[1, 2]]), "ids"),
        (lambda m: m.evaluate([0.5, 2.0]), "ids"),
        (lambda m: m.evaluate([0, 99]), "ids"),
        (lambda m: m.evaluate([0, 1, 2], streams=0), "streams"),
        (lambda m: _build(m.vocabulary, dropout=0.5), "dropout"),
        (lambda m: _build(m.vocabulary, hidden_size=0), "hidden_size"),
    ],
)
def test_bad_arguments_are_named_in_one_line(vocabulary, call, argument):
    with pytest.raises(GatedError, match=rf"^{argument}: got .*, expected ") as caught:
        call(_build(vocabulary))
    assert "\n" not in str(caught.value)


def _misfits(size):
    turned = gated.LSTM(4, 8, batch_first=True), gated.LSTM(4, 8, bidirectional=True)
    for rnn, words in zip(turned, ("batch_first=True", "bidirectional=True"), strict=True):
        yield {"embed": gated.Embedding(size, 4), "rnn": rnn, "head": gated.Dense(rnn.output_size, size)}, words
    inner = gated.Network({"rnn": gated.LSTM(4, 8)})
    yield {"embed": gated.Embedding(size, 4), "rnn": inner, "head": gated.Dense(8, size)}, "a Network as layer 'rnn'"
    yield {"embed": gated.Dense(size, 4), "rnn": gated.LSTM(4, 8), "head": gated.Dense(8, size)}, "a Dense as layer"


@pytest.mark.parametrize("case", range(4))
def test_a_network_that_is_none_of_a_language_model(tmp_path, case):
    """With batch_first or both directions it computed nonsense without a word."""
    vocabulary = Vocabulary("abc\n")
    layers, words = list(_misfits(4))[case]
    network = gated.Network(layers)
    with pytest.raises(ArgumentError, match=f"^network: got {words}.*, expected "):
        CharacterLanguageModel(network, vocabulary)
    model = CharacterLanguageModel.build(vocabulary, hidden_size=3)
    model.network = network
    with pytest.raises(ArgumentError, match=f"^network: got {words}.*, expected "):
        model.save(tmp_path / "m")
    save_model(tmp_path / "m", KIND, network, {"vocabulary": vocabulary.to_json(), "about": {}})
    with pytest.raises(FileFormatError, match=f"got {words}.*, expected "):
        CharacterLanguageModel.load(tmp_path / "m")


def test_arguments_of_sample():
    model = CharacterLanguageModel.build(Vocabulary("abc\n"), hidden_size=3)
    assert model.sample(5, temperature=np.float32(1)) == model.sample(np.int64(5), temperature=1)
    wrong = [
        {"temperature": np.ones((30, 30))}, {"temperature": "warm"}, {"temperature": math.nan}, {"temperature": -1},
        {"temperature": True}, {"prompt": None}, {"prompt": 3}, {"seed": -1}, {"seed": np.ones((9, 9))}, {"length": -1},
        {"length": [1] * 2000}, {"seed": 1.5},
    ]  # fmt: skip
    for given in wrong:
        with pytest.raises(GatedError, match=f"^{next(iter(given))}: got .*, expected ") as caught:
            model.sample(**given)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 200
