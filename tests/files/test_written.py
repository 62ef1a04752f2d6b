"""What is written can be read back as it was, or is refused and the file that was there stays whole."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import gated
from gated.cells import lstm
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError
from gated.files.json_text import from_text, to_text
from gated.files.tensor_file import open_tensors, write_tensors
from gated.interop.model_file import load_model, save_model
from gated.learning import Online
from gated.learning.training.run_folder import RunFolder
from gated.models import CharacterLanguageModel

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(), max_size=12)  # halves of surrogate pairs and control characters among them
numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.builds(lambda: 10**5000),
    st.sampled_from([np.float32(0.1), np.float64(-0.0), np.int8(3), np.bool_(True), np.float32("nan"), np.str_("s")]),
)  # fmt: skip
odd = st.sampled_from([np.zeros(2), np.array(3.0), b"bytes", {1}, object(), 1j, lambda: 0, range(3), Path("x")])
values = st.recursive(
    st.one_of(numbers, texts, odd),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(texts, st.integers(0, 2)), inner, max_size=4),
    ),
    max_leaves=12,
)


def same(came, gone):
    """Equal, types and signs of zero too, but for tuples, which are lists in JSON, and NumPy's numbers."""
    gone = gone.item() if isinstance(gone, np.generic) else gone
    if isinstance(gone, (list, tuple)):
        return isinstance(came, list) and len(came) == len(gone) and all(map(same, came, gone))
    if isinstance(gone, dict):
        return isinstance(came, dict) and list(came) == list(gone) and all(same(came[key], gone[key]) for key in gone)
    return type(came) is type(gone) and came == gone and (came != 0 or math.copysign(1, came) == math.copysign(1, gone))


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@MANY
@given(values)
@example(nested(100))
@example(nested(101))
@example({"a": (1, [2.0])})
def test_a_json_value(value):
    try:
        text = to_text("place", value)
    except ArgumentError as error:
        assert str(error).startswith("place") and str(error).isprintable() and len(str(error)) < 400
        return
    assert same(from_text(text), value)


def test_what_has_no_word_in_json_is_named_by_its_place():
    with pytest.raises(ArgumentError, match=r"^a\['b'\]\[1\]: got float nan, expected a value that JSON can hold"):
        to_text("a", {"b": [1, math.nan]})
    with pytest.raises(ArgumentError, match="^a: got the key int 3, expected texts as keys"):
        to_text("a", {3: 1})
    with pytest.raises(ArgumentError, match=r"got more than 100 lists or dicts within each other"):
        to_text("a", nested(101))
    with pytest.raises(ArgumentError, match=r"^a: got a whole number of 16610 bits, expected"):
        to_text("a", 10**5000)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "1e999", "[" * 100_000, "", "{", "9" * 5000])
def test_texts_that_are_no_json(text):
    with pytest.raises(ValueError) as caught:
        from_text(text)
    assert len(str(caught.value)) < 200


arrays = st.one_of(
    st.integers(0, 5).map(lambda n: np.arange(n, dtype="f4")),
    st.sampled_from([
        np.array(3), np.array(2.5), np.zeros((0, 7)), np.ones((2, 3, 4), "f4")[:, ::2].T, np.arange(6, dtype=">f8"),
        np.arange(6, dtype=">i8").reshape(2, 3), np.array([np.nan]), np.array([1, np.inf], "f4"), np.zeros(2, "f2"),
        np.zeros(2, "i4"), np.zeros(2, bool), np.array(["text"]), np.zeros(2, complex), [1.0, 2.0], 3, None,
    ]),
)  # fmt: skip
names = st.one_of(texts, st.sampled_from(["__metadata__", "kind", "a.b", "", "x" * 5000, 3, None, ("a",)]))


