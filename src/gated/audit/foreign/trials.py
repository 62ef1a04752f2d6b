"""In the child process: their backward pass with its text edited, and what its expressions are worth as it runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np

from gated.audit.foreign.programs import Edit, Named, Programs
from gated.audit.foreign.subject import Subject
from gated.audit.foreign.worth import Known, Watch

Array = np.ndarray[Any, Any]
SECONDS = 0.5  # for one run: an edit may make a loop endless


@dataclass(frozen=True)
class Given:
    """Arguments of `Subject.backward`."""

    P: dict[str, Array]
    x: Array
    states: dict[str, Array]
    dy: Array

    def sequence(self, n: int) -> Given:
        states = {s: v[[n]] for s, v in self.states.items()}
        return Given(self.P, self.x[:, [n]], states, self.dy[:, [n]])


class Trials:
    """Their code on one set of arguments."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.programs = Programs(subject.source)  # type: ignore[attr-defined]

    def backward_only(self, given: Given) -> list[Named]:
        """The functions of theirs that the backward pass runs and the forward pass does not."""
        with self._observed() as seen:
            P, kept = self._forward(given)
            forward = set(seen)
            seen.clear()
            self.subject.one_backward(kept, P, given.x, self._states(given), given.dy)
        return [path for path, f in self.programs.functions.items() if f.__code__ in seen and f.__code__ not in forward]

    @contextmanager
    def _observed(self) -> Iterator[dict[CodeType, None]]:
        seen: dict[CodeType, None] = {}

        def note(frame: FrameType, event: str, argument: Any) -> None:
            if event == "call":
                seen[frame.f_code] = None

        sys.setprofile(note)
        try:
            yield seen
        finally:
            sys.setprofile(None)

    def _states(self, given: Given) -> dict[str, Array]:
        return {s: v for s, v in given.states.items() if s in self.subject.states}

    def _forward(self, given: Given) -> tuple[dict[str, Array], Any]:
        P = self.subject.fresh(given.P)
        return P, self.subject.one_forward(P, given.x, self._states(given))[1]

    # edits

    def run(
        self, text: str, candidates: Sequence[Sequence[Edit]], given: Given, batch: Given | None, again: bool
    ) -> list[Outcome]:
        """What comes of each candidate; an outcome without gradients where it raises."""
        parts = self.programs.parts(text)
        self.programs.install(text, parts)
        outcomes = []
        for edits in candidates:
            before: dict[Named, Any] = {}
            try:
                with _limited(SECONDS):
                    before = self.programs.install(text, parts, edits) if edits else {}
                    outcomes.append(self._outcome(given, batch, again))
            except Exception:  # noqa: BLE001 - whatever edited code raises
                outcomes.append(Outcome({}))
            finally:
                self.programs.put_back(before)
        return outcomes

    def _outcome(self, given: Given, batch: Given | None, again: bool) -> Outcome:
        subject = self.subject
        subject.changed.clear()
        found = _numbers(subject.backward(given.P, given.x, given.states, given.dy))
        uneven = self._uneven(batch) if batch else ()
        return Outcome(found, tuple(subject.changed), uneven, again and self._stale(given))

    def _uneven(self, batch: Given) -> tuple[str, ...]:
        """Gradients that are not the sum of those of the sequences."""
        run = self.subject.backward
        whole = _numbers(run(batch.P, batch.x, batch.states, batch.dy))
        singles = [batch.sequence(n) for n in range(batch.x.shape[1])]
        parts = [_numbers(run(one.P, one.x, one.states, one.dy)) for one in singles]
        totals = {name: np.sum([part[name] for part in parts], 0) for name in batch.P if name in whole}
        return tuple(name for name, total in totals.items() if not _near(whole[name], total))

    def _stale(self, given: Given) -> bool:
        P, kept = self._forward(given)
        states = self._states(given)
        one = _numbers(self.subject.one_backward(kept, P, given.x, states, given.dy))
        two = _numbers(self.subject.one_backward(kept, P, given.x, states, given.dy))
        return not all(_near(one[name], two[name]) for name in one)

    # values

    def worth(
        self, text: str, statements: Sequence[Mapping[str, Any]], quantities: Mapping[str, Array], given: Given
    ) -> list[list[tuple[list[int], list[str]] | None]]:
        """Shape and equal quantities (T, numbers) of each expression, as it stands before its statement is run.

        Args:
            statements: each with its "line", "end" and "expressions".
            quantities: by name; row k is what an expression is worth the k-th time.
        """
        self.programs.install(text, self.programs.parts(text))
        watched = Watch(self.programs.file, statements)
        P, kept = self._forward(given)
        sys.settrace(watched.call)
        try:
            self.subject.one_backward(kept, P, given.x, self._states(given), given.dy)
        except Exception:  # noqa: BLE001, S110 - what was seen until then counts
            pass
        finally:
            sys.settrace(None)
        known = Known(quantities)
        return [[known.of(values) for values in each] for each in watched.values]


@dataclass(frozen=True)
class Outcome:
    """Gradients by name; arguments changed in place; gradients that are no sums over the batch; whether a second
    call says something else."""

    gradients: dict[str, Array]
    changed: tuple[str, ...] = ()
    uneven: tuple[str, ...] = ()
    stale: bool = False


def _numbers(gradients: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.array(value, float) for name, value in gradients.items()}


def _near(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, 1e-8, 1e-11))


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, where the system has a timer for it."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
