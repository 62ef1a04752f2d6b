"""The bytes of models: the package onnx reads what is written, and finds the files that are found."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.onnx_bytes import also_output, numbers_elsewhere

onnx = pytest.importorskip("onnx")

from .makers_onnx import convolutional  # noqa: E402


@pytest.mark.parametrize("name", ["flat", "x", "ü" * 100, "a" * 20_000])
def test_an_output_more(tmp_path, name):
    content = convolutional(tmp_path / "model.onnx").read_bytes()
    before, after = onnx.load_from_string(content), onnx.load_from_string(content + also_output(name))
    assert [each.name for each in after.graph.output] == [*(each.name for each in before.graph.output), name]
    del after.graph.output[-1]
    assert after == before


def test_files_beside_a_model(tmp_path):
    whole = convolutional(tmp_path / "model.onnx")
    assert numbers_elsewhere(whole.read_bytes()) == []
    one, several = onnx.load(whole), onnx.load(whole)
    path = tmp_path / "apart.onnx"
    onnx.save_model(one, path, save_as_external_data=True, location="all.bin", size_threshold=0)
    assert numbers_elsewhere(path.read_bytes()) == ["all.bin"]
    onnx.save_model(several, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0)
    names = {
        entry.value
        for each in onnx.load(path, load_external_data=False).graph.initializer
        for entry in each.external_data
        if entry.key == "location"
    }
    assert set(numbers_elsewhere(path.read_bytes())) == names and len(names) > 3


def test_bytes_that_are_no_model(tmp_path):
    whole = convolutional(tmp_path / "model.onnx").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole[: rng.integers(1, len(whole))])
        for at in rng.integers(0, len(content), 5):
            content[at] = rng.integers(0, 256)
        assert isinstance(numbers_elsewhere(bytes(content)), list)
    for content in (b"", b"\x80" * 100, b"\xff" * 100, bytes([7 << 3 | 2, 255, 255, 255, 255, 127])):
        assert numbers_elsewhere(content) == []
