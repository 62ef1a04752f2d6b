"""One run: measure with a progress bar, then write and print."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import tqdm as progress

from benchmarks import pairs, plot, report
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.machine import NOTICEABLE
from benchmarks.points import GRID, Point
from benchmarks.suite import Row, Suite
from benchmarks.targets import verdicts
from gated.files.atomic import write_atomically


def run(
    comparisons: Sequence[Comparison],
    threads: int,
    effort: pairs.Effort,
    folder: Path,
    command: str,
    earlier: Sequence[Row] = (),
) -> int:
    """Returns the exit status. What was measured before an interruption is written too.

    Args:
        earlier: rows of another run, written as well where this one has none.
    """
    rows: list[Row] = []
    remarks: list[str] = []
    began = time.monotonic()
    with Suite(threads, effort) as suite:
        try:
            measure(suite, comparisons, rows)
        except KeyboardInterrupt:
            remarks.append("interrupted: what is missing was not measured")
        remarks += [
            f"threads of {side} did not come to rest {count} times" for side, count in suite.workers.restless().items()
        ]
        versions = suite.workers.get("gated", threads).ask("versions", names=list(report.PACKAGES))
    disturbed = [row.others for row in rows if row.others > NOTICEABLE]
    if disturbed:
        remarks.append(f"other programs ran during {len(disturbed)} of {len(rows)} rows (up to {max(disturbed):.0%})")
    remarks.append(f"{(time.monotonic() - began) / 60:.1f} minutes")
    measured = {(row.key, row.point) for row in rows}
    kept = [row for row in earlier if (row.key, row.point) not in measured]
    if kept:
        remarks.append(f"{len(kept)} of {len(rows) + len(kept)} rows are from an earlier run")
        rows = in_order([*rows, *kept])
    depth = "few pairs (--quick)" if effort is pairs.QUICK else "full"
    write(folder, rows, report.Conditions(command, threads, depth, versions, tuple(remarks)))
    return 130 if remarks[0].startswith("interrupted") else 0


def in_order(rows: Sequence[Row]) -> list[Row]:
    """As one run would have measured them."""
    keys = [comparison.key for comparison in COMPARISONS]

    def place(row: Row) -> tuple[int, int, Point]:
        return keys.index(row.key), GRID.index(row.point) if row.point in GRID else len(GRID), row.point

    return sorted((row for row in rows if row.key in keys), key=place)


def measure(suite: Suite, comparisons: Sequence[Comparison], rows: list[Row]) -> None:
    """Append each row to `rows` as soon as it is known."""
    keys = {comparison.key: comparison for comparison in comparisons}
    progress.tqdm.monitor_interval = 0  # no thread that wakes up while something is timed
    total = sum(len(comparison.points) for comparison in comparisons)
    with progress.tqdm(total=total, unit="row", leave=False, disable=None) as bar:
        for row in suite.rows(comparisons):
            rows.append(row)
            bar.update()
            bar.write(report.line(keys[row.key], row), file=sys.stdout)


def write(folder: Path, rows: Sequence[Row], conditions: report.Conditions) -> None:
    """Three files, and the promises on the terminal."""
    files = {
        "results.md": report.markdown(rows, conditions).encode(),
        "results.json": report.document(rows, conditions).encode(),
        "results.png": plot.picture(rows, plot.note_of(report.processor(), conditions.threads)),
    }
    for name, content in files.items():
        if content is not None:
            write_atomically(folder / name, content)
    print(f"\n{report.targets_table(verdicts(report.figures(rows)))}\n\nwritten to {folder}")
    for remark in conditions.remarks:
        print(f"note: {remark}")
