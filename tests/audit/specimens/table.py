"""Wrong backward passes: each is a right file beside this one with a few lines changed, and what the audit has to say.

`Fault.where` is the quantity whose adjoint is wrong ("c", "a_i", "h"), or the parameters where it is their sum that is:
which other gradients it spoils the table of the audit finds by itself. `numbers` count faults of widely read texts; `ELSEWHERE` has those that are no backward pass.
"""

# ruff: noqa: E501 - a table: a line is an edit
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Fault:
    kind: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Specimen:
    """`edits`: old text -> new text, each of which is there exactly once."""

    name: str
    right: str
    edits: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]
    numbers: tuple[int, ...] = ()
    only: str | None = None  # the function to audit, where it is not the one found by itself

    def text(self) -> str:
        text = (HERE / "right" / f"{self.right}.py").read_text(encoding="utf-8")
        for old, new in self.edits:
            assert text.count(old) == 1, f"{self.name}: {old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        return text


def single(
    right: str, name: str, old: str, new: str, kind: str, *where: str, numbers: tuple[int, ...] = ()
) -> Specimen:
    return Specimen(f"{right}: {name}", right, ((old, new),), (Fault(kind, where),), numbers)


def joined(*names: str) -> Specimen:
    """Several single faults of one file at once."""
    parts = [BY_NAME[name] for name in names]
    right = parts[0].right
    assert all(p.right == right for p in parts)
    name = " + ".join(n.split(": ", 1)[1] for n in names)
    edits, faults = sum((p.edits for p in parts), ()), sum((p.faults for p in parts), ())
    return Specimen(f"{right}: {name}", right, edits, faults, tuple(n for p in parts for n in p.numbers))


L, P, G, A, R, C, S, Q = (
    "params_lstm",
    "params_peephole_lstm",
    "params_gru",
    "params_gru_after",
    "params_rnn",
    "cs231n_lstm",
    "stepwise_lstm",
    "question",
)
DO, DC = "do = dh * tc * o * (1 - o)", "dc = dc + dh * o * (1 - tc**2)"
DI, DF, DG = "di = dc * g * i * (1 - i)", "df = dc * c * f * (1 - f)", "dg = dc * i * (1 - g**2)"
BIAS, INPUT, AGAIN = 'grads["b" + gate] += d.sum(0)', 'grads["W" + gate] += x.T @ d', 'grads["U" + gate] += h.T @ d'
RETURN = '    grads["xs"] = dxs'
BACK = 'dh = di @ p["Ui"].T + df @ p["Uf"].T + dg @ p["Ug"].T + do @ p["Uo"].T'

