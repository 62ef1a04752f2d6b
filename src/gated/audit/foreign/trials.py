"""In the child process: their backward pass with its text edited, and what its expressions are worth as it runs.

An edit is [start, end, new], characters of the text. Only functions of the text that are defined at its top, or are
methods, change: their code objects are exchanged, so that the adapter and all that it has found out stay as they are.
"""

from __future__ import annotations

import ast
import inspect
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Subject

Array = np.ndarray[Any, Any]
Edit = tuple[int, int, str]
Named = tuple[str, ...]  # of a function: its name, or class and name
SECONDS = 0.5  # for one run: an edit may make a loop endless
LARGEST = 4096  # numbers of a value that is compared
NEAR = 1e-7


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


def edited(text: str, edits: Sequence[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Programs:
    """The functions of their module, whose code can be exchanged."""

    def __init__(self, source: Source) -> None:
        self.file = str(source.path)
        tops = [*source.functions, *source.classes]
        self.functions = {path: f for name in tops for path, f in _functions((name,), source.get(name))}

    def parts(self, text: str) -> list[tuple[int, int, int]]:
        """(start, end, first line) of the functions and classes at the top of a text."""
        starts = line_starts(text)
        found = []
        for node in ast.parse(text).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                last = node.end_lineno or node.lineno
                found.append((starts[first - 1], starts[last] if last < len(starts) else len(text), first))
        return found

    def install(self, text: str, parts: Sequence[tuple[int, int, int]], edits: Sequence[Edit] = ()) -> dict[Named, Any]:
        """Give the functions the code of the text with these edits, those in the parts that they touch; the code
        that they had."""
        before: dict[Named, Any] = {}
        for start, end, line in parts:
            here = [(s - start, e - start, new) for s, e, new in edits if start <= s and e <= end]
            if here or not edits:
                segment = "\n" * (line - 1) + edited(text[start:end], here)
                module = compile(segment, self.file, "exec", dont_inherit=True)
                for path, code in _codes((), module):
                    if path in self.functions:
                        before[path] = self.functions[path].__code__
                        self.functions[path].__code__ = code
        return before

    def put_back(self, codes: Mapping[Named, Any]) -> None:
        for path, code in codes.items():
            self.functions[path].__code__ = code


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins, as Python counts lines."""
    starts, at = [0], 0
    while at < len(text):
        if text[at] == "\r" and text[at + 1 : at + 2] == "\n":
            at += 1
        at += 1
        if text[at - 1] in "\r\n":
            starts.append(at)
    return starts


def _functions(path: Named, held: Any) -> Iterator[tuple[Named, FunctionType]]:
    held = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held
    if isinstance(held, type):
        for name, value in vars(held).items():
            if isinstance(value, (FunctionType, staticmethod, classmethod)):
                yield from _functions((*path, name), value)
    elif callable(held) and isinstance(inspect.unwrap(held), FunctionType):
        yield path, inspect.unwrap(held)


def _codes(path: Named, code: CodeType) -> Iterator[tuple[Named, CodeType]]:
    for held in code.co_consts:
        if isinstance(held, CodeType):
            yield (*path, held.co_name), held
            yield from _codes((*path, held.co_name), held)


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
        known = _Known(quantities)
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


class Watch:
    """A trace function that notes the values of expressions before each run of their statement."""

    def __init__(self, file: str, statements: Sequence[Mapping[str, Any]]) -> None:
        self.file = file
        self.at = {held["line"]: k for k, held in enumerate(statements)}
        self.within = {line: held["line"] for held in statements for line in range(held["line"], held["end"] + 1)}
        self.codes = [[_compiled(e) for e in held["expressions"]] for held in statements]
        self.values: list[list[list[Array | None]]] = [[[] for _ in codes] for codes in self.codes]

    def call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != self.file:
            return None
        before = None

        def line(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
            nonlocal before
            if event == "line":
                statement = self.within.get(frame.f_lineno)
                if statement is not None and statement != before:
                    self._note(self.at[statement], frame)
                before = statement
            return line

        return line

    def _note(self, number: int, frame: FrameType) -> None:
        names, found = frame.f_locals, frame.f_globals
        for code, values in zip(self.codes[number], self.values[number], strict=True):
            try:
                values.append(None if code is None else _array(eval(code, found, names)))  # noqa: S307
            except Exception:  # noqa: BLE001 - a name that is not there yet
                values.append(None)


def _compiled(expression: str) -> CodeType | None:
    try:
        return compile(expression, "expression", "eval")
    except (SyntaxError, ValueError):
        return None


def _array(value: Any) -> Array | None:
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().numpy()
    if not isinstance(value, (np.ndarray, np.number, float, int)) or isinstance(value, bool):
        return None
    array = np.asarray(value)
    return np.array(array, float) if array.dtype.kind in "fiu" and array.size <= LARGEST else None


class _Known:
    """Quantities by size, to be compared with all at once."""

    def __init__(self, quantities: Mapping[str, Array]) -> None:
        self.steps = max((len(q) for q in quantities.values()), default=0)
        by_size: dict[int, list[str]] = {}
        for name, value in quantities.items():
            by_size.setdefault(value[0].size, []).append(name)
        self.tables = {
            size: (names, np.stack([quantities[n].reshape(self.steps, -1) for n in names]))
            for size, names in by_size.items()
        }

    def of(self, values: Sequence[Array | None]) -> tuple[list[int], list[str]] | None:
        """None where it has no value, or values of several shapes."""
        there = [v for v in values if v is not None]
        if not there or any(v.shape != there[-1].shape for v in there):
            return None
        shape, found = list(there[0].shape), []
        first = there[0].tobytes()
        if all(v.tobytes() == first for v in there):
            found = self._equal([0] * self.steps, there[:1] * self.steps)
        inner = len(values) // self.steps if len(values) % self.steps == 0 else 0  # runs of an inner loop
        for k in range(inner):
            own = values[k::inner]
            rows = [row for row, v in enumerate(own) if v is not None]
            found += self._equal(rows, [own[row] for row in rows]) if rows else []
        return shape, sorted(set(found))

    def _equal(self, rows: list[int], values: Sequence[Any]) -> list[str]:
        """Names of the quantities that have these values in these rows; in all, for row 0 alone."""
        said = np.stack(values).reshape(1, len(values), -1)
        names, table = self.tables.get(said.shape[2], ([], np.zeros((0, self.steps, said.shape[2]))))
        table = table if rows == [0] * self.steps else table[:, rows]
        off = np.abs(table - said).max((1, 2), initial=0.0)
        size = max(float(np.abs(said).max(initial=0.0)), 1e-9)
        return [name for name, far in zip(names, off, strict=True) if far <= NEAR * size]
