"""What docs/architecture.md and its Chinese twin say of the house, made from the house itself.

A page marks a place by two comments, `<!-- house: KIND -->` and `<!-- end of house -->`; what stands between them is
written by `docs/build.py`. KIND is `packages` (a table), `backends/native` or `learning` (the rooms of these), or a
road of `docs/roads.py`. The order is that of tests/house/directions.py, the modules are those that there are; only
the words are written here.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from roads import ROADS

ROOT = Path(__file__).resolve().parent.parent
PLACE = re.compile(r"(<!-- house: (?P<kind>[\w/]+) -->\n).*?(<!-- end of house -->)", re.DOTALL)
PACKAGES = {
    "files": ("files that appear whole or not at all, locked folders", "要么完整写出、要么不写的文件，加锁的文件夹"),
    "data": ("texts, words, pictures, batches, classical tasks", "文本、词、图片、成批的序列、经典的任务"),
    "language": ("the book of operations; a function becomes a graph", "运算簿；把函数变成图"),
    "calculus": ("the backward and the forward mode, the derivation", "反向与前向求导，写成文字的推导"),
    "cells": ("the zoo: equations with their sources", "自带的细胞：方程与出处"),
    "schedule": ("what runs before, in and after the time loop", "循环之前、之中、之后各算什么"),
    "program": ("blocks over rows and units, no processor in them", "按行和隐藏单元分的块，与处理器无关"),
    "backends": ("who computes: NumPy, or machine code", "谁来算：NumPy，或者机器码"),
    "nn": ("layers, losses, networks", "层、损失、网络"),
    "learning": ("update rules, training, learning in real time", "更新规则、训练、实时学习"),
    "audit": ("is a gradient right, and what is wrong with it?", "梯度对不对？错在哪里？"),
    "interop": ("what leaves and enters: model files", "进来的和出去的：模型文件"),
    "models": (
        "whole models: texts, captions, series, music",
        "完整的模型：文本、看图说话、序列、音乐",
    ),
    "experiments": ("contests of ways to learn", "各种学法之间的比赛"),
    "cli": ("the command `gated`", "命令 `gated`"),
}
ROOMS = {
    "backends/native": {
        "codegen": ("from blocks to LLVM IR", "从块到 LLVM IR"),
        "machine": ("from IR to machine code, and the cache on disk", "从 IR 到机器码，以及磁盘上的缓存"),
        "memory": ("memory that is used again, and what lies where", "反复使用的内存，什么放在哪里"),
        "threads": ("who works on what", "哪个线程做什么"),
        "passes": ("plans and tables, and the calls themselves", "计划、表，以及调用本身"),
    },
    "learning": {
        "rules": ("optimizers, learning rates over time, clipping", "优化器、随时间变化的学习率、裁剪"),
        "training": ("backpropagation through time, the loop, its folder", "沿时间反向传播、训练循环、运行的文件夹"),
        "runs": ("a whole run: validation, early stopping, who looks on", "一次完整的训练：验证、提前停止、旁观的回调"),
        "realtime": ("online with traces, and exact", "带迹的在线学习，和精确的实时学习"),
    },
    "audit": {
        "foreign": (
            "somebody's own code: recognised, run in a process of its own, compared",
            "别人的代码：认出来，在单独的进程里运行、比较",
        ),
        "diagnosis": ("which term of which adjoint is wrong", "哪个伴随的哪一项错了"),
        "mending": ("where in the file, and a mended copy", "错在文件的哪一行，以及改好的副本"),
        "pages": ("the report: terminal, HTML, picture", "报告：终端、HTML、图"),
    },
}
HEADS = {
    "packages": {"en": "| package | what it is for | imports |", "zh": "| 包 | 做什么 | 导入 |"},
    "rooms": {"en": "| room | what is done there | modules |", "zh": "| 房间 | 做什么 | 模块 |"},
}
NOTHING = {"en": "nothing", "zh": "无"}


def directions() -> ModuleType:
    """tests/house/directions.py, which holds the order."""
    if "house_directions" not in sys.modules:
        file = ROOT / "tests" / "house" / "directions.py"
        spec = importlib.util.spec_from_file_location("house_directions", file)
        assert spec is not None and spec.loader is not None
        sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["house_directions"]


def words_of(folder: str) -> dict[str, tuple[str, str]]:
    """What is said of the packages, or of the rooms of one, in English and Chinese."""
    return ROOMS[folder] if folder else PACKAGES


def order_of(folder: str) -> tuple[str, ...]:
    return directions().ROOMS[folder] if folder else directions().ORDER


def modules_of(folder: str) -> list[str]:
    """The modules in a folder of the package."""
    return sorted(path.stem for path in (directions().SOURCE / folder).glob("*.py") if path.stem != "__init__")


def filled(text: str, page: str) -> str:
    """The page with its places up to date; `page` is its path, such as `docs/architecture.zh.md`."""
    lang = "zh" if page.endswith(".zh.md") else "en"
    return PLACE.sub(lambda match: match[1] + _content(match["kind"], lang) + match[3], text)


def _content(kind: str, lang: str) -> str:
    if kind in ROADS:
        return _road(kind, lang)
    folder = "" if kind == "packages" else kind
    chosen = 1 if lang == "zh" else 0
    rows = [HEADS["rooms" if folder else "packages"][lang], "|---|---|---|"]
    edges = directions().edges(order_of(folder), folder)
    for name in order_of(folder):
        listed = [f"`{module}`" for module in (modules_of(f"{folder}/{name}") if folder else edges[name])]
        rows.append(f"| `{name}` | {words_of(folder)[name][chosen]} | {' '.join(listed) or NOTHING[lang]} |")
    return "\n".join(rows) + "\n"


def _road(kind: str, lang: str) -> str:
    """Calls at the left, indented; what they are there for at the right."""
    calls = [f"{'  ' * line.depth}{line.module}: {line.name}" for line in ROADS[kind]]
    width = max(map(len, calls)) + 2
    texts = [line.zh if lang == "zh" else line.en for line in ROADS[kind]]
    lines = [f"{call:{width}}{text}" for call, text in zip(calls, texts, strict=True)]
    return "```road\n" + "\n".join(lines) + "\n```\n"
