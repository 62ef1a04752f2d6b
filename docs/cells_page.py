"""The page that lists the cells of the zoo, in English and Chinese, from `gated.cells.ZOO` itself."""

from __future__ import annotations

import re

from gated.cells import ZOO
from gated.language import Cell

HEAD = {
    "en": """# The cells that come with gated

[中文](cells.zh.md)

This page is written by `docs/build.py` from `gated.cells.ZOO`. Each cell is a few lines of equations in
[src/gated/cells](../src/gated/cells); `print(gated.cells.gru)` shows them, `gated.cells.gru.derive()` derives the
backward pass, `gated.check_cell(gated.cells.gru)` checks it.

Parameter families: `W` input, `U` recurrent, `b` bias, `p` peephole, `P` projection; `u` is a recurrent weight for
each unit, `R` carries gates to gates. The first state is the output.
""",
    "zh": """# gated 自带的单元

[English](cells.md)

本页由 `docs/build.py` 根据 `gated.cells.ZOO` 写成。\
每个单元都只是 [src/gated/cells](../src/gated/cells) 里的几行方程：`print(gated.cells.gru)` 把它们印出来，\
`gated.cells.gru.derive()` 推导反向传播，`gated.check_cell(gated.cells.gru)` 做梯度检验。

参数按字母分组：`W` 输入权重，`U` 循环权重，`b` 偏置，`p` 窥视孔，`P` 投影；`u` 是每个单元自己的循环权重，\
`R` 把上一步的门接到这一步的门。第一个状态就是输出。
""",
}
COLUMNS = {
    "en": ("cell", "what it is", "states", "parameters", "source"),
    "zh": ("单元", "说明", "状态", "参数", "出处"),
}
EQUATIONS = {"en": "## Equations", "zh": "## 方程"}
IN_CHINESE = {
    "rnn": "最简单的循环神经网络（Elman 网络）",
    "indrnn": "独立循环神经网络：每个神经元只通过一个权重 u.h 看到自己的过去",
    "lstm_1997": "最初的 LSTM：没有遗忘门，细胞状态只加不减",
    "lstm": "带遗忘门的 LSTM，今天最常见的形式（PyTorch、Keras、ONNX）",
    "peephole_lstm": "带窥视孔连接的 LSTM：i 和 f 看旧的细胞状态，o 看新的",
    "gers_lstm": "带窥视孔的 LSTM，输入门看的是遗忘门留下的部分，细胞状态不再压缩",
    "projected_lstm": "带循环投影的 LSTM（LSTMP）：h 是细胞输出的线性映射，通常维数更小",
    "projected_peephole_lstm": "带窥视孔和循环投影的 LSTM，即论文里的 LSTMP",
    "projected_rnn": "带循环投影的简单循环神经网络：循环矩阵 U P 的秩较低",
    "projected_gru": "带循环投影的 GRU：神经元的状态是 s，所有矩阵和输出看到的是它的线性映射 h",
    "projected_gru_reset_after": "带循环投影的 GRU，重置门在矩阵之后：cuDNN、PyTorch 和 Keras 默认的算法",
    "lstm_no_input_gate": "没有输入门，i = 1（NIG）",
    "lstm_no_forget_gate": "没有遗忘门，f = 1（NFG）",
    "lstm_no_output_gate": "没有输出门，o = 1（NOG）",
    "lstm_no_input_activation": "候选值不经过激活函数（NIAF）",
    "lstm_no_output_activation": "输出时不压缩细胞状态（NOAF）",
    "lstm_coupled_gates": "门耦合：写入多少就忘掉多少，f = 1 − i（CIFG）",
    "lstm_no_peepholes": "没有窥视孔（NP），方程与 lstm 相同",
    "lstm_full_gate_recurrence": "每个门都看上一步的三个门（FGR）",
    "gru": "论文中的 GRU：重置门在矩阵之前起作用，z = 1 表示取候选值",
    "gru_reset_after": "重置门在矩阵之后的 GRU，z = 1 表示保留 h：cuDNN、PyTorch 和 Keras 默认的算法",
    "mgu": "最小门控单元：一个门既重置又更新的 GRU",
    "slstm": "xLSTM 的 sLSTM：指数输入门，归一化状态 n，稳定状态 m",
}
SOURCE_IN_CHINESE = {
    "gers_lstm": "公开程序 evolvingstuff/LongShortTermMemory，"
    "它依据 F. A. Gers, N. N. Schraudolph, J. Schmidhuber (2002)",
    "gru": "J. Chung, C. Gulcehre, K. Cho, Y. Bengio (2014), arXiv:1412.3555，第 3.2 节；"
    "K. Cho et al. (2014) 的 z 与此相反",
    "gru_reset_after": "cuDNN 与 torch.nn.GRU 的文档；z 的约定同 K. Cho et al. (2014), EMNLP，第 2.3 节",
}


def families(cell: Cell) -> str:
    """`W.i W.f U.i` -> `W.{i,f} U.i`."""
    members: dict[str, list[str]] = {}
    for name in cell.parameters:
        family, _, member = name.partition(".")
        members.setdefault(family, []).append(member)
    return " ".join(
        f"`{family}.{own[0]}`" if len(own) == 1 else f"`{family}.{{{','.join(own)}}}`"
        for family, own in members.items()
    )


def what(cell: Cell, lang: str) -> str:
    """One line on a cell: the first paragraph of its docstring, or its Chinese line."""
    if lang == "zh":
        return IN_CHINESE[cell.name]
    return " ".join((cell.doc or "").split("\n\n")[0].split()).rstrip(".")


def source(cell: Cell, lang: str) -> str:
    """What the docstring names as the source, up to its first full stop (the one of an initial is none)."""
    if lang == "zh" and cell.name in SOURCE_IN_CHINESE:
        return SOURCE_IN_CHINESE[cell.name]
    text = " ".join((cell.doc or "").split())
    stated = re.search(r"Source: (.*)", text)
    if stated is None:
        raise SystemExit(f"{cell.name}: its docstring names no source; write one that begins with 'Source: '")
    sentence = re.split(r"(?<!\b[A-Z])\. (?=[A-Z])", stated[1])[0].rstrip(".")
    if lang == "zh":  # what follows a semicolon is a remark in English
        sentence = sentence.split("; ")[0].replace(", variant ", "，变体 ")
    return sentence


def page(lang: str) -> str:
    """The whole page, "en" or "zh"."""
    lines = [HEAD[lang], "| " + " | ".join(COLUMNS[lang]) + " |", "|" + "---|" * len(COLUMNS[lang])]
    for name, cell in ZOO.items():
        row = (f"`{name}`", what(cell, lang), "`" + " ".join(cell.states) + "`", families(cell), source(cell, lang))
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", EQUATIONS[lang]]
    for name, cell in ZOO.items():
        lines += ["", f"### {name}", "", "```text", *cell.equations(), "```"]
    return "\n".join(lines) + "\n"
