"""The programs of docs/my-backprop.md: they have the faults that the page speaks of, and without them are right."""

# ruff: noqa: E501 - lines of programs, as they stand on the page

from __future__ import annotations

from pathlib import Path

import pytest

import gated

from .pages import load, read

build = load("build")
PAGES = "docs/my-backprop.md", "docs/my-backprop.zh.md"
# program -> kinds of its faults, and old text -> new text that puts it right
REPAIRS = {
    "my_lstm.py": (
        {"missing_factor", "missing_term", "cut_path", "extra_factor"},
        {
            "for t, (x, c, i, f, gate, o, new) in enumerate(cache):": (
                "dc = 0 * received[0]\n    for t in reversed(range(len(cache))):\n"
                "        x, c, i, f, gate, o, new = cache[t]\n"
                "        back = o * (1 - o) * np.tanh(new) * received[t]\n"
                '        dc = dc + received[t] * o * (1 - np.tanh(new) ** 2) + back * p["o_w"]'
            ),
            '"o": o * (1 - o) * received[t]': '"o": back',
            '"i": i * (1 - i) * received[t]': '"i": i * (1 - i) * gate * dc',
            '"f": f * (1 - f) * received[t]': '"f": f * (1 - f) * c * dc',
            '"c": (1 - gate**2) * received[t]': '"c": (1 - gate**2) * i * dc',
            '(x * error)': '((x + (new if name == "o" else 0 * c if name == "c" else c)) * error)',
            '(sigmoid(p[name + "_b"]) * error)': "error",
            '(1 - np.tanh(x) ** 2) * errors["o"] * p["o_w"]': (
                'sum(e * p[name + "_w"] for name, e in errors.items())\n'
                '        dc = dc * f + errors["i"] * p["i_w"] + errors["f"] * p["f_w"]'
            ),
        },
    ),
    "lstm_layer.py": (
        {"cut_path", "last_step_only", "wrong_delta"},
        {
            "self.delta_h_list = [": "self.delta_c = zero\n        self.delta_h_list = [",
            "delta_o = delta": "dc = self.delta_c + delta * o * (1 - tanh_c * tanh_c)\n        delta_o = delta",
            "delta_f = delta * o * (1 - tanh_c * tanh_c)": "delta_f = dc",
            "delta_i = delta * o * (1 - tanh_c * tanh_c)": "delta_i = dc",
            "delta_ct = delta * o * (1 - tanh_c * tanh_c)": "delta_ct = dc",
            "        self.delta_h_list[k - 1] = (": "        self.delta_c = dc * f\n        self.delta_h_list[k - 1] = (",
            'self.bi_grad += delta["f"]': 'self.bi_grad += delta["i"]',
            'self.bo_grad += delta["f"]': 'self.bo_grad += delta["o"]',
            "    def forward(self, x):\n        self.times": (
                "    def forward(self, x):\n        self.xs = [*self.xs[: self.times], x]\n        self.times"
            ),
            "        self.times = 0\n": "        self.times, self.xs = 0, []\n",
            "self.deltas[-1][k] @ x.T": "sum(self.deltas[t + 1][k] @ self.xs[t].T for t in range(self.times))",
        },
    ),
    "derived_lstm.py": (
        {"missing_term", "cut_path", "last_step_only"},
        {
            "delta = dhs[-1]\n": "delta, dc = 0, 0\n",
            "        dc = delta * o": "        delta = delta + dhs[t]\n        dc = dc + delta * o",
            "        delta = 0\n": "        delta, dc = 0, dc * f\n",
            "            if t == len(cache) - 1:\n                grads": "            grads",
            'grads[f"W{gate}x"] = x.T': 'grads[f"W{gate}x"] += x.T',
        },
    ),
    "derived_gru.py": (
        {"not_summed", "wrong_delta", "wrong_operand"},
        {
            "    dh = np.zeros_like(dhs[0])\n": "    dh, grads = np.zeros_like(dhs[0]), dict.fromkeys(params, 0)\n",
            "        grads = {\n": "        new_grads = {\n",
            "        dh = delta_z @": "        grads = {name: grads[name] + new_grads[name] for name in params}\n        dh = delta_z @",
            '(delta * r) @ params["Whh"]': '(delta @ params["Whh"]) * r',
            'dh @ params["Wrh"]': 'delta_r @ params["Wrh"]',
        },
    ),
    "step.py": (
        {"in_place"},
        {"dnext_c += dnext_h": "dnext_c = dnext_c + dnext_h"},
    ),
}  # fmt: skip


def programs(page: str) -> dict[str, str]:
    marked = [block for block in build.blocks(read(page)) if block.mark.startswith("file: ")]
    return {block.mark.removeprefix("file: "): block.text for block in marked}


def test_both_pages_have_the_same_programs() -> None:
    english, chinese = map(programs, PAGES)
    assert english == chinese and english.keys() == REPAIRS.keys()


@pytest.mark.parametrize("name", REPAIRS)
def test_a_program_and_its_repair(name: str, tmp_path: Path) -> None:
    text = programs(PAGES[0])[name]
    kinds, repairs = REPAIRS[name]
    path = tmp_path / name
    path.write_text(text)
    wrong = gated.audit.diagnose(path)
    assert {fault.kind for fault in wrong.faults} == kinds and not wrong.unexplained
    assert all(fault.certain for fault in wrong.faults)
    for old, new in repairs.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    right = gated.audit.diagnose(path)
    assert right.verdict == "right", str(right)
