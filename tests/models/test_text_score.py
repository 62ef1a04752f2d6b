"""What a text costs a model, by hand and by PyTorch; fit, files, vocabularies of models of all units."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated.data import ByteVocabulary, Vocabulary
from gated.data.words import Tokenizer, WordVocabulary
from gated.errors import ArgumentError, FileFormatError, GatedError
from gated.interop.model_file import load_model, save_model
from gated.models import CharacterLanguageModel, LanguageModel, TextScore
from gated.models.language_model import KIND, OTHER_KIND

TEXT = "the cat sat on the mat.\nthe dog isn't on the log.\n中文也在这里。\n" * 15
UNITS = ["characters", "words", "bytes"]


def build(units: str, **options: Any) -> LanguageModel:
    made = LanguageModel.build(TEXT, units=units, hidden_size=9, dtype="float64", seed=4, **options)
    made.network.theta[:] *= 2.0
    return made


@pytest.mark.parametrize("units", UNITS)
def test_a_score_by_hand(units: str) -> None:
    """A step at a time from a line end on; counted from the text itself."""
    made, text = build(units), "the dog sat on the cat, 中文\nxyz! Zé"
    state, last, bits = None, made.vocabulary.encode("\n")[0], 0.0
    ids, unknown = made.vocabulary.encode_all(text)
    for number in ids:
        y, state, _ = made.network.forward(np.array([[last]]), state)
        bits -= math.log2(np.exp(y[0, 0, number]) / np.exp(y[0, 0]).sum())
        last = number
    lacking = 0 if units == "bytes" else sum(c not in TEXT for c in text)
    assert lacking == unknown == (0 if units == "bytes" else 7), "x y z ! , Z é"
    score = made.evaluate(text)
    assert isinstance(score, TextScore)
    assert score.bits == pytest.approx(bits + lacking * math.log2(1_114_112), rel=1e-12)
    assert (score.characters, score.bytes, score.words) == (len(text), len(text.encode()), 10)
    assert score.tokens == len(ids) and score.unknown == lacking
    assert score.bits_per_character == score.bits / len(text)
    assert score.bits_per_byte == score.bits / len(text.encode())
    assert score.perplexity == pytest.approx(2 ** (score.bits / len(ids)), rel=1e-12)
    assert score.word_perplexity == pytest.approx(2 ** (score.bits / 10), rel=1e-12)


@pytest.mark.parametrize("units", UNITS)
def test_logits_and_bits_are_those_of_pytorch(units: str) -> None:
    torch = pytest.importorskip("torch")
    made, text = build(units), TEXT[30:200]
    ids = np.concatenate([made.vocabulary.encode("\n"), made.vocabulary.encode(text)])
    params = {name: torch.tensor(np.array(value)) for name, value in made.network.params.items()}
    x, h, c = params["embed.W"][torch.tensor(ids[:-1].astype(np.int64))], torch.zeros(9), torch.zeros(9)
    h, c = h.double(), c.double()
    logits = []
    for x_t in x:
        gate = {
            g: params[f"rnn.l0.W.{g}"] @ x_t + params[f"rnn.l0.U.{g}"] @ h + params[f"rnn.l0.b.{g}"] for g in "ifgo"
        }
        c = torch.sigmoid(gate["f"]) * c + torch.sigmoid(gate["i"]) * torch.tanh(gate["g"])
        h = torch.sigmoid(gate["o"]) * torch.tanh(c)
        logits.append(params["head.W.y"] @ h + params["head.b.y"])
    loss = torch.nn.functional.cross_entropy(
        torch.stack(logits), torch.tensor(ids[1:].astype(np.int64)), reduction="sum"
    )
    assert made.evaluate(text).bits == pytest.approx(float(loss) / math.log(2), rel=1e-9)


def test_a_model_that_knows_nothing_costs_the_logarithm_of_its_units() -> None:
    for units in UNITS:
        made = build(units)
        made.network.theta[:] = 0.0
        score = made.evaluate(TEXT)
        assert score.perplexity == pytest.approx(len(made.vocabulary)) and score.unknown == 0
        assert score.bits == pytest.approx(score.tokens * math.log2(len(made.vocabulary)))


def test_a_window_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = build("words")
    wanted = made.evaluate(TEXT, streams=3).bits
    monkeypatch.setattr("gated.models.text_score.LARGEST", 1)  # a step at a time
    assert made.evaluate(TEXT, streams=3).bits == pytest.approx(wanted, rel=1e-12)


def test_scores_of_odd_texts() -> None:
    made = build("characters")
    score = made.evaluate("\n")
    assert score.tokens == score.characters == 1 and math.isnan(score.bits_per_word)
    assert math.isnan(score.word_perplexity)
    assert TextScore(1e9, 1, 0, 1, 1, 1).perplexity == math.inf
    assert made.evaluate("\ud800").unknown == 1, "what a Python string may hold"
    without = LanguageModel.build("abc", hidden_size=3)
    assert without.evaluate("\n").unknown == 1
    for bad, message in (("", "^text: got '', expected at least one character$"), (b"a", "^text: got bytes b'a'")):
        with pytest.raises(GatedError, match=message):
            made.evaluate(bad)  # type: ignore[arg-type]
    with pytest.raises(GatedError, match="^streams: got 0"):
        made.evaluate("abc", streams=0)


@pytest.mark.parametrize("units", UNITS)
def test_a_model_learns_a_text_and_one_in_a_file(tmp_path: Path, units: str) -> None:
    (tmp_path / "text.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    before, seen = build(units).evaluate(TEXT).bits_per_character, []
    options: dict[str, Any] = {"epochs": 30, "batch": 4, "window": 20, "clip": 1.0, "lr": 0.02}
    made = LanguageModel.build(TEXT, units=units, hidden_size=24).fit(TEXT, **options, on_update=seen.append)
    other = LanguageModel.build(tmp_path / "text.txt", units=units, hidden_size=24)
    assert other.fit(tmp_path / "text.txt", **options) is other
    np.testing.assert_array_equal(made.network.theta, other.network.theta)
    assert made.evaluate(TEXT).bits_per_character < 0.35 < 1.5 < before
    assert made.evaluate_file(tmp_path / "text.txt") == made.evaluate(TEXT)
    assert [update.step for update in seen] == list(range(1, len(seen) + 1)) and len(seen) % 30 == 0
    assert "sat on the mat.\nthe dog isn't on" in made.sample(400, temperature=0.3, seed=1)
    assert len(seen) > 3
    seen.clear()
    made.fit(TEXT, steps=3, batch=4, on_update=seen.append)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit("ab"), "^ids: got 2, expected at least 33 for batch=32"),
        (lambda m: m.fit(""), "^ids: got 0, expected at least 33"),
        (lambda m: m.fit(b"ab"), "^text: got bytes b'ab', expected a text"),
        (lambda m: m.fit(Path("none")), "^path: got 'none', which does not exist"),
        (lambda m: m.fit(TEXT, epochs=0), "^epochs: got 0"),
        (lambda m: m.fit(TEXT, lr=0.0), "^rate: got|^lr: got"),
        (lambda m: m.fit(TEXT, optimizer="x"), "^optimizer: got 'x'"),
        (lambda m: m.build(TEXT, units="letters"), "^units: got 'letters', expected 'characters', 'words' or 'bytes'"),
        (lambda m: m.build(3), "^vocabulary: got int 3, expected a Vocabulary, WordVocabulary or ByteVocabulary"),
        (lambda m: m.build(WordVocabulary("a b")), "^vocabulary: got words of the form 'words', expected"),
        (
            lambda m: m.build(WordVocabulary("a b", specials=(), tokenizer=Tokenizer("exact"))),
            "^vocabulary: got words without <UNK>, expected",
        ),
        (lambda m: m.bits([0, 1, 10**6]), "^ids: got 0 to 1000000"),
        (
            lambda m: CharacterLanguageModel(m.network, m.vocabulary),
            "^vocabulary: got .*, of char",
        ),
        (
            lambda m: LanguageModel(m.network, ByteVocabulary()),
            "^network: got layers for .* bytes, expected 256 in both",
        ),
    ],
)
def test_bad_arguments_are_named_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(GatedError, match=message) as caught:
        call(build("words"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("units", UNITS)
def test_a_saved_model_is_the_same(tmp_path: Path, units: str) -> None:
    made = build(units, cell=gated.cells.gru)
    made.about = {"step": 3}
    made.save(tmp_path / "m")
    for other in (LanguageModel.load(tmp_path / "m"), copy.copy(made)):
        assert other.vocabulary == made.vocabulary and other.about == {"step": 3} and other.units == units
        assert other.sample(50, seed=2) == made.sample(50, seed=2)
        assert other.evaluate(TEXT[:300]) == made.evaluate(TEXT[:300])


def test_files_of_characters_are_those_that_they_were(tmp_path: Path) -> None:
    """As the first version of the class wrote them: the kind, the name of the document."""
    old = CharacterLanguageModel.build(Vocabulary("abc\n"), hidden_size=3)
    assert KIND == "gated character language model"
    save_model(tmp_path / "old", KIND, old.network, {"vocabulary": {"characters": "\nabc"}, "about": {}})
    assert type(LanguageModel.load(tmp_path / "old")) is LanguageModel
    assert type(CharacterLanguageModel.load(tmp_path / "old")) is CharacterLanguageModel
    old.save(tmp_path / "new")
    again, documents = load_model(tmp_path / "new", KIND, ("vocabulary", "about"))
    assert documents == {"vocabulary": {"characters": "\nabc"}, "about": {}}
    np.testing.assert_array_equal(again.theta, old.network.theta)
    ids = np.array([1, 2, 3, 0])
    assert old.evaluate(ids, 2) == old.bits(ids, 2)
    assert old.evaluate("abc") == LanguageModel.load(tmp_path / "old").evaluate("abc")


EXACT = Tokenizer("exact").to_json()


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        ({"words": ["<UNK>", "a", "a"], "specials": 1}, "tokenizer: got something damaged"),
        ({"words": ["<UNK>", "a", "a"], "specials": 1, "tokenizer": EXACT}, "got 'a' twice"),
        ({"words": ["<UNK>", "a", "b"], "specials": 1, "tokenizer": Tokenizer().to_json()}, "words of the form"),
        ({"words": ["<U>", "a", "b"], "specials": 1, "tokenizer": EXACT}, "words without <UNK>"),
        ({"words": ["<UNK>", "a"], "specials": 1, "tokenizer": EXACT}, "expected 2 in both"),
        ({"bytes": "utf-16"}, 'expected that'),
        ({"bytes": "utf-8"}, "expected 256 in both"),
    ],
)  # fmt: skip
def test_a_damaged_vocabulary_is_refused(tmp_path: Path, vocabulary: Any, words: str) -> None:
    made = LanguageModel.build(Vocabulary("abc"), hidden_size=2, embedding_size=2)
    save_model(tmp_path / "m", OTHER_KIND, made.network, {"vocabulary": vocabulary, "about": {}})
    with pytest.raises(FileFormatError, match=words) as caught:
        LanguageModel.load(tmp_path / "m")
    assert "\n" not in str(caught.value)
    with pytest.raises(ArgumentError, match="^path: got"):
        LanguageModel.load(tmp_path / "none")
