"""What the defaults of `SequenceClassifier` and `SequenceRegressor` learn from few sequences and from many.

    python -m benchmarks.estimator_sizes

Tasks of `generated` with 60, 600 and 6,000 sequences to learn from, and 2,000 others, always the same, to judge by;
beside ours stand scikit-learn's gradient-boosted trees on features that sum a sequence up. What chance decides, the
sequences that are learned from among it, is drawn anew for each seed. Everything has one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.generated import CLASSES, NUMBERS

Array = np.ndarray[Any, Any]
RESULTS = Path(__file__).resolve().parent / "results" / "estimator_sizes.json"
SIZES = 60, 600, 6000
JUDGED = 2000
TEST_SEED = 1_000_000
LAGS = 16
METHODS = {"ours": ("`gated`, defaults", "`gated`，默认值"), "trees": ("trees on features", "特征上的提升树")}
TASKS = {
    "waves": ("which of three periods has a noisy wave", "带噪声的波是三种周期中的哪一种"),
    "order": ("in which of six orders three symbols came", "三个符号按六种次序中的哪一种出现"),
    "sum": ("the sum of two marked numbers (R²)", "两个有标记的数之和（R²）"),
}


@dataclass
class Row:
    """A method on a task with so many sequences; a number a seed. `epochs`: passes, of trees how many there are."""

    task: str
    size: int
    method: str
    score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)


def features(sequence: Array) -> Array:
    """What people write down of a sequence (T, D): of each channel its size, ends, changes, autocorrelation."""
    found = []
    for own in sequence.T:
        away = own - own.mean()
        power = away @ away or 1.0
        found += [own.mean(), own.std(), own.min(), own.max(), np.median(own), own[0], own[-1]]
        found += [np.argmax(own), np.argmin(own), np.abs(np.diff(own)).mean(), len(own)]
        found += [away[lag:] @ away[:-lag] / power for lag in range(1, LAGS + 1)]
    return np.array(found)


def measure(task: str, size: int, method: str, seed: int) -> tuple[float, float, int]:
    """(accuracy or R², seconds of the processor for `fit`, passes or trees)."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from gated.models import SequenceClassifier, SequenceRegressor

    make, classes = (CLASSES | NUMBERS)[task], task in CLASSES
    (X, y), (others, truth) = make(size, np.random.default_rng(seed)), make(JUDGED, np.random.default_rng(TEST_SEED))
    kinds: Any = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    if method == "ours":
        kinds = SequenceClassifier, SequenceRegressor
    else:
        X, others = (np.array([features(own) for own in part]) for part in (X, others))
    begun = time.process_time()
    made = kinds[not classes](random_state=seed).fit(X, y)
    seconds = time.process_time() - begun
    return float(made.score(others, truth)), seconds, int(made.n_iter_)


def table(rows: Sequence[Row], lang: str = "en") -> str:
    """Markdown: a line for a method on a task, a column for so many sequences."""
    of = {(row.task, row.size, row.method): row for row in rows}
    head = {
        "en": ("accuracy in %, or R²; seconds of `fit`, passes", ""),
        "zh": ("准确率（%）或 R²；`fit` 的秒数、遍数", ""),
    }[lang]
    lines = ["| " + " | ".join([*head, *(f"{size:,}" for size in SIZES)]) + " |", "|---" * (2 + len(SIZES)) + "|"]
    for task, told in TASKS.items():
        for method, names in METHODS.items():
            cells = [_cell(of[task, size, method]) if (task, size, method) in of else "" for size in SIZES]
            first = told[lang == "zh"] if method == "ours" else ""
            lines.append("| " + " | ".join([first, names[lang == "zh"], *cells]) + " |")
    return "\n".join(lines)


def _cell(row: Row) -> str:
    """Mean and deviation of the score; seconds and, of ours, passes."""
    score = [100 * own for own in row.score] if row.task in CLASSES else row.score
    digits = 1 if row.task in CLASSES else 3
    spread = f" ± {stdev(score):.{digits}f}" if len(score) > 1 else ""
    passes = f", {mean(row.epochs):.0f}" if row.method == "ours" else ""
    return f"{mean(score):.{digits}f}{spread}; {mean(row.seconds):.2g} s{passes}"


def read(path: Path = RESULTS) -> list[Row]:
    """The rows of a file; none if there is none."""
    return [Row(**own) for own in json.loads(path.read_text(encoding="utf-8"))["rows"]] if path.exists() else []


def write(path: Path, rows: Sequence[Row]) -> None:
    """One row a line."""
    lines = ",\n".join("  " + json.dumps(asdict(row)) for row in rows)
    path.write_text(f'{{\n "judged": {JUDGED},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.estimator_sizes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    made.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), choices=SIZES)
    made.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    made.add_argument("--seeds", type=int, default=3)
    made.add_argument("--output", type=Path, default=RESULTS, help="default: benchmarks/results/estimator_sizes.json")
    made.add_argument("--show", action="store_true", help="print the table of what is kept, and end")
    given = made.parse_args(words)
    os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("GATED", "OMP", "OPENBLAS")})
    rows = read(given.output)
    for task in () if given.show else given.tasks:
        for size in given.sizes:
            for method in given.methods:
                row = Row(task, size, method)
                for seed in range(given.seeds):
                    score, seconds, epochs = measure(task, size, method, seed)
                    row.score.append(round(score, 5))
                    row.seconds.append(round(seconds, 3))
                    row.epochs.append(epochs)
                print(f"{task:7} {size:5} {method:6} {_cell(row)}", file=sys.stderr, flush=True)
                rows = [old for old in rows if (old.task, old.size, old.method) != (task, size, method)] + [row]
                write(given.output, rows)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
