"""What the expressions of somebody's backward pass are worth as it runs, and which known quantities they equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LARGEST = 4096  # numbers of a value that is compared
NEAR = 1e-7


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


@lru_cache(maxsize=4096)  # each statement of a function asks for the same ones
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


class Known:
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
        self._known: dict[object, tuple[list[int], list[str]]] = {}

    def of(self, values: Sequence[Array | None]) -> tuple[list[int], list[str]] | None:
        """None where it has no value, or values of several shapes."""
        there = [v for v in values if v is not None]
        if not there or any(v.shape != there[-1].shape for v in there):
            return None
        bits = tuple(None if v is None else v.tobytes() for v in values)
        if (there[0].shape, bits) not in self._known:  # most are the same at the next statement
            self._known[there[0].shape, bits] = self._of(values, there)
        return self._known[there[0].shape, bits]

    def _of(self, values: Sequence[Array | None], there: list[Array]) -> tuple[list[int], list[str]]:
        shape, found = list(there[0].shape), list[str]()
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
        said = np.stack(values).reshape(len(values), -1)
        if not said.size or said.shape[1] not in self.tables:
            return []
        names, table = self.tables[said.shape[1]]
        size = NEAR * max(float(np.abs(said).max()), 1e-9)
        # most are ruled out by a single number
        alike = np.flatnonzero(np.abs(table[:, rows[0], 0] - said[0, 0]) <= size)
        if not len(alike):
            return []
        table = table[alike] if rows == [0] * self.steps else table[alike][:, rows]
        off = np.abs(table - said).max((1, 2), initial=0.0)
        return [names[k] for k, far in zip(alike, off, strict=True) if far <= size]
