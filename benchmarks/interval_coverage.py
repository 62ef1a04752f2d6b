"""How much of a random walk lies within the intervals of `gated.models.Forecaster`.

    python -m benchmarks.interval_coverage

How a walk goes on from a known value is known: how much of it an interval holds can be computed, and nothing has to be
drawn. That is the coverage of the first table, by horizon: right after `fit`, and some steps later, with the newer
history and without learning again; of arrays, and with months as dates, so that a season is read. A backtest of one
walk tells less than one thinks, for the errors of neighbouring origins and horizons are nearly the same: the second
table has what 20 origins, one behind the other, find for Forecaster and for intervals that are exactly right.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Found = dict[str, list[Any]]
RESULTS = Path(__file__).resolve().parent / "results" / "interval_coverage.json"
LENGTHS = 120, 200, 300, 450, 600
HORIZON, ORIGINS = 12, 20
COVERAGE = 0.8, 0.95
LATER = 60
Z = 1.2815515655446004  # of the normal distribution, for 80 %
SHOWN = 1, 3, 6, 9, 12
FORMS = "arrays", "months"
WORDS = {
    "en": {
        "held": "coverage of 80 %; 95 % intervals",
        "mean": "mean",
        "found": "80 % intervals in backtests, in %",
        "parts": ("mean", "lowest", "a quarter below", "half below", "highest"),
        "arrays": "arrays",
        "months": "months",
        "after": "{}, after `fit`",
        "later": "{}, {} steps later",
        "right": "the right intervals",
    },
    "zh": {
        "held": "80%；95% 区间的覆盖率",
        "mean": "平均",
        "found": "回测得出的 80% 区间的覆盖率（%）",
        "parts": ("平均", "最低", "四分之一低于", "一半低于", "最高"),
        "arrays": "数组",
        "months": "月份",
        "after": "{}，刚学完",
        "later": "{}，{} 步之后",
        "right": "完全正确的区间",
    },
}


def walk(number: int) -> Array:
    """A walk, LATER steps longer than what is learned from."""
    steps = LENGTHS[number % len(LENGTHS)] + LATER
    return np.cumsum(np.random.default_rng(number).standard_normal(steps))


def held(quantiles: Array, last: float) -> Array:
    """(2, H): how probably a walk lies within the intervals of quantiles (H, 5), the steps after its last value."""
    at = (quantiles - last) / np.sqrt(np.arange(1, HORIZON + 1))[:, None]
    below = np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))(at)
    return np.stack([below[:, 3] - below[:, 1], below[:, 4] - below[:, 0]])


def measure(number: int, form: str) -> dict[str, Any]:
    """Of one walk: coverage (2, H) after `fit` and later; what a backtest finds, and one of the right intervals."""
    import pandas as pd

    from gated.models import Forecaster

    numbers: Any = walk(number)
    values, known = numbers, len(numbers) - LATER
    if form == "months":
        values = pd.Series(values, pd.date_range("1960-01", periods=len(values), freq="MS"))
    model = Forecaster(horizon=HORIZON, coverage=COVERAGE, random_state=number).fit(values[:known])
    ends = [*range(known, known + ORIGINS), known + LATER]
    said = np.array([np.asarray(own) for own in model.predict_quantiles([values[:end] for end in ends])])
    truth = np.stack([numbers[end : end + HORIZON] for end in ends[:-1]])
    inside = (said[:-1, :, 1] <= truth) & (truth <= said[:-1, :, 3])
    away = np.abs(truth - numbers[np.array(ends[:-1]) - 1][:, None])
    return {
        "after": held(said[0], numbers[known - 1]).round(5).tolist(),
        "later": held(said[-1], numbers[-1]).round(5).tolist(),
        "found": float(inside.mean()),
        "right": float((away <= Z * np.sqrt(np.arange(1, HORIZON + 1))).mean()),
    }


def tables(found: dict[str, Found], lang: str = "en") -> str:
    """Both in Markdown: exact coverage by horizon, and what backtests find."""
    words: dict[str, Any] = WORDS[lang]
    lines = ["| " + " | ".join([words["held"], *(f"h = {h}" for h in SHOWN), words["mean"]]) + " |"]
    lines.append("|---" * (2 + len(SHOWN)) + "|")
    for form in found:
        for when in ("after", "later"):
            own = 100 * np.array(found[form][when])  # (walks, 2, H)
            cells = ["; ".join(f"{part[h - 1]:.0f}" for part in own.mean(0)) for h in SHOWN]
            error = own.mean(2).std(0, ddof=1) / math.sqrt(len(own))
            cells.append("; ".join(f"{m:.1f} ± {e:.1f}" for m, e in zip(own.mean((0, 2)), error, strict=True)))
            lines.append(f"| {words[when].format(words[form], LATER)} | " + " | ".join(cells) + " |")
    lines += ["", "| " + " | ".join([words["found"], *words["parts"]]) + " |", "|---" * 6 + "|"]
    backtests = {f"Forecaster, {words[form]}": found[form]["found"] for form in found}
    for name, parts in {**backtests, words["right"]: next(iter(found.values()))["right"]}.items():
        numbers = [np.mean(parts), np.min(parts), *np.quantile(parts, [0.25, 0.5]), np.max(parts)]
        lines.append(f"| {name} | " + " | ".join(f"{100 * number:.0f}" for number in numbers) + " |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    from joblib import Parallel, delayed

    parser = argparse.ArgumentParser(prog="python -m benchmarks.interval_coverage")
    parser.add_argument("--walks", type=int, default=40)
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=FORMS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: in benchmarks/results")
    parser.add_argument("--show", action="store_true", help="print the tables of what is kept, and end")
    given = parser.parse_args(words)
    found = json.loads(given.output.read_text(encoding="utf-8")) if given.output.exists() else {}
    for form in () if given.show else given.forms:
        own = Parallel(n_jobs=given.jobs)(delayed(measure)(number, form) for number in range(given.walks))
        found[form] = {name: [one[name] for one in own] for name in own[0]}
        lines = [f'  "{form}": {json.dumps(found[form])}' for form in FORMS if form in found]
        given.output.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(tables(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
