"""Which cells of the zoo a test goes through.

All of them where a case is cheap. Machine code takes seconds to compile: what is to hold for every program is tested
with FEW, one cell for each shape that a program has, and that the others' programs are right by one case each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import gated
from gated.cells import ZOO
from gated.errors import ArgumentError
from gated.schedule.traces import plan_traces

FEW = (
    "rnn",
    "indrnn",  # no matrix between steps
    "lstm",
    "peephole_lstm",
    "projected_lstm",  # states of two lengths
    "gru",  # two stages
    "gru_reset_after",
    "slstm",  # a maximum and a quotient
    "lstm_full_gate_recurrence",  # many states and matrices
    "rhn",  # many stages
    "low_rank_rnn",  # a length of its own inside
    "mingru",  # all products before the loop
    "tau_gru",  # a state that hands on another
    "scrn",  # an output that no step reads
)
REST = tuple(name for name in ZOO if name not in FEW)
# which keep an input: its length would be another in a second layer
ONE_LAYER = ("typed_gru", "typed_lstm", "qrnn", "intersection_rnn", "gru_d", "rg_lru", "rwkv4")
# where a cell is defined, and far from where a rounding error is everything: name -> input, state or parameter -> range
RANGES = {
    "slstm": {"n": (0.5, 1.5)},  # it divides by n
    "rwkv4": {"den": (0.5, 1.5)},
    "time_aware_lstm": {"dt": (0.1, 2.0)},  # log(e + dt)
    "phased_lstm": {"t": (0.0, 3.0), "p.tau": (1.0, 3.0)},
}


def layer_of(cell: gated.Cell, input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> Any:
    """A layer of a cell, or of a cell of the zoo without a family, as the cell allows one.

    The states of rg_lru are as long as x; what keeps an input has one layer, in one direction or both.
    """
    name = cell.name.split("_without_")[0]
    hidden_size = hidden_size if cell.graph.free_dims else input_size
    return gated.Recurrent(cell, input_size, hidden_size, 1 if name in ONE_LAYER else num_layers, **options)


def inputs_of(layer: Any, rng: np.random.Generator, *lead: int) -> np.ndarray:
    """All inputs side by side (*lead, input_size): standard normal but where the cell has a range."""
    x = rng.standard_normal((*lead, layer.input_size))
    for name, (low, high) in RANGES.get(layer.cell.name.split("_without_")[0], {}).items():
        if name in layer.input_columns:
            x[..., layer.input_columns[name]] = rng.uniform(low, high, x[..., layer.input_columns[name]].shape)
    return x


def _is_defined(name: str) -> bool:
    try:
        plan_traces(ZOO[name].graph)
    except ArgumentError:
        return False
    return True


# for which one trace per weight holds the derivative, where matrices are cut
ONLINE = tuple(name for name in ZOO if _is_defined(name))
FEW_ONLINE = tuple(name for name in FEW if name in ONLINE) + ("gers_lstm", "atr", "elstm")
