"""The sentences of the derivation, English and Chinese side by side. What stands in braces is a formula or a name,
what stands in ‹ › is a formula too.

Formulas in Chinese sentences have spaces around them, for Markdown; the other formats take those next to punctuation
away.
"""

from __future__ import annotations

# fmt: off
_TABLE: dict[str, tuple[str, str]] = {
    # 1. the cell
    "title": ("Derivation of the backward pass of {cell}", "{cell} 的反向传播推导"),
    "cell": ("The cell", "细胞（cell）的方程"),
    "author": ("", "细胞作者的说明（原文）："),
    "forward": ("One time step ‹t›, from the input {x} and the previous {states}:",
                "在第 ‹t› 个时间步，由输入 {x} 和上一步的 {states} 计算："),
    "forward_more": ("One time step ‹t›, from the inputs {x} and the previous {states}:",
                     "在第 ‹t› 个时间步，由各个输入 {x} 和上一步的 {states} 计算："),
    "auxiliary": ("Some parts of these equations get a name of their own, so that each step below stays short:",
                  "为使下面每一步的式子简短，先给方程中的一些部分各取一个名字："),
    "symbols": ("Symbols and sizes:", "符号与尺寸："),
    "time": ("{t} is the time step, 1 to {T}; the index ‹t−1› marks what the step before has left. "
             "Vectors are columns.",
             "{t} 是时间步，从 1 到 {T} ；下标 ‹t−1› 表示上一步留下的值。向量一律写成列向量。"),
    "hadamard": ("{sign} is the elementwise product; all functions and quotients act element by element.",
                 "{sign} 表示逐元素相乘；所有函数与除法都逐元素进行。"),
    "ones": ("{one} is the vector of ‹H› ones: a number times it is that number for every unit.",
             "{one} 是由 ‹H› 个 1 组成的向量：一个数乘以它，就是每个单元都取这个数。"),
    "arguments": ("{names}: the argument of the function that gives {owners}, that is, what stands inside it.",
                  "{names} ：给出 {owners} 的那个函数的自变量，即括号里的部分。"),
    "parts": ("{names}: auxiliary values, parts of the equations to which the cell gives no name.",
              "{names} ：辅助量，即方程中没有名字的部分。"),
    "matrices": ("{names}: made of parameters alone, the same at every step.",
                 "{names} ：只由参数算出，每一步都相同。"),
    "constants": ("{names}: constants of the cell, which are set and not learned.",
                  "{names} ：细胞的常数，由人设定，不参与学习。"),
    "draws": ("{names}: drawn anew at every step for every unit (or once a sequence, where it says so); no gradient "
              "goes there.",
              "{names} ：每一步、每个隐藏单元重新抽取的随机数（注明的，每个序列只抽一次）；不对它求梯度。"),
    "fixed": ("{names}: given to the equations and not learned.", "{names} ：给定的数组，不参与学习。"),
    "size": ("{names}: {size}", "{names} ： {size}"),
    "between": (", ", " 、 "),

    # 2. what is sought
    "sought": ("What is sought, and the notation", "求什么，以及记号"),
    "goal": ("The loss {E} depends on the outputs {outputs} and perhaps on the final states. Sought is its gradient "
             "with respect to every parameter, every input and the initial states.",
             "损失 {E} 依赖于各步输出 {outputs} ，也可能依赖于最终状态。要求的是 {E} "
             "对每个参数、每个输入以及初始状态的梯度。"),
    "goal_without": ("The loss {E} depends on the outputs {outputs} and perhaps on the final states. Sought is its "
                     "gradient with respect to every input and the initial states; the cell has no parameters.",
                     "损失 {E} 依赖于各步输出 {outputs} ，也可能依赖于最终状态。要求的是 {E} "
                     "对每个输入以及初始状态的梯度；这个细胞没有参数。"),
    "adjoint": ("The adjoint of a quantity ‹q› is {definition}: the total derivative, along every road from ‹q› at "
                "step ‹t› to the loss, within the step and through all later steps. It has the size of ‹q›.",
                "量 ‹q› 的伴随是 {definition} ：即全导数，"
                "包括从第 ‹t› 步的 ‹q› 通往损失的每一条路径，既有本步之内的，也有经过以后各步的。它与 ‹q› 同尺寸。"),
    "delta": ("For the argument of an activation the letter is ‹δ›, as usual: {definition}.",
              "对激活函数的自变量，按惯例用误差项 ‹δ› 记它的伴随： {definition} 。"),
    "from_outside": ("Two kinds of adjoints come into step ‹t› from outside:", "从外部进入第 ‹t› 步的伴随有两种："),
    "direct": ("{dy} is the derivative of the loss with respect to the output of step ‹t›, {y}, as the loss (or the "
               "layer above) sees it: without the road through later steps.",
               "{dy} 是损失对第 ‹t› 步输出 {y} 的直接导数，由损失函数（或上一层）给出，不含经过以后各步的路径。"),
    "received": ("{received}: what step ‹t+1› sends back into {states}, that is, everything that goes through the "
                 "later steps. At the last step the caller gives {last} (zero if the loss does not look at the final "
                 "state).",
                 "{received} ：第 ‹t+1› 步传回给 {states} 的部分，也就是经过以后各步的全部影响。"
                 "在最后一步， {last} 由调用者给出（若损失不看最终状态，则为零）。"),
    "together": ("Within the step, more terms may come to these; the sums begin so:",
                 "在本步之内可能还有别的项加进来；这些和式的开头是："),
    "passed": ("{state} is handed on without a name of its own; what arrives for it goes straight to {target}.",
               "{state} 直接传递，没有单独命名；传给它的伴随直接归于 {target} 。"),

    # 3. step by step
    "backward": ("One step back, from the last equation to the first", "反传一步：从最后一个方程到第一个方程"),
    "order": ("When a quantity has its turn, the adjoints of all quantities that use it are known. Each time: where "
              "does it occur; the chain rule, one term per occurrence; the local derivatives, in values that the "
              "forward pass has saved; the result. {P} is the derivative of the equation of ‹P› alone, the other "
              "quantities in it held fixed: the roads through those are counted when it is their turn. Between vectors "
              "of one length it stands for the diagonal of the Jacobian; behind a matrix it is the matrix, and it is "
              "applied transposed.",
              "轮到某个量时，所有用到它的量的伴随都已求出。每次依次写出：它出现在哪里；链式法则，每出现一处一项；"
              "用前向传播保存的值表示的局部导数；结果。 {P} 只对 ‹P› 自己的方程求导，方程中其余的量视为不变："
              "经过它们的路径，轮到它们时再计入。对逐元素的关系，它表示雅可比矩阵的对角线；"
              "若中间隔着矩阵，它就是该矩阵，反传时乘以其转置。"),
    "occurs": ("{q} occurs in {users}.", "{q} 出现在 {users} 中。"),
    "occurs_output": ("{q} is the output, and goes on to step ‹t+1›.", "{q} 是输出，并传到第 ‹t+1› 步。"),
    "occurs_output_and": ("{q} is the output, and goes on to step ‹t+1›; within the step it occurs in {users}.",
                          "{q} 是输出，并传到第 ‹t+1› 步；在本步之内还出现在 {users} 中。"),
    "occurs_state": ("{q} goes on to step ‹t+1›.", "{q} 传到第 ‹t+1› 步。"),
    "occurs_state_and": ("{q} goes on to step ‹t+1›; within the step it occurs in {users}.",
                         "{q} 传到第 ‹t+1› 步；在本步之内还出现在 {users} 中。"),
    "occurs_held": ("{q} occurs only where no derivative passes: in what is held, rounded or compared, or times 0.",
                    "{q} 只出现在导数不经过的地方：被保持、取整或比较的值，或乘以 0 之处。"),
    "occurs_nowhere": ("{q} has no influence on the loss.", "{q} 对损失没有影响。"),
    "argument": ("Through the function, from {q} to its argument {a}:",
                 "穿过激活函数，由 {q} 到它的自变量 {a} ："),

    # 4. handed on
    "handed": ("What goes to step ‹t−1›, and to the input", "传给第 ‹t−1› 步的伴随，以及对输入的梯度"),
    "handed_why": ("The previous states and the input are treated as any other quantity. The result has the index "
                   "‹t−1›: there it is what step ‹t› sends back, and section 2 begins again with it.",
                   "上一步的状态和输入与别的量一样处理。结果带下标 ‹t−1›：它就是第 ‹t› 步传回第 ‹t−1› 步的部分，"
                   "在那里又从第 2 节开始。"),
    "handed_last": ("After step 1, {received} is the gradient with respect to the initial state.",
                    "算完第 1 步后， {received} 就是对初始状态的梯度。"),
    "handed_last_more": ("After step 1, {received} are the gradients with respect to the initial states.",
                         "算完第 1 步后， {received} 就是对各初始状态的梯度。"),

    # 5. parameters
    "parameters": ("The gradients of the parameters", "参数的梯度"),
    "parameters_why": ("A parameter is the same at every step, so its gradient is the sum over all steps (and over "
                       "all sequences of a batch). A matrix in {product} receives {outer} at each step, an outer "
                       "product: row = output, column = input.",
                       "参数在每个时间步都是同一个，所以它的梯度是对所有时间步求和（对一批中的所有序列也求和）。"
                       "在 {product} 中的矩阵，每步得到外积 {outer} ：行对应输出，列对应输入。"),
    "parameters_why_vector": ("A parameter is the same at every step, so its gradient is the sum over all steps (and "
                              "over all sequences of a batch).",
                              "参数在每个时间步都是同一个，所以它的梯度是对所有时间步求和"
                              "（对一批中的所有序列也求和）。"),

    "made": ("Made of parameters: {names}. The gradient of such a matrix comes first, as if it were a parameter; what "
             "it is made of gets its own from that, by the same rules as at a step:",
             "由参数算出的矩阵： {names} 。先像对参数一样求对这样的矩阵的梯度；"
             "算出它所用的参数，再由它按每一步同样的规则得到各自的梯度："),

    # 6. remarks
    "remarks": ("What is easily forgotten", "容易漏掉的地方"),
    "sum_remark": ("Every parameter gradient is a sum over ‹t›, for matrices applied to the input as well as for "
                   "recurrent ones and for biases: step ‹t› alone sees only the influence that the parameter has at "
                   "step ‹t›. (The two agree for ‹T = 1›, which is why a test with one step shows nothing.)",
                   "每个参数的梯度都要对 ‹t› 求和，不论是乘输入的矩阵、循环矩阵还是偏置：单独的第 ‹t› 步"
                   "只看到参数在第 ‹t› 步的影响。（‹T = 1› 时两者相同，所以只用一步的检验什么也看不出来。）"),
    "output_remark": ("{h} reaches the loss on two roads, through the output of its own step ({dy}) and through step "
                      "‹t+1› ({received}). Both belong in the sum at every step, not only at the last one.",
                      "{h} 经两条路影响损失：经过本步的输出（ {dy} ），以及经过第 ‹t+1› 步（ {received} ）。"
                      "每一步都要把两项相加，而不是只在最后一步。"),
    "state_remark": ("{states} carries adjoints too, though it is not the output: without {received}, what an "
                     "earlier step has written there would get no gradient through the later steps.",
                     "{states} 虽不是输出，也传递伴随：若漏掉 {received} ，早先写入其中的内容就得不到"
                     "经过以后各步的梯度。"),
    "state_remark_more": ("{states} carry adjoints too, though they are not the output: without {received}, what an "
                          "earlier step has written there would get no gradient through the later steps.",
                          "{states} 虽不是输出，也传递伴随：若漏掉 {received} ，早先写入其中的内容就得不到"
                          "经过以后各步的梯度。"),
    "roads_remark": ("More than one road leads on from {names}: every term of these sums is needed.",
                     "从 {names} 出发的路都不止一条：这些和式中的每一项都不能少。"),

    # the first line of the LaTeX file
    "compile": ("compile with {engine}", "请用 {engine} 编译"),

    # comments of the NumPy program
    "np_doc": ("Forward and backward pass of the cell {cell} over a whole sequence.",
               "细胞 {cell} 对整个序列的前向传播与反向传播。"),
    "np_shapes": ("T time steps, N sequences", "T 个时间步，N 个序列"),
    "np_x": ("inputs", "输入"),
    "np_draws": ("draws", "随机数"),
    "np_states": ("initial states", "初始状态"),
    "np_params": ("parameters by name", "参数，按名字"),
    "np_dy": ("gradient of the loss with respect to {y}, as the loss at each step gives it",
              "损失对 {y} 的梯度，由每一步的损失直接给出"),
    "np_dstates": ("gradient with respect to the final states", "对最终状态的梯度"),
    "np_returns": ("Returns {y}, the final states, {dx}, the gradients of the initial states and of the parameters.",
                   "返回 {y}、最终状态、{dx}、对初始状态的梯度、对参数的梯度。"),
    "np_parameters": ("parameters", "参数"),
    "np_fixed": ("depends on parameters only: the same at every step", "只依赖于参数：每一步都相同"),
    "np_matrices": ("matrices that are made of parameters", "由参数算出的矩阵"),
    "np_through": ("from the matrices that are made of parameters to these", "由这些矩阵传到它们所用的参数"),
    "np_forward": ("forward, keeping what the backward pass needs", "前向传播，保存反向传播需要的值"),
    "np_backward": ("backward through time", "沿时间反向传播"),
    "np_adjoint": ("adjoints, from the last equation to the first", "伴随，从最后一个方程到第一个方程"),
    "np_handed": ("to the input and to step t-1", "传给输入和第 t-1 步"),
    "np_gradients": ("parameters: add up over the steps", "参数：对时间步累加"),
}
# fmt: on

LANGUAGES = ("en", "zh")


class Words:
    """The sentences in one language."""

    def __init__(self, lang: str) -> None:
        self.column = LANGUAGES.index(lang)

    def __call__(self, key: str, **pieces: str) -> str:
        return self.said(_TABLE[key], **pieces)

    def said(self, sentence: tuple[str, str], **pieces: str) -> str:
        """A sentence (English, Chinese) in this language."""
        return sentence[self.column].format(**pieces)

    def join(self, items: list[str]) -> str:
        return self("between").join(items)
