"""More slips that people make, as in `faults`: (cell, edits, what must be found)."""

from __future__ import annotations

SLIPS = [
    ("lstm", [("(1.0 - tanh_c * tanh_c)", "tanh_c")], [("wrong_derivative", "dc")]),
    ("lstm", [("dh * o * (1.0 - tanh_c * tanh_c)", "dh * (1.0 - tanh_c * tanh_c)")], [("missing_factor", "dc")]),
    ("lstm", [("delta_i = di * i * (1.0 - i)", "delta_i = di * (1.0 - i * i)")], [("wrong_derivative", "a_i")]),
    ("lstm", [("delta_f = df * f * (1.0 - f)", "delta_f = df * f * (1.0 + f)")], [("wrong_sign", "a_f")]),
    (
        "lstm",
        [
            (
                "dh_next = delta_o @ U_o + delta_g @ U_g + delta_f @ U_f + delta_i @ U_i",
                "dh_next = (delta_o @ U_o + delta_g @ U_g + delta_f @ U_f + delta_i @ U_i) * o",
            )
        ],
        [("extra_factor", "dh")],
    ),
    ("lstm", [("dc_next = dc * f", "dc_next = dc_next * f")], [("cut_path", "dc")]),
    ("lstm", [("dc_next = dc * f", "dc_next = dc * f * (1.0 - f)")], [("extra_factor", "dc")]),
    ("lstm", [("df = dc * c_prev", "df = dc * (tanh_c)")], [("wrong_operand", "a_f")]),
    ("lstm", [("dh = dy[t] + dh_next", "dh = dy[t] - dh_next")], [("wrong_sign", "dh")]),
    (
        "lstm",
        [("dx[t] = delta_o @ W_o + delta_g @ W_g + delta_f @ W_f + delta_i @ W_i", "dx[t] = delta_o @ W_o")],
        [("missing_term", "x")],
    ),
    ("lstm", [('grads["b.i"] += delta_i.sum(axis=0)', 'grads["b.i"] += di.sum(axis=0)')], [("wrong_delta", "b.i")]),
    (
        "lstm",
        [
            ('grads["U.i"] += delta_i.T @ h_prev', 'grads["U.i"] += delta_i.T @ (o * tanh_c)'),
            ('grads["U.f"] += delta_f.T @ h_prev', 'grads["U.f"] += delta_f.T @ (o * tanh_c)'),
            ('grads["U.g"] += delta_g.T @ h_prev', 'grads["U.g"] += delta_g.T @ (o * tanh_c)'),
            ('grads["U.o"] += delta_o.T @ h_prev', 'grads["U.o"] += delta_o.T @ (o * tanh_c)'),
        ],
        [("wrong_operand", "U.o")],
    ),
    (
        "lstm",
        [("delta_g @ U_g", "delta_f @ U_g"), ("delta_f @ U_f", "delta_g @ U_f")],
        [("swapped_gates", "dh")],
    ),
    ("lstm", [("do = dh * tanh_c", "do = dh * (i * g + f * c_prev)")], [("wrong_operand", "a_o")]),
    (
        "lstm",
        [("* (1.0 - tanh_c * tanh_c)", ""), ("dg * (1.0 - g * g)", "dg"), ("dc_next = dc * f", "dc_next = dc")],
        [("missing_factor", "dc"), ("missing_factor", "dc"), ("missing_factor", "a_g")],
    ),
    (
        "lstm",
        [
            ("delta_o = do * o * (1.0 - o)", "delta_o = do"),
            ("delta_f = df * f * (1.0 - f)", "delta_f = df"),
            ("delta_i = di * i * (1.0 - i)", "delta_i = di"),
        ],
        [("missing_factor", "a_o"), ("missing_factor", "a_f"), ("missing_factor", "a_i")],
    ),
    (
        "gru",
        [
            (
                "dh_next = dh * (1.0 - z) + du1 * r + delta_z @ U_z + delta_r @ U_r",
                "dh_next = du1 * r + delta_z @ U_z + delta_r @ U_r",
            ),
            ("dn = dh * z", "dn = dh"),
        ],
        [("missing_term", "dh"), ("missing_factor", "a_n")],
    ),
    ("gru", [("du1 = delta_n @ U_n", "du1 = dn @ U_n")], [("wrong_delta", "du1")]),
    ("gru", [("du1 = delta_n @ U_n", "du1 = delta_n @ U_n.T")], [("transposed", "du1")]),
    ("gru", [("dr = du1 * h_prev", "dr = delta_n * h_prev")], [("wrong_delta", "a_r")]),
    (
        "gru",
        [
            ("dn = dh * z", "dn = dh * (1.0 - z)"),
            ("dh * (1.0 - z) +", "dh * z +"),
            ("dz = dh * (n - h_prev)", "dz = dh * (h_prev - n)"),
        ],
        [("wrong_operand", "dh"), ("wrong_operand", "a_n"), ("wrong_sign", "a_z")],
    ),
    (
        "gru",
        [
            ('grads["U.n"] += delta_n.T @ u1', 'grads["U.n"] += delta_n.T @ h_prev'),
            ("du1 * r +", "du1 +"),
            ("dr = du1 * h_prev", "dr = du1"),
        ],
        [("missing_factor", "dh"), ("missing_factor", "a_r"), ("missing_factor", "U.n")],
    ),
    (
        "gru_reset_after",
        [("du1 = delta_n * r", "du1 = delta_n"), ("dr = delta_n * u1", "dr = delta_n * h_prev")],
        [("missing_factor", "du1"), ("wrong_operand", "a_r")],
    ),
    (
        "gru_reset_after",
        [('grads["b.hn"] += du1.sum(axis=0)', 'grads["b.hn"] += delta_n.sum(axis=0)')],
        [("wrong_delta", "b.hn")],
    ),
    (
        "gru_reset_after",
        [("dh * z + du1 @ U_n + delta_z @ U_z + delta_r @ U_r", "du1 @ U_n + delta_z @ U_z + delta_r @ U_r")],
        [("missing_term", "dh")],
    ),
    ("rnn", [("dh_next = delta_h @ U_h", "dh_next = dh @ U_h")], [("wrong_delta", "dh")]),
    ("rnn", [("dh_next = delta_h @ U_h", "dh_next = delta_h @ U_h * (1.0 - h * h)")], [("extra_factor", "dh")]),
    (
        "rnn",
        [("dh_next = delta_h @ U_h", "dh_next = delta_h @ U_h * (1.0 - h_prev * h_prev)")],
        [("extra_factor", "dh")],
    ),
    (
        "rnn",
        [
            ("dh = dy[t] + dh_next", "dh = dy[t]"),
            ("(1.0 - h * h)", "(1.0 - h)"),
            ("delta_h.T @ h_prev", "delta_h.T @ h"),
        ],
        [("cut_path", "dh"), ("wrong_derivative", "a_h"), ("wrong_operand", "U.h")],
    ),
    (
        "rnn",
        [("delta_h = dh * (1.0 - h * h)", "delta_h = dy[t] * (1.0 - h * h) + dh_next")],
        [("missing_factor", "dh")],
    ),
    (
        "rnn",
        [
            ('grads["W.h"] += delta_h.T @ x_t', 'grads["W.h"] += dh.T @ x_t'),
            ('grads["U.h"] += delta_h.T @ h_prev', 'grads["U.h"] += dh.T @ h_prev'),
        ],
        [("wrong_delta", "W.h"), ("wrong_delta", "U.h")],
    ),
    ("peephole_lstm", [("+ delta_f * p_f", ""), ("+ delta_i * p_i", "")], [("missing_term", "dc")]),
    (
        "peephole_lstm",
        [("delta_i * c_prev, axis", "delta_i * c, axis"), ("delta_f * c_prev, axis", "delta_f * c, axis")],
        [("wrong_operand", "p.f")],
    ),
]
