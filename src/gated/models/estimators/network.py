"""The network of an estimator: a recurrent layer, one row of a whole sequence, a dense layer.

D inputs at a step, H hidden, V outputs.
"""

from __future__ import annotations

from typing import Any

from gated.errors import describe, unlisted, wrong_type


def cell_of(cell: Any) -> Any:
    """A cell, or the one of the zoo that has this name."""
    from gated.cells import ZOO

    if isinstance(cell, type(ZOO["lstm"])):
        return cell
    if not isinstance(cell, str):
        raise wrong_type("cell", describe(cell), "a gated.Cell, or the name of one in gated.cells.ZOO")
    if cell not in ZOO:
        raise unlisted("cell", cell, ZOO, "the name of a cell of the zoo (`gated cells` lists them)")
    return ZOO[cell]


def sequence_network(
    inputs: int,
    outputs: int,
    cell: Any = "lstm",
    *,
    hidden_size: int = 64,
    num_layers: int = 1,
    bidirectional: bool = False,
    pooling: str | None = "mean",
    dropout: float = 0.0,
    dtype: Any = "float32",
    seed: int = 0,
) -> Any:
    """A network with fresh parameters.

    Args:
        inputs: D.
        outputs: V.
        cell: a cell, or the name of one.
        hidden_size: H, in each direction.
        num_layers: recurrent layers.
        bidirectional: whether they read in both directions.
        pooling: of the steps of a sequence, "last", "mean" or "max": a `WiredNetwork` that makes rows (N, V) of the
            input "x"; None: a `Network` that gives one at every step, (T, N, V).
        dropout: between recurrent layers, and of the row of a sequence, while it learns.
        dtype: "float32" or "float64".
        seed: of the parameters.
    """
    from gated.nn import Dense, Dropout, Network, Pool, Recurrent, WiredNetwork

    between = dropout if num_layers > 1 else 0.0
    options: dict[str, Any] = {"bidirectional": bidirectional, "dropout": between, "dtype": dtype, "seed": seed}
    own = cell_of(cell)
    if "b.f" in own.parameters:
        options["forget_bias"] = 1.0  # after Gers et al. and Jozefowicz et al.: at first nothing is forgotten
    layers: dict[str, Any] = {"rnn": Recurrent(own, inputs, hidden_size, num_layers, **options)}
    size = layers["rnn"].output_size
    head = Dense(size, outputs, dtype=dtype, seed=seed + 1)
    if pooling is None:  # a chain without dropout in it but that of its cells: a step of training is one call
        return Network({**layers, "head": head})
    layers["pool"] = Pool(size, pooling, directions=layers["rnn"].directions, dtype=dtype)
    if dropout:
        layers["drop"] = Dropout(size, dropout, dtype=dtype)
    return WiredNetwork({**layers, "head": head}, {"rnn": "x"})
