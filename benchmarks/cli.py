"""The command line: python -m benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import pairs, sides
from benchmarks.comparisons import GROUPS, Comparison, select
from benchmarks.points import GRID, Point, UsageError
from benchmarks.suite import Row

ROOT = Path(__file__).resolve().parent.parent
RESULTS = "benchmarks/results"  # of a whole run; anything less goes to SCRATCH
SCRATCH = "runs/benchmarks"

EXPLANATION = f"""\
groups for --only:
  update         whole updates of a language model, against PyTorch: from ids to new parameters
  caption        whole updates of a captioner, against PyTorch
  lstm gru       training steps, against PyTorch's own layers
  peephole       training steps of the peephole LSTM, against JAX (lax.scan under jit)
  eager compile  the same, against a loop in PyTorch, eager and with a compiled step
  infer stream   LSTM inference against PyTorch and ONNX Runtime; one step at a time from Python
  sample         2,000 characters drawn from a language model, against PyTorch and ONNX Runtime
  online         learning online (traces, gradient descent at every step), against our own rule in NumPy
  user           a cell written by a user against the built-in ones
  rate           floating point operations per second at H >= 256, as a share of the machine's own sgemm
  overhead       what a call costs besides its machine code; what a batch of a new shape costs once
  memory start   peak memory of a training step and of a whole update; time to the first gradients, with and without
                 the cache

points are TxNxH (steps, sequences, hidden units = inputs); the grid is
  {" ".join(map(str, GRID))}

A whole run takes about twenty minutes on two processors and writes {RESULTS}/ (results.md, results.json,
results.png). With --quick, --only or --points it writes {SCRATCH}/ instead. Nothing else should run meanwhile.
"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed and memory of gated, side by side with PyTorch, JAX and ONNX Runtime, as ratios.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--quick", action="store_true", help="three points, few pairs: a few minutes, rough figures")
    made.add_argument("--only", metavar="GROUPS", help="some groups, with commas between (below)")
    made.add_argument("--points", metavar="POINTS", help="other points, such as 100x1x64,50x64x512")
    made.add_argument("--threads", type=int, default=2, help="for gated; the peers try 1 and this many (default: 2)")
    made.add_argument("--output", metavar="FOLDER", help=f"where to write (default: {RESULTS} or {SCRATCH}, see below)")
    made.add_argument("--keep", action="store_true", help="keep in the results what an earlier run measured")
    made.add_argument("--list", action="store_true", help="print what would be measured, and end")
    return made


def chosen_points(arguments: argparse.Namespace) -> list[Point] | None:
    """None for each comparison's own."""
    if arguments.points:
        return [Point.parse(text) for text in arguments.points.split(",")]
    return None


def check_packages(comparisons: Sequence[Comparison]) -> None:
    """Raises UsageError for what is not installed."""
    peers = dict.fromkeys(["gated", *(c.peer for c in comparisons if c.peer)])
    absent = {name: sides.missing(name) for name in peers}
    packages = sorted({package for names in absent.values() for package in names})
    if packages:
        groups = sorted({c.group for c in comparisons if c.peer and absent[c.peer]})
        raise UsageError(
            f"{', '.join(packages)}: not installed, needed for {', '.join(groups) or 'everything'}; "
            "install with: pip install 'gated[bench]' (or `make bench`), or leave it out with --only"
        )


def folder_of(arguments: argparse.Namespace) -> Path:
    """Where the results go."""
    whole = not (arguments.quick or arguments.only or arguments.points)
    return Path(arguments.output) if arguments.output else ROOT / (RESULTS if whole else SCRATCH)


def earlier_rows(folder: Path) -> list[Row]:
    """What a run before this one wrote.

    Raises:
        UsageError: there is nothing, or it cannot be read.
    """
    path = folder / "results.json"
    try:
        return [Row.from_json(content) for content in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--keep: got {str(path)!r} ({error}), expected the results of an earlier run") from None


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for a mistake on the command line, 130 if interrupted."""
    words = sys.argv[1:] if words is None else words
    arguments = parser().parse_args(words)
    try:
        if arguments.threads < 1:
            raise UsageError(f"--threads: got {arguments.threads}, expected at least 1")
        comparisons = select(arguments.only, chosen_points(arguments), arguments.quick)
        if arguments.list:
            for comparison in comparisons:
                print(f"{comparison.key:25} {' '.join(map(str, comparison.points))}")
            return 0
        check_packages(comparisons)
        folder = folder_of(arguments)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--output: got {str(folder)!r} ({error.strerror}), expected a folder") from None
        earlier = earlier_rows(folder) if arguments.keep else []
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    from benchmarks.run import run

    effort = pairs.QUICK if arguments.quick else pairs.FULL
    command = " ".join(["python -m benchmarks", *words])
    return run(comparisons, arguments.threads, effort, folder, command, earlier)


__all__ = ["GROUPS", "main"]
