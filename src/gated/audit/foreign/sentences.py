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
    "large_gradient": ("large inputs give gradients of NaN or inf, where the outputs are finite and the gradient is 0: "
                       "a derivative that overflows",
                       "输入很大时输出仍有限、梯度应为 0，却得到 NaN 或 inf：求导的式子溢出了"),
    "last_only": ("backward takes an adjoint of the last output alone: a loss at an earlier step cannot be given",
                  "backward 只接受最后一个输出的伴随：前面各步上的损失无法传入"),
    "output_layer": ("the output layer ({0}) and the loss are not audited: the adjoint is that of the states before it",
                     "输出层（{0}）和损失没有审查：伴随是直接传给它前面的状态的"),
    "whole_sequences": ("sequences of one length alone were given: what {0} does with shorter ones is not audited",
                        "只用等长的序列做了审查：{0} 如何处理较短的序列没有审查"),
    "unmade": ("{0} reads {1}, which nothing makes: an AttributeError as soon as it is called",
               "{0} 读取了 {1} ，而它从未被创建：一调用就会抛出 AttributeError"),
    "tiny_check": ("the file draws weights of {0}: every gate then stands at 1/2 and all but the last step's "
                   "gradients are nearly zero, so that a check on them sees hardly anything: draw them of size 0.5",
                   "文件中的权重只有 {0}：此时每个门都停在 1/2，除最后一步外梯度几乎为零，"
                   "用它做梯度检查几乎什么也看不出来：权重应取 0.5 左右"),
    "tiny_hides": ("the file draws weights of {0}, and a check on them hides the error: the gradient of {1}, wrong by "
                   "a relative {2} on weights of 0.5, is off by {3} there (at worst expected {4}, theirs {5})",
                   "文件中的权重只有 {0}，在这样的权重上检查会掩盖错误：{1} 的梯度在权重为 0.5 时相对误差为 {2}，"
                   "在那里只有 {3}（相差最大处：应为 {4}，实际 {5}）"),
    "clipped": ("backward clips its gradients: they were compared where the clipping does nothing",
                "backward 对梯度做了裁剪：比较是在裁剪不起作用的范围内进行的"),
})

differs = Sentences({
    "no_lstm": ("this is no LSTM", "这不是 LSTM"),
    "no_h": ("hₜ₋₁ is never read: no gate has a recurrent matrix", "从不读取 hₜ₋₁ ：没有一个门有循环矩阵"),
    "shared": ("x and c share one weight: a peephole has a weight of its own",
               "x 和 c 共用一个权重：窥视孔连接应有自己的权重"),
    "o_old_c": ("the output gate sees cₜ₋₁, where a peephole sees the new cₜ",
                "输出门看到的是 cₜ₋₁ ，而窥视孔看到的是新的 cₜ"),
    "no_matrix": ("no gate has a matrix: unit k sees input k alone", "没有一个门有矩阵：第 k 个单元只看到第 k 个输入"),
    "c_for_h": ("the gates see cₜ₋₁ where hₜ₋₁ belongs", "门看到的是 cₜ₋₁ ，而这里应是 hₜ₋₁"),
    "no_tanh_c": ("h = o ⊙ c: the tanh of c is missing", "h = o ⊙ c ：c 外面少了 tanh"),
    "sigmoid_c": ("h = o ⊙ σ(c): a sigmoid stands where tanh(c) belongs",
                  "h = o ⊙ σ(c) ：这里是 sigmoid，应为 tanh(c)"),
    "tanh_outside": ("h = tanh(o ⊙ c): the output gate stands inside the tanh, h = o ⊙ tanh(c) is meant",
                     "h = tanh(o ⊙ c) ：输出门被写进了 tanh，应为 h = o ⊙ tanh(c)"),
    "old_c": ("h = o ⊙ tanh(cₜ₋₁): the cell of the step before stands where the new cₜ belongs",
              "h = o ⊙ tanh(cₜ₋₁) ：用的是上一步的 c，应为新的 cₜ"),
    "unused": ("gate {0} is computed or has parameters and is never used", "门 {0} 有参数，却从未被用到"),
    "coupled_i": ("f is 1 − i: the gates are coupled, and the parameters of f are never used",
                  "f 就是 1 − i ：两个门是耦合的，f 的参数从未被用到"),
    "coupled_f": ("i is 1 − f: the gates are coupled, and the parameters of i are never used",
                  "i 就是 1 − f ：两个门是耦合的，i 的参数从未被用到"),
    "no_recurrence": ("{0} has no recurrent term: U.{0} hₜ₋₁ is missing", "{0} 没有循环项：缺少 U.{0} hₜ₋₁"),
    "no_x": ("{0} does not see the input: W.{0} xₜ is missing", "{0} 看不到输入：缺少 W.{0} xₜ"),
    "tanh_gate": ("gate {0} is a tanh, where a sigmoid belongs", "门 {0} 用了 tanh，应为 sigmoid"),
    "sigmoid_candidate": ("{0} is a sigmoid, where a tanh belongs", "{0} 用了 sigmoid，应为 tanh"),
    "linear_candidate": ("{0} has no tanh", "{0} 少了 tanh"),
    "relu_candidate": ("{0} is a relu, where a tanh belongs", "{0} 用了 relu，应为 tanh"),
    "z_for_r": ("z stands where the reset gate r belongs", "该用重置门 r 的地方用了 z"),
    "opposite_r": ("1 − r stands where r belongs", "该用 r 的地方用了 1 − r"),
    "no_old": ("the old hₜ₋₁ is not kept: its share in hₜ is missing", "没有保留旧的 hₜ₋₁ ：hₜ 中缺少它那一份"),
    "all_old": ("hₜ₋₁ is added whole, where its share by z belongs", "hₜ₋₁ 被整个加上，应只加由 z 决定的那一份"),
    "both_z": ("hₜ₋₁ and the candidate are multiplied by the same gate, where their shares add up to 1",
               "hₜ₋₁ 和候选值乘了同一个门，而两者的份额之和应为 1"),
    "z_keeps": ("z keeps h and 1 − z takes the candidate: h = z ⊙ h + (1 − z) ⊙ n",
                "z 保留 h，1 − z 取候选值：h = z ⊙ h + (1 − z) ⊙ n"),
    "z_takes": ("z takes the candidate and 1 − z keeps h: h = (1 − z) ⊙ h + z ⊙ n",
                "z 取候选值，1 − z 保留 h：h = (1 − z) ⊙ h + z ⊙ n"),
    "opposite": ("their z is 1 − z of this cell: h and the candidate have changed places",
                 "他们的 z 就是本细胞的 1 − z ：h 与候选值互换了位置"),
})
# fmt: on
