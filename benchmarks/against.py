"""This checkout against another commit of itself, side by side in one run: what a change costs.

    python -m benchmarks.against a3ddbc6                     the training points of LSTM, GRU and peephole LSTM
    python -m benchmarks.against a3ddbc6 --only infer,stream,online
    python -m benchmarks.against a3ddbc6 --only all
    python -m benchmarks.against ../older --memory           a folder with another checkout; memory besides

The other commit's sources are run by this checkout's benchmarks, in worker processes of their own. A ratio is the
other one's time over ours: above 1 this checkout is faster. First the median over the pairs with its quartiles, then
the ratio of the fastest measurement of each, in which what other machines of the same host take counts less.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import agree, pairs
from benchmarks.cli import chosen_points
from benchmarks.machine import NOTICEABLE, Meter
from benchmarks.pairs import FULL, Pair
from benchmarks.points import GRID, ONLINE, STREAM, Point, UsageError
from benchmarks.problem import Problem
from benchmarks.process import ROOT, Process, Timed
from benchmarks.ratios import Spread, geometric_mean, ratios, spread

GROUPS = {
    "lstm": ("lstm", "train", GRID),
    "gru": ("gru", "train", GRID),
    "peephole": ("peephole", "train", GRID),
    "infer": ("lstm", "infer", GRID),
    "stream": ("lstm", "stream", (STREAM,)),
    "online": ("lstm", "online", ONLINE),
    "online-peephole": ("peephole", "online", ONLINE),
    "online-step": ("lstm", "online_step", ONLINE),
}
TRAINING = "lstm,gru,peephole"
EFFORT = replace(FULL, burst=0.01, most=400, budget=6.0)  # a few percent are asked for: more pairs than for others
ROUNDS = 3  # fresh processes for each: where the system puts their memory is chance, and counts


@dataclass(frozen=True)
class Line:
    """One group at one point: the ratio of the pairs, that of the least of each, ours in seconds (or bytes), the share
    of other programs."""

    group: str
    point: Point
    ratio: Spread
    least: float
    ours: float
    others: float

    def __str__(self) -> str:
        unit = f"{self.ours / 2**20:9.2f} MiB" if self.group.endswith("memory") else f"{self.ours * 1e3:9.3f} ms"
        mark = f"  (other programs took {self.others:.0%})" if self.others > NOTICEABLE else ""
        ratio = f"{self.ratio.median:6.3f} ({self.ratio.low:.3f}-{self.ratio.high:.3f})"
        return f"{self.group:16} {self.point!s:12} {ratio}  {self.least:6.3f}  {unit}{mark}"


class WrongSources(Exception):
    """A worker does not run the sources that it should: what it measures would be called by a wrong name."""


class Sides:
    """Worker processes of both checkouts, started anew for every round."""

    def __init__(self, other: Path, threads: int, folder: Path) -> None:
        self.threads, self.sources = threads, (ROOT / "src", other.resolve() / "src")
        self._more = [
            {"GATED_CACHE_DIR": str(folder / name), "PYTHONPATH": os.pathsep.join([str(source), str(ROOT)])}
            for name, source in zip(("ours", "other"), self.sources, strict=True)
        ]
        for more in self._more:
            Path(more["GATED_CACHE_DIR"]).mkdir(mode=0o700)

    @contextmanager
    def processes(self) -> Iterator[list[Process]]:
        """Ours and the other's. Raises WrongSources unless each runs its own checkout."""
        ours, other = self._more
        with Process("gated", self.threads, ours) as mine, Process("gated", self.threads, other) as theirs:
            for name, process, source in zip(("ours", "the other"), (mine, theirs), self.sources, strict=True):
                found = Path(process.ask("source"))
                if found.resolve() != source / "gated" / "__init__.py":
                    raise WrongSources(f"{name} runs {found}, expected the sources in {source}")
            yield [mine, theirs]


def measure(sides: Sides, group: str, point: Point) -> Line:
    """Raises agree.Disagreement if the two do not compute the same, WrongSources if one is not what it is called."""
    cell, task, _ = GROUPS[group]
    found: list[Pair] = []
    shares = []
    for _ in range(ROUNDS):
        with sides.processes() as processes:
            timed = [Timed(process, Problem(cell, point), task, {}).prepare() for process in processes]
            agree.check(timed[0].numbers(), timed[1].numbers())
            meter = Meter([process.pid for process in processes])
            found += pairs.alternate(*timed, EFFORT)
            shares.append(meter.others([process.pid for process in processes]))
    return _line(group, point, found, max(shares))


