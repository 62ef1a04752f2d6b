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
backward pass, `gated.check_cell(gated.cells.gru)` checks it. `gated.cells.gru.without("b")` is the GRU without biases.

Parameter families: `W` input, `U` recurrent, `b` bias, `p` peephole, `P` projection; `u` is a recurrent weight for
each unit, `R` carries gates to gates. The first state is the output.
""",
    "zh": """# gated 自带的细胞

[English](cells.md)

本页由 `docs/build.py` 根据 `gated.cells.ZOO` 写成。\
每个细胞（cell）都只是 [src/gated/cells](../src/gated/cells) 里的几行方程：`print(gated.cells.gru)` 把它们印出来，\
`gated.cells.gru.derive(lang="zh")` 推导反向传播，`gated.check_cell(gated.cells.gru)` 做梯度检验；\
`gated.cells.gru.without("b")` 是不带偏置的 GRU。

参数按字母分组：`W` 输入权重，`U` 循环权重，`b` 偏置，`p` 窥视孔，`P` 投影；`u` 是每个隐藏单元自己的循环权重，\
`R` 把上一步的门接到这一步的门。第一个状态就是输出。
""",
}
COLUMNS = {
    "en": ("cell", "what it is", "states", "parameters", "source"),
    "zh": ("细胞", "说明", "状态", "参数", "出处"),
}
EQUATIONS = {"en": "## Equations", "zh": "## 方程"}
IN_CHINESE = {
    "rnn": "最简单的循环神经网络（Elman 网络）",
    "indrnn": "独立循环神经网络：每个隐藏单元只通过一个权重 u.h 看到自己的过去",
    "lstm_1997": "最初的 LSTM：没有遗忘门，细胞状态只累加、不遗忘",
    "lstm": "带遗忘门的 LSTM，今天最常见的形式（PyTorch、Keras、ONNX）",
    "peephole_lstm": "带窥视孔连接的 LSTM：i 和 f 看旧的细胞状态，o 看新的",
    "gers_lstm": "带窥视孔的 LSTM，输入门看的是遗忘门留下的部分，细胞状态不再压缩",
    "projected_lstm": "带循环投影的 LSTM（LSTMP）：h 是 o ⊙ tanh(c) 的线性映射，通常维数更小",
    "projected_peephole_lstm": "带窥视孔和循环投影的 LSTM，即论文里的 LSTMP",
    "projected_rnn": "带循环投影的简单循环神经网络：循环矩阵 U P 的秩较低",
    "projected_gru": "带循环投影的 GRU：隐藏单元的状态是 s，所有矩阵和输出看到的是它的线性映射 h",
    "projected_gru_reset_after": "带循环投影的 GRU，门的算法同 cuDNN、PyTorch 和 Keras 的默认",
    "lstm_no_input_gate": "没有输入门的 LSTM，i = 1",
    "lstm_no_forget_gate": "没有遗忘门的 LSTM，f = 1",
    "lstm_no_output_gate": "没有输出门的 LSTM，o = 1",
    "lstm_no_input_activation": "候选值不经过激活函数的 LSTM",
    "lstm_no_output_activation": "输出时不压缩细胞状态的 LSTM",
    "lstm_coupled_gates": "门耦合的 LSTM：写入多少就忘掉多少，f = 1 − i",
    "lstm_no_peepholes": "没有窥视孔的 LSTM",
    "lstm_full_gate_recurrence": "每个门都看上一步的三个门的 LSTM",
    "gru": "论文中的 GRU：重置门在矩阵之前起作用，z = 1 表示取候选值",
    "gru_reset_after": "重置门在矩阵之后的 GRU，z = 1 表示保留 h：cuDNN、PyTorch 和 Keras 默认的算法",
    "mgu": "最小门控单元：一个门既重置又更新的 GRU，f = 1 表示取候选值 n",
    "layer_norm_lstm": "带层归一化的 LSTM：来自 x 的和来自 h 的各对四个门一起归一化，细胞状态也归一化",
    "layer_norm_gru": "带层归一化的 GRU：两个门的和一起归一化，候选值的和各自归一化；重置门在矩阵之后",
    "slstm": "sLSTM：指数输入门，σ 遗忘门，归一化状态 n，稳定状态 m",
}
SOURCE_IN_CHINESE = {  # what a source says besides names and titles
    "; with the tanh on the cell that K. Greff et al. (2017), LSTM: a search space odyssey, call the vanilla LSTM": (
        "；输出前对细胞状态取 tanh，即 K. Greff et al. (2017), LSTM: a search space odyssey 所说的 vanilla LSTM"
    ),
    "the public program evolvingstuff/LongShortTermMemory, which follows ": (
        "公开程序 evolvingstuff/LongShortTermMemory，它依据 "
    ),
    "the projection of ": "投影出自 ",
    ", on the units of `rnn`": "，用在 `rnn` 的隐藏单元上",
    ", on the units of `gru_reset_after`": "，用在 `gru_reset_after` 的隐藏单元上",
    "the projected GRU with which ": "",
    ", begin; the gates are those of `gru`": " 开头所用的带投影的 GRU；门同 `gru`",
    ", variant ": "，变体 ",
    "; like the update gate of the GRU": "；如同 GRU 的更新门",
    "; the same equations as `gated.cells.lstm`": "；方程与 `gated.cells.lstm` 相同",
    "cuDNN and the documentation of torch.nn.GRU; z as in ": "cuDNN 与 torch.nn.GRU 的文档；z 的约定同 ",
    ", equations 7 to 12": "，式 7 到 12",
    ", Section 3.2: h": "，第 3.2 节：h",
    ", Section 2.3": "，第 2.3 节",
    ", Section 2.2": "，第 2.2 节",
    "; of the forget gate's two forms there, the sigmoid": "；文中的遗忘门有两种形式，这里取 σ",
}
REMARK_IN_CHINESE = {
    "rnn": "Elman 的隐藏单元用的是 logistic 函数；tanh 是今天通行的选择，也是 PyTorch、Keras 和 ONNX 的默认。",
    "lstm_1997": "论文用缩放过的 logistic 函数来压缩，候选值压到 (-2, 2)，细胞状态压到 (-1, 1)；"
    "这里两处都用 tanh，和后来的文献一样。",
    "gers_lstm": "遗忘门排在最前，因为 i 要看 f * c。",
    "projected_lstm": "没有论文里的窥视孔，和 PyTorch 的 `proj_size` 算法相同。",
    "lstm_full_gate_recurrence": "九个完整的矩阵叫作 `R.<from>_<to>`，从前一个门到后一个门："
    "R.f_i 把上一步的遗忘门接到输入门。（中间加下划线，因为 `R.if` 不是合法的 Python。）",
    "gru": "最早提出 GRU 的论文，K. Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for "
    "statistical machine translation, EMNLP，第 2.3 节，z 的约定与此相反：h = z h + (1 - z) n。偏置是这里加的。",
    "gru_reset_after": "候选值的第二个偏置 b.hn 在重置门之内，不能与 b.n 合并。",
    "slstm": "只有一个头：U 是完整的矩阵。i 和 f 是稳定化之后的门：等于论文中的门乘以因子 exp(-m)，它在 c / n 中约去。"
    "注意：h 要除以 n。从零状态出发，走一步之后 n 就是正的，除非输入门下溢；若自己给初始状态，n 必须大于 0。",
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


def _cited(cell: Cell) -> tuple[str, str]:
    """What the docstring names as the source, up to its first full stop (the one of an initial is none); the rest."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in (cell.doc or "").split("\n\n")[1:]]
    first = next((text for text in paragraphs if text.startswith("Source: ")), None)
    if first is None:
        raise SystemExit(f"{cell.name}: its docstring names no source; write a paragraph that begins with 'Source: '")
    sentence, *more = re.split(r"(?<!\b[A-Z])\. (?=[A-Z])", first.removeprefix("Source: "), maxsplit=1)
    return sentence.rstrip("."), " ".join([*more, *(text for text in paragraphs if text is not first)])


def source(cell: Cell, lang: str) -> str:
    """Where the cell comes from."""
    text, _ = _cited(cell)
    if lang == "zh":
        for english, chinese in SOURCE_IN_CHINESE.items():
            text = text.replace(english, chinese)
    return text


def remark(cell: Cell, lang: str) -> str:
    """What the docstring says besides: conventions, what was left out, dangers. May be empty."""
    if lang == "zh":
        return REMARK_IN_CHINESE.get(cell.name, "")
    return _cited(cell)[1].replace("<", "&lt;").replace(">", "&gt;")


def page(lang: str) -> str:
    """The whole page, "en" or "zh"."""
    lines = [HEAD[lang], "| " + " | ".join(COLUMNS[lang]) + " |", "|" + "---|" * len(COLUMNS[lang])]
    for name, cell in ZOO.items():
        row = (f"`{name}`", what(cell, lang), "`" + " ".join(cell.states) + "`", families(cell), source(cell, lang))
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", EQUATIONS[lang]]
    for name, cell in ZOO.items():
        lines += ["", f"### {name}", "", "```text", *cell.equations(), "```"]
        if remark(cell, lang):
            lines += ["", remark(cell, lang)]
    return "\n".join(lines) + "\n"
