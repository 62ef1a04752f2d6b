"""What a check found, as data and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        configuration: what was run, e.g. "bidirectional".
        quantity: what was compared, e.g. "gradient of l0.U.f".
        error: ||got - expected|| / ||expected||, or 0 or inf where only equality counts.
        norms: (||got||, ||expected||).
        detail: the place of the largest difference and both numbers there, or what is wrong in words.
        bound: the largest error of this comparison; None: the tolerance of the report.
        native: "native float64" or "native float32" where machine code was compared with NumPy, else empty.
    """

    configuration: str
    quantity: str
    error: float
    norms: tuple[float, float] = (0.0, 0.0)
    detail: str = ""
    bound: float | None = None
    native: str = ""

    @property
    def is_native(self) -> bool:
        """Whether machine code was compared with NumPy."""
        return bool(self.native)


@dataclass(frozen=True)
class CheckReport:
    """The result of `gated.check_cell`; `str(report)` is a table, in which the machine code has one row for each
    configuration and dtype (and one for each comparison that failed).

    Attributes:
        cell: name of the cell.
        seed, tolerance: as given.
        rows: every comparison, in the order in which it was made.
        notes: what is no fault but may be a mistake, one line each.
    """

    cell: str
    seed: int
    tolerance: float
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[Row, ...]:
        # not `>`: a NaN must fail
        return tuple(row for row in self.rows if not row.error <= self.limit(row))

    def limit(self, row: Row) -> float:
        """The largest error that is allowed."""
        return self.tolerance if row.bound is None else row.bound

    @property
    def worst(self) -> Row:
        """The row with the largest error (NaN counts as the largest), of those that are to meet the tolerance."""
        return max((row for row in self.rows if not row.is_native), key=_size)

    def message(self) -> str:
        """One line on the worst row, for an exception."""
        row = max(self.failures, key=lambda row: _size(row) / self.limit(row), default=self.worst)
        return (
            f"{self.cell}: {row.quantity} is wrong ({row.configuration}; seed {self.seed}): relative error "
            f"{row.error:.3g}, expected at most {self.limit(row):.3g}; norm {row.norms[0]:.6g}, expected "
            f"{row.norms[1]:.6g}{'; ' + row.detail if row.detail else ''}; {len(self.failures)} of {len(self.rows)} "
            f"comparisons failed: {_few([failed.quantity for failed in self.failures])}"
        )

    def __str__(self) -> str:
        shown = self._shown()
        widths = [max(len(row.configuration) for row in shown), max(len(row.quantity) for row in shown)]
        lines = [f"{self.cell}: seed {self.seed}, tolerance {self.tolerance:.1e}; {self._machine_code()}"]
        for row in shown:
            verdict = "ok" if row.error <= self.limit(row) else "WRONG  " + row.detail
            lines.append(
                f"  {row.configuration:<{widths[0]}}  {row.quantity:<{widths[1]}}  {row.error:8.1e}  {verdict}"
            )
        lines += [f"  note: {note}" for note in self.notes]
        lines.append(
            f"  passed: {len(self.rows)} comparisons, the worst {self.worst.error:.1e}"
            if self.passed
            else f"  FAILED: {len(self.failures)} of {len(self.rows)} comparisons"
        )
        return "\n".join(line.rstrip() for line in lines)

    def _shown(self) -> list[Row]:
        """The rows of the table: of what the machine code did well the worst for each configuration and dtype."""
        shown: list[Row] = []
        well: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if not row.is_native or not row.error <= self.limit(row):
                shown.append(row)
            else:
                well.setdefault((row.configuration, row.native), []).append(row)
        return shown + [
            replace(max(rows, key=_size), quantity=f"{kind}: all {len(rows)}") for (_, kind), rows in well.items()
        ]

    def _machine_code(self) -> str:
        """To which bounds it was compared."""
        bounds: dict[str, float] = {}
        for row in self.rows:
            if row.is_native and row.bound is not None:
                bounds[row.native] = max(row.bound, bounds.get(row.native, 0.0))
        if not bounds:
            return "machine code not compared"
        return "machine code against NumPy: " + ", ".join(f"{kind} {bound:.1e}" for kind, bound in bounds.items())


def _size(row: Row) -> float:
    return float("inf") if row.error != row.error else row.error


def _few(names: Sequence[str], most: int = 6) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (", ..." if len(unique) > most else "")
