"""What the audit of somebody's code found, as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from gated.audit.diagnosis.drawn import DrawnRoad
from gated.audit.foreign.table import GradientRow

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"


@dataclass(frozen=True)
class Forward:
    """Their forward pass.

    Attributes:
        cell: name of the cell that it is, or, where `exact` is False, of the nearest; None where none has such arrays.
        exact: whether it gives the same outputs, to 1e-10.
        gates: their blocks or gates in order, in the letters of the cell.
        differences: where it departs from the cell that was meant, one sentence each.
        error: ||their outputs - the cell's|| / ||their outputs||.
        notes: their conventions, one sentence each.
        given: whether the user said which cell it is.
    """

    cell: str | None
    exact: bool
    gates: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    error: float = 0.0
    notes: tuple[str, ...] = ()
    given: bool = False


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: one of `gated.audit.diagnosis.KINDS`.
        where: every gradient that it spoils, in their names, then the quantity whose adjoint is wrong ("dc", "a_f").
        text: in words.
        right, theirs: formulas side by side; empty where there is none.
        lines: of their file, from 1; empty where they were not found.
        certain: verified on fresh numbers, and nothing else explains it as well.
        legend: what the auxiliary values in the formulas are, u1ₜ = rₜ ⊙ hₜ₋₁.
        mended: whether the mended copy is without it.
    """

    kind: str
    where: tuple[str, ...]
    text: str
    right: str = ""
    theirs: str = ""
    lines: tuple[int, ...] = ()
    certain: bool = True
    legend: tuple[str, ...] = ()
    mended: bool = False


@dataclass(frozen=True)
class Audit:
    """The result of `gated.audit.diagnose`; `str(audit)` is the page for the terminal, without colours.

    Attributes:
        path: of their file. where: the names of their functions or class. style: what it is, in words.
        forward, gradients, faults: see there. Gradients are in the order in which their code has them.
        unexplained: what is wrong and could not be explained, narrowed down to quantity and step, one sentence each.
        warnings: what is right today and may be wrong tomorrow, one sentence each.
        failure: what their backward pass raised, or why nothing can be said of it; then the verdict is "unknown".
        exact: whether their forward pass was differentiated by the complex step (to rounding), not by differences.
        lang: of the sentences, "en" or "zh".
        seconds: it took.
        roads: their backward pass beside the right one, for the picture; empty where it was not explained.
        doubtful: whether it may be that their code was read in a way that is not meant; the verdict is "unknown" then.
        mended: the text of their file without the faults whose place is certain, which has been audited again; None
            where there is none. diff: what was changed in it, as a unified diff.
        others: of other functions or classes of the same file, where none was named.
    """

    path: str
    where: tuple[str, ...]
    style: str
    forward: Forward
    gradients: tuple[GradientRow, ...]
    faults: tuple[Fault, ...] = ()
    unexplained: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str = ""
    exact: bool = True
    lang: str = "en"
    seconds: float = 0.0
    roads: tuple[DrawnRoad, ...] = ()
    doubtful: bool = False
    mended: str | None = None
    diff: str = ""
    others: tuple[Audit, ...] = ()

    @property
    def verdict(self) -> str:
        """Of everything audited: "wrong" if anything is, else "unknown" if any of it could not be run to its end."""
        verdicts = {self.own_verdict, *(other.own_verdict for other in self.others)}
        return next(verdict for verdict in (WRONG, UNKNOWN, RIGHT) if verdict in verdicts)

    @property
    def own_verdict(self) -> str:
        """The verdict without that of the others."""
        if self.doubtful:
            return UNKNOWN
        if self.faults or any(row.right is False for row in self.gradients):
            return WRONG
        return UNKNOWN if self.failure else RIGHT

    def to_dict(self) -> dict[str, Any]:
        """What `gated audit --json` prints."""
        forward = asdict(self.forward)
        return {
            "verdict": self.verdict,
            "forward": {name: forward[name] for name in ("cell", "exact", "gates", "differences")},
            "gradients": [
                {
                    "name": row.name,
                    "right": row.right,
                    "relative_error": _finite(row.relative_error),
                    "worst_step": row.worst_step or None,
                }
                for row in self.gradients
            ],
            "faults": [asdict(fault) for fault in self.faults],
            "unexplained": list(self.unexplained),
            "warnings": list(self.warnings),
            "others": [
                {"where": other.where, "verdict": other.own_verdict, "faults": [fault.kind for fault in other.faults]}
                for other in self.others
            ],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def __str__(self) -> str:
        from gated.audit.pages.terminal import as_text

        return as_text(self)


def _finite(error: float) -> float | None:
    """JSON has no infinity: None where their gradient is none (NaN, inf, another shape)."""
    return error if error - error == 0 else None
