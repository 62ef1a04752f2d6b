"""What was measured: one row for a method on a data set, in a file of JSON that later runs add to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.points import UsageError
from benchmarks.real_data.methods import METHODS, SETS


@dataclass
class Row:
    """A method on a data set; a number a seed.

    Attributes:
        data, method: names of `methods`.
        seeds, accuracy, fit_seconds, predict_seconds: of equal length.
        versions: of what it ran with, by package.
        padded: whether shorter sequences had zeros behind them, for the method takes equal lengths alone.
    """

    data: str
    method: str
    seeds: list[int] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    fit_seconds: list[float] = field(default_factory=list)
    predict_seconds: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    padded: bool = False

    def add(self, seed: int, accuracy: float, fit_seconds: float, predict_seconds: float) -> None:
        """What came of one seed."""
        self.seeds.append(seed)
        self.accuracy.append(accuracy)
        self.fit_seconds.append(fit_seconds)
        self.predict_seconds.append(predict_seconds)

    def figure(self) -> str:
        """The accuracy in per cent: mean and standard deviation over the seeds."""
        middle = f"{100 * mean(self.accuracy):.1f}"
        return f"{middle} ± {100 * stdev(self.accuracy):.1f}" if len(self.accuracy) > 1 else middle

    def seconds(self) -> str:
        """The mean time of a fit."""
        found = mean(self.fit_seconds)
        return f"{found:.0f} s" if found >= 9.95 else f"{found:.1f} s" if found >= 0.05 else "< 0.1 s"


def read(path: Path) -> list[Row]:
    """The rows of a file; none if there is none.

    Raises:
        UsageError: it is no file of such rows.
    """
    if not path.exists():
        return []
    try:
        return [Row(**content) for content in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--output: got {str(path)!r} ({error}), expected what an earlier run wrote") from None


def write(path: Path, rows: Sequence[Row], conditions: Mapping[str, Any]) -> None:
    """In the order of the table, one row a line."""
    order = {(data, method.name): k for k, (data, method) in enumerate((d, m) for d in SETS for m in METHODS)}
    rows = sorted(rows, key=lambda row: order.get((row.data, row.method), len(order)))
    lines = ",\n".join("  " + json.dumps(asdict(row)) for row in rows)
    text = f'{{\n "conditions": {json.dumps(dict(conditions))},\n "rows": [\n{lines}\n ]\n}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def put(rows: list[Row], new: Row) -> None:
    """The new row in the place of an older one."""
    rows[:] = [row for row in rows if (row.data, row.method) != (new.data, new.method)]
    rows.append(new)


def table(rows: Sequence[Row], lang: str = "en") -> str:
    """Markdown: a line a method, a column a data set; accuracy in per cent, and the time of a fit behind it."""
    found = {(row.data, row.method): row for row in rows}
    head = {"en": "| accuracy in %; time of a fit |", "zh": "| 准确率（%）；训练用时 |"}[lang]
    lines = [head + "".join(f" {data} |" for data in SETS), "|---|" + "---|" * len(SETS)]
    for method in METHODS:
        own = [found.get((data, method.name)) for data in SETS]
        if not any(own):
            continue
        cells = (f" {row.figure()}; {row.seconds()}{' *' if row.padded else ''} |" if row else " |" for row in own)
        lines.append(f"| {method.en if lang == 'en' else method.zh} |{''.join(cells)}")
    return "\n".join(lines)
