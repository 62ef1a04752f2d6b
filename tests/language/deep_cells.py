"""Everything that can be done with a cell, done with one that nests deeply, under a low limit of recursion.

Run as a program by `test_size.py`: `python deep_cells.py KIND LENGTH RECURSION_LIMIT`.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
from pathlib import Path

import numpy as np

import gated
from gated import Dense, Network, tanh
from gated.interop.model_file import load_model, save_model
from gated.learning import SGD, Online

KINDS = {
    "scaled": lambda u, h, W: u * 0.999,
    "sums": lambda u, h, W: u + h,
    "functions": lambda u, h, W: tanh(u),
    "products": lambda u, h, W: W.k @ u,
    "squares": lambda u, h, W: 0.5 * u * u,
    "shared": lambda u, h, W: u * 0.5 + u * 0.5,
    "wide": lambda u, h, W: u * (h + 1.0),
}


def cell_of(kind: str, length: int) -> gated.Cell:
    step = KINDS[kind]

    def repeated(u, h, W):  # outside of the cell: its values have no names
        for _ in range(length):
            u = step(u, h, W)
        return u

    def deep(x, h, *, W):
        """A cell that nests."""
        return 0.1 * repeated(W.h @ x + h, h, W)

    return gated.cell(deep)


def everything(cell: gated.Cell, check: bool = True) -> None:
    """Print, derive, save and load, run, learn, check."""
    x = np.random.default_rng(0).normal(size=(2, 2, 3))
    texts = ["\n".join(cell.equations(style)) for style in ("text", "latex", "numpy")] + [str(cell), repr(cell)]
    for format in ("text", "markdown", "latex", "numpy"):
        texts += [cell.derive(format, lang) for lang in ("en", "zh")]
    assert max(map(len, texts)) < 400_000
    compile("\n".join(cell.equations("numpy")), "equations", "exec")
    compile(cell.derive("numpy"), "derivation", "exec")
    assert repr(cell.graph.outputs) and hash(cell)
    for again in (gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))), pickle.loads(pickle.dumps(cell))):
        assert again == cell
    found = []
    for backend in ("native", "reference"):
        layer = gated.Recurrent(cell, 3, 3, dtype="float64", backend=backend)
        y, last, tape = layer.forward(x)
        dx, _, grads = layer.backward(tape, y, last)
        found.append((y, dx, grads.vector, layer.infer(x)[0], layer.stream(2).step(x[0])))
    for mine, right in zip(*found, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-12)
    network = Network({"rnn": gated.Recurrent(cell, 3, 3), "head": Dense(3, 2)})
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", "deep", network, {})
        again, _ = load_model(Path(folder) / "model", "deep", [])
        assert again.layers["rnn"].cell == cell and (again.theta == network.theta).all()
    if cell.parameters.keys() == {"W.h"}:  # a chain of matrices cannot learn so
        Online(network, "online", SGD(0.1), batch=2).partial_fit(x, np.zeros((2, 2, 2)))
    if check:
        assert gated.check_cell(cell).passed


if __name__ == "__main__":
    kind, length, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    checked = kind in ("shared", "sums")
    everything(cell_of(kind, 3), checked)  # so that all modules are there
    sys.setrecursionlimit(limit)
    everything(cell_of(kind, length), checked)
    print("done")
