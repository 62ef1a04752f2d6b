"""What `benchmarks.music` has found, as tables for the terminal and for the pages."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

PAPERS = (  # figure, whose, what; whether it was read at its source or comes from notes on it
    (8.71, "Boulanger-Lewandowski, Bengio & Vincent 2012", "RNN", False),
    (8.58, "Boulanger-Lewandowski, Bengio & Vincent 2012", "RNN (HF)", False),
    (9.10, "Chung, Gulcehre, Cho & Bengio 2014", "tanh", False),
    (8.67, "Chung, Gulcehre, Cho & Bengio 2014", "LSTM", False),
    (8.54, "Chung, Gulcehre, Cho & Bengio 2014", "GRU", True),
)
TABLES = "music", "composed"  # of a page
CELLS = {"rnn": "RNN (tanh)", "gru": "GRU", "lstm": "LSTM"}
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "head": ("network", "size", "parameters", "nats per step, test pieces", "validation pieces"),
        "small": "about 20,000 parameters",
        "chosen": "size chosen on the validation pieces",
        "written": "the same, not transposed",
        "moved": "the same, not transposed, but moved by up to five semitones while learning",
        "theirs": "the papers' own rolls and split",
        "papers": "in the papers, on their rolls",
        "noted": "{} *",
        "conditions": "Mean and standard deviation of three seeds; {train} / {valid} / {test} pieces, {steps} steps in "
        "the test; gated {gated}, music21 {music21}, {date}.",
        "ours": "Our {pieces} pieces are {steps:,} quarter notes; {ending} end on a C in the bass; of the {test} test "
        "pieces {shared} have eight quarter notes in a row in common with one that was learned from.",
        "theirs of": "The papers' {pieces} are {steps:,}; {ending} end on a C; of {test} test pieces {shared}.",
        "confirmed": "* from notes on the papers, not read again at its source.",
        "texture": ("music", "keys at a time", "exactly four", "notes held", "semitones apart"),
        "free": "composed, temperature {}, each key by itself",
        "four": "composed, temperature {}, four voices",
        "Bach": "Bach, test pieces",
    },
    "zh": {
        "head": ("网络", "大小", "参数个数", "每步奈特数（测试曲）", "验证曲"),
        "small": "约两万个参数",
        "chosen": "大小由验证曲选定",
        "written": "同上，不移调",
        "moved": "同上，不移调，但学习时随机移动至多五个半音",
        "theirs": "论文自己的钢琴卷帘和划分",
        "papers": "论文所报，用它们的钢琴卷帘",
        "noted": "{} *",
        "conditions": "三个种子的平均值和标准差；{train} / {valid} / {test} 首，测试共 {steps} 步；gated {gated}，"
        "music21 {music21}，{date}。",
        "ours": "我们的 {pieces} 首共 {steps:,} 个四分音符；{ending} 首结束时低音是 C；{test} 首测试曲里有 {shared} 首"
        "与学过的某首曲子有连续八个四分音符相同。",
        "theirs of": "论文的 {pieces} 首共 {steps:,} 个；{ending} 首结束时低音是 C；{test} 首测试曲里有 {shared} 首。",
        "confirmed": "* 引自关于论文的笔记，未再与原文核对。",
        "texture": ("音乐", "同时发声的键", "恰好四个", "延续的音", "相差半音"),
        "free": "谱出的，温度 {}，各键互不相干",
        "four": "谱出的，温度 {}，四个声部",
        "Bach": "巴赫，测试曲",
    },
}


def scores(found: Mapping[str, Any], lang: str) -> list[tuple[str, ...]]:
    """Rows of the table of likelihoods, the head first."""
    say = WORDS[lang]
    rows: list[tuple[str, ...]] = [say["head"]]
    for own in found["rows"]:
        how = own["how"]
        size = f"{how['layers']} × {how['hidden']}"
        parts = [[run[name] for run in own["runs"]] for name in ("test", "valid")]
        figures = (f"{statistics.mean(part):.2f} ± {statistics.stdev(part):.2f}" for part in parts)
        rows.append((f"{CELLS[own['cell']]}, {say[own['name']]}", size, f"{own['parameters']:,}", *figures))
    for figure, whose, what, confirmed in PAPERS:
        value = f"{figure:.2f}" if confirmed else say["noted"].format(f"{figure:.2f}")
        rows.append((f"{what}, {whose}", "", "", value, ""))
    return rows


def compositions(found: Mapping[str, Any], lang: str) -> list[tuple[str, ...]]:
    """Rows of the table of textures, the head first."""
    say = WORDS[lang]
    rows: list[tuple[str, ...]] = [say["texture"]]
    for name, own in found["textures"].items():
        temperature, _, kind = name.partition(" ")
        title = say["Bach"] if name == "Bach" else say["free" if kind == "free" else "four"].format(temperature)
        notes = f"{own['notes']:.2f} ± {own['spread']:.2f}"
        rows.append((title, notes, *(f"{own[part]:.0%}" for part in ("four", "held", "clashing"))))
    return rows


def notes(found: Mapping[str, Any], lang: str) -> list[str]:
    """What stands below the first table."""
    counts = {name: own["pieces"] for name, own in found["pieces"].items()}
    steps, say = f"{found['pieces']['test']['steps']:,}", WORDS[lang]
    lines = [say["conditions"].format(**counts, steps=steps, **found["conditions"])]
    lines.append(say["ours"].format(**found["data"]["ours"]))
    if "theirs" in found["data"]:
        lines.append(say["theirs of"].format(**found["data"]["theirs"]))
    return [*lines, say["confirmed"]]


def text(found: Mapping[str, Any]) -> str:
    """For a terminal."""
    return "\n\n".join(
        [_aligned(scores(found, "en")), "\n".join(notes(found, "en")), _aligned(compositions(found, "en"))]
    )


def page(found: Mapping[str, Any], lang: str, part: str) -> str:
    """For a page, in Markdown; `part`: "music" or "composed"."""
    if part == "composed":
        return _markdown(compositions(found, lang)) + "\n"
    below = " " if lang == "en" else ""
    return f"{_markdown(scores(found, lang))}\n\n{below.join(notes(found, lang)).replace('* ', chr(92) + '* ')}\n"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(own, widths, strict=True)).rstrip() for own in rows
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(own).replace(" *", r" \*") + " |" for own in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])
