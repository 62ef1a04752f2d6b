"""What the last whole benchmark measured, written into the pages in English and Chinese.

A page marks a place by two comments, `<!-- measured: KIND -->` and `<!-- end of measured -->`; what stands between them
is written by `docs/build.py`. KIND is `picture`, `short` (a table of what matters most), `whole` (of everything);
`real`, the table of `benchmarks.real_data`; `music` and `composed`, those of `benchmarks/results/music.json`.
The figures come from `benchmarks/results/results.json`, the promises from `benchmarks/targets.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import NOTICEABLE
from benchmarks.points import BIDIRECTIONAL, GRID, UPDATE, Point
from benchmarks.ratios import geometric_mean
from benchmarks.real_data import records as real_data
from benchmarks.report import rounded
from benchmarks.targets import TARGETS, Figures, Target, better_of

from benchmarks import music_table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PLACE = re.compile(r"(<!-- measured: (?P<kind>\w+) -->\n).*?(<!-- end of measured -->)", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        comparisons: keys of `benchmarks.comparisons`; with several, the ratio is that to the best of the peers.
        en, zh: what is compared with what.
        at: the points that count, where they are some of several.
        short: whether the short table has it.
    """

    comparisons: tuple[str, ...]
    en: str
    zh: str
    at: tuple[Point, ...] | None = None
    short: bool = False

    @property
    def targets(self) -> list[Target]:
        """What was promised of it."""
        return [target for target in TARGETS if target.comparisons == self.comparisons and target.at == self.at]


