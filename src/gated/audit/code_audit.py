"""What is wrong with my gradients? Somebody's file, run, compared, recognised and explained."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gated.audit.bilingual import Sentences
from gated.audit.diagnosis import Diagnosis, Finding, explain_gradients
from gated.audit.diagnosis.drawn import DrawnRoad
from gated.audit.diagnosis.samples import TOLERANCE
from gated.audit.foreign import sentences
from gated.audit.foreign.manners import Manner
from gated.audit.foreign.match import Match, canonical
from gated.audit.foreign.process import MEMORY, SECONDS, Foreign, open_foreign
from gated.audit.foreign.table import GradientRow, Table
from gated.audit.mending import locate_and_mend
from gated.audit.verdict import RIGHT, UNKNOWN, WRONG, Audit, Fault, Forward
from gated.calculus.wording import LANGUAGES
from gated.errors import ForeignError, wrong
from gated.language import Cell

LOCATING, MENDING = 4.0, 20.0  # seconds to search for the lines of faults, and for a mended copy
SAME = 1e-6  # of relative errors: all gradients are wrong by one factor
FAULTS = ("in_place", "stale_state")  # manners that make the gradients of the next call wrong

# fmt: off
say = Sentences({
    "no_gradient": ("no gradient of {0} is given", "没有给出 {0} 的梯度"),
    "one_step_only": ("the gradients are right for one step only: a check with T = 1 sees nothing of this",
                      "梯度只在一个时间步时正确：用 T = 1 做检查完全看不出来"),
    "differences": ("their forward pass takes no complex numbers: differentiated by central differences, to about "
                    "1e-9 instead of rounding", "前向传播不接受复数：改用中心差分求导，精度约 1e-9，而不是舍入误差"),
    "raises": ("the backward pass raises {0}", "反向传播抛出 {0}"),
    "no_cell": ("the forward pass is none of the cells known, so that only the table can be given: the gradients that "
                "are wrong, and at which step; with its equations as a cell (--cell FILE.py:NAME) the terms are named, "
                "too",
                "前向传播不是已知的任何一种细胞，因此只能给出梯度对照表：哪些错了，错在哪一步；"
                "把它的方程写成一个细胞（--cell FILE.py:NAME），就能指出是哪一项"),
    "other_cell": ("the forward pass is not the cell that was given, so that only the table can be given: the "
                   "gradients that are wrong, and at which step",
                   "前向传播不是给定的细胞，因此只能给出梯度对照表：哪些错了，错在哪一步"),
    "doubtful": ("not one gradient agrees, and the forward pass is no known cell: all of them are wrong, or the code "
                 "was read in a way that is not meant; its equations as a cell (--cell FILE.py:NAME) would decide it",
                 "没有一个梯度相符，前向传播也不是已知的细胞：要么全都错了，要么这段代码被读错了；"
                 "把它的方程写成一个细胞（--cell FILE.py:NAME）即可判定"),
    "unexplained": ("wrong and not explained: {0}", "有错，但未能解释：{0}"),
    "worst": ("{0} (relative error {1:.2g}, most of it from the loss at step {2})",
              "{0} （相对误差 {1:.2g}，主要来自第 {2} 步的损失）"),
})
# fmt: on


def diagnose(
    code: str | Path | Any,
    name: str | None = None,
    *,
    cell: Cell | None = None,
    lang: str = "en",
    fix: bool = False,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Audit:
    """Audit somebody's own NumPy or PyTorch code: which of its gradients are wrong, and which term of which formula.

    The code is run in a child process, as it stands; where a file has several pairs of functions or classes and none is
    named, all of them are, and what is wrong is shown. What is right is the derivative of its own forward pass (by the
    complex step; Squire, Trapp 1998). If that is a cell that gated knows, its backward pass is explained term by term.

    Args:
        code: "file.py", "file.py:name", or a function, class or module that was imported from a file.
        name: of one function or class of the file, if it is not found by itself.
        cell: what their forward pass is; looked for among the cells of the zoo and what is near to them, if not given.
        lang: of the sentences, "en" or "zh".
        fix: search longer for the lines of the faults, and for a mended copy, which is audited again.
        seconds: for one request to the child process, such as the table.
        memory: of the child process, in bytes.

    Raises:
        ForeignError: the code cannot be loaded or run, or no adapter fits.
        ArgumentError: there is no such file or name, or no such language.
    """
    if lang not in LANGUAGES:
        raise wrong("lang", repr(lang), f"one of {', '.join(LANGUAGES)}")
    path, name = _place(code, name)
    if cell is not None:
        _check_cell(cell)
    settings = _Settings(lang, fix, seconds, memory, cell)
    first, others = _audit(path, name, settings)
    audits = [first]
    for other in others:
        try:
            audits.append(_audit(first.path, other, settings)[0])
        except ForeignError as error:
            audits.append(Audit(first.path, (other,), "", Forward(None, False), (), failure=str(error), lang=lang))
    shown = min(audits, key=lambda audit: (WRONG, UNKNOWN, RIGHT).index(audit.own_verdict))
    return replace(shown, others=tuple(audit for audit in audits if audit is not shown))


@dataclass(frozen=True)
class _Settings:
    lang: str
    fix: bool
    seconds: float
    memory: int
    cell: Cell | None


def _audit(path: str | Path, name: str | None, settings: _Settings) -> tuple[Audit, tuple[str, ...]]:
    """The audit of one pair of functions or one class, and the names of others in the same file."""
    began, lang = time.perf_counter(), settings.lang
    with open_foreign(path, name, seconds=settings.seconds, memory=settings.memory, cell=settings.cell) as theirs:
        table, manners, match = theirs.table(), theirs.manners(), theirs.match()
        bad = [manner for manner in manners if manner.kind in FAULTS]
        faults = [_bad_manner(manner, lang) for manner in bad]
        unexplained: list[str] = []
        roads: tuple[DrawnRoad, ...] = ()
        mending = None
        if match is not None and match.exact and not table.failure and (bad or not table.right):
            diagnosis = explain(theirs, match, lang)
            seconds = MENDING if settings.fix else LOCATING
            mending = locate_and_mend(theirs, match, diagnosis, bad, seconds=seconds, offer=settings.fix)
            faults += [_fault(finding, theirs, match) for finding in diagnosis.findings]
            faults = [
                replace(f, lines=n, mended=m) for f, n, m in zip(faults, mending.lines, mending.mended, strict=True)
            ]
            if not table.right:
                unexplained = _open(diagnosis, table, faults, _their_names(theirs, match), lang)
                roads = diagnosis.roads
        elif not table.right and not table.failure:
            unexplained = [say(lang, "other_cell" if settings.cell else "no_cell"), *_worst(_wrong(table), lang)]
        doubtful = not faults and settings.cell is None and _doubtful(table, match)
        audit = Audit(
            path=str(theirs.path),
            where=theirs.where,
            style=theirs.style,
            forward=replace(_forward(match, lang), given=settings.cell is not None),
            gradients=table.rows,
            faults=tuple(faults),
            unexplained=tuple(unexplained),
            warnings=tuple(_warnings(table, manners, lang)),
            failure=say(lang, "raises", table.failure) if table.failure else say(lang, "doubtful") if doubtful else "",
            doubtful=doubtful,
            exact=table.exact,
            lang=lang,
            seconds=time.perf_counter() - began,
            roads=roads,
            mended=mending.text if mending else None,
            diff=mending.diff if mending else "",
        )
        return audit, theirs.others


def _doubtful(table: Table, match: Match | None) -> bool:
    """Nothing speaks for the way in which their code was read: no cell is known that gives its outputs, and not one of
    its gradients is right, nor are all wrong by the same factor."""
    errors = [row.relative_error for row in table.rows if row.right is not None]
    if (match is not None and match.exact) or table.failure or len(errors) < 2 or not all(map(math.isfinite, errors)):
        return False
    return len(_wrong(table)) == len(errors) and max(errors) - min(errors) > SAME * max(errors)


def explain(theirs: Foreign, match: Match, lang: str = "en") -> Diagnosis:
    """What the engine says of their gradients."""
    return explain_gradients(
        match.cell,
        theirs.mine,
        initial=[ours for ours, state in canonical(match.cell).items() if state in theirs.states],
        last_only=theirs.last_only,
        lang=lang,
        called=_their_names(theirs, match),
    )


def _their_names(theirs: Foreign, match: Match) -> Callable[[str], str]:
    """What they call a parameter of the cell, its input, a first state; every other name stays."""
    known = canonical(match.cell)
    called = {f"{s}0": theirs.names.get(known.get(s, s), f"{s}0") for s in match.cell.graph.states}
    called["x"] = theirs.names.get("x", "x")
    return lambda name: called.get(name) or match.their_name(name)


def _check_cell(cell: Cell) -> None:
    """An input x, and states of one size, as code that is audited has them."""
    if not isinstance(cell, Cell):
        raise wrong("cell", repr(cell), "a cell, as `@gated.cell` makes it")
    (given,) = cell.graph.inputs
    if given != "x":
        raise wrong("cell", f"{cell.name}, whose input is {given}", "x as its first argument")
    sizes = {size for dims in cell.parameters.values() for size in dims}
    if not sizes <= {"input", "hidden"}:
        raise wrong("cell", f"{cell.name} with sizes {', '.join(sorted(sizes))}", "one size for all its states")


def _place(code: Any, name: str | None) -> tuple[str | Path, str | None]:
    """File and name of what was given."""
    if isinstance(code, (str, Path)):
        return code, name
    try:
        path = inspect.getsourcefile(code)
    except TypeError:
        path = None
    if path is None or not Path(path).is_file():
        raise wrong("code", repr(code), "a Python file, or a function, class or module that was imported from one")
    return path, name if inspect.ismodule(code) else name or code.__name__


def _forward(match: Match | None, lang: str) -> Forward:
    if match is None:
        return Forward(None, False, error=float("inf"))
    departs = bool(match.meant and match.different)  # exactly another cell than the one that is named
    error = match.far if departs else match.error
    said = match.differences(lang), error, match.notes(lang)
    return Forward(match.name, match.exact and not departs, match.gates, *said)


def _bad_manner(manner: Manner, lang: str) -> Fault:
    return Fault(manner.kind, (manner.where,), sentences.say(lang, manner.sentence, *manner.parts))


def _fault(finding: Finding, theirs: Foreign, match: Match) -> Fault:
    """A finding in their names."""
    where = tuple(dict.fromkeys(map(_their_names(theirs, match), finding.where)))
    return Fault(
        finding.kind,
        where,
        finding.text,
        finding.right,
        finding.theirs,
        certain=finding.certain,
        legend=finding.legend,
    )


def _open(
    diagnosis: Diagnosis, table: Table, faults: Sequence[Fault], called: Callable[[str], str], lang: str
) -> list[str]:
    """The questions that are left, and the wrong gradients that the faults do not account for."""
    rows = _wrong(table)
    if diagnosis.explained and faults:
        spoilt = {name for fault in faults for name in fault.where}
        return _worst([row for row in rows if row.name not in spoilt and diagnosis.findings], lang)
    exact = {called(name) for name, error in diagnosis.errors.items() if error < TOLERANCE}
    exact -= {called(name) for name, error in diagnosis.errors.items() if not error < TOLERANCE}
    questions = dict.fromkeys(say(lang, "unexplained", question) for question in diagnosis.unexplained)
    return [*questions, *_worst([row for row in rows if row.name not in exact or not faults], lang)]


def _wrong(table: Table) -> list[GradientRow]:
    return [row for row in table.rows if row.right is False]


def _worst(rows: Sequence[GradientRow], lang: str) -> list[str]:
    """Wrong gradients and their steps."""
    return [say(lang, "unexplained", say(lang, "worst", r.name, r.relative_error, r.worst_step)) for r in rows]


def _warnings(table: Table, manners: tuple[Manner, ...], lang: str) -> list[str]:
    said = [sentences.say(lang, m.sentence, *m.parts) for m in manners if m.kind not in FAULTS]
    missing = [row.name for row in table.rows if row.right is None]
    if missing:
        said.insert(0, say(lang, "no_gradient", ", ".join(missing)))
    if table.right_only_at_one_step:
        said.insert(0, say(lang, "one_step_only"))
    if not table.exact:
        said.append(say(lang, "differences"))
    return said
