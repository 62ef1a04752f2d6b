"""What stands on every page of an audit, English and Chinese side by side."""

from __future__ import annotations

from gated.audit.bilingual import Sentences
from gated.audit.verdict import RIGHT, WRONG, Audit

# fmt: off
say = Sentences({
    "title": ("Audit of {0}", "审查 {0}"),
    "right": ("RIGHT", "正确"),
    "wrong": ("WRONG", "有错"),
    "unknown": ("COULD NOT BE AUDITED", "无法审查"),
    "all_right": ("every gradient that it gives is the derivative of its forward pass",
                  "给出的每个梯度都是其前向传播的导数"),
    "some_wrong": ("{0} of {1} gradients are wrong; {2}", "{1} 个梯度中有 {0} 个是错的；{2}"),
    "gradients_right": ("the gradients are right, but {0}", "梯度本身正确，但{0}"),
    "causes_1": ("one fault explains them", "原因是 1 处错误"),
    "causes": ("{0} faults explain them", "原因是 {0} 处错误"),
    "no_cause": ("no fault was found that explains them", "没有找到能解释它们的错误"),
    "part_cause": ("{0} found, not all is explained", "找到 {0} 处错误，还有未能解释的部分"),
    "faults_1": ("one fault was found", "发现 1 处错误"),
    "faults_n": ("{0} faults were found", "发现 {0} 处错误"),
    "code": ("code", "代码"),
    "style": ("{0}: {1}", "{0} ：{1}"),
    "forward": ("forward pass", "前向传播"),
    "is_cell": ("it is gated's cell `{0}`, the same outputs to rounding",
                "就是 gated 的细胞 `{0}` ，输出相同（舍入误差以内）"),
    "is_given": ("it is the cell `{0}` that was given, the same outputs to rounding",
                 "就是给定的细胞 `{0}` ，输出相同（舍入误差以内）"),
    "not_given_cell": ("it is not the cell `{0}` that was given: its outputs are off by {1:.2g}",
                       "不是给定的细胞 `{0}` ：输出相差 {1:.2g}"),
    "other_arrays": ("the cell that was given is not found in its parameters, by name and shape",
                     "按名称和形状，在其参数中找不到给定的细胞"),
    "departs": ("it is no cell of the zoo", "不是自带细胞中的任何一种"),
    "nearest": ("none of the known cells; the nearest is `{0}`, its outputs are off by {1:.2g}",
                "不是已知的任何一种细胞；最接近的是 `{0}` ，输出相差 {1:.2g}"),
    "no_cell": ("no known cell has such parameters", "没有已知的细胞有这样的参数"),
    "gates": ("gates in the order {0}", "门的顺序为 {0}"),
    "truth": ("derivatives of their forward pass by {0}", "其前向传播的导数由{0}求得"),
    "complex": ("the complex step, exact to rounding", "复步法，精确到舍入误差"),
    "central": ("central differences with extrapolation, to about 1e-9", "带外推的中心差分，精度约 1e-9"),
    "table": ("gradients", "梯度"),
    "gradient": ("gradient", "梯度"),
    "verdict": ("", ""),
    "error": ("relative error", "相对误差"),
    "step": ("worst step", "误差最大的步"),
    "ok": ("right", "正确"),
    "bad": ("wrong", "有错"),
    "not_given": ("not given", "没有给出"),
    "faults": ("what is wrong", "错在哪里"),
    "kind": ("kind", "类别"),
    "spoils": ("spoils", "影响"),
    "should": ("right", "应为"),
    "theirs": ("theirs", "写成"),
    "with": ("with {0}", "其中 {0}"),
    "line": ("line {0}", "第 {0} 行"),
    "lines": ("lines {0}", "第 {0} 行"),
    "perhaps": ("this explains every number, but another wording would explain them as well",
                "它能解释所有的数，但换一种说法也同样能解释"),
    "unexplained": ("not explained", "未能解释"),
    "warnings": ("right today, wrong tomorrow", "今天没错，以后会错"),
    "notation": ("d and δ stand for ∂E/∂...: dcₜ is the derivative of the loss by cₜ, δ_iₜ by what stands inside the "
                 "activation of i; ⊙ is the elementwise product, ᵀ the transpose.",
                 "d 与 δ 表示 ∂E/∂…：dcₜ 是损失对 cₜ 的导数，δ_iₜ 是对 i 的激活函数括号内部分的导数；"
                 "⊙ 为逐元素相乘，ᵀ 为转置。"),
    "roads": ("The roads of the gradient", "梯度走过的路"),
    "roads_text": ("An arrow is one product by which one adjoint reaches another: a dot stands for the adjoint at its "
                   "start. What bears t + 1 comes from the step after. Red is what is wrong, dashed where it is "
                   "missing; green beside it is what belongs there.",
                   "一个箭头是一个乘积，一个伴随由它传到另一个，式中的点代表箭头起点的伴随；带 t + 1 的来自后一步。"
                   "红色是出错的地方，虚线表示缺失；旁边的绿色是应有的内容。"),
    "seconds": ("{0:.1f} s", "{0:.1f} 秒"),
    "not_mended": ("no mended copy: no place is certain enough", "没有改好的副本：没有一处的位置足够确定"),
    "mended": ("{0}: written, without {1} of {2} faults, and audited again",
               "{0} ：已写出，{2} 处错误改正了 {1} 处，并已重新审查"),
    "changes": ("A mended copy", "改好的副本"),
    "others": ("also in this file", "同一文件中还有"),

    # kinds
    "missing_term": ("a term is missing", "缺一项"),
    "missing_factor": ("a factor is missing", "缺一个因子"),
    "extra_factor": ("a factor too many", "多一个因子"),
    "wrong_operand": ("another value stands where one belongs", "用了别的量"),
    "wrong_sign": ("the sign is wrong", "符号错误"),
    "last_step_only": ("the last step only", "只算了最后一步"),
    "not_summed": ("overwritten, not summed", "被覆盖而未累加"),
    "averaged": ("averaged where a sum belongs", "该求和却取了平均"),
    "cut_path": ("a path is cut", "一条路断了"),
    "in_place": ("changed in place", "就地改动"),
    "stale_state": ("something is kept between calls", "调用之间留有状态"),
    "transposed": ("transposed", "转置错误"),
    "swapped_gates": ("gates exchanged", "门互换"),
    "wrong_derivative": ("the derivative of an activation is wrong", "激活函数的导数错误"),
    "wrong_delta": ("another quantity's delta", "用了别的量的 δ"),
    "zero": ("nothing comes out", "结果为零"),
})
# fmt: on

