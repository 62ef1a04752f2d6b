"""The command line: python -m benchmarks.real_data."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.points import UsageError
from benchmarks.real_data.methods import IN_FILES, METHODS, SETS, SIDES, Method
from benchmarks.real_data.records import Row, put, read, table, write

RESULTS = Path(__file__).resolve().parents[1] / "results" / "real_data.json"
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "GATED", "TF_INTRAOP", "TF_INTEROP")
} | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

EXPLANATION = """\
The data sets are those of aeon's wheel, split as they were published, and scikit-learn's digits, row by row: eight
steps of eight numbers; the first half is learned from. Nothing is downloaded. All methods have one thread.

aeon needs an older NumPy than gated, so its data are unpacked beside, and its classifiers run in an environment of
their own:

  pip install --no-deps --target aeon-data aeon==1.6.0
  python3 -m venv aeon-env && aeon-env/bin/pip install aeon==1.6.0 tensorflow-cpu
  python -m benchmarks.real_data --data aeon-data --aeon aeon-env/bin/python

Results are added to those of earlier runs; a method that is run again replaces its own. All of it takes about half an
hour, nearly all of which is aeon's deep networks; --only gated runs ours alone.
"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.real_data",
        description="SequenceClassifier beside the classifiers of aeon and scikit-learn, on real data.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--data", metavar="FOLDER", help="of aeon's data sets, or of aeon itself")
    made.add_argument("--aeon", metavar="PYTHON", help="of the environment that has aeon")
    made.add_argument("--only", metavar="NAMES", help=f"{', '.join(SIDES)}, or names of methods or data sets")
    made.add_argument("--seeds", type=int, default=5, help="runs of what depends on chance (default: 5)")
    made.add_argument(
        "--output", metavar="FILE", default=str(RESULTS), help="default: benchmarks/results/real_data.json"
    )
    made.add_argument("--show", action="store_true", help="print the table of what is kept, and end")
    return made


def chosen(only: str | None) -> list[tuple[str, Method]]:
    """Data sets and methods.

    Raises:
        UsageError: a name that is none.
    """
    wanted = set(only.split(",")) if only else set()
    names = {"sides": set(SIDES), "methods": {method.name for method in METHODS}, "sets": set(SETS)}
    unknown = wanted - set().union(*names.values())
    if unknown:
        known = ", ".join(name for part in (SIDES, [m.name for m in METHODS], SETS) for name in part)
        raise UsageError(f"--only: got {sorted(unknown)[0]!r}, expected some of {known}")
    kinds = [wanted & own for own in names.values()]
    return [
        (data, method)
        for data in SETS
        for method in METHODS
        if data in method.sets
        if all(not own or name in own for own, name in zip(kinds, (method.side, method.name, data), strict=True))
    ]


def aeon_runs(python: str, folder: Path, data: str, method: str, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What aeon's side prints, line by line, from a process of its own.

    Raises:
        UsageError: it ended with an error.
    """
    wanted = {"method": method, "seeds": list(seeds)}
    wanted |= {part: str(folder / data / f"{data}_{part.upper()}.ts") for part in ("train", "test")}
    command = [python, str(Path(__file__).with_name("aeon_side.py")), json.dumps(wanted)]
    with tempfile.TemporaryDirectory() as empty:  # its networks leave files where they run
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ONE_THREAD
        with subprocess.Popen(
            command, cwd=empty, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            out, err = process.communicate()
        if process.returncode:
            raise UsageError(
                f"--aeon: {method} on {data} ended with {(err.strip().splitlines() or ['nothing said'])[-1]}"
            )
    yield from map(json.loads, out.splitlines())


def measured(data: str, method: Method, seeds: Sequence[int], python: str | None, folder: Path | None) -> Row:
    """A method on a data set."""
    row = Row(data, method.name)
    if method.side == "aeon":
        assert python is not None and folder is not None
        found = aeon_runs(str(Path(python).absolute()), folder.absolute(), data, method.name, seeds)
        for run in found:
            row.add(run["seed"], run["accuracy"], run["fit_seconds"], run["predict_seconds"])
            row.padded, row.versions = run["padded"], {"aeon": run["aeon"]}
        return row
    from benchmarks.real_data import here

    split = here.load(data, folder)
    row.versions = here.versions(method.side)
    for seed in seeds:
        row.add(seed, *here.measure(method.name, split, seed))
    return row


def check(arguments: argparse.Namespace, runs: Sequence[tuple[str, Method]]) -> Path | None:
    """The folder in which the data sets lie, if it is needed.

    Raises:
        UsageError: something that is needed was not given, or is not there.
    """
    if arguments.seeds < 1:
        raise UsageError(f"--seeds: got {arguments.seeds}, expected at least 1")
    if any(method.side == "aeon" for _, method in runs) and not Path(arguments.aeon or "").is_file():
        raise UsageError(f"--aeon: got {arguments.aeon!r}, expected the Python of an environment with aeon, or --only")
    if not any(data in IN_FILES for data, _ in runs):
        return None
    from gated.data.series import aeon_folder

    return aeon_folder(arguments.data)


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for a mistake on the command line."""
    from gated.errors import GatedError

    words = sys.argv[1:] if words is None else words
    arguments = parser().parse_args(words)
    output = Path(arguments.output)
    try:
        rows = read(output)
        if not arguments.show:
            runs = chosen(arguments.only)
            folder = check(arguments, runs)
            for data, method in runs:
                seeds = range(arguments.seeds if method.chance else 1)
                put(rows, measured(data, method, seeds, arguments.aeon, folder))
                row = rows[-1]
                print(f"{data:17} {method.name:11} {row.figure():>12}  {row.seconds()}", file=sys.stderr)
                write(output, rows, {"date": datetime.date.today().isoformat()})
    except (UsageError, GatedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(rows))
    return 0
