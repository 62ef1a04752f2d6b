"""The run: every comparison at every point, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import agree, pairs
from benchmarks.comparisons import Comparison
from benchmarks.machine import Meter
from benchmarks.points import Point
from benchmarks.problem import Problem
from benchmarks.process import Process, Timed, WorkerFailed, Workers
from benchmarks.ratios import Spread, ratios, spread
from benchmarks.sides.base import Unavailable


@dataclass
class Row:
    """One comparison at one point. Times are medians, in seconds; sizes in bytes.

    Attributes:
        ours, theirs: what was measured; None where it could not be.
        ratio: of the pairs; for `start`, where there is no peer, the spread of our own seconds.
        setting: how the peer was at its best.
        difference: the largest difference of the numbers, relative; None if there was nothing to compare.
        note: why something is missing.
        pairs: all (ours, theirs) of them.
        others: share of all processors' time that went to other programs while it was measured.
        work: floating point operations per call of ours, theirs (1 where times are compared).
    """

    key: str
    point: Point
    ours: float | None = None
    theirs: float | None = None
    ratio: Spread | None = None
    setting: str = ""
    difference: float | None = None
    note: str = ""
    pairs: list[pairs.Pair] = field(default_factory=list)
    work: tuple[float, float] = (1.0, 1.0)
    others: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"point": str(self.point)}

    @staticmethod
    def from_json(content: dict[str, Any]) -> Row:
        """The inverse of `to_json`."""
        found = content["ratio"]
        return Row(
            **content
            | {
                "point": Point.parse(content["point"]),
                "ratio": None if found is None else Spread(**found),
                "pairs": [(ours, theirs) for ours, theirs in content["pairs"]],
                "work": tuple(content["work"]),
            }
        )


class Suite:
    """Measures; holds the worker processes. A context manager.

    Args:
        threads: ours; the peers try 1 and this many.
        effort: how much is measured.
    """

    def __init__(self, threads: int, effort: pairs.Effort) -> None:
        self.threads, self.effort = threads, effort
        self._folder = tempfile.TemporaryDirectory(prefix="gated-benchmarks-")
        self._cache = Path(self._folder.name, "cache")
        self._cache.mkdir(mode=0o700)  # what others could write is not used
        self.workers = Workers({"GATED_CACHE_DIR": str(self._cache)})

    def __enter__(self) -> Suite:
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.close()
        self._folder.cleanup()

    def rows(self, comparisons: Sequence[Comparison]) -> Iterator[Row]:
        """Measure one after the other, the points of a comparison in their order."""
        for comparison in comparisons:
            for point in comparison.points:
                yield self.row(comparison, point)

    def row(self, comparison: Comparison, point: Point) -> Row:
        """One comparison at one point. What goes wrong on a side ends as the row's note."""
        own = {"memory": self._memory, "start": self._start, "overhead": self._overhead}
        measure: Callable[[Comparison, Row], None] = own.get(comparison.task, self._speed)
        row = Row(comparison.key, point)
        meter = Meter(self.workers.pids())
        try:
            measure(comparison, row)
        except Unavailable as error:
            row.note = str(error)
        except agree.Disagreement as error:
            row.note = f"not timed, the numbers differ: {error}"
        except WorkerFailed as error:
            lines = str(error).strip().splitlines()
            row.note = f"{lines[0]}: {lines[-1]}" if len(lines) > 1 else lines[0]
            self.workers.close()  # one may be dead, another may hold what nobody will ask for
        row.others = meter.others(self.workers.pids())
        return row

    @property
    def peer_threads(self) -> list[int]:
        return sorted({1, self.threads})

    def _speed(self, comparison: Comparison, row: Row) -> None:
        assert comparison.peer is not None
        problem = Problem(comparison.cell, row.point, vocabulary=comparison.vocabulary)
        theirs = replace(problem, cell=comparison.peer_cell or comparison.cell)
        ours = Timed(self.workers.get("gated", self.threads), problem, comparison.task, {})
        ours.prepare()
        try:
            expected = ours.numbers() if comparison.same_numbers else None
            # ours always runs with all threads; so does the machine's sgemm, which is a limit and no competitor
            whole = comparison.peer in ("gated", "sgemm")
            threads = [self.threads] if whole else self.peer_threads
            best = pairs.best(self.workers, comparison.peer, threads, theirs, comparison.task, expected, self.effort)
            row.difference = best.difference if expected is not None else None
            row.setting = best.timed.setting
            row.pairs = pairs.alternate(ours, best.timed, self.effort)
            best.timed.forget()
        finally:
            ours.forget()
        if comparison.rate:
            row.work = (ours.work, best.timed.work)
        self._summarise(row)

    @staticmethod
    def _summarise(row: Row) -> None:
        row.ours, row.theirs = (spread([pair[side] for pair in row.pairs]).median for side in (0, 1))
        row.ratio = spread(ratios(row.pairs, *row.work))

    def _memory(self, comparison: Comparison, row: Row) -> None:
        assert comparison.peer is not None
        problem = Problem(comparison.cell, row.point, vocabulary=comparison.vocabulary)
        for _ in range(self.effort.fresh):
            mine, other = (self._peak(side, problem, comparison.step) for side in ("gated", comparison.peer))
            row.pairs.append((mine, other))
        row.setting = f"{self.threads} threads"
        self._summarise(row)

    def _peak(self, side: str, problem: Problem, task: str) -> float:
        with Process(side, self.threads, {"GATED_CACHE_DIR": str(self._cache)}) as fresh:
            # a side that grows by nothing measurable: a page, so that a ratio exists
            return float(max(4096, fresh.ask("peak", problem=problem, task=task)))

    def _start(self, comparison: Comparison, row: Row) -> None:
        cached = comparison.key == "start.cached"
        seconds = []
        with tempfile.TemporaryDirectory(prefix="gated-start-") as folder:
            filled = Path(folder, "filled")
            if cached:
                self._first(filled, row)
                if not any(filled.iterdir()):
                    raise Unavailable("this version of gated keeps no machine code on disk")
            for number in range(self.effort.fresh):
                seconds.append(self._first(filled if cached else Path(folder, str(number)), row))
        row.ratio = spread(seconds)
        row.ours = row.ratio.median

    def _overhead(self, comparison: Comparison, row: Row) -> None:
        """What a call costs besides its machine code, or with a new shape besides the same one again."""
        worker = self.workers.get("gated", self.threads)
        found = worker.ask("overhead", problem=Problem(comparison.cell, row.point), what=comparison.step)
        row.ratio, row.setting = spread(found), f"{self.threads} threads"
        row.ours = row.ratio.median

    def _first(self, cache: Path, row: Row) -> float:
        """Seconds from the layer's construction to its first gradients, less those of a second step."""
        cache.mkdir(mode=0o700, exist_ok=True)
        with Process("gated", self.threads, {"GATED_CACHE_DIR": str(cache)}) as fresh:
            first, second = fresh.ask("start", problem=Problem("peephole", row.point), imported=True)
        return float(first - second)
