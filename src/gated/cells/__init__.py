"""The zoo: cells as published, each a few lines of equations with its source.

Families of parameters: W input, U recurrent, b bias, p peephole, P projection. A cell is found by its attribute
(`gated.cells.gru`) or, where its name is data, in `ZOO` (`gated.cells.ZOO["gru"]`). `FAMILIES` has the same cells
under the names of their kinds.

A name is that of the paper or program in lower case: what is one word there is one word here (`indrnn`, `mingru`), a
space or a hyphen becomes an underscore (`li_gru`). Where the short name stands for several cells, the long one is
taken (`typed_lstm`, `memory_controller_lstm`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from gated.language import Cell
from gated.lazy import submodules

_module, _names = submodules(__name__)

# who has which: equations are read when a cell is first asked for, so that the others cost nothing
_PLACES = {
    "_additive": "atr cfn dsgu ran sgu star",
    "_antisymmetric": "antisymmetric_rnn gated_antisymmetric_rnn",
    "_chance": "recurrent_dropout_lstm zoneout_lstm",
    "_deep": "fs_lstm intersection_rnn rhn scrn",
    "_dynamical": "br cornn ctrnn lem low_rank_rnn nbr tau_gru unicornn",
    "_elman": "fastgrnn fastrnn projected_rnn rnn",
    "_fixed": "leaky_echo_state",
    "_gru": "gru gru_reset_after projected_gru projected_gru_reset_after",
    "_indrnn": "indrnn",
    "_layer_norm": "layer_norm_gru layer_norm_lstm",
    "_lstm": "gers_lstm lstm lstm_1997 peephole_lstm projected_lstm projected_peephole_lstm",
    "_memory": "memory_controller_lstm residual_lstm working_memory_lstm",
    "_minimal": "janet li_gru lightru mgu mgu1 mgu2 mgu3 minimalrnn miru1 miru2 sgrn ugrnn",
    "_multiplicative": "mi_gru mi_lstm mi_rnn multiplicative_lstm multiplicative_rnn",
    "_odyssey": (
        "lstm_coupled_gates lstm_full_gate_recurrence lstm_no_forget_gate lstm_no_input_activation "
        "lstm_no_input_gate lstm_no_output_activation lstm_no_output_gate lstm_no_peepholes"
    ),
    "_parallel": "elstm mingru minlstm qrnn sru typed_gru typed_lstm typed_rnn",
    "_searched": "mut1 mut2 mut3 nas",
    "_spiking": "lif",
    "_state_space": "lru rg_lru rwkv4",
    "_time": "augru cfc gru_d phased_lstm time_aware_lstm",
    "_xlstm": "slstm",
}
_PLACE_OF = {name: module for module, names in _PLACES.items() for name in names.split()}
_KINDS = {
    "Simple recurrent networks": "rnn indrnn projected_rnn fastrnn fastgrnn",
    "LSTM": (
        "lstm_1997 lstm peephole_lstm gers_lstm projected_lstm projected_peephole_lstm working_memory_lstm "
        "memory_controller_lstm residual_lstm slstm"
    ),
    "LSTM with one thing changed": (
        "lstm_no_input_gate lstm_no_forget_gate lstm_no_output_gate lstm_no_input_activation "
        "lstm_no_output_activation lstm_coupled_gates lstm_no_peepholes lstm_full_gate_recurrence"
    ),
    "GRU": "gru gru_reset_after projected_gru projected_gru_reset_after",
    "One gate, or none": "mgu mgu1 mgu2 mgu3 ugrnn li_gru lightru minimalrnn janet sgrn miru1 miru2",
    "Other gates": "atr cfn ran star sgu dsgu",
    "Each unit sees its own past only": "typed_rnn typed_gru typed_lstm qrnn sru mingru minlstm elstm",
    "Products of input and state": "multiplicative_rnn multiplicative_lstm mi_rnn mi_gru mi_lstm",
    "Differential equations in steps": (
        "ctrnn antisymmetric_rnn gated_antisymmetric_rnn low_rank_rnn cornn unicornn lem tau_gru br nbr"
    ),
    "Found by search": "mut1 mut2 mut3 nas",
    "Deep within a step, or with a slow part": "rhn fs_lstm scrn intersection_rnn",
    "Told of time, gaps and attention": "gru_d phased_lstm time_aware_lstm cfc augru",
    "By chance": "zoneout_lstm recurrent_dropout_lstm",
    "Normalised over the units": "layer_norm_lstm layer_norm_gru",
    "Linear recurrences": "lru rg_lru rwkv4",
    "Not learned, or spiking": "leaky_echo_state lif",
}

Value = TypeVar("Value")


class _Read(Mapping[str, Value]):
    """A table whose values are made when they are asked for.

    Args:
        make: from a key.
    """

    def __init__(self, keys: Mapping[str, Any], make: Any) -> None:
        self._keys, self._make = keys, make

    def __getitem__(self, name: str) -> Value:
        if name not in self._keys:
            raise KeyError(name)
        found: Value = self._make(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    def __repr__(self) -> str:
        return f"<{', '.join(self._keys)}>"


def _cell(name: str) -> Cell:
    found: Cell = getattr(importlib.import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
    return found


FAMILIES: Mapping[str, tuple[Cell, ...]] = _Read(_KINDS, lambda kind: tuple(map(_cell, _KINDS[kind].split())))
ZOO: Mapping[str, Cell] = _Read(dict.fromkeys(n for kind in _KINDS.values() for n in kind.split()), _cell)

__all__ = ["FAMILIES", "ZOO", *ZOO]


def __getattr__(name: str) -> Any:
    if name in _PLACE_OF:
        found = globals()[name] = _cell(name)
        return found
    try:
        return _module(name)
    except AttributeError as error:
        raise AttributeError(f"{error}; the zoo has {', '.join(ZOO)}") from None


def __dir__() -> list[str]:
    return sorted({*_names(), *ZOO})
