"""What names say: the role of an argument, the family and the gate of a parameter, whose gradient a result is."""

from __future__ import annotations

import re
from collections.abc import Mapping

X = {"x", "xt", "x_t", "xs", "inputs", "input", "seq", "sequence", "x_seq", "x_in", "inp", "data", "xx"}
H = {"h", "h0", "h_0", "prev_h", "h_prev", "hprev", "a0", "a_prev", "ht_prev", "h_init", "init_h", "h_start", "s0"}
H |= {
    "s_prev",
    "prev_s",
    "hx",
    "h_in",
    "h_old",
    "h_tm1",
    "hidden",
    "h_first",
    "initial_h",
    "a_0",
    "h_last_step",
    "old_h",
    "h_t_1",
    "h_t1",
}
C = {"c", "c0", "c_0", "prev_c", "c_prev", "cprev", "ct_prev", "c_init", "init_c", "cx", "c_old", "c_tm1", "c_in"}
C |= {"c_start", "c_first", "initial_c", "cell", "old_cell", "old_c", "cell_prev", "prev_cell", "c_t_1"}
PARAMETERS = {"params", "parameters", "p", "weights", "theta", "par", "prm", "model", "net", "pars", "param"}
CACHE = {
    "cache",
    "caches",
    "tape",
    "memory",
    "saved",
    "store",
    "stored",
    "context",
    "mem",
    "record",
    "records",
    "trace",
}
CACHE |= {"history", "steps", "kept", "hist", "log", "acts", "activations", "states", "fwd", "tapes"}
DY = {"dy", "dys", "dh", "dhs", "dnext_h", "dh_next", "da", "da_next", "dout", "douts", "dh_seq", "d_h", "d_out"}
DY |= {"delta_h", "grad_output", "grad_h", "grad_out", "upstream", "dh_t", "delta", "dl_dh", "dhnext", "d_y", "d_hs"}
DY |= {"grad_y", "gy", "gh", "dyt", "grads_out", "dh_all", "dl_dy", "d_outputs", "douts_h", "grad_hs", "dnext_a"}
DC = {"dnext_c", "dc_next", "dc", "dcnext", "grad_c", "gc", "d_c", "dc_t", "dct"}
LAST_H = {"dh_last", "dht", "dhn", "dh_n", "dh_t_last", "dh_final", "dhlast", "dh_end"}
LAST_C = {"dc_last", "dcn", "dc_n", "dc_final", "dclast", "dc_end"}
SIZES = {
    "D": {"d", "input_size", "input_dim", "n_x", "nx", "in_dim", "input_width", "n_in", "vocab_size", "in_size"},
    "H": {"h", "hidden_size", "hidden_dim", "n_a", "nh", "n_h", "state_width", "units", "hidden", "n_hidden", "nhid"},
}
SIZES["D"] |= {"inputs", "input_units", "in_features", "n_inputs", "num_inputs", "dim_in", "insize", "din", "nin"}
SIZES["H"] |= {"output_dim", "state_size", "hidden_units", "n_out", "num_hidden", "dim_hidden", "out_features", "size"}


STATES = {"state", "init_state", "initial_state", "prev_state", "state_prev", "carry", "hc", "state0", "state_0"}
STATES |= {"initial_states", "init_states", "prev_states", "last_state", "final_state", "start_state"}
WHEN = "prev|previous|next|init|initial|start|first|last|final|old|new|state|in|out|tm1|t_?1|t|0|n|all|seq|list"
STATE = re.compile(rf"^(?:(?:{WHEN})_?)*(?:(h|hs|hidden|a|s|ss)|(c|cs|cell|cells))(?:_?(?:{WHEN}))*$")
FORMS = ("#0", "#_0", "#_prev", "prev_#", "#prev", "#_old", "old_#", "#_init", "init_#", "#_in", "#_last", "#_tm1")
KEPT = re.compile(r"cache|tape|saved|stored|ctx|context|memo|record|trace|history|intermediate|interm|residual|kept")
INPUT = re.compile(r"^(?:x|xs|inputs?|seqs?|sequences?)_?(?:t|seq|batch|data|in|list|all|sequence|train)$")


