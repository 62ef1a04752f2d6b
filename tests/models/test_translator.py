"""The translator: its gradient, what it learns, its files."""

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.interop.model_file import save_model
from gated.learning import gradients
from gated.losses import SoftmaxCrossEntropy
from gated.models.translator import Letters, Translator

SOURCE, TARGET = ["abc", "b", "cabba", ""], ["xy", "yyx", "x", "yx"]


def small(cell=None, **options):
    return Translator.build(
        SOURCE, TARGET, cell, **{"embedding_size": 4, "hidden_size": 6, "dtype": "float64"} | options
    )


@pytest.mark.parametrize("cell", ["gru", "lstm", "peephole_lstm", "rnn"])
def test_the_gradient_is_that_of_differences(cell):
    translator, rng = small(gated.cells.ZOO[cell]), np.random.default_rng(0)
    batch, loss = translator.batch(SOURCE, TARGET), SoftmaxCrossEntropy()
    found = gradients(translator.network, loss, batch)
    theta, direction = translator.network.theta, rng.standard_normal(translator.network.theta.shape)
    before, values = theta.copy(), []
    for sign in (1, -1):
        theta[:] = before + sign * 1e-6 * direction
        values.append(gradients(translator.network, loss, batch).loss)
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(found.grads.vector @ direction), rel=1e-6)


def test_it_learns_by_heart_and_is_read_again(tmp_path):
    translator = small().fit(SOURCE, TARGET, epochs=200, batch=2, lr=1e-2)
    assert translator.predict(SOURCE) == TARGET and translator.exact(SOURCE, TARGET) == 1.0
    assert translator.predict(SOURCE, beams=3) == TARGET
    translator.about = {"what": "letters"}
    translator.save(tmp_path / "model.safetensors")
    again = Translator.load(tmp_path / "model.safetensors")
    assert again.predict(SOURCE) == TARGET and again.about == {"what": "letters"}
    assert translator.predict(["zz"]) != []  # unknown characters are read as such


def test_what_stands_beside_a_text_in_a_batch_changes_nothing():
    translator = small()
    alone = [translator.predict([text])[0] for text in SOURCE]
    assert translator.predict(SOURCE) == alone


def test_it_turns_numbers_round_that_it_has_not_seen():
    rng = np.random.default_rng(0)
    numbers = [str(number) for number in rng.permutation(10_000)[:4_000]]
    turned = [number[::-1] for number in numbers]
    translator = Translator.build(numbers, turned, hidden_size=48, embedding_size=16, seed=1)
    translator.fit(numbers[:3600], turned[:3600], epochs=12, batch=32, lr=1e-2)
    assert translator.exact(numbers[3600:], turned[3600:]) > 0.9


WRONG = [
    (lambda t: t.fit(SOURCE, TARGET[:2]), r"target: got 2 texts, expected 4, one for each that is read"),
    (lambda t: t.fit("abc", TARGET), r"source: got str 'abc', expected a list of texts"),
    (lambda t: t.fit([1], ["x"]), r"source\[0\]: got int 1, expected a text"),
    (lambda t: t.predict([]), r"source: got none, expected at least one text"),
    (lambda t: t.predict(SOURCE, beams=0), r"beams: got 0"),
    (lambda t: t.predict(SOURCE, max_length=0), r"max_length: got 0"),
    (lambda t: t.fit(SOURCE, TARGET, epochs=0), r"epochs: got 0"),
    (lambda t: Letters([""]), r"texts: got no characters"),
    (lambda t: Translator(t.network, Letters(["a"]), t.target), r"network: got layers for 7, 6 and 6 characters"),
    (lambda t: Translator(gated.Network({"d": gated.Dense(2, 2)}), t.source, t.target), r"expected a WiredNetwork"),
]


@pytest.mark.parametrize("call, message", WRONG)
def test_wrong_arguments_are_told(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        call(small())


def test_damaged_files_are_refused(tmp_path):
    translator, path = small(), tmp_path / "model.safetensors"
    letters = {"source": translator.source.characters, "target": translator.target.characters}
    for characters, about in (
        (3, {}),
        ({}, {}),
        (letters, 3),
        ({**letters, "source": "cba"}, {}),
        ({**letters, "source": 3}, {}),
        ({**letters, "target": "xyz"}, {}),
    ):
        save_model(path, "gated translator", translator.network, {"characters": characters, "about": about})
        with pytest.raises(FileFormatError):
            Translator.load(path)
