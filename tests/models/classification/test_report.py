"""Trials on small data, and what stands on their page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import gated
from gated import sigmoid, tanh
from gated.data.series import SequenceSet
from gated.errors import ArgumentError
from gated.models.classification.outcome import Outcome
from gated.models.classification.page import classifier_report
from gated.models.classification.trial import check_classes, with_folds, with_held_out, with_model, with_test
from gated.models.classification.words import WORDS

pytest.importorskip("sklearn")


def toy(count=24, classes=("up", "down"), seed=0, **more):
    """Two channels; the first rises or falls."""
    rng = np.random.default_rng(seed)
    y = np.array(classes)[np.arange(count) % len(classes)]
    x = []
    for own in y:
        steps = np.arange(rng.integers(4, 9))[:, None]
        slope = {str(classes[0]): 1.0}.get(str(own), -1.0)
        x.append(slope * steps * [1.0, 0.0] + rng.standard_normal((len(steps), 2)) * 0.1)
    return SequenceSet("toy", x, y, **more)


@gated.cell
def own_cell(x, h, *, W, U):
    """Here i is no input gate."""
    i = sigmoid(W.i @ x)
    h = i * h + tanh(W.h @ x + U.h @ h)
    return h


def maker(**options):
    from gated.models import SequenceClassifier

    return lambda: SequenceClassifier(hidden_size=6, epochs=40, random_state=0, **options)


@pytest.fixture(scope="module")
def trial():
    return with_test(maker(bidirectional=False), toy(), toy(10, seed=1))


def test_with_a_test_part(trial):
    found = trial.outcome
    assert (found.learned, found.folds, len(found.held_out)) == (24, 0, 10)
    np.testing.assert_array_equal(found.said, trial.classifier.predict(found.held_out.x))
    np.testing.assert_allclose(found.probabilities, trial.classifier.predict_proba(found.held_out.x))
    assert found.scores.accuracy == 1.0 and found.yardstick("commonest").accuracy == 0.5
    shares, right = found.early
    assert shares[-1] == 1.0 and right[-1] == found.scores.accuracy
    over = found.over_time
    np.testing.assert_allclose(over.probabilities[-1], found.probabilities[over.which], rtol=1e-5)
    assert set(over.gates) == {"i", "f", "o"} and over.gates["f"].shape == (len(found.held_out.x[over.which]), 6)
    assert all((values >= 0).all() and (values <= 1).all() for values in over.gates.values())
    assert "train_loss" in found.curves


def test_gates_of_layers_directions_and_of_cells_without():
    found = with_test(maker(bidirectional=True, cell="gru"), toy(), toy(4, seed=1)).outcome
    assert set(found.over_time.gates) == {f"{own}.{gate}" for own in ("l0", "l0_reverse") for gate in ("r", "z")}
    page = classifier_report(found)
    assert "<b>reset gate r, read from the beginning</b>" in page and "<b>update gate z, read from the end</b>" in page
    assert '<th>reset gate r</th><td class="equation">rₜ = σ(W_r xₜ + U_r hₜ₋₁ + b_r)</td>' in page
    assert "<b>重置门 r，从头读起</b>" in classifier_report(found, "zh")
    found = with_test(maker(bidirectional=False, cell=own_cell, num_layers=2), toy(), toy(4, seed=1)).outcome
    page = classifier_report(found)
    assert '<th>gate i</th><td class="equation">iₜ = σ(W_i xₜ)</td>' in page, "only the zoo's letters have a name"
    assert "<b>gate i, layer 2</b>" in page and "read from" not in page
    found = with_test(maker(cell="rnn"), toy(), toy(4, seed=1)).outcome
    assert found.over_time.gates == {} and WORDS["en"]["gates"] not in classifier_report(found)


def test_held_out_and_folds():
    groups = np.repeat(np.arange(8), 3)
    found = with_held_out(maker(), toy(groups=groups), 0.25, 0).outcome
    assert (found.learned, len(found.held_out)) == (18, 6)
    folded = with_folds(maker(), toy(names=[f"n{n}" for n in range(24)]), 3, 0)
    found = folded.outcome
    assert (found.folds, len(found.held_out), found.probabilities.shape) == (3, 24, (24, 2))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-6)
    assert found.early[1][-1] == pytest.approx(found.scores.accuracy)
    assert "24 sequences in 3 parts" in classifier_report(found)


def test_with_a_saved_model(trial, tmp_path):
    trial.classifier.save(tmp_path / "m.safetensors")
    loaded = type(trial.classifier).load(tmp_path / "m.safetensors")
    found = with_model(loaded, trial.outcome.held_out)
    np.testing.assert_array_equal(found.probabilities, trial.outcome.probabilities)
    page = classifier_report(found)
    assert "10 sequences, judged by a model that learned before" in page and "nearest neighbour" not in page
    strange = replace(trial.outcome.held_out, y=np.arange(10) % 2)
    with pytest.raises(ArgumentError, match="label: got the class '0', expected one of down, up"):
        with_model(loaded, strange)
    with pytest.raises(ArgumentError, match="data: got sequences of 1 numbers a step, expected 2, as the"):
        with_model(loaded, replace(strange, x=[own[:, :1] for own in strange.x]))


def test_numbers_in_one_file_and_texts_in_the_other():
    numbers = toy(classes=(1, 2))
    texts = replace(toy(8, classes=(1, 2), seed=1), y=toy(8, classes=(1, 2)).y.astype(str))
    found = with_test(maker(), numbers, texts).outcome
    assert found.classes.tolist() == ["1", "2"] and found.scores.accuracy == 1.0
    fitted = with_test(maker(), numbers, numbers).classifier
    assert with_model(fitted, texts).scores.accuracy == 1.0


def test_what_is_no_classes():
    for y, words in (
        (None, "data: got 'toy' without labels, expected a class for each sequence"),
        (
            np.linspace(0, 1, 24),
            "label: got numbers such as 0.0434783, expected classes; gated.models.S",
        ),
        (np.arange(24), "label: got 24 different numbers for 24 sequences, expected classes"),
    ):
        with pytest.raises(ArgumentError) as caught:
            check_classes(replace(toy(), y=y))
        assert words in str(caught.value)
    with pytest.raises(ArgumentError, match="test: got sequences of 1 numbers a step, expected 2"):
        with_test(maker(), toy(), replace(toy(), x=[own[:, :1] for own in toy().x]))


def outcome(**changes):
    """Three classes, of which one was not learned; two are wrong."""
    held_out = SequenceSet(
        "t<o>y", [np.full((3, 2), np.nan), np.ones((1, 2)), np.ones((400, 2))], np.array(["a", "x", "b"])
    )
    found = Outcome(
        held_out=held_out,
        classes=np.array(["a", "b"]),
        probabilities=np.array([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]]),
        learned=5,
        mean=np.zeros(2),
        deviation=np.ones(2),
        yardsticks={"nearest": np.array(["a", "a", "b"]), "commonest": np.array(["b", "b", "b"])},
    )
    return replace(found, **changes)


class Tags(HTMLParser):
    """Whether what is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "line", "polyline", "image", "html"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag != "html":
            assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page(trial, lang):
    for found in (trial.outcome, outcome()):
        page = classifier_report(found, lang)
        reader = Tags()
        reader.feed(page)
        assert not reader.open
        assert not re.search(r"(src|href)=\"(?!data:)", page) and "<script" not in page, "nothing is loaded"
        assert f'lang="{"zh-Hans" if lang == "zh" else "en"}"' in page
        for word in ("scores", "confusion", "wrong", "how"):
            assert WORDS[lang][word] in page
    page = classifier_report(outcome(), lang)
    assert "t&lt;o&gt;y" in page and "<o>" not in page
    assert page.index(WORDS[lang]["sequence"].format(1)) < page.index(WORDS[lang]["sequence"].format(0)), "surest first"
    assert page.count('class="mistake"') == 2