def role(name: str, backward: bool = False) -> str:
    """ "x", "h", "c", "state", "parameters", "cache", "dy", "dc", "last_h", "last_c", or "array": one parameter."""
    key = name.lower()
    back = (("last_h", LAST_H), ("last_c", LAST_C), ("dc", DC), ("dy", DY)) if backward else ()
    front = (("x", X), ("h", H), ("c", C), ("state", STATES), ("parameters", PARAMETERS), ("cache", CACHE))
    found = next((word for word, names in (*back, *front) if key in names), "")
    if found:
        return found
    if INPUT.match(key):
        return "x"
    if KEPT.search(key):
        return "cache"
    return state(key) if len(key) > 2 and state(key) else "array"


def call_states(called: Mapping[str, str]) -> None:
    """What the user's cell calls its states, "h" and "c" -> their names, in all the forms in which steps are named."""
    for known, names in ((H, called.get("h")), (C, called.get("c"))):
        if names:
            key = names.lower()
            known |= {key, *(form.replace("#", key) for form in FORMS)}


def state(name: str) -> str:
    """ "h" or "c" for a name of a state, at whatever step: h_prev, hs, a_next, cs; else nothing."""
    found = STATE.match(name.lower())
    return ("h" if found[1] else "c") if found else ""


def learnt_state(name: str) -> str:
    """ "h" or "c" for a parameter that is the initial state: h_init, c0; else nothing."""
    last = name.lower().rpartition(".")[2]
    return state(last) if re.search(r"init|start|first|0$", last) else ""


STEMS = (
    r"^(?:d[LEJl]_?d_?|d_|grad_|grads_|gradient_|delta_|diff_|g_|梯度_?)(.+)$",
    r"^(.+?)_(?:grads?|gradients?|diff|deriv|bar|g|d)$",
    r"^(?:grad|delta|diff)([A-Z]\w*)$",
    r"^(.+?)_?(?:Grads?|Gradients?|的?梯度)$",
)


def stem(name: str) -> str:
    """Whose gradient: dWf, grad_Wf, Wf_grad, d_Wf, delta_Wf, gWf and dL_dWf are all that of Wf."""
    name = name.lstrip("_") or name
    for pattern in STEMS:
        found = re.match(pattern, name)
        if found:
            return found[1]
    return name[1:] if len(name) > 1 and name[0] in "dg" else name


def owner(name: str, known: set[str]) -> str | None:
    """Which of the known names this gradient belongs to: "x", "h", "c" or a parameter."""
    for candidate in (stem(name), name):
        if candidate in known:
            return candidate
        lower = {k.lower(): k for k in known}
        if candidate.lower() in lower:
            return lower[candidate.lower()]
        for word, names in (("x", X), ("h", H), ("c", C)):
            if word in known and (candidate.lower() in names or state(candidate) == word):
                return word
    return None


