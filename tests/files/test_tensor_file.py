"""Files of arrays and JSON: what comes back, and an error for each way a file can be wrong."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
import safetensors.numpy

from gated.errors import ArgumentError, FileFormatError
from gated.files.atomic import write_atomically
from gated.files.tensor_file import open_tensors, write_tensors

ARRAYS = {
    "a": np.random.default_rng(0).standard_normal((3, 4)),
    "b": np.arange(5, dtype="float32")[::2],
    "scalar": np.array(3),
    "empty": np.zeros((0, 4)),
    "turned": np.arange(6.0).reshape(2, 3).T,
}
DOCUMENTS = {"sizes": {"hidden": 3}, "text": 'ø\n"', "numbers": [1, 2.5, None]}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "x.safetensors"
    write_tensors(file, "thing", ARRAYS, DOCUMENTS)
    return file


def _read(path, kind="thing"):
    with open_tensors(path, kind) as file:
        return {name: file.read(name) for name in file.shapes}, {name: file.document(name) for name in file.documents}


def test_all_comes_back(path):
    arrays, documents = _read(path)
    assert documents == DOCUMENTS
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)


def test_it_is_an_ordinary_safetensors_file(path):
    np.testing.assert_array_equal(safetensors.numpy.load_file(path)["a"], ARRAYS["a"])


def test_shapes_are_known_before_the_numbers_are_read(path):
    with open_tensors(path, "thing") as file:
        assert file.shapes["a"] == (3, 4)
        assert file.dtypes["b"] == "float32"
        assert file.numbers == 12 + 3 + 1 + 0 + 6


def _refused(path, words, kind="thing", error=FileFormatError):
    with pytest.raises(error, match=words) as caught:
        _read(path, kind)
    assert "\n" not in str(caught.value)


def _header(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def _write(path, header, numbers):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 20, 200, -200, -8, -1])
def test_truncated(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    _refused(path, "not a whole safetensors file")


def test_bytes_too_many(path):
    path.write_bytes(path.read_bytes() + b"0")
    _refused(path, "not a whole safetensors file")


@pytest.mark.parametrize("content", [b"\x80\x04\x95pickle", b"PK\x03\x04zip", b"{}" * 50, b"\0" * 1000, b"\xff" * 1000])
def test_not_safetensors(path, content):
    path.write_bytes(content)
    _refused(path, "not a whole safetensors file")


def test_a_size_beyond_the_file(path):
    header, numbers = _header(path)
    header["a"]["shape"] = [2**40, 2**20]
    _write(path, header, numbers)
    _refused(path, "not a whole safetensors file")


def test_overlapping_arrays(path):
    header, numbers = _header(path)
    header["scalar"]["data_offsets"] = header["turned"]["data_offsets"]
    _write(path, header, numbers)
    _refused(path, "not a whole safetensors file")


def test_without_metadata(path):
    safetensors.numpy.save_file({"a": ARRAYS["a"]}, path)
    _refused(path, "of another program, expected one that gated wrote")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "pt"}, "of another program"),
        ({"format_version": "2"}, "got format version 2, expected 1"),
        ({"format_version": "x"}, "got format version x, expected 1"),
        ({"kind": "other"}, "got a other, expected a thing"),
        ({"sizes": "{"}, "bad JSON under 'sizes'"),
        ({"sizes": "[" * 100_000}, "bad JSON under 'sizes'"),
        ({"sizes": ""}, "bad JSON under 'sizes'"),
    ],
)
def test_wrong_metadata(path, change, words):
    header, numbers = _header(path)
    header["__metadata__"].update(change)
    _write(path, header, numbers)
    _refused(path, words)


@pytest.mark.parametrize("name", ["format", "format_version", "kind"])
def test_missing_metadata(path, name):
    header, numbers = _header(path)
    del header["__metadata__"][name]
    _write(path, header, numbers)
    _refused(path, "expected")


@pytest.mark.parametrize("dtype", ["F16", "BF16", "I8", "BOOL"])
def test_a_dtype_that_gated_does_not_write(path, dtype):
    size = {"F16": 2, "BF16": 2}.get(dtype, 1)
    header = {
        "__metadata__": {"format": "gated", "format_version": "1", "kind": "thing"},
        "a": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4 * size]},
    }
    _write(path, header, b"\0" * 4 * size)
    _refused(path, f"got dtype {dtype} in a, expected one of F32, F64, I64")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(path, bad):
    arrays = {"fine": np.ones(3), "bad": np.array([1.0, bad])}
    safetensors.numpy.save_file(arrays, path, {"format": "gated", "format_version": "1", "kind": "thing"})
    _refused(path, "got NaN or inf in bad, expected finite numbers")


def test_documents_of_the_wrong_kind(path):
    with open_tensors(path, "thing") as file:
        assert file.document("sizes", dict) == {"hidden": 3}
        with pytest.raises(FileFormatError, match="got no 'cell' in the metadata, expected one"):
            file.document("cell", dict)
        with pytest.raises(FileFormatError, match="got str under 'text', expected dict in JSON"):
            file.document("text", dict)


def test_no_such_file(tmp_path):
    _refused(tmp_path / "none", "which does not exist, expected a safetensors file", error=ArgumentError)
    _refused(tmp_path, "a directory, expected a safetensors file", error=ArgumentError)


def test_dtypes_that_cannot_be_written(path):
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match="^a: got dtype complex128, expected one of float32, float64, int64"):
        write_tensors(path, "thing", {"a": np.zeros(2, complex)}, {})
    assert path.read_bytes() == before


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ArgumentError, match="cannot be written .No space left on device., expected"):
        write_tensors(path, "thing", {}, {})
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_an_interrupted_write_leaves_nothing_beside(path, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"half")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(ArgumentError, match="^path: got .*cannot be written .No such file or directory., expected"):
        write_atomically(tmp_path / "no" / "file", b"")


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_the_file_has_ordinary_permissions(path):
    other = path.with_name("ordinary")
    other.write_bytes(b"")
    assert path.stat().st_mode == other.stat().st_mode