def test_few_sequences_are_said_to_be_few():
    found = with_held_out(maker(), toy(), 0.25, 0).outcome
    assert found.possible_folds == 5 and found.scores.few
    words = "6 sequences are too few to judge by: the accuracy on many such sequences may be anything from 61.0% to 100"
    assert words in classifier_report(found) and "--folds 5 judges by every sequence once." in classifier_report(found)
    assert "用来评判的只有 6 个序列" in classifier_report(found, "zh")
    page = classifier_report(with_folds(maker(), toy(), 3, 0).outcome)
    assert "24 sequences are too few" in page and "--folds" not in page, "they were judged in folds"
    assert "<td>86.2% to 100.0%</td>" in page
    assert "too few" not in classifier_report(with_test(maker(), toy(), toy(30, seed=1)).outcome)


def test_what_is_wrong_is_called_sure_only_where_it_was():
    page = classifier_report(outcome())  # the wrong class of one has 0.9, that of the other 0.6
    assert "Wrong: 2 of 3. Sure of it, with a probability of 80% or more for the wrong class: 1. In the" in page
    page = classifier_report(outcome(), "zh")
    assert "3 个中有 2 个判错，其中 1 个它还很有把握" in page
    assert ">真实：</span>a" in page and ">判定：</span>" in page


def test_channels_have_names():
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((5, 9)) * [1, 1, 1, 0, 1, 1, 1, 1, 0] + 3 for _ in range(3)]
    x[0][:, 2] = np.nan
    held_out = SequenceSet("t", x, np.array(["a", "x", "b"]), channels=[f"<{n}>" for n in "abcdefghi"])
    found = outcome(held_out=held_out, mean=np.zeros(9), deviation=np.ones(9))
    assert set(found.moving[-2:].tolist()) == {3, 8}
    page = classifier_report(found)
    assert "Of 9 channels the 7 are drawn that move most within a sequence." in page
    drawn = re.findall(r"</i>(&lt;.&gt;)</span>", page)
    assert drawn == [f"&lt;{n}&gt;" for n in "abcefgh"]
    assert "</i>x0</span>" in classifier_report(outcome())  # two channels without a name


def test_an_example_that_is_wrong_is_not_called_right(trial):
    found = trial.outcome
    other = replace(found, held_out=replace(found.held_out, y=np.where(found.true == "up", "down", "up")))
    assert "It has none right" in classifier_report(other) and "It has none right" not in classifier_report(found)


def test_both_languages_say_the_same_things():
    assert set(WORDS["en"]) == set(WORDS["zh"])
    for name, text in WORDS["en"].items():
        assert sorted(re.findall(r"\{.*?\}", text)) == sorted(re.findall(r"\{.*?\}", WORDS["zh"][name])), name


def test_many_classes_are_cut_and_none_wrong_is_said():
    names = np.array([f"c{k:03}" for k in range(60)])
    many = SequenceSet("many", [np.ones((2, 1))] * 60, names)
    found = Outcome(many, names, np.eye(60), 60, np.zeros(1), np.ones(1), {})
    page = classifier_report(found)
    assert "and 20 more" in page and "Nothing that it was judged by is wrong." in page
