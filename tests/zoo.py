"""Which cells of the zoo a test goes through.

All of them where a case is cheap. Machine code takes seconds to compile: what is to hold for every program is tested
with FEW, one cell for each shape that a program has, and that the others' programs are right by one case each.
"""

from __future__ import annotations

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
# which are given more than x, draw, hold arrays that are not learned, or have the input's length throughout
APART = (
    *("gru_d", "phased_lstm", "time_aware_lstm", "cfc", "augru"),
    *("zoneout_lstm", "recurrent_dropout_lstm", "rg_lru", "rwkv4", "leaky_echo_state", "lif"),
)
PLAIN = tuple(name for name in ZOO if name not in APART)
REST = tuple(name for name in PLAIN if name not in FEW)
# which keep an input: its length would be another in a second layer
ONE_LAYER = ("typed_gru", "typed_lstm", "qrnn", "intersection_rnn")


def _is_defined(name: str) -> bool:
    try:
        plan_traces(ZOO[name].graph)
    except ArgumentError:
        return False
    return True


# for which one trace per weight holds the derivative, where matrices are cut
ONLINE = tuple(name for name in PLAIN if _is_defined(name))
FEW_ONLINE = tuple(name for name in FEW if name in ONLINE) + ("gers_lstm", "atr", "elstm")