def family(name: str, others: tuple[str, ...], in_one: bool) -> str:
    """Which kind of parameter: "b" bias, "p" peephole, "U" recurrent, "W" input, "WU" both in one matrix.

    Args:
        others: all parameters. in_one: read W as a matrix on [h, x].
    """
    full = (
        name.lower() if "." in name and not any(f"{g}." in o.lower() for o in others for g in ("forget", "f")) else ""
    )
    if "." in name:
        name, others = nested(name)[1], tuple(nested(other)[1] for other in others)
    key = name.lower()
    letters = re.sub(r"[^a-z]", "", key)
    if re.match(r"^[wbv]_?(h?y|ya|y[ha])$", key):
        return "by" if key[0] == "b" else "Wy"
    lower = {other.lower() for other in others}
    gates = any(re.search(r"forget|cell|^w_?(in|f|i|c|g)$", other) for other in lower)
    if re.match(r"^[wb]_?(out|output|fc|dec|hq|ho)$", key) and not gates:
        return "by" if key[0] == "b" else "Wy"
    if key == "v" and {"u", "w"} <= lower or re.match(r"^(?:out|output|decoder|head|fc|proj_?out)\.", full):
        return "by" if key.startswith("b") else "Wy"
    if re.match(r"^(b|bias)", key) or key.endswith(("_b", ".b", "bias")) or letters.endswith("bias"):
        return "b"
    if learnt_state(name):
        return "p"  # a vector of the units
    if re.match(r"^(p|peep|v_?[ifo]$|wc[ifo]$|w_c[ifo]$)", key) or "peep" in key:
        return "p"
    other_operand = key[:-1] + {"x": "h", "h": "x"}.get(key[-1], "?")
    if len(key) > 2 and key[0] == "w" and other_operand in (other.lower() for other in others):
        return "W" if key[-1] == "x" else "U"  # Whx beside Whh: the last letter is the operand's, h the candidate's
    if re.match(r"^w_?[ha]$", key) and any(re.match(r"^u_?[ha]$", other.lower()) for other in others):
        return "W"  # Wh beside Uh: h is the candidate
    if re.match(r"^(u|r(_|$|[ifogczrhn]$))", key) or re.match(r"^(weight_hh|whh|waa|wh$|w_h$|w_hh|recurrent)", key):
        return "U"
    if re.match(r"^(weight_ih|wx|wxh|wax|w_x|kernel)", key):
        return "W"
    x_marked = any(re.match(r"^w_?([a-z]+_?x|x_?[a-z]+)$", other.lower()) for other in others)
    if x_marked and re.match(r"^w_?([a-z]+_?[ha]|[ha]_?[a-z]+)$", key):
        return "U"
    if not re.match(r"^(w|v|k|m|theta|i_?w|[a-z]_w)", key):
        return "b"
    return "WU" if in_one and key.startswith("w") else "W"


GATE = re.compile(r"_?gate(?=_|$)", re.IGNORECASE)


def nested(name: str) -> tuple[str, str]:
    """Gate and family of an array that lies in a dictionary of its own: update.W and W.z."""
    parts = [GATE.sub("", part) or part for part in name.split(".") if not part.isdigit()] or [name]
    gate = next((part for part in parts if any(part.lower() in words for words in HINTS.values())), "")
    rest = [part for part in parts if part != gate]
    if not gate or not rest:
        last = parts[-1]
        return (gate_word(last) if "." not in last else ""), last
    return gate.lower(), rest[-1]


def gate_word(name: str) -> str:
    """What is left of a parameter's name without its family: Wfh, Wfx, bf -> "f"; Wx, Wh, b -> ""."""
    if "." in name:
        return nested(name)[0]
    name = GATE.sub("", re.sub(r"(?<=_)(in|hid|input|hidden|x|h)_to_", "", name, flags=re.IGNORECASE))
    key = re.sub(r"(weight|bias|kernel|recurrent|peephole|peep|_ih|_hh|_l0|[._\d\[\]])+", "_", name.lower()).strip("_")
    key = key.replace("_", "")
    key = re.sub(r"^[wubprv](?=.)|(?<=.)[wub]$|^[wub]$", "", key, count=1)
    if re.match(r"^c[ifo]$", key):  # Wci: the peephole of i
        key = key[1]
    if len(key) == 2:  # Wxz and Wzx, Whh and Whx: the letter that is not the operand's
        first, second = key[0], key[1]
        key = second if first == "x" or first in "ha" and second != "x" else first if second in "xha" else key
    elif len(key) > 2:
        key = re.sub(r"^[xha](?=[a-z])|[xha]$", "", key, count=1)
    return "" if key in ("x", "w", "u") else "h" if key == "a" else key


HINTS = {  # gate words -> gates of the cells of the zoo
    "i": {"i", "in", "input", "u", "update"},
    "f": {"f", "forget"},
    "g": {"g", "c", "z", "ct", "cell", "cc", "candidate", "n", "ctilde", "chat", "cbar", "modulation", "ch", "cand"},
    "o": {"o", "out", "output"},
    "r": {"r", "reset"},
    "z": {"z", "u", "update"},
    "n": {"n", "h", "hh", "c", "g", "candidate", "hc", "ch", "hhat", "htilde", "hbar", "cand", "new", "k", "hat"},
    "h": {"h", "", "a", "hh"},
}
