"""The zoo: cells as published, each a few lines of equations with its source.

Families of parameters: W input, U recurrent, b bias, p peephole, P projection. A cell is found by its attribute
(`gated.cells.gru`) or, where its name is data, in `ZOO` (`gated.cells.ZOO["gru"]`). `FAMILIES` has the same cells
under the names of their kinds.

A name is that of the paper or program in lower case: what is one word there is one word here (`indrnn`, `mingru`), a
space or a hyphen becomes an underscore (`li_gru`). Where the short name stands for several cells, the long one is
taken (`typed_lstm`, `memory_controller_lstm`).
"""

from __future__ import annotations

from typing import Any

from gated.cells._additive import atr, cfn, dsgu, ran, sgu, star
from gated.cells._antisymmetric import antisymmetric_rnn, gated_antisymmetric_rnn
from gated.cells._chance import recurrent_dropout_lstm, zoneout_lstm
from gated.cells._deep import fs_lstm, intersection_rnn, rhn, scrn
from gated.cells._dynamical import br, cornn, ctrnn, lem, low_rank_rnn, nbr, tau_gru, unicornn
from gated.cells._elman import fastgrnn, fastrnn, projected_rnn, rnn
from gated.cells._fixed import leaky_echo_state
from gated.cells._gru import gru, gru_reset_after, projected_gru, projected_gru_reset_after
from gated.cells._indrnn import indrnn
from gated.cells._lstm import (
    gers_lstm,
    lstm,
    lstm_1997,
    peephole_lstm,
    projected_lstm,
    projected_peephole_lstm,
)
from gated.cells._memory import memory_controller_lstm, residual_lstm, working_memory_lstm
from gated.cells._minimal import (
    janet,
    li_gru,
    lightru,
    mgu,
    mgu1,
    mgu2,
    mgu3,
    minimalrnn,
    miru1,
    miru2,
    sgrn,
    ugrnn,
)
from gated.cells._multiplicative import mi_gru, mi_lstm, mi_rnn, multiplicative_lstm, multiplicative_rnn
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
from gated.cells._parallel import elstm, mingru, minlstm, qrnn, sru, typed_gru, typed_lstm, typed_rnn
from gated.cells._searched import mut1, mut2, mut3, nas
from gated.cells._spiking import lif
from gated.cells._state_space import lru, rg_lru, rwkv4
from gated.cells._time import augru, cfc, gru_d, phased_lstm, time_aware_lstm
from gated.cells._xlstm import slstm
from gated.language import Cell
from gated.lazy import submodules

_module, __dir__ = submodules(__name__)

FAMILIES: dict[str, tuple[Cell, ...]] = {
    "Simple recurrent networks": (rnn, indrnn, projected_rnn, fastrnn, fastgrnn),
    "LSTM": (
        lstm_1997,
        lstm,
        peephole_lstm,
        gers_lstm,
        projected_lstm,
        projected_peephole_lstm,
        working_memory_lstm,
        memory_controller_lstm,
        residual_lstm,
        slstm,
    ),
    "LSTM with one thing changed": (
        lstm_no_input_gate,
        lstm_no_forget_gate,
        lstm_no_output_gate,
        lstm_no_input_activation,
        lstm_no_output_activation,
        lstm_coupled_gates,
        lstm_no_peepholes,
        lstm_full_gate_recurrence,
    ),
    "GRU": (gru, gru_reset_after, projected_gru, projected_gru_reset_after),
    "One gate, or none": (mgu, mgu1, mgu2, mgu3, ugrnn, li_gru, lightru, minimalrnn, janet, sgrn, miru1, miru2),
    "Other gates": (atr, cfn, ran, star, sgu, dsgu),
    "Each unit sees its own past only": (typed_rnn, typed_gru, typed_lstm, qrnn, sru, mingru, minlstm, elstm),
    "Products of input and state": (multiplicative_rnn, multiplicative_lstm, mi_rnn, mi_gru, mi_lstm),
    "Differential equations in steps": (
        ctrnn,
        antisymmetric_rnn,
        gated_antisymmetric_rnn,
        low_rank_rnn,
        cornn,
        unicornn,
        lem,
        tau_gru,
        br,
        nbr,
    ),
    "Found by search": (mut1, mut2, mut3, nas),
    "Deep within a step, or with a slow part": (rhn, fs_lstm, scrn, intersection_rnn),
    "Told of time, gaps and attention": (gru_d, phased_lstm, time_aware_lstm, cfc, augru),
    "By chance": (zoneout_lstm, recurrent_dropout_lstm),
    "Linear recurrences": (lru, rg_lru, rwkv4),
    "Not learned, or spiking": (leaky_echo_state, lif),
}
ZOO: dict[str, Cell] = {cell.name: cell for cells in FAMILIES.values() for cell in cells}

__all__ = ["FAMILIES", "ZOO", *ZOO]


def __getattr__(name: str) -> Any:
    try:
        return _module(name)
    except AttributeError as error:
        raise AttributeError(f"{error}; the zoo has {', '.join(ZOO)}") from None
