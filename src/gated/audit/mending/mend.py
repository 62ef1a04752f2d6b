"""Where in their file each fault is, and a mended copy: edits that are measured, one after the other."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice, repeat

from gated.audit.diagnosis import Diagnosis
from gated.audit.diagnosis.manners import OF_ALL
from gated.audit.foreign.manners import Manner
from gated.audit.foreign.match import Match
from gated.audit.foreign.process import Child, Foreign
from gated.audit.foreign.programs import edited
from gated.audit.mending import in_place
from gated.audit.mending.again import holds
from gated.audit.mending.bench import CHANGED, STALE, UNEVEN, Bench, Item, State, atoms
from gated.audit.mending.edits import Candidate, Candidates
from gated.audit.mending.sought import Sought
from gated.audit.mending.syntax import Code
from gated.audit.mending.targets import LOCAL, WHOLE, Targets
from gated.audit.mending.words import Words
from gated.errors import ForeignError

SECONDS = 5.0  # for the search
EACH = 0.5  # of them, for one fault
IDLE = 120  # candidates that are still tried for other faults after the last that helped
BATCH = (12, 24, 48)  # candidates that are run at once, the first ones, the next, and all others


@dataclass(frozen=True)
class Mending:
    """Where the faults are, and the file without those whose place is certain.

    The faults are, in this order, the manners that were given and the findings of the diagnosis.

    Attributes:
        lines: of the original file, from 1, for each fault; empty where its place was not found.
        mended: for each fault, whether the text is without it.
        text: of the mended file; None where nothing can be offered. diff: from the original, unified.
        seconds: it took.
    """

    lines: tuple[tuple[int, ...], ...]
    mended: tuple[bool, ...]
    text: str | None = None
    diff: str = ""
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the text is without all faults."""
        return self.text is not None and all(self.mended)


def locate_and_mend(
    theirs: Foreign,
    match: Match,
    diagnosis: Diagnosis,
    manners: Sequence[Manner] = (),
    *,
    seconds: float = SECONDS,
    offer: bool = True,
) -> Mending:
    """Find the lines of each fault by mending it: an edit counts if their gradients then are those of the explained
    model without that fault, to 1e-8, and no argument is changed that was not before.

    Args:
        theirs: their code, as it was diagnosed. match: its cell, exact.
        diagnosis: of its gradients; of right ones, where only manners are to be mended.
        manners: faults that no formula has: arguments changed in place, what stays from call to call.
        seconds: for the search; what was found by then is offered.
        offer: audit the mended text, and give it; else the lines alone.

    Raises:
        ForeignError: their code ends its process on fresh numbers.
    """
    began = time.perf_counter()
    count = len(manners) + len(diagnosis.findings)
    nothing = Mending(((),) * count, (False,) * count)
    if not count or not match.exact or diagnosis.evidence is None:
        return nothing
    text = _text(theirs)
    if text is None:
        return replace(nothing, seconds=time.perf_counter() - began)
    again = Child(theirs.child.seconds) if offer else None  # of the copy; it starts while the search is on
    try:
        search = _Search(theirs, diagnosis, manners, text, began, seconds)
        with suppress(ForeignError):  # an edit ended the child process: what was found so far holds
            search.run()
        return search.result(began, again)
    finally:
        if again is not None:
            again.close()


def _text(theirs: Foreign) -> str | None:
    """Their file as it is; None where it is not UTF-8, or begins with a mark of its encoding."""
    try:
        text = theirs.path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if text.startswith("\ufeff") else text


