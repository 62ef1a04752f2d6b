"""Files in which one thing is not what it should be: refused in one line, or as good as before."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

from gated.errors import FileFormatError, GatedError  # noqa: E402
from gated.files.tensor_file import open_tensors, write_tensors  # noqa: E402
from gated.models import Forecaster  # noqa: E402

STRANGE = [None, True, -1, 0, 2, 10**30, 1e300, "x", "log", [], [1], {}, {"a": 1}, [[0.5]]]


def leaves(value, path=()):
    """Paths to all values, of long lists to the first and the last."""
    yield path
    if isinstance(value, dict):
        for name, own in value.items():
            yield from leaves(own, (*path, name))
    elif isinstance(value, list) and value:
        for k in {0, len(value) - 1}:
            yield from leaves(value[k], (*path, k))


def changed(value, path, new):
    if not path:
        return new
    value = copy.deepcopy(value)
    at = value
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = new
    return value


@pytest.mark.parametrize("document", ["learned", "arguments", "networks"])
def test_a_strange_value_anywhere(tmp_path, document):
    path = tmp_path / "m.safetensors"
    y, x = wave(50), np.ones((50, 1))
    small(lags=4, hidden_size=2, epochs=1, season=12).fit(y, x).save(path)
    with open_tensors(path, "gated forecaster") as file:
        arrays = {name: file.read(name) for name in file.shapes}
        documents = {name: file.document(name) for name in ("network", "networks", "arguments", "learned")}
    read = refused = 0
    for place in leaves(documents[document]):
        for strange in STRANGE:
            write_tensors(path, "gated forecaster", arrays, changed(documents, (document, *place), strange))
            try:
                model = Forecaster.load(path)
            except FileFormatError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 400
                continue
            read += 1
            repr(model)
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    model.predict_quantiles(y, x, future=x)
                except GatedError as error:
                    assert "\n" not in str(error)
    assert refused > 10 and (document == "networks" or read)