SINGLES = (
    single(L, "o without tanh c", DO, "do = dh * o * (1 - o)", "missing_factor", "a_o", numbers=(4,)),
    single(L, "c without o", DC, "dc = dc + dh * (1 - tc**2)", "missing_factor", "c"),
    single(L, "c without the slope of tanh", DC, "dc = dc + dh * o", "missing_factor", "c"),
    single(L, "slope of tanh at c itself", DC, "dc = dc + dh * o * (1 - new**2)", "wrong_derivative", "c"),
    single(L, "slope of tanh without its square", DC, "dc = dc + dh * o * (1 - tc)", "wrong_derivative", "c"),
    single(L, "i without g", DI, "di = dc * i * (1 - i)", "missing_factor", "a_i", numbers=(7,)),
    single(L, "i with the delta of h", DI, "di = dh * g * i * (1 - i)", "wrong_delta", "a_i"),
    single(L, "i with the wrong sign", DI, "di = -dc * g * i * (1 - i)", "wrong_sign", "a_i"),
    single(L, "slope of i at its output", DI, "di = dc * g * sigma(i) * (1 - sigma(i))", "wrong_derivative", "a_i", numbers=(9,)),
    single(L, "f with the new c", DF, "df = dc * new * f * (1 - f)", "wrong_operand", "a_f"),
    single(L, "g without i", DG, "dg = dc * (1 - g**2)", "missing_factor", "a_g", numbers=(7,)),
    single(L, "slope of g as of a sigmoid", DG, "dg = dc * i * g * (1 - g)", "wrong_derivative", "a_g"),
    single(L, "the path through c is cut", "dc = dc * f", "dc = 0 * dc", "cut_path", "c", numbers=(10, 21, 27)),
    single(L, "c goes back without f", "dc = dc * f", "dc = dc * 1", "missing_factor", "c"),
    single(L, "c goes back through i", "dc = dc * f", "dc = dc * i", "wrong_operand", "c"),
    single(L, "the path through h is cut", BACK, "dh = 0 * dh", "cut_path", "h", numbers=(13,)),
    single(L, "h misses f", BACK, BACK.replace(' + df @ p["Uf"].T', ""), "missing_term", "h"),
    single(L, "h through Ui untransposed", BACK, BACK.replace('p["Ui"].T', 'p["Ui"]'), "transposed", "h"),
    single(L, "the loss of earlier steps is dropped", "dh = dh + dhs[t]", "dh = dhs[t] if t == len(cache) - 1 else dh", "missing_term", "h", numbers=(26,)),
    single(L, "h keeps only the loss", "dh = dh + dhs[t]", "dh = dhs[t]", "cut_path", "h"),
    single(L, "biases overwritten", BIAS, BIAS.replace("+=", "="), "not_summed", "bi", "bf", "bg", "bo"),
    single(L, "biases averaged over the batch", BIAS, BIAS.replace("sum", "mean"), "averaged", "bi", "bf", "bg", "bo"),
    single(L, "biases times their sigmoid", BIAS, 'grads["b" + gate] += (d * sigma(p["b" + gate])).sum(0)', "extra_factor", "bi", "bf", "bg", "bo", numbers=(6,)),
    single(L, "W of the last step", INPUT, INPUT.replace("x.T", "(t == len(cache) - 1) * x.T"), "last_step_only", "Wi", "Wf", "Wg", "Wo", numbers=(20, 28)),
    single(L, "U sees c", AGAIN, AGAIN.replace("h.T", "c.T"), "wrong_operand", "Ui", "Uf", "Ug", "Uo"),
    single(L, "x misses o", ' + do @ p["Wo"].T', "", "missing_term", "xs", numbers=(8,)),
    single(L, "i and f exchanged", '("i", di), ("f", df)', '("i", df), ("f", di)', "swapped_gates", "a_i", "a_f"),
    single(L, "averaged over time", RETURN, "    for name in p:\n        grads[name] /= len(cache)\n" + RETURN, "averaged", *(f + g for f in "WUb" for g in "ifgo")),
    single(L, "everything negative", "dh = dh + dhs[t]", "dh = dh - dhs[t]", "wrong_sign", "h", numbers=(32,)),
    single(L, "bias of i with the delta of f", BIAS, BIAS.replace("d.sum", "(df if gate == 'i' else d).sum"), "wrong_delta", "bi", numbers=(19,)),
    single(L, "no gradient of h0", 'grads["h0"] = dh', 'grads["h0"] = 0 * dh', "zero", "h0"),
    single(L, "dhs changed in place", "dh = dh + dhs[t]", "dhs[t] += dh\n        dh = dhs[t]", "in_place", "dhs"),
    single(L, "h goes back as it is", BACK, "dh = dh * 1", "wrong_delta", "h"),
    single(L, "biases of one sequence", BIAS, BIAS.replace(".sum(0)", "[0]"), "not_summed", "bi", "bf", "bg", "bo"),
    single(L, "a rate among the sums", INPUT, INPUT.replace("+= ", "+= 0.01 * "), "extra_factor", "Wi", "Wf", "Wg", "Wo"),
    single(L, "the last step is left out", "range(len(cache) - 1, -1, -1)", "range(len(cache) - 2, -1, -1)", "missing_term", *(f + g for f in "WUb" for g in "ifgo"), "xs", "h0", "c0"),
    single(L, "c is used before h is added", f"{DC}\n        {DI}\n        {DF}\n        {DG}", f"{DI}\n        {DF}\n        {DG}\n        {DC}", "missing_term", "a_g", "a_f", "a_i"),
    single(L, "o with what comes back into c", DO, DO.replace("dh", "dc"), "wrong_delta", "a_o"),
    single(L, "nothing of h enters c", "dc = dc + dh * o * (1 - tc**2)", "dc = dc * 1", "missing_term", "c"),
    single(P, "c misses the output peephole", 'dc = dc + do * p["po"]', "dc = dc + 0", "missing_term", "c", numbers=(11, 14)),
    single(P, "c goes back without peepholes", 'dc = dc * f + di * p["pi"] + df * p["pf"]', "dc = dc * f", "missing_term", "c", numbers=(15,)),
    single(P, "c goes back without that of i", ' + di * p["pi"]', "", "missing_term", "c"),
    single(P, "peephole of f sees the new c", "(df * c).sum(0)", "(df * new).sum(0)", "wrong_operand", "pf"),
    single(P, "peephole of o sees the old c", "(do * new).sum(0)", "(do * c).sum(0)", "wrong_operand", "po"),
    single(P, "peephole of i sees f c", "(di * c).sum(0)", "(di * f * c).sum(0)", "extra_factor", "pi", numbers=(17,)),
    single(P, "o without tanh c", DO, "do = dh * o * (1 - o)", "missing_factor", "a_o", numbers=(4,)),
    single(P, "the path through h is cut", BACK, "dh = 0 * dh", "cut_path", "h", numbers=(13,)),
    single(P, "f without the old c", DF, "df = dc * f * (1 - f)", "missing_factor", "a_f", numbers=(7,)),
    single(G, "delta of h for that of r", 'p["Ur"].T @ dr', 'p["Ur"].T @ dh', "wrong_delta", "h", numbers=(33,)),
    single(G, "r before the matrix", " + back * r +", ' + p["Un"].T @ (dn * r) +', "wrong_operand", "h", numbers=(35,)),
    single(G, "r left out", " + back * r +", " + back +", "missing_factor", "h", numbers=(35,)),
    single(G, "z without h", "dz = dh * (n - h) * z", "dz = dh * n * z", "missing_term", "a_z"),
    single(G, "z with the other sign", "dz = dh * (n - h) * z", "dz = dh * (h - n) * z", "wrong_sign", "a_z", numbers=(36,)),
    single(G, "h goes back through z", "dh = dh * (1 - z)", "dh = dh * z", "wrong_operand", "h"),
    single(G, "h does not go back by itself", "dh = dh * (1 - z) + ", "dh = ", "missing_term", "h"),
    single(G, "U of n without r", "np.outer(dn, r * h)", "np.outer(dn, h)", "missing_factor", "Un"),
    single(G, "r without h", "dr = back * h * r * (1 - r)", "dr = back * r * (1 - r)", "missing_factor", "a_r"),
    single(G, "everything negative", "dh = dh + dhs[t]", "dh = dh - dhs[t]", "wrong_sign", "h", numbers=(32,)),
    single(G, "W of z not summed", 'grads["Wz"] +=', 'grads["Wz"] =', "not_summed", "Wz", numbers=(34,)),
    single(A, "n without r on its way to U", "da = dn * r", "da = dn * 1", "missing_factor", "u1"),
    single(A, "r sees h", "dr = dn * a * r", "dr = dn * h * r", "wrong_operand", "a_r"),
    single(A, "z with the wrong sign", "(h - n) * z", "(n - h) * z", "wrong_sign", "a_z"),
    single(A, "h goes back through 1 - z", "dh = dh * z + ", "dh = dh * (1 - z) + ", "wrong_operand", "h"),
    single(A, "z with h before the loss is added", "dh = dh + dhs[t]\n        dz = dh * (h - n) * z * (1 - z)\n", "dz = dh * (h - n) * z * (1 - z)\n        dh = dh + dhs[t]\n", "missing_term", "a_z"),
    single(A, "slope of n at z", "(1 - n**2)", "(1 - z**2)", "wrong_derivative", "a_n"),
    single(R, "no slope", "da = dh * (1 - hs[t + 1] ** 2)", "da = dh * 1", "missing_factor", "a_h"),
    single(R, "slope at the output before", "(1 - hs[t + 1] ** 2)", "(1 - hs[t] ** 2)", "wrong_derivative", "a_h"),
    single(R, "W hh sees the new h", "np.outer(da, hs[t])", "np.outer(da, hs[t + 1])", "wrong_operand", "Whh"),
    single(R, "the first step is left out", "range(len(xs) - 1, -1, -1)", "range(len(xs) - 1, 0, -1)", "missing_term", "Wxh", "Whh", "bh", "xs", "h0"),
    single(R, "W hh untransposed", 'dh = params["Whh"].T @ da', 'dh = params["Whh"] @ da', "transposed", "h"),
    single(R, "slope by cosh", "da = dh * (1 - hs[t + 1] ** 2)", 'a = params["Wxh"] @ xs[t] + params["Whh"] @ hs[t] + params["bh"]\n        da = dh * 4 * np.cosh(a) ** 2 / (np.cosh(2 * a) + 1) ** 2', "", numbers=(18,)),
    single(R, "h back from h", 'dh = params["Whh"].T @ da', 'dh = params["Whh"].T @ dh', "wrong_delta", "h", numbers=(30,)),
    single("last_state_rnn", "h back from h", "dh = dpre @", "dh = dh @", "wrong_delta", "h"),
    single("joined_gru", "z without h", "dz = dh * (hb - h) * z", "dz = dh * hb * z", "missing_term", "a_z"),
    single("joined_gru", "r goes back with the wrong sign", "dz @ Wz.T + dr @ Wr.T", "dz @ Wz.T - dr @ Wr.T", "wrong_sign", "h"),
    single("joined_gru", "matrices of z and r exchanged", "dz @ Wz.T + dr @ Wr.T", "dz @ Wr.T + dr @ Wz.T", "swapped_gates", "h"),
    single("joined_gru", "W of r with the delta of z", "+= hx.T @ dr", "+= hx.T @ dz", "wrong_delta", "Wr"),
    single("torch_manual_gru", "everything negative", "dh = dh + dout[t]", "dh = dh - dout[t]", "wrong_sign", "h"),
    single("torch_lstm", "i and f exchanged on all ways", "dc * g * i * (1 - i), dc * c * f * (1 - f)", "dc * c * f * (1 - f), dc * g * i * (1 - i)", "swapped_gates", "a_i", "a_f"),
    Specimen(
        f"{C}: dnext_c changed in place",
        C,
        (("dc = dnext_c + dnext_h * o * (1 - squashed**2)", "dnext_c += dnext_h * o * (1 - squashed**2)\n    dc = dnext_c"),),
        (Fault("in_place", ("dnext_c",)),),
        (38, 39),
        "lstm_step_backward",
    ),
    single(S, "biases of i and o are that of f", "getattr(self, f\"b{g}_grad\") + d)", "getattr(self, f\"b{g}_grad\") + (delta['f'] if g in 'io' else d))", "wrong_delta", "bi", "bo", numbers=(19,)),
    single(S, "Wx of the last step", "d @ self.x_list[k].T", "(k == self.times) * d @ self.x_list[k].T", "last_step_only", "Wfx", "Wix", "Wox", "Wcx", numbers=(20,)),
    single(S, "x of the last step", "d @ self.x_list[k].T", "d @ self.x_list[-1].T", "wrong_operand", "Wfx", "Wix", "Wox", "Wcx"),
    single(S, "h back from c", "h\").T @ d for g, d", "h\").T @ delta_c for g, d", "wrong_delta", "h"),
    single(S, "the path through c is missing", "return delta_c * f", "return 0 * f", "cut_path", "c", numbers=(21,)),
    Specimen(
        f"{S}: gradients kept between calls",
        S,
        tuple((f'{n}_grad", 0.0)', f'{n}_grad", getattr(self, f"{n}_grad", 0.0))') for n in ("W{g}h", "W{g}x", "b{g}")),
        (Fault("stale_state", ("backward",)),),
        (16,),
    ),
    single(S, "tanh by exp", "return np.tanh(v)", "return 2 / (1 + np.exp(-2 * v)) - 1", "", numbers=(22, 25)),
    single(Q, "o without tanh c", "o_e = e * np.tanh(new) * o", "o_e = e * o", "missing_factor", "a_o", numbers=(4,)),
    single(Q, "weight of o sees x alone", '((x + new) * o_e).sum(0)', '(x * o_e).sum(0)', "missing_term", "o_w", numbers=(5,)),
    single(Q, "bias of o times its sigmoid", 'grads["o_b"] += o_e.sum(0)', 'grads["o_b"] += (sig(p["o_b"]) * o_e).sum(0)', "extra_factor", "o_b", numbers=(6,)),
    single(Q, "nothing goes back in time", 'dc = dc * f + i_e * p["i_w"] + f_e * p["f_w"]', "dc = 0 * dc", "cut_path", "c", numbers=(10,)),
    single(Q, "c goes back with the wrong sign of f", ' + f_e * p["f_w"]\n    return', ' - f_e * p["f_w"]\n    return', "wrong_sign", "c"),
    single(Q, "x hears of o alone", ' + i_e * p["i_w"] + f_e * p["f_w"] + c_e * p["c_w"]\n', "\n", "missing_term", "xs", numbers=(8,)),
)  # fmt: skip
BY_NAME = {s.name: s for s in SINGLES}

