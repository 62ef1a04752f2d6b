"""Tables: a row a sequence, a row a step; which cell is named when something is odd."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.series import read_csv, read_sequences
from gated.data.series.labels import labels_of
from gated.errors import ArgumentError, FileFormatError

pytest.importorskip("pandas")
NAN = float("nan")
LONG = "id,t,label,u,v\na,2,yes,1,10\nb,1,no,3,30\na,1,yes,2,\nb,3,no,4,40\nb,2,no,5,50\n"


@pytest.fixture
def read(tmp_path):
    def from_text(text, **columns):
        raw = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "toy.csv").write_bytes(raw)
        return read_csv(tmp_path / "toy.csv", **columns)

    return from_text


def refused(read, words, text, kind=FileFormatError, **columns):
    with pytest.raises(kind) as caught:
        read(text, **columns)
    assert words in str(caught.value) and "\n" not in str(caught.value), caught.value


def test_a_row_a_sequence(read):
    found = read("label,a,b,c\nx,1,2,3\ny,4,,6\nx,7,8,\n")
    assert found.y.tolist() == ["x", "y", "x"] and found.size == 1 and found.name == "toy"
    assert [own[:, 0].tolist() for own in (found.x[0], found.x[2])] == [[1, 2, 3], [7, 8]]
    np.testing.assert_array_equal(found.x[1][:, 0], [4, NAN, 6])
    found = read("n,1,2,who\n1.5,0,1,p\n2,2,3,q\n", label="n", group="who")
    assert found.y.tolist() == [1.5, 2.0] and found.groups.tolist() == ["p", "q"]
    assert read("1,2,3\n4,5,6\n", label=None).y is None


def test_a_row_a_step_in_the_order_of_the_file_or_of_time(read):
    found = read(LONG, sequence="id", drop=["t"])
    assert (found.names, found.channels, found.y.tolist()) == (["a", "b"], ["u", "v"], ["yes", "no"])
    np.testing.assert_array_equal(found.x[0], [[1, 10], [2, NAN]])
    found = read(LONG, sequence="id", time="t")
    np.testing.assert_array_equal(found.x[0], [[2, NAN], [1, 10]])
    np.testing.assert_array_equal(found.x[1], [[3, 30], [5, 50], [4, 40]])
    dates = "id,t,label,u\na,2024-01-10 12:00,x,1\nb,2024-02-01,y,3\na,2024-01-09,x,2\n"
    assert read(dates, sequence="id", time="t").x[0].tolist() == [[2], [1]]


def test_groups_and_ids_are_texts(read):
    found = read("id,g,label,u\n007,1,NA,1\n7,2,None,2\n", sequence="id", group="g")
    assert found.names == ["007", "7"] and found.y.tolist() == ["NA", "None"] and found.groups.tolist() == [1, 2]


def test_labels_of_texts():
    assert labels_of(["1", "2"]).tolist() == [1, 2] and labels_of(["1", "2"]).dtype.kind == "i"
    assert labels_of(["1.0", "2"]).dtype.kind == "i" and labels_of(["1.5", "2"]).tolist() == [1.5, 2.0]
    for texts in (["01", "2"], ["a", "1"], ["1_0", "2"], ["True", "False"], ["-007", "1"]):
        assert labels_of(texts).tolist() == texts
    assert labels_of(["0", "-0.5"]).tolist() == [0.0, -0.5]
    with pytest.raises(ArgumentError, match="y: got 'nan' for sequence 2, expected a class or a finite number"):
        labels_of(["1", "nan"])


def test_odd_cells_are_named(read):
    refused(read, "row 2: got 'x' in column 'b', expected a finite number", "label,a,b\nu,1,2\nv,3,x\n")
    refused(read, "row 1: got 'inf' in column 'a'", "label,a,b\nu,inf,2\n")
    refused(read, "row 1: got 'True' in column 'a'", "label,a,b\nu,True,2\n")
    refused(read, "row 2: got no number, expected a sequence of some", "label,a,b\nu,1,2\nv,,\n")
    refused(read, "row 2: got nothing in column 'label', expected a label in every row", "label,a\nu,1\n,2\n")
    again = "id,t,label,u\na,1,x,1\na,1,x,2\n"
    refused(read, "row 2: got the time 1 of 'a' again, expected each once", again, sequence="id", time="t")
    other = "id,t,label,u\na,1,x,1\nb,1,y,1\na,2,y,2\n"
    refused(read, "row 3: got 'y' in column 'label', expected 'x' as in row 1 of sequence 'a'", other, sequence="id")
    grouped = "id,g,label,u\na,1,x,1\na,2,x,2\n"
    refused(read, "row 2: got '2' in column 'g', expected '1' as in row 1", grouped, sequence="id", group="g")
    nothing = "id,label,u\na,x,1\n,x,2\n"
    refused(read, "row 2: got nothing in column 'id', expected which sequence", nothing, sequence="id")
    when = "id,t,label,u\na,1,x,1\na,soon,x,2\n"
    refused(read, "row 1: got the time '1', expected numbers, or dates", when, sequence="id", time="t")


def test_columns_that_are_not_there(read):
    refused(
        read, "label: got 'class', expected one of the columns of '", "label,a\nu,1\n", ArgumentError, label="class"
    )
    refused(read, "drop: got 'b', expected one of the columns of '", "label,a\nu,1\n", ArgumentError, drop=["b"])
    refused(read, "columns: got label, expected further ones with numbers", "label\nu\n", ArgumentError)
    refused(read, "time: got 'a' without sequence, expected both", "label,a\nu,1\n", ArgumentError, time="a")
    same = {"sequence": "label"}
    refused(read, "columns: got label, label, expected different ones", "label,a\nu,1\n", ArgumentError, **same)


def test_what_stands_between_columns(read):
    wanted = [[[1.5], [-2.0]], [[0.25], [3.0]]]
    for text in (
        "label,a,b\nu,1.5,-2\nv,0.25,3\n",
        "label\ta\tb\nu\t1.5\t-2\nv\t0.25\t3\n",
        "label;a;b\nu;1.5;-2\nv;0.25;3\n",
        "label;a;b\nu;1,5;-2\nv;0,25;3\n",
    ):
        found = read(text)
        assert [own.tolist() for own in found.x] == wanted and found.y.tolist() == ["u", "v"]
    refused(read, "row 1: got '0,5' in column 'a', expected a finite number", "label;a\nu;0,5\nv;1.5\n")
    refused(read, "expected a finite number; what is no channel is left out by drop", "label;a;b\nu;x;1\n")


def test_files_that_are_no_tables(read, tmp_path):
    refused(read, "got no table (", "")
    refused(read, "got no row below the names of the columns", "label,a\n")
    refused(read, "got no table (", 'label,a\nu,"1\n')
    refused(read, "got no table (", "label,a\nu,1\nu,1,2\n")
    refused(read, "got more cells in a row than names in the first, expected as many", "label,a\nu,1,2\n")
    refused(read, "got the byte 0xe9, expected a table in UTF-8", b"label,a\n\xe9,1\n")
    with pytest.raises(ArgumentError, match=r"path: got '.*none\.csv', which is no file, expected a \.csv file"):
        read_csv(tmp_path / "none.csv")


def test_reading_by_the_ending(read, tmp_path):
    read("label,a\nu,1\n")
    assert read_sequences(tmp_path / "toy.csv", label="label").y.tolist() == ["u"]
    np.savez(tmp_path / "toy.npz", X=np.zeros((2, 3)))
    (tmp_path / "toy.TS").write_text("@data\n1,2\n")
    assert len(read_sequences(str(tmp_path / "toy.npz"), label=None)) == 2
    assert read_sequences(tmp_path / "toy.TS").x[0].shape == (2, 1)
    with pytest.raises(ArgumentError, match="sequence: got 'id' for 'toy.npz', expected it for a .csv file alone"):
        read_sequences(tmp_path / "toy.npz", sequence="id")
    with pytest.raises(ArgumentError, match=r"path: got 'toy\.txt', expected a file that ends in \.csv, \.npz or \.ts"):
        read_sequences("toy.txt")


def test_a_set_of_sequences(read):
    found = read(LONG, sequence="id", drop=["t"])
    assert repr(found) == "<SequenceSet 'toy': 2 sequences, 2 to 3 steps of 2 numbers, 2 classes, 1 numbers missing>"
    part = found.select([1])
    assert (part.names, part.y.tolist(), part.channels) == (["b"], ["no"], ["u", "v"])
    assert found.select(np.array([True, False])).names == ["a"]
    with pytest.raises(ArgumentError, match="which: got none of the sequences, expected at least one"):
        found.select([])
