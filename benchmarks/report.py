"""The tables: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import agree
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.machine import NOTICEABLE
from benchmarks.points import Point
from benchmarks.ratios import geometric_mean
from benchmarks.sides import SIDES
from benchmarks.suite import Row
from benchmarks.targets import Verdict, verdicts

PACKAGES = ("numpy", "llvmlite", "torch", "jax", "optax", "onnxruntime")


@dataclass(frozen=True)
class Conditions:
    """Where and how it was measured; part of every report."""

    command: str
    threads: int
    effort: str
    versions: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        machine = f"{processor()}, {os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"- `{self.command}` on {date.today().isoformat()}, {self.effort}; float32, {self.threads} threads",
            f"- {machine}",
            f"- {versions}",
            *(f"- {remark}" for remark in self.remarks),
        ]


def processor() -> str:
    """The processor's name, and the widest vectors it has."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in fields.items()}
    flags = values.get("flags", "").split()
    widest = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "")
    name = values.get("model name", platform.machine())
    return f"{name} ({widest})" if widest else name


def figures(rows: Iterable[Row]) -> dict[str, dict[Point, float]]:
    """Comparison -> point -> median ratio (or seconds); without the rows where there is none."""
    found: dict[str, dict[Point, float]] = {}
    for row in rows:
        table = found.setdefault(row.key, {})
        if row.ratio is not None:
            table[row.point] = row.ratio.median
    return found


def amount(value: float | None, task: str) -> str:
    """A time or a size with three digits: `0.614 ms`, `12.3 MB`."""
    if value is None:
        return ""
    if task == "memory":
        return f"{value / 1e6:.3g} MB"
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def markdown(rows: Sequence[Row], conditions: Conditions) -> str:
    """The whole page."""
    parts = ["# Measured side by side", INTRODUCTION, "\n".join(conditions.lines())]
    parts += ["## What it should come to, and what it came to", targets_table(verdicts(figures(rows)))]
    for comparison in COMPARISONS:
        mine = [row for row in rows if row.key == comparison.key]
        if mine:
            parts += [f"## {comparison.title}", table(comparison, mine)]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = f"""\
Made by `python -m benchmarks`; `benchmarks/README.md` says how. A ratio is theirs / ours: above 1 gated is faster
(smaller, for memory). It is the median over pairs of measurements that alternate, with the quartiles in brackets.
A training step is the forward pass and the backward pass of sum(y * r), with all gradients, that of x included.
Outputs and every gradient of both sides agree within {agree.TOLERANCE:.0e} of their norm before anything is timed;
"difference" is the largest. A peer runs with the number of threads that is the faster one for it at the point.
Points are T x N x H: 50x64x1024 is 50 steps of 64 sequences, 1,024 hidden units and as many inputs.
† marks what was measured while other programs took more than {NOTICEABLE:.0%} of the machine: not to be relied on."""


def targets_table(judged: Sequence[Verdict]) -> str:
    """One line per promise."""
    lines = ["| | wanted | measured | reached |", "|---|---|---|---|"]
    for one in judged:
        target = one.target
        wanted = f"{'≤' if target.at_most else '≥'} {target.bound:g}{target.unit}"
        measured = "" if one.figure is None else f"{rounded(one.figure, target.bound)}{target.unit}"
        if one.where and one.points > 1:
            measured += f" at {one.where}"
        name = target.text + (" (geometric mean)" if target.how == "geometric mean" else "")
        lines.append(f"| {name} | {wanted} | {measured} | {one.word} |")
    return "\n".join(lines)


def rounded(figure: float, bound: float) -> str:
    """Two decimals, or more where they would hide on which side of the bound it is."""
    digits = 2
    while digits < 6 and figure != bound and abs(figure - bound) < 10.0**-digits:
        digits += 1
    return f"{figure:.{digits}f}"


def table(comparison: Comparison, rows: Sequence[Row]) -> str:
    """One line per point, and the geometric mean."""
    if comparison.peer is None:
        return own_table(comparison, rows)
    peer = SIDES[comparison.peer].title
    head = ["point", "gated", peer, "at its best with", "ratio", "pairs", "difference"]
    if comparison.rate:
        head[1:3] = ["gated, GFLOP/s", "sgemm, GFLOP/s"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(cells(comparison, row))} |" for row in rows]
    medians = [row.ratio.median for row in rows if row.ratio is not None]
    if len(medians) > 1:
        lines.append(f"| geometric mean | | | | **{geometric_mean(medians):.2f}** | | |")
    return "\n".join(lines)


def own_table(comparison: Comparison, rows: Sequence[Row]) -> str:
    """For times of our own without a peer: the step that compiles less a second step, what is no machine code."""
    counted, digits = ("fresh processes", 3) if comparison.task == "start" else ("calls", 6)
    lines = [f"| point | seconds | quartiles | {counted} |", "|---|---|---|---|"]
    for row in rows:
        found = row.ratio
        values = ["", row.note, ""]
        if found is not None:
            median, low, high = (f"{value:.{digits}f}" for value in (found.median, found.low, found.high))
            values = [median, f"{low}–{high}", str(found.count)]
        lines.append(f"| {' | '.join([str(row.point), *values])} |")
    return "\n".join(lines)


def cells(comparison: Comparison, row: Row) -> list[str]:
    """One line of a table."""
    if row.ratio is None:
        return [str(row.point), "", "", row.note.replace("|", "/"), "", "", ""]
    sides = [amount(value, comparison.task) for value in (row.ours, row.theirs)]
    if comparison.rate and row.ours and row.theirs:
        sides = [f"{work / seconds / 1e9:.0f}" for work, seconds in zip(row.work, (row.ours, row.theirs), strict=True)]
    difference = "" if row.difference is None else f"{row.difference:.1e}"
    mark = " †" if row.others > NOTICEABLE else ""
    return [str(row.point), *sides, row.setting, str(row.ratio) + mark, str(row.ratio.count), difference]


def document(rows: Sequence[Row], conditions: Conditions) -> str:
    """Everything that was measured, as JSON; the pairs too."""
    content: dict[str, Any] = {
        "conditions": {
            "command": conditions.command,
            "date": date.today().isoformat(),
            "effort": conditions.effort,
            "threads": conditions.threads,
            "processor": processor(),
            "versions": dict(conditions.versions),
            "remarks": list(conditions.remarks),
            "tolerance": agree.TOLERANCE,
        },
        "targets": [
            {"text": v.target.text, "how": v.target.how, "bound": v.target.bound, "at_most": v.target.at_most}
            | {"figure": v.figure, "where": v.where, "reached": v.reached, "measured": v.measured, "points": v.points}
            for v in verdicts(figures(rows))
        ],
        "rows": [row.to_json() for row in rows],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def line(comparison: Comparison, row: Row) -> str:
    """A row for the terminal, as soon as it is known."""
    start = f"{row.key:25} {str(row.point):>12}"
    if row.ratio is None:
        return f"{start}  {row.note}"
    if comparison.peer is None:
        return f"{start}  {amount(row.ours, comparison.task)}"
    _, ours, theirs, setting, ratio, *_ = cells(comparison, row)
    unit = " GFLOP/s" if comparison.rate else ""
    return f"{start}  {ours + unit:>12} | {theirs + unit:>12}  {ratio}  ({SIDES[comparison.peer].title}, {setting})"
