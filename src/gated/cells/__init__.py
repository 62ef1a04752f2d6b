"""The zoo: cells as published, each a few lines of equations with its source.

Families: W input, U recurrent, b bias, p peephole, P projection. A cell is found by its attribute
(`gated.cells.gru`) or, where its name is data, in `ZOO` (`gated.cells.ZOO["gru"]`).
"""

from __future__ import annotations

from typing import Any

from gated.cells._elman import projected_rnn, rnn
from gated.cells._gru import gru, gru_reset_after, projected_gru, projected_gru_reset_after
from gated.cells._indrnn import indrnn
from gated.cells._layer_norm import layer_norm_gru, layer_norm_lstm
from gated.cells._lstm import (
    gers_lstm,
    lstm,
    lstm_1997,
    peephole_lstm,
    projected_lstm,
    projected_peephole_lstm,
)
from gated.cells._minimal import mgu
from gated.cells._odyssey import (
    lstm_coupled_gates,
    lstm_full_gate_recurrence,
    lstm_no_forget_gate,
    lstm_no_input_activation,
    lstm_no_input_gate,
    lstm_no_output_activation,
    lstm_no_output_gate,
    lstm_no_peepholes,
)
from gated.cells._xlstm import slstm
from gated.language import Cell
from gated.lazy import submodules

_module, __dir__ = submodules(__name__)

ZOO: dict[str, Cell] = {
    "rnn": rnn,
    "indrnn": indrnn,
    "lstm_1997": lstm_1997,
    "lstm": lstm,
    "peephole_lstm": peephole_lstm,
    "gers_lstm": gers_lstm,
    "projected_lstm": projected_lstm,
    "projected_peephole_lstm": projected_peephole_lstm,
    "projected_rnn": projected_rnn,
    "projected_gru": projected_gru,
    "projected_gru_reset_after": projected_gru_reset_after,
    "lstm_no_input_gate": lstm_no_input_gate,
    "lstm_no_forget_gate": lstm_no_forget_gate,
    "lstm_no_output_gate": lstm_no_output_gate,
    "lstm_no_input_activation": lstm_no_input_activation,
    "lstm_no_output_activation": lstm_no_output_activation,
    "lstm_coupled_gates": lstm_coupled_gates,
    "lstm_no_peepholes": lstm_no_peepholes,
    "lstm_full_gate_recurrence": lstm_full_gate_recurrence,
    "gru": gru,
    "gru_reset_after": gru_reset_after,
    "mgu": mgu,
    "slstm": slstm,
    "layer_norm_lstm": layer_norm_lstm,
    "layer_norm_gru": layer_norm_gru,
}

__all__ = ["ZOO", *ZOO]


def __getattr__(name: str) -> Any:
    try:
        return _module(name)
    except AttributeError as error:
        raise AttributeError(f"{error}; the zoo has {', '.join(ZOO)}") from None