# what their code is, as the adapters have it in English
_STYLES = {
    "a layer that is fed sequences": "按序列输入的层",
    "a layer that is fed step by step": "一步一步输入的层",
    "a class that does one step": "只算一步的类",
    "a function of a loss and its gradients": "同时给出损失和梯度的函数",
    "a PyTorch module": "PyTorch 的 module",
    "a PyTorch autograd.Function": "PyTorch 的 autograd.Function",
    "functions over sequences with one dictionary of parameters": "按序列计算、参数放在一个字典里的函数",
    "functions over sequences with arrays as arguments": "按序列计算、参数是一个个数组的函数",
    "functions over one step with one dictionary of parameters": "只算一步、参数放在一个字典里的函数",
    "functions over one step with arrays as arguments": "只算一步、参数是一个个数组的函数",
}


def style(audit: Audit) -> str:
    """What their code is."""
    return _STYLES.get(audit.style, audit.style) if audit.lang == "zh" else audit.style


def summary(audit: Audit) -> str:
    """One sentence: how many gradients are wrong and whether that is explained."""
    lang, wrong = audit.lang, sum(row.right is False for row in audit.gradients)
    if audit.own_verdict == RIGHT:
        return say(lang, "all_right")
    if audit.own_verdict != WRONG:
        return audit.failure
    count = len(audit.faults)
    if not wrong:
        return say(lang, "gradients_right", say(lang, "faults_1" if count == 1 else "faults_n", count))
    if audit.unexplained:
        cause = say(lang, "part_cause" if count else "no_cause", count)
    else:
        cause = say(lang, "causes_1" if count == 1 else "causes" if count else "no_cause", count)
    return say(lang, "some_wrong", wrong, len(audit.gradients), cause)


def forward_sentences(audit: Audit) -> list[str]:
    """Which cell it is, in which order its gates lie, and what departs from the cell that was meant."""
    lang, forward = audit.lang, audit.forward
    if forward.cell is None:
        said = [say(lang, "other_arrays" if forward.given else "no_cell")]
    elif not forward.exact:
        said = [say(lang, "not_given_cell" if forward.given else "nearest", forward.cell, forward.error)]
    elif forward.differences:
        said = [say(lang, "departs")]
    else:
        said = [say(lang, "is_given" if forward.given else "is_cell", forward.cell)]
    if forward.exact and len(forward.gates) > 1:
        said.append(say(lang, "gates", " ".join(forward.gates)))
    return [*said, *forward.differences, *forward.notes]


def place(lang: str, lines: tuple[int, ...]) -> str:
    if not lines:
        return ""
    return say(lang, "line" if len(lines) == 1 else "lines", ", ".join(map(str, lines)))


def others(audit: Audit) -> list[str]:
    """What was audited beside, one line each."""
    return [
        f"{', '.join(other.where)}: {say(audit.lang, other.own_verdict)}"
        + (f" ({', '.join(say(audit.lang, fault.kind) for fault in other.faults)})" if other.faults else "")
        + (f" ({other.failure})" if other.failure else "")
        for other in audit.others
    ]