@MANY
@given(st.dictionaries(names, arrays, max_size=4), st.dictionaries(names, values, max_size=3))
@example({"__metadata__": np.zeros(1)}, {})
@example({"\ud800": np.zeros(1)}, {})
@example({"a": np.zeros(1)}, {"__metadata__": 1, "": [], "x": None})
def test_a_file_of_arrays_and_values(tensors, documents):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_tensors(path, "thing", {"old": np.ones(2)}, {"old": 1})
        before = path.read_bytes()
        try:
            write_tensors(path, "thing", tensors, documents)
        except GatedError as error:
            assert str(error).isprintable() and len(str(error)) < 400
            assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
            return
        with open_tensors(path, "thing") as file:
            assert set(file.shapes) == set(tensors) and set(file.documents) == set(documents)
            for name, array in tensors.items():
                came = file.read(name)
                assert came.shape == array.shape and came.dtype == array.dtype.newbyteorder("=")
                np.testing.assert_array_equal(came, array)
            for name, value in documents.items():
                assert same(file.document(name), value)


def test_a_header_longer_than_any_reader_takes(tmp_path, monkeypatch):
    from gated.files import tensor_file

    write_tensors(tmp_path / "m", "thing", {}, {"a": "x" * 900})
    before = (tmp_path / "m").read_bytes()
    monkeypatch.setattr(tensor_file, "LONGEST_HEADER", 1000)
    with pytest.raises(ArgumentError, match="^documents: got more than 1,000 bytes of names, shapes and JSON"):
        write_tensors(tmp_path / "m", "thing", {}, {"a": "x" * 950})
    assert (tmp_path / "m").read_bytes() == before


def test_the_longest_document_and_header_are_the_same_in_writing_and_reading(tmp_path, monkeypatch):
    from gated.files import tensor_file

    path, longest = tmp_path / "m", tensor_file.LONGEST_DOCUMENT
    write_tensors(path, "thing", {}, {"a": "x" * (longest - 2), "b": 1})
    with open_tensors(path, "thing") as file:
        assert len(file.document("a")) == longest - 2
    with pytest.raises(ArgumentError) as caught:
        write_tensors(tmp_path / "n", "thing", {}, {"a": "x" * (longest - 1)})
    assert str(caught.value) == "a: got 4,000,001 letters of JSON, expected at most 4,000,000"
    assert not (tmp_path / "n").exists()
    monkeypatch.setattr(tensor_file, "LONGEST_DOCUMENT", longest - 1)
    with open_tensors(path, "thing") as file:  # what nobody asks for may be of any length
        assert file.document("b") == 1
        with pytest.raises(FileFormatError, match="got 4,000,000 letters under 'a', expected at most 3,999,999"):
            file.document("a")
    monkeypatch.setattr(tensor_file, "LONGEST_HEADER", longest)
    with (
        pytest.raises(FileFormatError, match=r"its header says 4,000,\d\d\d bytes, expected at most 4,000,000"),
        open_tensors(path, "thing"),
    ):
        pass


# whole models, learners, runs


