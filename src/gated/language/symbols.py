"""What a cell's function is called with: symbols that record the equations instead of computing them.

A Symbol becomes a Node once all lengths are known (`tracing`). Everything that Python allows but the language does
not (an `if`, an index, a NumPy function, ...) is caught here and answered with what to write instead (`refusals`).
Own attributes begin with an underscore, so that `x.length` is the user's mistake and not ours to answer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.language.functions import FUNCTIONS
from gated.language.graph import topological
from gated.language.reductions import REDUCTIONS
from gated.language.refusals import (
    ARITHMETIC,
    OPERATORS,
    OTHERS,
    UNDECIDED,
    UNTRUE,
    numpy_refused,
    place,
    refuse,
    refusing,
)


class Length:
    """The unknown length of a vector: a union-find cell. `anchors` are the variables (x, h, ...) known to have it."""

    _serial = itertools.count()

    def __init__(self, anchor: str | None = None) -> None:
        self.parent: Length | None = None
        self.anchors: dict[str, None] = {anchor: None} if anchor else {}
        self.serial = next(self._serial)

    def root(self) -> Length:
        length = self
        while length.parent is not None:
            length = length.parent
        return length

    def unify(self, other: Length) -> None:
        a, b = self.root(), other.root()
        if a is not b:
            b.parent = a
            a.anchors.update(b.anchors)
            a.serial = min(a.serial, b.serial)


class Vector:
    """Whatever counts as a vector in an equation. Subclasses say which symbol that is."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    def _as_symbol(self) -> Symbol:
        raise NotImplementedError

    if TYPE_CHECKING:  # the operators are rows of the book: see below

        def __add__(self, other: Any) -> Symbol: ...
        def __radd__(self, other: Any) -> Symbol: ...
        def __sub__(self, other: Any) -> Symbol: ...
        def __rsub__(self, other: Any) -> Symbol: ...
        def __mul__(self, other: Any) -> Symbol: ...
        def __rmul__(self, other: Any) -> Symbol: ...
        def __truediv__(self, other: Any) -> Symbol: ...
        def __rtruediv__(self, other: Any) -> Symbol: ...
        def __pow__(self, other: Any) -> Symbol: ...
        def __rpow__(self, other: Any) -> Symbol: ...
        def __lt__(self, other: Any) -> Symbol: ...
        def __le__(self, other: Any) -> Symbol: ...
        def __gt__(self, other: Any) -> Symbol: ...
        def __ge__(self, other: Any) -> Symbol: ...
        def __neg__(self) -> Symbol: ...
        def __abs__(self) -> Symbol: ...

    def __pos__(self) -> Symbol:
        return self._as_symbol()

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse(f"a {type(other).__name__} is applied with @; only a parameter matrix can be: write W.name @ v")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            refuse(f"the attribute {name!r} of a vector was assigned to; in the equations only names are")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return "<a vector of the equations: it has no numbers>"

    def __format__(self, specification: str) -> str:
        if specification:
            refuse("a symbol was written into a text as a number; the equations are traced before any number exists")
        return repr(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        numbers = [value for value in inputs if isinstance(value, (np.ndarray, np.generic))]
        if any(value.ndim for value in numbers):
            refuse("a NumPy array stands in the equations; only plain numbers may, so make the array a parameter")
        # a NumPy number stands left of an operator (+, or += with `out`): NumPy is asked first
        if numbers and method == "__call__" and ufunc.__name__ in ARITHMETIC and kwargs.keys() <= {"out"}:
            return apply(ARITHMETIC[ufunc.__name__], *inputs)
        numpy_refused(ufunc.__name__, inputs[0])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        numpy_refused(function.__name__, args[0] if args else None)


for _name, _text in OPERATORS.items():
    setattr(Vector, f"__{_name}__", refusing(_text))
    setattr(Vector, f"__r{_name}__", refusing(_text))
for _name, _text in OTHERS.items():
    setattr(Vector, f"__{_name}__", refusing(_text))


class OfParameters(Vector):
    """What is made of parameters alone: a vector where it is used as one, a matrix where it is applied with @."""

    __slots__ = ()

    @property
    def _compares(self) -> bool:
        """Whether it is a comparison."""
        return False

    def _condition(self) -> Symbol:
        """The symbol of a comparison."""
        raise NotImplementedError

    def _joined(self, function: str, values: tuple[Any, ...]) -> OfParameters:
        """An elementwise function of such, and of plain numbers."""
        raise NotImplementedError


class Symbol(Vector):
    """A vector expression, or a number: then the length is None. It may be plain, or known at a step, as sum(h) is."""

    __slots__ = ("_args", "_attr", "_length", "_op", "_place")
    _args: tuple[Symbol, ...]
    _attr: Any
    _length: Length | None
    _op: str
    _place: str

    def __init__(self, op: str, attr: Any, length: Length | None, args: tuple[Symbol, ...] = ()) -> None:
        self._op, self._attr, self._length, self._args, self._place = op, attr, length, args, place()

    def _as_symbol(self) -> Symbol:
        return self

    def __matmul__(self, other: Any) -> NoReturn:
        matrix = getattr(type(other), "matrix_name", None)
        if matrix is not None:
            refuse(f"a vector stands left of {matrix(other)}; rows are outputs: write {matrix(other)} @ v")
        lift(other)
        refuse("two vectors are multiplied with @; write a * b for the elementwise product, dot(a, b) for its sum")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        refuse(f"a vector has no attribute {name!r}; only parameter families have members (W.{name})")


class Comparison(Symbol):
    """a > b: the condition of `where`, and no value."""

    __slots__ = ()
    __bool__ = refusing(UNTRUE)
    _compares = True

    def _as_symbol(self) -> NoReturn:
        refuse(UNDECIDED)


def number(value: Any) -> float | None:
    """The value of a plain number: one of Python's, one of NumPy's, an array without axes. None for anything else."""
    if type(value) is np.ndarray and value.ndim == 0:
        value = value[()]
    known = isinstance(value, (int, float, np.floating, np.integer))
    if not known or isinstance(value, (bool, np.timedelta64)):  # NumPy counts a time among its integers
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def lift(value: Any) -> Symbol:
    """A symbol from whatever may stand in an equation: a symbol, a vector member, a plain number."""
    convert = getattr(type(value), "_as_symbol", None)
    if convert is not None:
        symbol: Symbol = convert(value)
        return symbol
    plain = number(value)
    if plain is None:
        refuse(f"{_what(value)} stands in the equations; only vectors, parameters and plain numbers may")
    if not math.isfinite(plain):
        refuse(f"the number {_short(value)} stands in the equations; only finite numbers may (those of float64)")
    return Symbol("constant", plain, None)


def _what(value: Any) -> str:
    if isinstance(value, type) and value.__module__.startswith("gated.language."):
        return "what Python calls __class__ (the members of a family have plain names, such as W.i)"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"


def _short(value: Any) -> str:
    return f"of {value.bit_length()} bits" if isinstance(value, int) else str(value)  # only a long one comes here


def apply(function: str, *values: Any) -> Any:
    """An elementwise function; its arguments have one length, or, of parameters alone, one shape."""
    first = min(FUNCTIONS[function].branches, default=0)  # what stands before them decides
    of = next((value for value in values if isinstance(value, OfParameters)), None)
    if of is not None and all(isinstance(value, OfParameters) or _is_set(value) for value in values):
        args = (v if i < first or isinstance(v, OfParameters) else lift(v) for i, v in enumerate(values))
        return of._joined(function, tuple(args))
    return elementwise(function, values)


def _is_set(value: Any) -> bool:
    """Whether something is a plain number, or made of such and of the cell's constants."""
    if not isinstance(value, Symbol):
        return number(value) is not None
    if value._length is not None:
        return False
    parts = topological([value], attrgetter("_args"))
    return all(part._op in ("constant", "call") or part._attr[0] == "constant" for part in parts)


def refuse_numbers(function: str, args: tuple[Any, ...]) -> None:
    """Plain numbers that a function must not have."""
    row = FUNCTIONS[function]
    fault = row.fault([arg._attr if isinstance(arg, Symbol) and arg._op == "constant" else None for arg in args])
    if fault is not None:
        refuse(f"the equations {row.verb} {fault}")


def elementwise(function: str, values: Sequence[Any]) -> Symbol:
    """The symbol of a function of what may stand in an equation."""
    row = FUNCTIONS[function]
    first = min(row.branches, default=0)
    args = tuple(_condition(value) if i < first else lift(value) for i, value in enumerate(values))
    refuse_numbers(function, args)
    lengths = [arg._length for arg in args if arg._length is not None]
    for other in lengths[1:]:
        lengths[0].unify(other)
    kind = Comparison if row.decides else Symbol
    return kind("call", function, lengths[0] if lengths else None, args)


def _condition(value: Any) -> Symbol:
    """A comparison, which is no value: `lift` refuses it."""
    symbol: Symbol = value._condition() if isinstance(value, OfParameters) else value
    return symbol


def reduced(reduction: str, word: str, values: Sequence[Any]) -> Symbol:
    """A reduction over the units of all its arguments, to a number.

    Args:
        word: what the user wrote.
        values: the number that it needs, if it does, and the vectors.
    """
    row, args = REDUCTIONS[reduction], [lift(value) for value in values]
    numbers, vectors = args[: row.numbers], args[row.numbers :]
    if any(arg._length is not None for arg in numbers):
        refuse(f"{word}() was given a vector where a number belongs")
    if any(arg._length is None for arg in vectors):
        refuse(f"{word}() was applied to a number; it goes over the units of vectors")
    for one, other in zip(vectors[::2], vectors[1::2], strict=True) if row.pairs else ():
        one._length.unify(other._length)  # type: ignore[union-attr, arg-type]
    return Symbol("reduce", reduction, None, (*numbers, *vectors))


def _operator(name: str, reflected: bool) -> Callable[..., Symbol]:
    def method(self: Vector, *others: Any) -> Symbol:
        return apply(name, *others, self) if reflected else apply(name, self, *others)

    return method


for _row in FUNCTIONS.values():
    if _row.operator:
        setattr(Vector, f"__{_row.operator}__", _operator(_row.name, reflected=False))
        if _row.arity == 2:
            setattr(Vector, f"__r{_row.operator}__", _operator(_row.name, reflected=True))
