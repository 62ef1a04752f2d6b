"""Habits of real code that are no faults, and what a check on tiny weights hides."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.audit.foreign.files import written

from gated.audit.foreign.process import open_foreign
from gated.errors import ArgumentError

SPECIMENS = Path(__file__).parents[1] / "specimens"
RNN = (SPECIMENS / "right" / "params_rnn.py").read_text(encoding="utf-8")
STATEFUL = (SPECIMENS / "right" / "stateful_lstm.py").read_text(encoding="utf-8")


def test_a_name_without_py_a_folder_and_other_encodings(tmp_path: Path) -> None:
    notebook = tmp_path / "net.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"^path: got '.*net.ipynb', expected a Python file, whose name ends with"):
        open_foreign(notebook)
    with pytest.raises(ArgumentError, match="^path: got .*, expected a Python file, or file.py:name"):
        open_foreign(tmp_path)
    path = tmp_path / "gbk.py"
    path.write_bytes("# -*- coding: gbk -*-\n# 循环网络\n".encode("gbk") + RNN.encode("ascii"))
    with open_foreign(path) as found:
        assert found.table().right


def test_what_lies_beside_it_is_theirs_too(tmp_path: Path) -> None:
    """A cell from a module of the same folder, imported relatively."""
    cell, layer = (SPECIMENS / "right" / "cell_in_layer_gru.py").read_text(encoding="utf-8").split("class GRU:")
    (tmp_path / "cells.py").write_text(cell, encoding="utf-8")
    text = "import numpy as np\n\nfrom .cells import GRUCell\n\n\nclass GRU:" + layer
    with open_foreign(written(tmp_path, text)) as found:
        assert found.table().right and found.match().cell.name == "gru_reset_after"


def test_single_precision_and_clipping_are_no_faults(tmp_path: Path) -> None:
    text = STATEFUL.replace("ys = [], np.empty((n, T, H))", 'ys = [], np.empty((n, T, H), dtype="f")')
    text = text.replace(
        "        return dxs", "        for g in self.grads:\n            np.clip(g, -1, 1, out=g)\n        return dxs"
    )
    assert text.count('"f"') == 1 and "np.clip(g" in text
    with open_foreign(written(tmp_path, text)) as found:
        assert found.table().right and found.match().exact
        assert {m.kind for m in found.manners()} == {"clipped"}


def test_gradients_that_nobody_sets_to_zero(tmp_path: Path) -> None:
    """Accumulated until something that can be called is a convention; forever, a fault."""
    text = STATEFUL.replace("            g[...] = 0\n", "            g[...] = 1 * g\n")
    zero = "    def zero_grad(self):\n        for g in self.grads:\n            g[...] = 0\n"
    for more, kinds in (("", {"stale_state"}), (zero, set())):
        with open_foreign(written(tmp_path, text.rstrip() + "\n" + more)) as found:
            assert {m.kind for m in found.manners()} - {"integer"} == kinds and found.table().right


def test_what_a_check_on_tiny_weights_hides(tmp_path: Path) -> None:
    """Measured on weights of their own size: the error that is large on ordinary ones."""
    text = (SPECIMENS / "right" / "stepwise_lstm.py").read_text(encoding="utf-8")
    with open_foreign(written(tmp_path, text.replace("return delta_c * f", "return 0 * f"))) as found:
        (tiny,) = [m for m in found.manners() if m.kind == "tiny_check"]
        size, name, ordinary, small, expected, theirs = tiny.parts
        assert tiny.sentence == "tiny_hides" and size == "1e-04" and name.startswith("W")
        assert float(ordinary) > 0.1 and float(small) < 1e-3 * float(ordinary)
        assert abs(float(expected) - float(theirs)) < 1e-2 * abs(float(expected))
