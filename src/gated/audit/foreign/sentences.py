"""What is said of somebody's code beside its gradients, English and Chinese side by side."""

from __future__ import annotations

from gated.audit.bilingual import Sentences

# fmt: off
say = Sentences({
    "changed": ("{0} changes its argument {1}: write a = a + b, not a += b",
                "{0} 改动了它的参数 {1} ：应写 a = a + b，而不是 a += b"),
    "other_outputs": ("the same call gives other outputs the second time", "用相同的参数再调用一次，输出就变了"),
    "other_gradients": ("a second call of backward gives something else: {0}",
                        "再调用一次 backward，结果就变了：{0}"),
    "whole_dy": ("a dy of whole numbers gives other gradients: an array takes its dtype from it",
                 "dy 为整数数组时梯度就变了：有数组沿用了它的数据类型"),
    "whole_dy_raises": ("a dy of whole numbers raises {0}", "dy 为整数数组时抛出 {0}"),
    "whole_x": ("an x of whole numbers gives other outputs: an array takes its dtype from it",
                "x 为整数数组时输出就变了：有数组沿用了它的数据类型"),
    "whole_x_raises": ("an x of whole numbers raises {0}", "x 为整数数组时抛出 {0}"),
    "large_raises": ("large inputs raise {0}", "输入很大时抛出 {0}"),
    "large_nan": ("large inputs give NaN or inf: exp of a large number",
                  "输入很大时得到 NaN 或 inf：对很大的数取了 exp"),
    "large_warns": ("large inputs overflow exp in the sigmoid: a warning, and values that are still right",
                    "输入很大时 sigmoid 里的 exp 溢出：会有警告，但数值仍然正确"),
    "tiny_check": ("the file draws weights of {0}: every gate then stands at 1/2 and all but the last step's gradients "
                   "are nearly zero, so that a check on them sees hardly anything: draw them of size 0.5",
                   "文件中的权重只有 {0}：此时每个门都停在 1/2，除最后一步外梯度几乎为零，"
                   "用它做梯度检查几乎什么也看不出来：权重应取 0.5 左右"),
    "tiny_hides": ("the file draws weights of {0}, and a check on them hides the error: the gradient of {1}, wrong by "
                   "a relative {2} on weights of 0.5, is off by {3} there (at worst expected {4}, theirs {5})",
                   "文件中的权重只有 {0}，在这样的权重上检查会掩盖错误：{1} 的梯度在权重为 0.5 时相对误差为 {2}，"
                   "在那里只有 {3}（相差最大处：应为 {4}，实际 {5}）"),
    "clipped": ("backward clips its gradients: they were compared where the clipping does nothing",
                "backward 对梯度做了裁剪：比较是在裁剪不起作用的范围内进行的"),
})
# fmt: on