PAIRS = (
    joined(f"{L}: o without tanh c", f"{L}: i without g"),
    joined(f"{L}: c without o", f"{L}: biases overwritten"),
    joined(f"{L}: f with the new c", f"{L}: the path through c is cut"),
    joined(f"{L}: slope of i at its output", f"{L}: h misses f"),
    joined(f"{L}: the path through c is cut", f"{L}: the loss of earlier steps is dropped", f"{L}: W of the last step"),
    joined(f"{L}: g without i", f"{L}: x misses o", f"{L}: biases averaged over the batch"),
    joined(f"{P}: c misses the output peephole", f"{P}: c goes back without that of i"),
    joined(f"{P}: c misses the output peephole", f"{P}: peephole of f sees the new c", f"{P}: f without the old c"),
    joined(f"{P}: o without tanh c", f"{P}: the path through h is cut"),
    joined(f"{G}: delta of h for that of r", f"{G}: r left out"),
    joined(f"{G}: everything negative", f"{G}: delta of h for that of r", f"{G}: r before the matrix"),
    joined(f"{G}: z without h", f"{G}: W of z not summed"),
    joined(f"{A}: n without r on its way to U", f"{A}: z with the wrong sign"),
    joined(f"{A}: r sees h", f"{A}: slope of n at z"),
    joined(f"{R}: no slope", f"{R}: W hh sees the new h"),
    joined(f"{R}: W hh untransposed", f"{R}: slope at the output before"),
    joined(f"{S}: biases of i and o are that of f", f"{S}: Wx of the last step", f"{S}: the path through c is missing"),
    joined(
        f"{Q}: o without tanh c",
        f"{Q}: weight of o sees x alone",
        f"{Q}: bias of o times its sigmoid",
        f"{Q}: nothing goes back in time",
        f"{Q}: x hears of o alone",
    ),
)
ELSEWHERE = {  # number -> where it is tested, or why it is nothing that a program can have
    1: "no order of statements lets i and f see the new c: question.py reads the old one",
    2: "the forward pass of question.py: test_tomorrow",
    3: "the forward pass of question.py: test_tomorrow",
    12: "a sentence of an answer",
    23: "a method that nobody called: test_tomorrow",
    24: "what a signature cannot take: test_tomorrow",
    29: "a notation without transposes; as code it is a matrix untransposed",
    31: "a sentence about vanishing",
    37: "one letter for two things in a text",
    39: "the in-place change of dnext_c with other dtypes: test_tomorrow",
    40: "a figure of a text, and time lost",
}
SPECIMENS = (*SINGLES, *PAIRS)
RIGHT = tuple(sorted(path.stem for path in (HERE / "right").glob("*.py")))