def refuses(path, call, error, words):
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, GatedError) and str(caught.value).isprintable() and len(str(caught.value)) < 400
    assert {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before


def test_layers_of_the_users_own_have_no_place_in_a_file(tmp_path):
    class Mine(gated.Dense):
        def config(self):
            return super().config() | {"kind": "mine"}

    network = gated.Network({"mine": Mine(2, 2)})
    words = "^network: got one that could not be read back .layer 'mine' is of kind 'mine', expected recurrent"
    refuses(tmp_path / "m", lambda: save_model(tmp_path / "m", "k", network, {}), ArgumentError, words)


def test_a_description_that_does_not_fit_the_parameters(tmp_path):
    layer = gated.Dense(2, 3)
    network = gated.Network({"d": layer})
    layer.output_size = 5
    words = r"^network: got one that could not be read back .got shape .3, 2. for d.W.y, expected .5, 2."
    refuses(tmp_path / "m", lambda: save_model(tmp_path / "m", "k", network, {}), ArgumentError, words)


def test_a_cell_that_no_reader_takes(tmp_path):
    @gated.cell
    def long_winded(x, h, *, W):
        h = gated.tanh(W.h @ x)
        return h

    network = gated.Network({"rnn": gated.Recurrent(long_winded, 2, 2)})
    object.__setattr__(long_winded.graph, "doc", "word " * 5000)
    refuses(
        tmp_path / "m",
        lambda: save_model(tmp_path / "m", "k", network, {}),
        ArgumentError,
        "could not be read back .cell: ",
    )


def test_sizes_of_numpy_come_back(tmp_path):
    network = gated.Network({"rnn": gated.Recurrent(gated.cells.projected_lstm, 2, 4, sizes={"h": np.int64(3)})})
    save_model(tmp_path / "m", "k", network, {})
    assert load_model(tmp_path / "m", "k")[0].params.shapes == network.params.shapes


def test_language_models(tmp_path):
    model = CharacterLanguageModel.build(gated.data.Vocabulary("ab"), hidden_size=2, embedding_size=2)
    path = tmp_path / "m"
    model.save(path)
    model.about = {"loss": float("inf")}
    refuses(path, lambda: model.save(path), ArgumentError, r"^about\['loss'\]: got float inf, expected")
    model.about = [1]
    refuses(path, lambda: model.save(path), ArgumentTypeError, "^about: got list .1., expected a dict")
    model.about = {}
    model.vocabulary = gated.data.Vocabulary("abc")
    refuses(
        path, lambda: model.save(path), ArgumentError, "^network: got layers for 2 and 2 characters, expected 3 in both"
    )
    model.vocabulary = gated.data.Vocabulary("a\ud800")  # a Python string may hold it
    model.network.theta[0] = np.nan
    refuses(path, lambda: model.save(path), ArgumentError, "^embed.W: got NaN or inf, expected finite numbers")
    model.network.theta[0] = 0
    model.save(path)
    assert CharacterLanguageModel.load(path).vocabulary.characters == "a\ud800"


def test_online_learners(tmp_path):
    learner = Online(gated.Network({"rnn": gated.LSTM(2, 3), "head": gated.Dense(3, 1)}))
    learner.step(np.ones(2, "f4"), np.ones(1, "f4"))
    learner.save(tmp_path / "l")
    learner.network.theta[3] = np.inf
    refuses(tmp_path / "l", lambda: learner.save(tmp_path / "l"), ArgumentError, "^theta: got NaN or inf")


def test_run_folders(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start({"lr": 0.1})
    folder.append_metrics({"step": 1, "note": "ü\ud800"})
    folder.write_checkpoint({"theta": np.ones(2)}, {"a": 1})
    bad, nan = {"lr": math.nan}, {"theta": np.full(2, np.nan)}
    for call, words in (
        (lambda: folder.write_config(bad), r"^config\['lr'\]: got float nan"),
        (lambda: folder.append_metrics(bad), r"^metrics\['lr'\]: got float nan"),
        (lambda: folder.write_checkpoint(nan, {}), "^theta: got NaN"),
        (lambda: folder.write_checkpoint({}, bad), r"^values\['lr'\]: got float nan"),
    ):
        refuses(folder.config_file, call, ArgumentError, words)
    assert folder.read_config() == {"lr": 0.1} and folder.read_metrics() == [{"step": 1, "note": "ü\ud800"}]
    assert folder.read_checkpoint()[1] == {"a": 1}


def test_derivations(tmp_path, monkeypatch):
    pytest.importorskip("typer")
    from gated.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "out.txt").write_text("old")
    source = 'import gated\n\n@gated.cell\ndef mine(x, h, *, W):\n    """Half \\ud800 a letter."""\n'
    (tmp_path / "c.py").write_text(source + "    h = gated.tanh(W.h @ x)\n    return h\n")
    assert main(["derive", "c.py:mine", "-o", "out.txt"]) == 0
    assert "Half \\ud800 a letter" in (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert main(["derive", "c.py:mine"]) == 0
    before = (tmp_path / "out.txt").read_bytes()
    assert main(["derive", "lstm", "--format", "pdf", "-o", "out.txt"]) == 2
    assert (tmp_path / "out.txt").read_bytes() == before
    assert lstm.derive()
