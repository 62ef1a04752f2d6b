"""The roads of some calls: which function of which module calls which, and what it is there for.

The lines are chosen and explained by hand; that they are true is tested: a profiler watches the call, and each line has
to happen below the one it is written under, in this order.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any


@dataclass
class Call:
    """A function of a module, and what it calls in other modules; what is called again is the same call."""

    module: str
    name: str
    inner: list[Call] = field(default_factory=list)

    def call(self, module: str, name: str) -> Call:
        """The one to this function, new if there is none yet."""
        found = next((call for call in self.inner if (call.module, call.name) == (module, name)), None)
        if found is None:
            self.inner.append(found := Call(module, name))
        return found

    def below(self) -> Iterator[Call]:
        """Every call inside, in the order in which they begin."""
        for call in self.inner:
            yield call
            yield from call.below()


@dataclass(frozen=True)
class Line:
    """One call of a road.

    Attributes:
        depth: under which of the lines before it stands.
        module: in gated; of a package, any module in it.
        name: of the function, with its class.
        en: what it is there for; zh: the same.
    """

    depth: int
    module: str
    name: str
    en: str
    zh: str

    def is_(self, call: Call) -> bool:
        module = f"gated.{self.module}"
        return call.name == self.name and (call.module == module or call.module.startswith(f"{module}."))


def _read(text: str) -> tuple[Line, ...]:
    """A road as it is written below: two spaces more for what is called, then what for, in English | in Chinese."""
    lines = []
    for line in text.strip().splitlines():
        call, english, chinese = line.split(" | ")
        module, name = call.strip().split(": ")
        lines.append(Line((len(call) - len(call.lstrip())) // 2, module, name, english, chinese))
    return tuple(lines)


# fmt: off
ROADS = {
    "forward": _read("""
nn.recurrent: Recurrent.forward | checks shapes, dtype, lengths | 检查形状、dtype 和长度
  nn.packing: Packing.pack | (T, N, D) becomes rows, without padding | (T, N, D) 变成行，去掉填充
  backends.native.passes.backend: NativeBackend.forward | takes a Pass, gives a Scan | 收一个 Pass，交出一个 Scan
    backends.native.threads.pool: team_for | how many threads it deserves | 值得用几个线程
    backends.native.threads.groups: shape_with_room | which plan, made once for a size | 用哪个计划：同样尺寸只做一次
    backends.native.memory.leases: lease | memory of the tape, used again | tape 的内存，用过的再用
    backends.native.passes.plan: Call.__init__ | new addresses into the plan's table | 把新的地址填进计划的表
    backends.native.passes.plan: Call.run | the one call of machine code | 只调用一次机器码
      backends.native.threads.pool: Pool.run | packs, W x, all steps, no lock held | 打包、W x、所有时间步，不占锁
    backends.native.passes.layer_tape: LayerScan.__init__ | what backward will need | 反向传播要用的一切
  nn.packing: Packing.unpack | rows become (T, N, H) | 行变回 (T, N, H)
"""),
    "backward": _read("""
nn.recurrent: Recurrent.backward | checks dy and whose tape it is | 检查 dy，以及 tape 是谁的
  nn.packing: Packing.pack | dy becomes rows | dy 变成行
  backends.native.passes.backend: NativeBackend.backward | takes the Scan back | 收回那个 Scan
    backends.native.memory.leases: work | room for the δ, of the call before | 给各个 δ 的内存，用上一次调用留下的
    backends.native.passes.plan: Call.run | the one call of machine code | 只调用一次机器码
      backends.native.threads.pool: Pool.run | steps back, then dx, then dW dU db | 逐步往回，再算 dx，再算 dW dU db
    backends.native.passes.plan: digest_of | parameters changed since? refused | 参数若已改变，就拒绝
  nn.packing: Packing.unpack | dx becomes (T, N, D) | dx 变回 (T, N, D)
"""),
    "train": _read("""
