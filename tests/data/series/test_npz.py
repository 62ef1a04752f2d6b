"""`.npz` files: arrays of equal lengths, padded, and all steps in one; nothing in them is executed."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.series import read_npz
from gated.errors import ArgumentError, FileFormatError

X = np.arange(12.0).reshape(2, 3, 2)


@pytest.fixture
def read(tmp_path):
    def from_arrays(**arrays):
        np.savez(tmp_path / "toy.npz", **arrays)
        return read_npz(tmp_path / "toy.npz")

    return from_arrays


def refused(read, words, **arrays):
    with pytest.raises(FileFormatError) as caught:
        read(**arrays)
    assert f"toy.npz': {words}" in str(caught.value) and "\n" not in str(caught.value)


def test_equal_lengths_with_all_that_may_stand_beside(read):
    found = read(X=X, y=np.array(["a", "b"]), groups=np.array([3, 4]), names=np.array(["n", "m"]), channels=["u", "v"])
    assert found.name == "toy" and found.y.tolist() == ["a", "b"] and found.groups.tolist() == [3, 4]
    assert (found.names, found.channels) == (["n", "m"], ["u", "v"])
    np.testing.assert_array_equal(found.x, X)
    np.testing.assert_array_equal(read(X=X[..., 0].astype(np.int8)).x[1], [[6.0], [8.0], [10.0]])


def test_padded_and_flat(read):
    found = read(X=X, lengths=np.array([3, 1]))
    np.testing.assert_array_equal(found.x[0], X[0])
    np.testing.assert_array_equal(found.x[1], X[1, :1])
    found = read(values=np.arange(5.0), lengths=np.array([2, 3]), y=[1, 0])
    assert [own[:, 0].tolist() for own in found.x] == [[0, 1], [2, 3, 4]] and found.channels == ["x0"]
    assert read(values=X[0], lengths=[1, 2]).x[1].shape == (2, 2)


def test_labels(read):
    assert read(X=X, y=np.array([1.0, 2.0])).y.dtype.kind == "i"
    assert read(X=X, y=np.array([1.0, 2.5])).has_numbers
    assert read(X=X, y=np.array([b"a", b"b"])).y.tolist() == ["a", "b"]
    assert read(X=X, y=np.array([True, False])).y.dtype == bool
    assert read(X=np.where(X == 3, np.nan, X)).missing == 1


def test_what_does_not_fit(read):
    refused(read, "got neither X nor values, expected X", x=X)
    refused(read, "X: got an array of shape (3, 2, 2, 1) and dtype float64, expected shape", X=X.reshape(3, 2, 2, 1))
    refused(read, "X: got an array of shape (2, 0, 2)", X=X[:, :0])
    refused(read, "X: got an array of shape (2,) and dtype <U1, expected numbers", X=["a", "b"])
    refused(read, "X: got an infinite number, expected finite ones", X=X / 0.0 if False else np.full((2, 2), np.inf))
    refused(read, "lengths: got an array of shape (3,)", X=X, lengths=[1, 2, 3])
    refused(read, "lengths: got an array of shape (0,)", X=X, lengths=np.zeros(0, int))
    pair = "lengths: got an array of shape (2,) and dtype "
    refused(read, f"{pair}int64, expected (2,), none above 3", X=X, lengths=[3, 4])
    refused(read, "lengths: got an array of shape (2,) and dtype int64, expected (N,) whole", X=X, lengths=[0, 3])
    refused(read, "lengths: got an array of shape (2,) and dtype float64, expected (N,) whole", X=X, lengths=[1.0, 3.0])
    refused(read, "lengths: got none, expected 5 in all", values=np.zeros(5))
    refused(read, "lengths: got 6, expected 5 in all, as many as values has", values=np.zeros(5), lengths=[2, 4])
    refused(read, "values: got an array of shape (2, 3, 2)", values=X, lengths=[1, 1])
    refused(read, "y: got an array of shape (3,)", X=X, y=[1, 2, 3])
    refused(read, "y: got nan for sequence 2, expected a class or a finite number", X=X, y=[1.5, np.nan])
    refused(read, "y: got an array of shape (2,) and dtype complex128, expected texts or numbers", X=X, y=[1j, 2])
    refused(read, "groups: got an array of shape (2, 1)", X=X, groups=[[1], [2]])
    refused(read, "channels: got an array of shape (3,) and dtype <U1, expected 2 names", X=X, channels=["a", "b", "c"])


def test_objects_are_refused_and_nothing_is_executed(read):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("it was unpickled",)

    ragged = np.empty(2, object)
    ragged[:] = [Trap(), Trap()]
    refused(read, "X: got Python objects, which may hold code, expected numbers", X=ragged)
    refused(read, "y: got Python objects", X=X, y=ragged)
    assert read(X=X, other=ragged).x[0].shape == (3, 2), "what is not asked for is not read"


def test_files_that_are_none(tmp_path):
    with pytest.raises(ArgumentError, match=r"path: got '.*no\.npz', which is no file, expected an \.npz file"):
        read_npz(tmp_path / "no.npz")
    file = tmp_path / "odd.npz"
    np.savez(file, X=X)
    whole = file.read_bytes()
    for raw in (b"", b"PK\x03\x04", b"hello", whole[: len(whole) // 2], whole.replace(b"NUMPY", b"NUMPX")):
        file.write_bytes(raw)
        with pytest.raises(
            FileFormatError, match=r"odd\.npz': got no file that can be read \(.*\), expected one of numpy"
        ):
            read_npz(file)
    with file.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(FileFormatError, match="got a single array, expected several of numpy.savez: X and y"):
        read_npz(file)