class _Search:
    """The text as it is now, and what is left."""

    def __init__(
        self,
        theirs: Foreign,
        diagnosis: Diagnosis,
        manners: Sequence[Manner],
        text: str,
        began: float,
        seconds: float,
    ) -> None:
        assert diagnosis.evidence is not None
        self.theirs, self.original, self.text = theirs, text, text
        self.seconds, self.deadline = seconds, began + seconds
        self.targets = Targets(diagnosis.evidence, theirs.mine)
        evidence = diagnosis.evidence
        self.bench = Bench(
            theirs,
            self.targets,
            batch=bool(evidence.manners),
            again=any(m.kind == "stale_state" and m.where == "backward" for m in manners),
        )
        self.about = [*map(self._of_manner, manners), *self._of_findings(diagnosis)]
        self.lines: list[set[int]] = [set() for _ in self.about]
        self.origin = list(range(1, text.count("\n") + 2))  # lines of the original, for each line of the text
        self.state: State = frozenset()
        self.first: State = frozenset()

    # which items of a state belong to which fault

    def _of_manner(self, manner: Manner) -> set[Item]:
        if manner.kind == "in_place":
            function, argument = manner.parts
            return {(CHANGED, f"{argument} of {function}")}
        return {(STALE, "")} if manner.where == "backward" else set()

    def _of_findings(self, diagnosis: Diagnosis) -> list[set[Item]]:
        evidence = diagnosis.evidence
        assert evidence is not None
        found: list[set[Item]] = [
            {(UNEVEN, self.bench.at.their_name(name)) for name in m.where}
            if m.sentence.startswith("batch")
            else {(WHOLE, LOCAL)}
            if m.sentence in OF_ALL
            else set()
            for m in evidence.manners
        ]
        count = len(diagnosis.findings) - len(found)
        if not self.targets.explained:
            return found + [{(WHOLE, LOCAL)}] * count
        return found + [{a for a in self.targets.atoms if a[0] == k} for k in range(count)]

    # the search

    def run(self) -> None:
        first = self.bench.everything(self.text)
        if first is None:
            return
        self.state = self.first = first
        self.functions = self.bench.backward_only()
        while self.state and self._step(None):
            pass
        for k, items in enumerate(self.about):
            while items & self.state and self._step(k):
                pass

    def _step(self, fault: int | None) -> bool:
        """Edits that mend this fault, or a part of it, or others on the way; None: any of them. Whether any was
        found."""
        end = min(self.deadline, time.perf_counter() + EACH * self.seconds)
        code = Code(self.text, self.functions)
        better: list[tuple[Candidate, State]] = []
        waiting, sizes, idle = iter(self._candidates(code, fault)), chain(BATCH, repeat(BATCH[-1])), 0
        while time.perf_counter() < end and (some := list(islice(waiting, next(sizes)))):
            states = self.bench.states(self.text, [c.edits for c in some], self.state)
            found = [(c, s) for c, s in zip(some, states, strict=True) if s is not None and s < self.state]
            better += found
            idle = 0 if found else idle + len(some)
            if better and (not frozenset.intersection(*(s for _, s in better)) or idle > IDLE):
                break
        self._accept(code, self._together(better))
        return bool(better)

    def _candidates(self, code: Code, fault: int | None) -> Iterator[Candidate]:
        for kind, name in sorted(self.state & self.about[fault] if fault is not None else self.state, key=str):
            if kind == CHANGED:
                yield from in_place.edits(code, name.partition(" of ")[0])
        left = [which for which, _ in self.state if not isinstance(which, str) or which == UNEVEN]
        if left:
            own = self.about[fault] if fault is not None else ()
            focus = next((which for which, _ in own if isinstance(which, int)), None)
            sought = Sought(self.targets, atoms(self.state), focus)
            yield from Candidates(code, Words(code, self.bench, sought), sought).ranked()

    def _together(self, better: list[tuple[Candidate, State]]) -> list[tuple[Candidate, State]]:
        """The likeliest of them, and others that mend something else elsewhere, if they hold together."""
        chosen: list[tuple[Candidate, State]] = []
        state = self.state
        for candidate, left in sorted(better, key=lambda pair: (len(pair[1]), pair[0].cost)):
            gone = self.state - left
            apart = not any(set(candidate.lines) & set(c.lines) for c, _ in chosen)
            if not gone <= state or not apart:
                continue
            edits = [edit for c, _ in chosen for edit in c.edits] + list(candidate.edits)
            if not chosen or self.bench.states(self.text, [edits], self.state)[0] == state - gone:
                chosen.append((candidate, gone))
                state -= gone
        return chosen

    def _accept(self, code: Code, chosen: list[tuple[Candidate, State]]) -> None:
        """Edits, each with what is gone by it."""
        for candidate, gone in chosen:
            lines = set(candidate.lines) or self._changing(code)
            for items, found in zip(self.about, self.lines, strict=True):
                if items & gone:
                    found |= {self.origin[line - 1] for line in lines} - {0}
        edits = sorted((edit for candidate, _ in chosen for edit in candidate.edits), reverse=True)
        for start, end, new in edits:
            first, last = self.text[:start].count("\n"), self.text[:end].count("\n")
            there = self.origin[first : last + 1]
            more = new.count("\n") - (last - first)
            self.origin[first : last + 1] = there[: len(there) + more] if more <= 0 else [0] * more + there
        self.text = edited(self.text, edits)
        self.state = self.state.difference(*(gone for _, gone in chosen))

    def _changing(self, code: Code) -> set[int]:
        """The lines without which an argument is not changed."""
        tried = in_place.without(code)
        changed = self.bench.changed(self.text, [c.edits for c in tried])
        now = {name for kind, name in self.state if kind == CHANGED}
        return {
            line for c, held in zip(tried, changed, strict=True) if held is not None and held < now for line in c.lines
        }

    # what is offered

    def result(self, began: float, child: Child | None) -> Mending:
        lines = tuple(tuple(sorted(found)) for found in self.lines)
        mended = tuple(bool(items & self.first) and not items & self.state for items in self.about)
        offered = False
        if child is not None and self.text != self.original:
            offered = holds(self.theirs, self.text, self.targets, self.state, child)
        if not offered:
            mended = (False,) * len(mended)
        diff = _diff(self.original, self.text, self.theirs.path.name) if offered else ""
        return Mending(lines, mended, self.text if offered else None, diff, time.perf_counter() - began)


def _diff(old: str, new: str, name: str) -> str:
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