learning.training.bptt: full_step | one update by backpropagation | 用反向传播做一次更新
  learning.training.one_call: train_in_one_call | if all is gated's own | 若全是 gated 自己的部分
    nn.linked: linked | what the layers are to a backend; once | 各层对后端来说是什么；只做一次
    nn.packing: Packing.pack | rows of running sequences | 未结束序列的行
    learning.rules.optimizers: Optimizer.next_update | the rule, its buffers and numbers | 规则、它的缓冲区和数值
    backends.native.passes.backend: NativeBackend.train | the whole step | 整个一步
      backends.native.passes.step_plan: StepPlan.__init__ | the tables of all parts, in one | 各部分的表，合成一份
      backends.native.threads.pool: Pool.run | from forward to update: one call | 从前向到更新：一次调用
    learning.rules.optimizers: Optimizer.made | the count of updates | 更新的次数
"""),
    "online": _read("""
learning.realtime.online: Online.__init__ | chooses an engine | 选一个引擎
  learning.realtime.chain: links_of | asks each layer for its equations | 向每一层要它的方程
  schedule.traces: plan_traces | what each weight must remember | 每个权重要记住什么
    calculus.slopes: Slopes.from_source | by forward mode | 用前向模式
  schedule.online_step: plan_step | one step: predict, error, learn | 一步：预测、误差、学习
  backends.native.machine.target: Compiled.cached | machine code, as below | 机器码，见下文
learning.realtime.online: Online.step | checks x_t and the target | 检查 x_t 和目标
  learning.realtime.compiled: NativeEngine.step | the rate of this update | 这次更新的学习率
    backends.native.passes: NativeStep.run | the whole step in one call | 整个一步只调用一次
"""),
    "command": _read("""
cli: main | errors become one line | 报错变成一行
  cli.train: run_training | options become settings | 选项变成设置
    cli.load_cell: load_cell | from the zoo or your file | 取自带的细胞，或你的文件
    models.language_run: LanguageRun.start | corpus, model, optimizer | 语料、模型、优化器
      models.language_model: LanguageModel.build | embedding, layers, head | 嵌入、各层、输出层
      learning.training.run_folder: RunFolder.start | makes and locks the folder | 建好并锁住文件夹
    models.language_run: LanguageRun.run | until all updates are made | 直到更新全部做完
      learning.training.loop: Training.__iter__ | windows in order of time | 按时间顺序取窗口
        learning.training.bptt: truncated_step | one update; the state goes on | 一次更新；状态接着走
      learning.training.run_folder: RunFolder.append_metrics | a line of metrics.jsonl | metrics.jsonl 里加一行
      models.language_model: LanguageModel.bits | held-out bits | 留出文本上的比特数
      models.language_model: LanguageModel.save | the best model so far | 目前最好的模型
      learning.training.run_folder: RunFolder.write_checkpoint | all that going on takes | 接着训练所需的一切
"""),
    "code": _read("""
language.cell: cell | the decorator | 装饰器
  language.tracing: trace_cell | runs the function on symbols | 用符号运行这个函数
    language.building: build | symbols become the graph | 符号变成图
nn.stack: Stack.__init__ | a layer is made | 建一个层
  schedule.schedule: schedule | before, in, after the loop | 循环之前、之中、之后
    calculus.reverse_mode: reverse_mode | the backward graph | 反向的图
nn.recurrent: Recurrent.forward | it is first used | 第一次使用
  backends.native.machine.programs: training | all programs of the cell | 这个细胞的全部程序
    program.time_loops: training_programs | schedule becomes programs | 调度变成程序
      program.layout: Layout.of | where each value lies | 每个值放在哪里
      program.lowering: lower | blocks over rows and units | 按行和隐藏单元分块
    backends.native.machine.fingerprint: fingerprint | a name for what comes out | 给结果起名
    backends.native.machine.target: Compiled.cached | in memory, or on disk, or new | 内存里有、磁盘上有，或现做
      backends.native.machine.object_cache: load | nothing on disk yet | 磁盘上还没有
      backends.native.codegen.emit: Module.add | a program becomes LLVM IR | 程序变成 LLVM IR
        backends.native.codegen.elementary: tanh | one of the book's operations | 运算簿里的一个运算
      backends.native.machine.object_cache: store | for the next process | 留给下一个进程
  backends.native.passes.training_plan: ForwardPlan.__init__ | the table for these sizes | 这组尺寸的表
