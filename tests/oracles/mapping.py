"""Our parameter names beside those of PyTorch and ONNX.

Letters: L layers (k one of them), N sequences, D inputs, H hidden units; `gates` are ours, in the order of the other
library. Rows are outputs everywhere.
"""

from __future__ import annotations

import numpy as np

TORCH_GATES = {"rnn": "h", "lstm": "ifgo", "projected_lstm": "ifgo", "gru_reset_after": "rzn"}
ONNX_GATES = {
    "rnn": "h",
    "lstm": "iofg",
    "peephole_lstm": "iofg",
    "lstm_coupled_gates": "iofg",
    "gru": "zrn",
    "gru_reset_after": "zrn",
}
ONNX_PEEPHOLES = "iof"


def rows(params, prefix, members):
    return np.concatenate([params[f"{prefix}.{member}"] for member in members])


def torch_parameters(params, cell, num_layers, directions, random):
    """Our parameters as PyTorch's state dict. PyTorch has two biases where we have one: it is split at random."""
    gates = TORCH_GATES[cell]
    out = {}
    for k in range(num_layers):
        for suffix in ("", "_reverse")[:directions]:
            ours, theirs = f"l{k}{suffix}", f"l{k}{suffix}"
            out[f"weight_ih_{theirs}"] = rows(params, f"{ours}.W", gates)
            out[f"weight_hh_{theirs}"] = rows(params, f"{ours}.U", gates)
            bias = rows(params, f"{ours}.b", gates)
            second = random.normal(size=bias.shape)
            if cell == "gru_reset_after":
                # the candidate's biases do not merge: b.n is PyTorch's b_in, b.hn its b_hn
                hidden = len(bias) // 3
                bias[2 * hidden :] += params[f"{ours}.b.hn"]
                second[2 * hidden :] = params[f"{ours}.b.hn"]
            out[f"bias_ih_{theirs}"], out[f"bias_hh_{theirs}"] = bias - second, second
            if cell == "projected_lstm":
                out[f"weight_hr_{theirs}"] = params[f"{ours}.P.h"]
    return out


def gradients_from_torch(gradients, cell, num_layers, directions):
    """PyTorch's gradients (name -> array) under our names."""
    gates = TORCH_GATES[cell]
    out = {}
    for k in range(num_layers):
        for suffix in ("", "_reverse")[:directions]:
            name = f"l{k}{suffix}"
            for family, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
                blocks = np.split(gradients[f"{theirs}_{name}"], len(gates))
                out |= {f"{name}.{family}.{gate}": block for gate, block in zip(gates, blocks, strict=True)}
            if cell == "gru_reset_after":
                out[f"{name}.b.hn"] = np.split(gradients[f"bias_hh_{name}"], 3)[2]
            if cell == "projected_lstm":
                out[f"{name}.P.h"] = gradients[f"weight_hr_{name}"]
    return out


def onnx_inputs(params, cell, directions):
    """The inputs W, R, B and P of an ONNX node for layer 0: name -> array, first axis directions."""
    each = [_onnx_direction(params, cell, f"l0{suffix}") for suffix in ("", "_reverse")[:directions]]
    return {name: np.stack([one[name] for one in each]) for name in each[0]}


def _onnx_direction(params, cell, prefix):
    gates = ONNX_GATES[cell]
    here = {key: value for key, value in params.items() if key.startswith(f"{prefix}.")}
    if cell == "gru":
        # z = 1 takes the candidate with us and keeps h in ONNX: sigmoid(-a) = 1 - sigmoid(a)
        here |= {key: -value for key, value in here.items() if key.endswith(".z")}
    if cell == "lstm_coupled_gates":
        # `input_forget` makes f = 1 - i: the forget gate's weights are there and not used
        here |= {f"{prefix}.{family}.f": np.full_like(here[f"{prefix}.{family}.i"], np.e) for family in "WUbp"}
    second = np.zeros_like(rows(here, f"{prefix}.b", gates))
    if cell == "gru_reset_after":
        second[-len(here[f"{prefix}.b.hn"]) :] = here[f"{prefix}.b.hn"]
    out = {
        "W": rows(here, f"{prefix}.W", gates),
        "R": rows(here, f"{prefix}.U", gates),
        "B": np.concatenate([rows(here, f"{prefix}.b", gates), second]),
    }
    if f"{prefix}.p.o" in here:
        out["P"] = rows(here, f"{prefix}.p", ONNX_PEEPHOLES)
    return out
