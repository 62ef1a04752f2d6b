"""What the page of cells says in Chinese: the families, a line for each cell, its source's words, its remark."""

from __future__ import annotations

FAMILIES_IN_CHINESE = {
    "Simple recurrent networks": "简单循环网络",
    "LSTM": "LSTM",
    "LSTM with one thing changed": "改动一处的 LSTM",
    "GRU": "GRU",
    "One gate, or none": "只有一个门，或没有门",
    "Other gates": "别样的门",
    "Each unit sees its own past only": "每个隐藏单元只看自己的过去",
    "Products of input and state": "输入与状态相乘",
    "Differential equations in steps": "按步计算的微分方程",
    "Found by search": "搜索得到的细胞",
    "Deep within a step, or with a slow part": "一步之内有多层，或带有慢的部分",
    "Told of time, gaps and attention": "还要告知时间、缺失和注意力",
    "By chance": "带随机性",
    "Normalised over the units": "对单元做归一化",
    "Linear recurrences": "线性递推",
    "Not learned, or spiking": "不学习的，或发放脉冲的",
}
IN_CHINESE = {
    "rnn": "最简单的循环神经网络（Elman 网络）",
    "indrnn": "独立循环神经网络：每个隐藏单元只通过一个权重 u.h 看到自己的过去",
    "fastrnn": "FastRNN：两个数衡量新与旧的分量，所有隐藏单元共用",
    "fastgrnn": "FastGRNN：带一个门的 FastRNN，门和候选值用同样的乘积做成；z = 1 表示保留 h",
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
    "working_memory_lstm": "带工作记忆连接的 LSTM（LSTM-WM）：窥视孔是完整的矩阵，先压缩再相加",
    "memory_controller_lstm": "带记忆控制器的 LSTM：门看的是控制向量 v，输出 h 不反馈给任何门",
    "residual_lstm": "残差 LSTM：输出门放行细胞状态的投影，以及一条来自输入的捷径",
    "mgu1": "门不看输入的最小门控单元",
    "mgu2": "门只看状态、没有偏置的最小门控单元",
    "mgu3": "门是每个隐藏单元一个可学习的数、各步都相同的最小门控单元",
    "ugrnn": "更新门 RNN：可以保留状态的简单循环网络，g = 1 表示保留",
    "li_gru": "轻量 GRU（Li-GRU）：没有重置门，候选值经过 ReLU",
    "lightru": "轻量循环细胞：只有一个门，候选值只看输入；f = 1 表示取候选值 n",
    "minimalrnn": "MinimalRNN：先把输入映射到状态空间，再由一个门混合两者；u = 1 表示保留 h",
    "janet": "JANET（just another network）：只剩下遗忘门的 LSTM",
    "sgrn": "简单门控循环网络：门和候选值共用对输入的乘积",
    "miru1": "Minion 循环细胞 1（MiRU1）：更新门换成了常数的 GRU",
    "miru2": "Minion 循环细胞 2（MiRU2）：重置门和更新门都换成了常数的 GRU",
    "atr": "加减孪生门循环网络：两个门由对 x 和对 h 的各一个乘积做成",
    "cfn": "无混沌网络：没有输入时状态衰减到零；f 是论文中的水平门，i 是竖直门",
    "ran": "循环加性网络：细胞状态是输入的线性映射的加权和，权重就是门",
    "star": "可堆叠的循环细胞：只有一个门，使梯度穿过很多层仍不变大也不变小",
    "sgu": "简单门控细胞：输入以乘积方式控制状态，硬 sigmoid 混合新旧",
    "dsgu": "深层简单门控细胞：比简单门控细胞多一个矩阵，候选值在 0 与 1 之间",
    "typed_rnn": "强类型 RNN（T-RNN）：门只看输入；f = 1 表示保留 h",
    "typed_gru": "强类型 GRU（T-GRU）：除记忆之外，一切只看输入，即这一步的和上一步的 q",
    "typed_lstm": "强类型 LSTM（T-LSTM）：除记忆之外，一切只看输入，即这一步的和上一步的 q",
    "qrnn": "准循环网络（QRNN）：门和候选值是对两个输入的卷积，即这一步的和上一步的 q",
    "sru": "简单循环细胞：门只带窥视孔，输入经一条高速通路直达输出",
    "mingru": "minGRU：门和候选值都只看输入的 GRU；z = 1 表示取候选值 n",
    "minlstm": "minLSTM：门只看输入、两个门按比例分配的 LSTM",
    "elstm": "逐元素 LSTM（eLSTM）：细胞只经窥视孔看自己的过去，没有门看输出",
    "multiplicative_rnn": "乘性 RNN：由输入选择循环矩阵 V diag(W.m x) U",
    "multiplicative_lstm": "乘性 LSTM：在原来看输出的地方，看输入与输出之积 m 的 LSTM",
    "mi_rnn": "带乘性整合的简单循环网络（MI-RNN）",
    "mi_gru": "带乘性整合的 GRU（MI-GRU）；z = 1 表示取候选值 n",
    "mi_lstm": "带乘性整合的 LSTM（MI-LSTM）",
    "ctrnn": "连续时间 RNN，用欧拉法逐步计算；sigmoid(a.h) 是步长与该隐藏单元时间常数之比",
    "antisymmetric_rnn": "反对称 RNN：每步沿一个方程前进 eps，其矩阵 U − Uᵀ − gamma I 是稳定的",
    "gated_antisymmetric_rnn": "带输入门的反对称 RNN，门经由同一个矩阵看到过去",
    "low_rank_rnn": "低秩 RNN，用欧拉法逐步计算，dt 是步长与时间常数之比：循环矩阵是 M.h N.h",
    "cornn": "耦合振子 RNN（coRNN）：h 是各振子的位置，z 是速度",
    "unicornn": "无阻尼独立受控振子 RNN（UnICORNN）：每个隐藏单元各自振动，各有自己的快慢",
    "lem": "长时表达记忆：两个状态跨越多种时间尺度，d 和 e 是它们各自的步长",
    "tau_gru": "带时延反馈的 GRU（tau-GRU），这里时延是一步：q 是再前一步的输出",
    "br": "双稳态循环细胞（BRC）：a 大于 1 时，隐藏单元有两个可以停留的状态；c = 1 表示保留 h",
    "nbr": "带神经调制的双稳态循环细胞（nBRC）：双稳态细胞的门看得到所有隐藏单元",
    "mut1": "搜索得到的门控细胞 MUT1；z = 1 表示取候选值 n",
    "mut2": "搜索得到的门控细胞 MUT2；z = 1 表示取候选值 n",
    "mut3": "搜索得到的门控细胞 MUT3；z = 1 表示取候选值 n",
    "nas": "神经架构搜索为语言模型找到的细胞",
    "rhn": "循环高速公路网络，一步之内有三层；t = 1 表示取该层的新值",
    "fs_lstm": "快慢 LSTM（FS-LSTM-2）：两个快的 LSTM 各走一步，中间夹一个慢的，快的告诉慢的，慢的也告诉快的",
    "intersection_rnn": "交叉 RNN（+RNN）：h 有一个沿时间的门，y 有一个沿深度的门，可以让输入直接通过",
    "scrn": "结构受限的循环网络：s 遗忘得慢，h 是普通的隐藏层，y 读两者",
    "gru_d": "GRU-D：缺失的值由最后见到的值衰减到均值，隐藏状态也随时间衰减",
    "phased_lstm": "Phased LSTM：时间门 k 让每个隐藏单元按自己的节奏、在周期的一小段里打开；t 是时间",
    "time_aware_lstm": "时间感知 LSTM：记忆中短期的部分（学习得到）按经过的时间打折",
    "cfc": "闭式连续时间细胞（CfC）：由经过的时间控制的门，从一个目标走到另一个",
    "augru": "更新门乘以注意力分数 a（0 到 1）的 GRU：没有注意力的一步什么都不改变",
    "zoneout_lstm": "带 zoneout 的 LSTM：隐藏单元随机地保持上一步的值",
    "recurrent_dropout_lstm": "带循环 dropout 的 LSTM：只丢弃将要写入记忆的部分",
    "lru": "线性循环细胞（LRU）：每步转动并缩小的复数，这里写成成对的实数",
    "rg_lru": "实数门控线性循环细胞（RG-LRU）：x 决定每个隐藏单元保留多少、写入多少",
    "rwkv4": "RWKV 的时间混合：到目前为止所有值的平均，按键和时间远近加权",
    "leaky_echo_state": "回声状态网络，隐藏单元带泄漏：一切保持抽取时的样子，学习的是它后面的一层",
    "lif": "泄漏积分发放：电位 v 逐渐泄漏，超过 1 就发出脉冲 s，并减去 1",
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
    "; of the output's two forms there, the tanh": "；文中的输出有两种形式，这里取 tanh",
    ", equations 1 to 4": "，式 1 到 4",
    ", Section 3.1": "，第 3.1 节",
    ", Section 2, with fo-pooling": "，第 2 节，用 fo-pooling",
    # (not the 3.2 of the GRU's source, which goes on)
    "arXiv:2410.01201, Section 3.2": "arXiv:2410.01201，第 3.2 节",
    ", equation 1, with tanh in the place of the logistic function": "，式 1，这里用 tanh 代替 logistic 函数",
    "; of its two forms the one with the damping of the old speed": "；文中有两种形式，这里取对旧速度加阻尼的那一种",
    ", appendix, in the equations of TensorFlow's NASCell": "，附录，方程依 TensorFlow 的 NASCell",
    "(arXiv:1606.06630), appendix": "(arXiv:1606.06630)，附录",
    ", equations 6 to 9, with the carry gate 1 - t as in the paper's experiments": (
        "，式 6 到 9，传送门取 1 - t，与文中的实验相同"
    ),
    "; both fast cells work on the one state h, c, as in the authors' program": (
        "；两个快的细胞作用于同一个状态 h、c，与作者的程序相同"
    ),
    ", eqs. 9 to 16 (numbered from the decay rates on)": "，式 9 到 16（从衰减率算起）",
    ", eqs. 1 to 10, leak and open (r_on) as there": "，式 1 到 10，leak 和 open（r_on）取值相同",
    ", Section 3.2; of the two discounts there 1 / log(e + dt)": (
        "，第 3.2 节；文中有两种打折方式，这里取 1 / log(e + dt)"
    ),
    ", eq. 4; one layer each for the three networks there, without a common one before them": (
        "，式 4；文中的三个网络各取一层，前面没有共用的层"
    ),
    ", eqs. 2 to 5 and 12 to 13": "，式 2 到 5 和 12 到 13",
    ", Section 3.2, with the probabilities of its language models on characters": (
        "，第 3.2 节，概率取其字符语言模型所用的值"
    ),
    ", eq. 7; what is kept is divided by the probability to be kept": "，式 7；保留下来的值除以保留的概率",
    ", eqs. 5 to 8 and Lemma 3.2": "，式 5 到 8 和引理 3.2",
    ", eqs. 1 to 4 and Appendix A; with a weight for each unit where the paper's gates have blocks of a matrix": (
        "，式 1 到 4 和附录 A；论文的门用分块矩阵，这里每个隐藏单元一个权重"
    ),
    ", eqs. 11 to 13, 16 and 17, and Appendix D (the form of a recurrent network)": (
        "，式 11 到 13、16、17，以及附录 D（循环网络的形式）"
    ),
    ", eq. 4 with a = 1; a tenth of the recurrent weights is not 0, and their spectral radius is 0.9, as ": (
        "，式 4，取 a = 1；循环权重有十分之一不是 0，谱半径是 0.9，大致同 "
    ),
    ", GMD Report 148, has them about so": ", GMD Report 148",
    ", eqs. 4 to 6 in their discrete form, with the reset by subtraction; without their second, synaptic state": (
        "，式 4 到 6 的离散形式，以减法复位；没有其中第二个状态（突触电流）"
    ),
}
_HARD_SIGMOID = (
    "硬 sigmoid 是 Theano、当时的 Keras 以及 Chainer 的 SGU 所用的：直线 0.2 a + 0.5 截在 0 与 1 之间；"
    "torchrecurrent 用的是 PyTorch 的 a / 6 + 0.5。"
)
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
    "working_memory_lstm": "torchrecurrent 给 V.i @ c、V.f @ c、V.o @ c 各加了一个偏置。",
    "residual_lstm": "输入和输出一样长时，论文中的捷径就是 x 本身。",
    "li_gru": "没有论文中对 x 的乘积所做的批归一化。注意：没有它，经过 ReLU 的状态可能不断增大。",
    "janet": "输出就是细胞状态；torchrecurrent 把它存了两份，并且学习 beta，在这里它是常数。",
    "fastrnn": "两个数的初值与作者的程序相同，起初很少写入新的；torchrecurrent 的初值正相反。",
    "fastgrnn": "矩阵是论文中的完整矩阵，论文随后使它们低秩、稀疏并量化。"
    "torchrecurrent 的门是 z = tanh(W.h @ x + U.h @ h + b.z)。",
    "qrnn": "偏置是这里加的。",
    "intersection_rnn": "输出 y 和 x 一样长，h 的长度可以任意。",
    "sgrn": "b.u 是 U.f @ h 的偏置，b.h 是 W.h @ x 的偏置，后者出现在两处。",
    "atr": "偏置是这里加的。",
    "cfn": "偏置 b.g 是这里加的。",
    "sgu": _HARD_SIGMOID,
    "dsgu": _HARD_SIGMOID,
    "sru": "论文中的高速通路直接传 x；这里是 W.s @ x，任意长度都可以，作者的程序在长度不同时也这样做。",
    "mingru": "候选值是线性的，与论文该节相同；论文附录中用对数计算的形式，候选值是正的。",
    "minlstm": "候选值是线性的，与论文该节相同；论文附录中用对数计算的形式，候选值是正的。",
    "elstm": "偏置是这里加的。",
    "multiplicative_rnn": "偏置是这里加的。",
    "multiplicative_lstm": "偏置是这里加的；torchrecurrent 在 m 的两个因子里也各有一个。",
    "ctrnn": "步长在 0 与时间常数之间，就是稳定的；写成 sigmoid 是这里的做法。",
    "low_rank_rnn": '秩就是 r 的长度：`sizes={"r": 2}`。',
    "cornn": "各常数由作者对每个任务分别选取。",
    "unicornn": "各常数由作者对每个任务分别选取。",
    "lem": "论文和作者的程序里，输出看的是新的 z，即 V.h @ z_t；torchrecurrent 是 V.h @ z_(t-1)。",
    "br": "偏置是这里加的。",
    "nbr": "偏置是这里加的。",
    "mut1": "论文中 W.n @ x 的位置上是 x 本身，它和 h 一样长；torchrecurrent 给 W.n @ x 加了一个偏置。",
    "mut2": "论文中 W.r @ x 的位置上是 x 本身，它和 h 一样长。",
    "nas": "那里 k3 = relu((W.k3 @ x) * (U.k3 @ h + b.k3))；torchrecurrent 是 relu(W.k3 @ x + U.k3 @ h + b.k3)。",
    "fs_lstm": "i1、f1 等属于第一个快的细胞，si、sf 等属于慢的，i2、f2 等属于第二个快的。",
    "scrn": "偏置是这里加的，论文中 y 上的 softmax 归损失函数管。torchrecurrent 是 y = tanh(U.y @ h + V.y @ s + b.y)，"
    "并且在 h 的方程里，h 的位置上是上一步的 y。",
    "gru_d": "每个变量距上次观测的时间，论文把它当作输入，这里是状态 gap。x 观测到时 m 为 1，dt 是距上一步的时间；"
    "m 为 0 时不看 x，可以是 NaN。S.mean 是 x 的经验均值，x 标准化之后就是零。",
    "phased_lstm": "相移 p.s 在这里以周期为单位，所以无论周期多长，起初都在一个周期里均匀分布。",
    "augru": "作者的程序（mouna99/dien）里，u = (1 - a) * sigmoid(...) 表示保留 h，"
    "因此在那里，没有注意力的一步就是普通 GRU 的一步。",
    "zoneout_lstm": "没有随机数生成器时，用均值代替抽样，论文在使用训练好的网络时也是这样。",
    "lru": "论文从 sqrt(1 - r²) 出发学习输入的尺度，这里始终取这个值；相位直接学习，而不是学习它的对数。"
    "r = exp(-exp(nu)) 是保留多少，phase 是转动多少。初值落在圆环 0.9 < r < 0.999 上。",
    "rg_lru": "起初，门打开的隐藏单元保留自己的 0.9 到 0.999。",
    "rwkv4": "num 和 den 是求平均用的两个和，都除以 exp(top)，使指数不会溢出；before 是上一步的 x。"
    "论文的堆叠里后面还有通道混合，它除了上一步之外与时间无关。",
    "lif": "梯度用的是一个同样斜率的 logistic 函数，代替阶跃（替代梯度）。",
}
