"""The page that lists the cells of the zoo, in English and Chinese, from `gated.cells.ZOO` itself."""

from __future__ import annotations

import re

from cells_in_chinese import FAMILIES_IN_CHINESE, IN_CHINESE, REMARK_IN_CHINESE, SOURCE_IN_CHINESE

from gated.cells import FAMILIES
from gated.language import Cell

HEAD = {
    "en": """# The cells that come with gated

[中文](cells.zh.md)

This page is written by `docs/build.py` from `gated.cells.ZOO`, in the families of `gated.cells.FAMILIES`. Each cell is
a few lines of equations in [src/gated/cells](../src/gated/cells); `print(gated.cells.gru)` shows them,
`gated.cells.gru.derive()` derives the backward pass, `gated.check_cell(gated.cells.gru)` checks it.
`gated.cells.gru.without("b")` is the GRU without biases.

Parameter families: `W` input, `U` recurrent, `b` bias, `p` peephole, `P` projection; `V` acts on another state or on
a value of the step, `R` carries gates to gates or layers to layers; `u` is a recurrent weight for each unit, `a` and
`w` are further numbers for each unit; `S` is not learned; `B`, `C` and `D` are the matrices of a state space, into the
states, out of them and past them. The first state is the output.

Every cell is compared with an independent program in the tests, all gradients included: with torchrecurrent, PyTorch or
ONNX Runtime where they have it, else with its equations written once more. Where torchrecurrent's equations differ from
the paper's, both stand below the cell.
""",
    "zh": """# gated 自带的细胞

[English](cells.md)

本页由 `docs/build.py` 根据 `gated.cells.ZOO` 写成，按 `gated.cells.FAMILIES` 分类。\
每个细胞（cell）都只是 [src/gated/cells](../src/gated/cells) 里的几行方程：`print(gated.cells.gru)` 把它们印出来，\
`gated.cells.gru.derive(lang="zh")` 推导反向传播，`gated.check_cell(gated.cells.gru)` 做梯度检验；\
`gated.cells.gru.without("b")` 是不带偏置的 GRU。

参数按字母分组：`W` 输入权重，`U` 循环权重，`b` 偏置，`p` 窥视孔，`P` 投影；`V` 作用于另一个状态，或这一步里的某个值，\
`R` 把上一步的门接到这一步的门，或把一层接到下一层；`u` 是每个隐藏单元自己的循环权重，\
`a` 和 `w` 也是每个隐藏单元一个数；`S` 不学习；\
`B`、`C`、`D` 是状态空间的矩阵：进入状态的、从状态输出的、绕过状态的。第一个状态就是输出。

每个细胞都在测试里和一个独立的程序对照，包括全部梯度：\
torchrecurrent、PyTorch 或 ONNX Runtime 里有的，就和它们对照；没有的，就和另写一遍的方程对照。\
torchrecurrent 的方程与论文不同的地方，两种写法都列在该细胞下面。
""",
}
COLUMNS = {
    "en": ("cell", "what it is", "states", "parameters", "source"),
    "zh": ("细胞", "说明", "状态", "参数", "出处"),
}
EQUATIONS = {"en": "## Equations", "zh": "## 方程"}


def parameters(cell: Cell) -> str:
    """`W.i W.f U.i` -> `W.{i,f} U.i`."""
    members: dict[str, list[str]] = {}
    for name in cell.parameters:
        family, _, member = name.partition(".")
        members.setdefault(family, []).append(member)
    return " ".join(
        f"`{family}.{own[0]}`" if len(own) == 1 else f"`{family}.{{{','.join(own)}}}`"
        for family, own in members.items()
    )


def heading(family: str, lang: str) -> str:
    """The name of a family."""
    return FAMILIES_IN_CHINESE[family] if lang == "zh" else family


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
    header = ["| " + " | ".join(COLUMNS[lang]) + " |", "|" + "---|" * len(COLUMNS[lang])]
    lines = [HEAD[lang]]
    for family, cells in FAMILIES.items():
        lines += [f"## {heading(family, lang)}", "", *header]
        for cell in cells:
            row = (
                f"`{cell.name}`",
                what(cell, lang),
                "`" + " ".join(cell.states) + "`",
                parameters(cell),
                source(cell, lang),
            )
            lines.append("| " + " | ".join(row) + " |")
        lines.append("")
    lines.append(EQUATIONS[lang])
    for cell in (cell for cells in FAMILIES.values() for cell in cells):
        lines += ["", f"### {cell.name}", "", "```text", *cell.equations(), "```"]
        if remark(cell, lang):
            lines += ["", remark(cell, lang)]
    return "\n".join(lines) + "\n"