LINES = (
    Line(("lstm",), "LSTM, training step; PyTorch `nn.LSTM`", "LSTM，训练一步；PyTorch `nn.LSTM`", short=True),
    Line(
        ("gru",),
        "GRU (reset after), training step; PyTorch `nn.GRU`",
        "GRU（重置在后），训练一步；PyTorch `nn.GRU`",
        short=True,
    ),
    Line(
        ("peephole",),
        "peephole LSTM, training step; JAX, `lax.scan` under `jit`",
        "带窥视孔的 LSTM，训练一步；JAX，`jit` 下的 `lax.scan`",
        short=True,
    ),
    Line(("eager",), "the same; PyTorch, a loop in Python", "同上；PyTorch，Python 循环", short=True),
    Line(("eager",), f"the same, at {GRID[0]} alone", f"同上，只看 {GRID[0]}", at=GRID[:1]),
    Line(("compile",), "the same; `torch.compile`", "同上；`torch.compile`", short=True),
    Line(
        ("infer.torch", "infer.onnx"),
        "LSTM, inference; the better of PyTorch and ONNX Runtime",
        "LSTM，推理；PyTorch 和 ONNX Runtime 中较快的一个",
        short=True,
    ),
    *(
        Line(
            ("infer.bidirectional.torch", "infer.bidirectional.onnx"),
            f"two bidirectional LSTM layers, inference, at {at}; the better of both",
            f"两层双向 LSTM，推理，在 {at}；两者中较快的一个",
            at=(at,),
        )
        for at in BIDIRECTIONAL
    ),
    Line(
        ("stream",),
        "LSTM, one step from Python, H = 64; ONNX Runtime",
        "LSTM，从 Python 走一步，H = 64；ONNX Runtime",
        short=True,
    ),
    Line(
        ("update.lstm",),
        "a language model of 103 symbols, LSTM, the whole update; PyTorch",
        "103 个符号的语言模型，LSTM，一次完整的更新；PyTorch",
    ),
    Line(("update.lstm",), "the same, H up to 256", "同上，H 至 256", at=UPDATE[:4]),
    Line(("update.lstm",), "the same, H = 512", "同上，H = 512", at=UPDATE[4:]),
    Line(("update.gru",), "the same with a GRU; PyTorch `nn.GRU`", "同上，换成 GRU；PyTorch `nn.GRU`"),
    Line(
        ("update.peephole",),
        "the same with a peephole LSTM; JAX, one jitted step with optax",
        "同上，换成带窥视孔的 LSTM；JAX，整步 `jit`，用 optax",
    ),
    Line(("update.words",), "the same with an LSTM and 10,000 symbols; PyTorch", "同上，LSTM，10,000 个符号；PyTorch"),
    Line(
        ("caption.lstm",),
        "a captioner of 120 words, LSTM, the whole update; PyTorch",
        "120 个词的看图说话模型，LSTM，一次完整的更新；PyTorch",
    ),
    Line(
        ("caption.assignment",), "the course assignment's, 1,004 words; PyTorch", "课程作业的模型，1,004 个词；PyTorch"
    ),
    Line(
        ("caption.scenes",),
        "that of `gated caption train`, with a GRU; PyTorch",
        "`gated caption train` 的模型，GRU；PyTorch",
    ),
    Line(
        ("sample.torch",),
        "sampling 2,000 of 103 symbols from an LSTM, H = 192; PyTorch",
        "从 LSTM 采样 2,000 个符号（共 103 种），H = 192；PyTorch",
    ),
    Line(("sample.onnx",), "the same; ONNX Runtime", "同上；ONNX Runtime"),
    Line(
        ("sample.model",),
        "the same by `CharacterLanguageModel.sample`; PyTorch",
        "同上，调用 `CharacterLanguageModel.sample`；PyTorch",
    ),
    Line(
        ("user.same",), "peephole LSTM in a user's file; our built-in one", "用户文件里的带窥视孔 LSTM；自带的同一细胞"
    ),
    Line(("user.lstm",), "peephole LSTM in a user's file; our LSTM", "用户文件里的带窥视孔 LSTM；自带的 LSTM"),
    Line(
        ("rate.lstm",),
        "LSTM, training step, H ≥ 256; share of sgemm's rate",
        "LSTM，训练一步，H ≥ 256；占 sgemm 速率的比例",
    ),
    Line(("rate.gru",), "GRU, the same", "GRU，同上"),
    Line(("rate.peephole",), "peephole LSTM, the same", "带窥视孔的 LSTM，同上"),
    Line(
        ("rate.lstm.scan",),
        "LSTM, the time loops alone, H ≥ 256; share of sgemm's rate",
        "LSTM，只算时间循环，H ≥ 256；占 sgemm 速率的比例",
    ),
    Line(("rate.gru.scan",), "GRU, the same", "GRU，同上"),
    Line(("rate.peephole.scan",), "peephole LSTM, the same", "带窥视孔的 LSTM，同上"),
    Line(("memory.lstm",), "LSTM, peak memory of a training step; PyTorch", "LSTM，训练一步的内存峰值；PyTorch"),
    Line(("memory.gru",), "GRU, the same", "GRU，同上"),
    Line(
        ("memory.update",),
        "LSTM, 103 symbols, peak memory of a whole update; PyTorch",
        "LSTM，103 个符号，一次完整更新的内存峰值；PyTorch",
    ),
    Line(("memory.words",), "the same with 10,000 symbols", "同上，10,000 个符号"),
    Line(
        ("overhead.call",),
        "LSTM, forward and backward, all but the machine code, seconds",
        "LSTM，前向和反向，除机器码之外的部分，秒",
    ),
    Line(("overhead.infer",), "LSTM, inference, the same", "LSTM，推理，同上"),
    Line(
        ("overhead.shape",),
        "LSTM, forward and backward, what lengths never seen before cost, seconds",
        "LSTM，前向和反向，从未见过的一组长度多花的时间，秒",
    ),
    Line(("overhead.update",), "a whole update, the same", "一次完整的更新，同上"),
    Line(
        ("start.cold",), "peephole LSTM, compiling forward and backward, seconds", "带窥视孔的 LSTM，编译前向和反向，秒"
    ),
    Line(("start.cached",), "the same from the cache on disk, seconds", "同上，从磁盘缓存读取，秒"),
)
WORDS = {
    "en": {
        "head": "| gated; beside it | geometric mean | lowest |",
        "wanted": " (wanted {sign} {bound:g}{unit} {mark})",
        "at": "{figure} at {point}",
        "missing": "not measured",
        "some": " ({} of {} points)",
        "none": "*No whole run is kept here yet. `make bench` measures everything and writes `benchmarks/results`;\n"
        "`python docs/build.py` then fills in this place.*",
        "picture": "Each panel: how many times as fast as the other library, at every size",
        "conditions": "Float32, {threads} threads, {processor}; {versions}; {date}.\n"
        "Every row, with the quartiles of its pairs and both sides' times: [results.md]({link}).",
    },
    "zh": {
        "head": "| gated；与谁相比 | 几何平均 | 最低 |",
        "wanted": "（目标 {sign} {bound:g}{unit} {mark}）",
        "at": "{figure}，在 {point}",
        "missing": "未测",
        "some": "（{1} 处中测了 {0} 处）",
        "none": "*这里还没有一次完整的结果。`make bench` 测量全部项目，写入 `benchmarks/results`；"
        "再运行 `python docs/build.py`，这里就会填上。*",
        "picture": "每一格：在每种尺寸上，是另一个库的几倍速度",
        "conditions": "float32，{threads} 个线程，{processor}；{versions}；{date}。每一行的四分位数和双方的时间见 "
        "[results.md]({link})。",
    },
}


