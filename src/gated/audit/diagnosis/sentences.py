"""The sentences of a diagnosis, English and Chinese side by side. What stands in braces is a formula or a name."""

from __future__ import annotations

from gated.audit.bilingual import Sentences

# fmt: off
say = Sentences({
    # one mistake on one road; {0}, {1}: its parts, {road}: the right term
    "factor_missing": ("the factor {0} is missing", "缺少因子 {0}"),
    "factor_extra": ("the factor {0} is one too many", "多乘了因子 {0}"),
    "factor_instead": ("{0} stands where {1} belongs", "应为 {1} ，却写成了 {0}"),
    "factor_side": ("{0} is applied on the wrong side of {1}", "{0} 乘在了矩阵 {1} 的另一侧"),
    "slope_missing": ("the local derivative {0} is missing", "缺少局部导数 {0}"),
    "slope_instead": ("{0} stands where the local derivative {1} belongs", "局部导数应为 {1} ，却写成了 {0}"),
    "delta_instead": ("{0} stands where {1} belongs", "应为 {1} ，却用了 {0}"),
    "delta_whole": ("{0} stands where a product of its own belongs", "应为自己的乘积，却直接用了 {0}"),
    "delta_midway": ("{0} is taken where a longer product belongs", "应为更长的乘积，却直接用了 {0}"),
    "term_missing": ("the term {road} is missing", "缺少 {road} 这一项"),
    "part_missing": ("the term {0} of {1} is missing", "{1} 中缺少 {0} 这一项"),
    "terms_missing": ("the terms {road} are missing", "缺少 {road} 这几项"),
    "term_extra": ("a term too many", "多了一项"),
    "term_sign": ("the term {road} has the wrong sign", "{road} 这一项的符号错了"),
    "term_mean": ("divided by the number of steps; the sum is wanted", "除以了时间步数；应当求和"),
    "term_times": ("the term {road} is counted {0} times", "{road} 这一项被乘了 {0} 倍"),
    "only_last": ("only the last step counts; the sum over all steps is wanted",
                  "只用了最后一步；应当对所有时间步求和"),
    "only_first": ("only the first step is left: overwritten where it should be summed",
                   "只剩第一步：应当累加，却被覆盖了"),
    "at_loss": ("{0} is taken at the step of the loss, in the place of the step that the adjoint has come to",
                "{0} 取自损失所在的步，而不是伴随已传到的那一步"),
    "at_last": ("{0} of the last step stands at every step, where that of its own step belongs",
                "每一步都用了最后一步的 {0} ，而应当用各自那一步的"),
    "but_last": ("the last step is left out of the sum", "求和时漏掉了最后一步"),
    "but_first": ("the first step is left out of the sum", "求和时漏掉了第一步"),
    "first_is_zero": ("it is zero, as its first step is: overwritten where it should be summed, or never added",
                      "结果为零，与第一步的值相同：应当累加，却被覆盖了，或者从未累加"),
    "all_later": ("everything is taken from one step later", "所有的值都取自后一步"),
    "is_zero": ("it is zero", "结果为零"),
    "terms_sign": ("the terms {road} have the wrong sign", "{road} 这几项的符号错了"),
    "comes_back": ("{0} alone stands where the sum of all that comes back from the step after belongs",
                   "应为从后一步传回的各项之和，却只写了 {0}"),
    "comes_back_into": ("what comes back into {0} stands where its own sum belongs",
                        "应为自己的各项之和，却用了传回 {0} 的部分"),
    "comes_back_instead": ("what comes back into {0} from the step after stands where {1} belongs",
                           "应为 {1} ，却用了从后一步传回 {0} 的部分"),
    "too_early": ("{0} is used before the terms of its own step are added to it",
                  "{0} 在加上本步的各项之前就被使用了"),
    "delta_in_all": ("{0} stands in every product where the adjoint of its own gate belongs",
                     "各项本应使用各自门的伴随，却都用了 {0}"),
    "all_turned": ("the matrices are not transposed", "各矩阵都没有转置"),
    "cut_path": ("nothing comes back from the step after", "没有从后一步传回任何梯度"),
    "matrices_exchanged": ("{0} and {1} stand in each other's place", "{0} 与 {1} 互换了位置"),
    "swapped_gates": ("the adjoints of {0} and {1} stand in each other's place", "{0} 与 {1} 的伴随互换了位置"),

    # manners
    "in_place": ("the caller's array is changed", "改动了调用者的数组"),
    "stale_state": ("a second call with the same arguments says something else", "用相同的参数再调用一次，结果不同"),
    "whole_numbers": ("only whole numbers come out: the array that collects it holds integers",
                      "结果全是整数：用来累加的数组是整数类型"),
    "not_linear": ("it is not proportional to dy", "它与 dy 不成正比"),
    "batch_mean": ("divided by the number of sequences; their sum is wanted", "除以了序列数；应当对序列求和"),
    "batch_row": ("sequence {0} of a batch of {1} alone counts; the sum over the sequences is wanted",
                  "批次共 {1} 个序列，却只算了第 {0} 个；应当对序列求和"),
    "batch_times": ("{0} times the sum over the sequences of a batch of {1}",
                    "在 {1} 个序列的批次上是序列之和的 {0} 倍"),

    # where
    "in_adjoint": ("{0}: {what}", "{0} ：{what}"),
    "before_last": (", at every step but the last", "（最后一步除外）"),
    "and": ("; ", "；"),

    # what could not be explained
    "open_local": ("the adjoint {0} at one step", "单独一步中的伴随 {0}"),
    "open_carried": ("what is carried back into {0}", "传回 {0} 的部分"),
    "open_gradient": ("the gradient of {0}", "{0} 的梯度"),
})
# fmt: on