def _line(group: str, point: Point, found: Sequence[Pair], others: float) -> Line:
    mine, theirs = zip(*found, strict=True)
    return Line(group, point, spread(ratios(found)), min(theirs) / min(mine), spread(mine).median, others)


def measure_memory(sides: Sides, group: str, point: Point) -> Line:
    """The highest mark of a training step beyond what was there before."""
    cell, task, _ = GROUPS[group]
    found: list[Pair] = []
    for _ in range(FULL.fresh):
        with sides.processes() as processes:
            mine, other = (
                float(max(4096, each.ask("peak", problem=Problem(cell, point), task=task))) for each in processes
            )
            found.append((mine, other))
    return _line(f"{group} memory", point, found, 0.0)


@contextmanager
def checkout(name: str, folder: Path) -> Iterator[Path]:
    """The folder of another checkout, or of a commit that is checked out for as long.

    Raises:
        UsageError: it is neither, or this checkout itself.
    """
    if Path(name, "src", "gated").is_dir():
        if Path(name).resolve() == ROOT:
            raise UsageError(f"OTHER: got {name!r}, which is this checkout, expected another")
        yield Path(name).resolve()
        return
    place = folder / "checkout"
    made = subprocess.run(
        ["git", "-C", str(ROOT), "worktree", "add", "--detach", str(place), name], capture_output=True, text=True
    )
    if made.returncode:
        reason = made.stderr.strip().splitlines()[-1:] or ["git said nothing"]
        raise UsageError(f"OTHER: got {name!r}, expected a commit or the folder of a checkout ({reason[0]})")
    try:
        yield place
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(place)], capture_output=True)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.against",
        description="This checkout beside another commit of it, in one run. Nothing else should run meanwhile.",
    )
    made.add_argument("other", metavar="OTHER", help="a commit, or the folder of a checkout")
    made.add_argument("--only", metavar="GROUPS", default=TRAINING, help=f"of {', '.join(GROUPS)}, or all ({TRAINING})")
    made.add_argument("--points", metavar="POINTS", help="other points, such as 100x1x64,50x64x512")
    made.add_argument("--threads", type=int, default=2, help="of both (default: 2)")
    made.add_argument("--memory", action="store_true", help="peak memory of the training steps besides")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 1 if the two disagree or one runs other sources, 2 for a mistake in the words."""
    arguments = parser().parse_args(words)
    try:
        groups = list(GROUPS) if arguments.only == "all" else [word.strip() for word in arguments.only.split(",")]
        for group in groups:
            if group not in GROUPS:
                raise UsageError(
                    f"--only: got {group!r}, expected some of {', '.join(GROUPS)}, with commas between, or all"
                )
        points = chosen_points(arguments)
        with (
            tempfile.TemporaryDirectory(prefix="gated-against-") as name,
            checkout(arguments.other, Path(name)) as other,
        ):
            lines = _run(Sides(other, arguments.threads, Path(name)), groups, points, arguments.memory)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except WrongSources as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except agree.Disagreement as error:
        print(f"error: the two do not compute the same: {error}", file=sys.stderr)
        return 1
    times = [line for line in lines if not line.group.endswith("memory")]
    for what, numbers in (
        ("median of the pairs", [line.ratio.median for line in times]),
        ("the fastest of each", [line.least for line in times]),
    ):
        mean = geometric_mean(numbers)
        print(f"{what}: {len(times)} ratios of time, geometric mean {mean:.3f}, lowest {min(numbers):.3f}")
    return 0


def _run(sides: Sides, groups: Sequence[str], points: Sequence[Point] | None, memory: bool) -> list[Line]:
    lines = []
    for group in groups:
        for point in points if points and group != "stream" else GROUPS[group][2]:
            lines.append(measure(sides, group, point))
            print(lines[-1], flush=True)
            if memory and GROUPS[group][1] == "train":
                lines.append(measure_memory(sides, group, point))
                print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    sys.exit(main())
