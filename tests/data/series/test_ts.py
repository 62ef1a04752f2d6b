"""`.ts` files: what is read from them, and the line that is named when one is of another form."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.series import aeon_folder, aeon_sequences, read_ts
from gated.errors import ArgumentError, FileFormatError

HEAD = "@problemName Toy\n@timeStamps false\n@classLabel true up down\n@data\n"
NAN = float("nan")


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        raw = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "toy.ts").write_bytes(raw)
        return read_ts(tmp_path / "toy.ts")

    return from_text


def refused(read, text, line, words):
    with pytest.raises(FileFormatError) as caught:
        read(text)
    message = str(caught.value)
    assert f"toy.ts', line {line}: got {words}" in message and "\n" not in message and ", expected " in message
    return message


def test_channels_lengths_and_missing_numbers(read):
    found = read("# about it\n\n" + HEAD + "1,2,?:4,5,NaN:up\n-1e-3:.5:down\n")
    assert (found.name, found.y.tolist(), found.names) == ("Toy", ["up", "down"], ["0", "1"])
    np.testing.assert_array_equal(found.x[0], [[1, 4], [2, 5], [NAN, NAN]])
    np.testing.assert_array_equal(found.x[1], [[-0.001, 0.5]])
    assert found.told() == "2 sequences, 1 to 3 steps of 2 numbers, 2 classes, 2 numbers missing"


def test_targets_are_numbers_and_there_may_be_no_label(read):
    found = read("@targetlabel TRUE\n@data\n1,2:0.5\n3,4:-7\n")
    assert found.y.tolist() == [0.5, -7.0] and found.has_numbers and found.name == "toy"
    found = read("@classLabel false\n@data\n1,2:3,4\n")
    assert found.y is None and found.x[0].tolist() == [[1, 3], [2, 4]]


def test_byte_order_marks_other_words_and_comments_in_other_encodings(read):
    found = read(b"\xef\xbb\xbf@problemName A B\n# d\xe9j\xe0\n@licence free\n@classLabel true a\n@data\n%\n1:a\n")
    assert found.name == "A B" and found.x[0].tolist() == [[1.0]]


def test_the_head_is_held_to(read):
    refused(read, "@dimensions 2\n" + HEAD + "1,2:up\n", 6, "1 channels")
    refused(read, "@univariate true\n" + HEAD + "1:2:up\n", 6, "2 channels")
    refused(read, "@equalLength true\n@seriesLength 3\n" + HEAD + "1,2,3:up\n1,2:up\n", 8, "2 steps")
    refused(read, "@equalLength true\n" + HEAD + "1,2,3:up\n1,2:up\n", 7, "2 steps")
    assert len(read("@equalLength false\n@seriesLength 3\n" + HEAD + "1,2:up\n1:up\n")) == 2


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("1,2\n", 1, "'1,2', expected a line that begins with @"),
        ("@problemName x\n", 1, "the end of the file"),
        (HEAD, 4, "no sequence, expected at least one behind @data"),
        ("@timeStamps true\n@data\n", 1, "@timeStamps true, expected false"),
        ("@equalLength yes\n@data\n", 1, "'@equalLength yes'"),
        ("@dimensions none\n@data\n", 1, "'@dimensions none', expected a whole number above 0"),
        ("@seriesLength 0\n@data\n", 1, "'@seriesLength 0'"),
        ("@seriesLength ²\n@data\n", 1, "'@seriesLength ²'"),
        ("@classLabel true\n@data\n", 1, "@classLabel true, expected the classes behind it"),
        ("@classLabel\n@data\n", 1, "'@classLabel', expected @classLabel true or @classLabel false"),
        (HEAD + "1,2:left\n", 5, "the class 'left', expected one of those of @classLabel: up, down"),
        (HEAD + "1,2:up\n\n1,2\n", 7, "the class '1,2'"),
        (HEAD + "1,2:up\n1:2:up\n", 6, "2 channels, expected 1, with a colon between them and a label"),
        (HEAD + "1,2:3:up\n", 5, "1 numbers in channel 2, expected 2, as many as in the first one"),
        (HEAD + "1,,2:up\n", 5, "'', expected a finite number, or ? for a missing one"),
        (HEAD + "1,two:up\n", 5, "'two'"),
        (HEAD + "1,1_0:up\n", 5, "'1_0'"),
        (HEAD + "1,-inf:up\n", 5, "'-inf'"),
        (HEAD + "up\n", 5, "0 channels, expected 1"),
        ("@targetLabel true\n@data\n1,2:inf\n", 3, "the target 'inf', expected a finite number"),
        ("@targetLabel true\n@data\n1,2:a\n", 3, "the target 'a'"),
        (HEAD.encode() + b"1,2:\xff\n", 5, "the byte 0xff, expected UTF-8"),
    ],
)
def test_odd_lines(read, text, line, words):
    refused(read, text, line, words)


def test_no_file(tmp_path):
    with pytest.raises(ArgumentError, match=r"path: got '.*none\.ts', which is no file, expected a \.ts file"):
        read_ts(tmp_path / "none.ts")


def test_aeon_s_folder_is_found_from_where_pip_has_unpacked_it(tmp_path, monkeypatch):
    data = tmp_path / "aeon" / "datasets" / "data"
    for part, labels in (("TRAIN", "up"), ("TEST", "down")):
        (data / "Toy").mkdir(parents=True, exist_ok=True)
        (data / "Toy" / f"Toy_{part}.ts").write_text(HEAD + f"1,2:{labels}\n")
    (data / "Other").mkdir()
    for place in (tmp_path, tmp_path / "aeon", data):
        assert aeon_folder(place) == data
    train, test = aeon_sequences("Toy", tmp_path)
    assert (train.y.tolist(), test.y.tolist()) == (["up"], ["down"])
    with pytest.raises(ArgumentError, match="name: got 'Vowels', expected one of Toy$"):
        aeon_sequences("Vowels", tmp_path)
    with pytest.raises(
        ArgumentError, match=r"folder: got '.*', expected one with aeon's data sets; pip install --no-deps"
    ):
        aeon_folder(data / "Toy")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ArgumentError, match="folder: got None, and aeon is not installed, expected the folder"):
        aeon_folder()
    (tmp_path / "aeon" / "__init__.py").write_text("")

    class Spec:
        origin = str(tmp_path / "aeon" / "__init__.py")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    assert aeon_folder() == data