def filled(text: str, page: str) -> str:
    """The page with its measured places up to date; `page` is its path, `README.md` or `docs/native.zh.md`."""
    return PLACE.sub(lambda match: match[1] + _content(match["kind"], page) + match[3], text)


def _content(kind: str, page: str) -> str:
    lang = "zh" if page.endswith(".zh.md") else "en"
    words = WORDS[lang]
    if kind in music_table.TABLES:
        return music_table.page(json.loads((RESULTS / "music.json").read_text(encoding="utf-8")), lang, kind)
    if kind == "picture":
        if not (RESULTS / "results.png").exists():
            return ""
        return f"![{words['picture']}]({_link(page, 'results.png')})\n"
    if kind == "real":
        rows = real_data.read(RESULTS / "real_data.json")
        return f"{real_data.table(rows, 'zh' if '.zh.' in page else 'en')}\n\n{real_data.versions(rows)}.\n"
    if not (RESULTS / "results.json").exists():
        return words["none"] + "\n"
    found = json.loads((RESULTS / "results.json").read_text(encoding="utf-8"))
    lines = [line for line in LINES if line.short or kind == "whole"]
    table = "\n".join([words["head"], "|---|---|---|", *(_row(line, found["rows"], page) for line in lines)])
    return f"{table}\n\n{_conditions(found['conditions'], page)}\n"


def _link(page: str, file: str) -> str:
    return Path(os.path.relpath(RESULTS / file, (ROOT / page).parent)).as_posix()


def _conditions(conditions: Mapping[str, Any], page: str) -> str:
    words = WORDS["zh" if page.endswith(".zh.md") else "en"]
    versions = ", ".join(f"{name} {version}" for name, version in conditions["versions"].items())
    return words["conditions"].format(**{**conditions, "versions": versions}, link=_link(page, "results.md"))


def _row(line: Line, rows: Sequence[Mapping[str, Any]], page: str) -> str:
    lang = "zh" if page.endswith(".zh.md") else "en"
    mine = [row for row in rows if row["key"] in line.comparisons and row["ratio"] is not None]
    tables: list[Figures] = [
        {Point.parse(row["point"]): row["ratio"]["median"] for row in mine if row["key"] == key}
        for key in line.comparisons
    ]
    figures = better_of(tables)
    if line.at is not None:
        figures = {point: figure for point, figure in figures.items() if point in line.at}
    name = line.zh if lang == "zh" else line.en
    if not figures:
        return f"| {name} | {WORDS[lang]['missing']} | |"
    points = {row["point"] for row in rows if row["key"] in line.comparisons}
    if line.at is None and len(figures) < len(points):
        name += WORDS[lang]["some"].format(len(figures), len(points))
    if any(row["others"] > NOTICEABLE for row in mine):
        name += " †"
    mean, lowest = _cells(line, figures, WORDS[lang])
    return f"| {name} | {mean} | {lowest} |"


def _cells(line: Line, figures: Figures, words: Mapping[str, str]) -> tuple[str, str]:
    """Both figures, each with what was promised of it; with a single point only one."""
    targets = {"geometric mean" if target.how == "geometric mean" else "single": target for target in line.targets}
    point = min(figures, key=lambda p: figures[p])
    single = _figure(figures[point], targets.get("single"), words)
    if len(figures) == 1:
        return "", single
    mean = _figure(geometric_mean(list(figures.values())), targets.get("geometric mean"), words)
    return mean, _figure(figures[point], targets.get("single"), words, str(point))


def _figure(figure: float, target: Target | None, words: Mapping[str, str], point: str = "") -> str:
    text = rounded(figure, target.bound if target else 1.0)
    if point:
        text = words["at"].format(figure=text, point=point)
    if target is None:
        return text
    reached = figure <= target.bound if target.at_most else figure >= target.bound
    sign, mark = "≤" if target.at_most else "≥", "✓" if reached else "✗"
    return text + words["wanted"].format(sign=sign, bound=target.bound, unit=target.unit, mark=mark)