"""),
}
# fmt: on


@contextlib.contextmanager
def watched() -> Iterator[Call]:
    """What is called inside, as a tree below the call that is yielded; calls within a module are passed over."""
    root, running = Call("", ""), dict[int, Call]()

    def outer_of(frame: FrameType | None) -> Call:
        while frame is not None and id(frame) not in running:
            frame = frame.f_back
        return root if frame is None else running[id(frame)]

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return":
            running.pop(id(frame), None)
        elif event == "call" and (module := str(frame.f_globals.get("__name__"))).startswith("gated."):
            outer = outer_of(frame.f_back)
            name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)  # from Python 3.11 on with its class
            if outer.module != module:
                outer = outer.call(module, name)
            running[id(frame)] = outer

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield root
    finally:
        sys.setprofile(before)


def lost(road: tuple[Line, ...], found: Call) -> list[str]:
    """The lines of a road that did not happen below the line they stand under, after the one before them."""
    wrong = []
    stack = [(-1, list(found.below()))]  # of each line we are under, the calls that are still to come
    for line in road:
        while stack[-1][0] >= line.depth:
            stack.pop()
        calls = stack[-1][1]
        at = next((i for i, call in enumerate(calls) if line.is_(call)), None)
        if at is None:
            wrong.append(f"{line.module}: {line.name}")
            continue
        stack.append((line.depth, list(calls[at].below())))
        del calls[: at + 1]
    return wrong


def examples() -> dict[str, Callable[[], Any]]:
    """For each road, what is called to see it."""
    import numpy as np

    import gated
    from gated.learning import Adam, Online, full_step
    from gated.losses import SoftmaxCrossEntropy

    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=(5, 3, 4)).astype("float32"), rng.integers(0, 2, size=(5, 3))
    layer = gated.LSTM(4, 6, seed=0)
    y, _, tape = layer.forward(x)

    def network() -> gated.Network:
        return gated.Network({"rnn": gated.LSTM(4, 6, seed=0), "head": gated.Dense(6, 2, seed=1)})

    net, optimizer, loss = network(), Adam(0.01), SoftmaxCrossEntropy()

    def new_cell() -> None:
        factor = float(rng.uniform(0.5, 1.5))  # a cell that no process has compiled before

        @gated.cell
        def mine(x, h, *, W, U, b):  # type: ignore[no-untyped-def]
            h = factor * gated.tanh(W.h @ x + U.h @ h + b.h)
            return h

        gated.Recurrent(mine, 4, 6, seed=0).forward(x)

    def command() -> None:
        from gated.cli import main

        Path("text.txt").write_text("to and fro. " * 400, encoding="utf-8")
        options = ["--hidden", "8", "--batch", "4", "--epochs", "1", "--out", "run", "--sample", "0"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert main(["train", "text.txt", *options]) == 0

    return {
        "forward": lambda: gated.LSTM(4, 6, seed=0).forward(x),  # to which no call has left anything
        "backward": lambda: layer.backward(tape, y),
        "train": lambda: full_step(net, loss, optimizer, (x, classes), clip=1.0),
        "online": lambda: Online(network()).step(x[0, 0], np.zeros(2)),
        "command": command,
        "code": new_cell,
    }


def seen(road: str) -> Call:
    """What happens on a road, in an empty folder and with no machine code on disk or in this process."""
    from gated.backends.native.machine import programs

    programs._cache.forget()
    before, cache = Path.cwd(), os.environ.get("GATED_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GATED_CACHE_DIR"] = str(Path(folder) / "cache")
        os.chdir(folder)
        try:
            example = examples()[road]
            with watched() as found:
                example()
        finally:
            os.chdir(before)
            del os.environ["GATED_CACHE_DIR"]
            if cache is not None:
                os.environ["GATED_CACHE_DIR"] = cache
    return found


if __name__ == "__main__":
    for road, lines in ROADS.items():
        print(road, lost(lines, seen(road)))
