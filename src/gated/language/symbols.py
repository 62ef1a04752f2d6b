"""What a cell's function is called with: symbols that record the equations instead of computing them.

A Symbol becomes a Node once all lengths are known (`tracing`). Everything that Python allows but the language does
not (an `if`, an index, a NumPy function, ...) is caught here and answered with what to write instead.
"""

from __future__ import annotations

import builtins
import itertools
import math
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gated.errors import CellError, as_array, describe, wrong_type
from gated.language.functions import FUNCTIONS

_PACKAGE = str(Path(__file__).resolve().parent.parent / "language")


def place() -> str:
    """file:line of the equation being traced (the nearest frame outside the language package)."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def refuse(message: str) -> NoReturn:
    raise CellError(f"{place()}: {message}")


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


class Symbol:
    """A vector expression. `length` is None for a plain number."""

    __slots__ = ("args", "attr", "length", "op", "place")
    __array_priority__ = 1000.0

    def __init__(self, op: str, attr: Any, length: Length | None, args: tuple[Symbol, ...] = ()) -> None:
        self.op, self.attr, self.length, self.args, self.place = op, attr, length, args, place()

    def __add__(self, other: Any) -> Symbol:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return apply("sub", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return apply("sub", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return apply("mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return apply("mul", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return apply("div", other, self)

    def __neg__(self) -> Symbol:
        return apply("neg", self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return apply("abs", self)

    def __pow__(self, other: Any) -> NoReturn:
        refuse("a power (**) of a vector is not in the language; write v * v, sqrt(v) or exp(a * log(v))")

    __rpow__ = __pow__

    def __matmul__(self, other: Any) -> NoReturn:
        if isinstance(other, Member):
            refuse(f"a vector stands left of {other.name}; rows are outputs: write {other.name} @ v")
        refuse("two vectors are multiplied with @; write a * b for the elementwise product")

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse(f"a {type(other).__name__} is applied with @; only a parameter matrix can be: write W.name @ v")

    def __bool__(self) -> NoReturn:
        refuse(
            "the truth value of a symbol was asked for (an `if`, `while`, `and`, `or`, `not` or max()); the "
            "equations are traced once, before any number exists: write maximum(a, b), minimum(a, b) or a gate"
        )

    def _compare(self, other: Any) -> NoReturn:
        refuse(
            "a symbol was compared (<, >, ==, ...); the equations are traced once, before any number exists: "
            "write maximum(a, b), minimum(a, b) or a gate such as sigmoid(a - b)"
        )

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _compare
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> NoReturn:
        refuse("a symbol was indexed with [...]; a vector is used whole: make each part a member or a state of its own")

    def __iter__(self) -> NoReturn:
        refuse("a symbol was iterated over or unpacked; it is one vector")

    def __len__(self) -> NoReturn:
        refuse("len() of a symbol was asked for; sizes are chosen when a layer is built from the cell")

    def __float__(self) -> NoReturn:
        refuse("a symbol was turned into a number (float(), math.tanh(), ...); " + _known_functions())

    __int__ = __index__ = __complex__ = __float__

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse("a symbol was called like a function; " + _known_functions())

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"a vector has no attribute {name!r}; only parameter families have members (W.{name})")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> NoReturn:
        if any(isinstance(value, np.ndarray) for value in inputs):
            refuse("a NumPy array stands in the equations; only plain numbers may, so make the array a parameter")
        hint = f"write gated.{ufunc.__name__}" if ufunc.__name__ in FUNCTIONS else _known_functions()
        refuse(f"numpy.{ufunc.__name__} was applied to a symbol; {hint}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        refuse(f"numpy.{function.__name__} was applied to a symbol; {_known_functions()}")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse("a symbol was turned into a NumPy array; " + _known_functions())


class Family:
    """A keyword-only argument of a cell: W.i, W.f, ... are its members."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._members: dict[str, Member] = {}

    def __getattr__(self, name: str) -> Member:
        if name.startswith("__"):
            raise AttributeError(name)
        if not name.isidentifier():
            refuse(f"{self._name} was asked for a member {name!r}; the name of a member is one word: {self._name}.i")
        if name not in self._members:
            self._members[name] = Member(self._name, name)
        return self._members[name]

    def _misused(self, *args: Any, **kwargs: Any) -> NoReturn:
        name = self._name
        refuse(f"the parameter family {name} was used as a value; an attribute names a member: write {name}.i")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _misused
    __matmul__ = __rmatmul__ = __neg__ = __call__ = __getitem__ = __iter__ = __bool__ = __pow__ = _misused
    __array_ufunc__ = __array_function__ = __array__ = __float__ = __abs__ = __len__ = _misused
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _misused
    __hash__ = object.__hash__

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_name", "_members"):
            object.__setattr__(self, name, value)
        else:
            refuse(f"{self._name}.{name} was assigned to; parameters are set on the layer, not in the equations")


class Member:
    """W.i: a matrix if applied with @, a vector if used elementwise; never both."""

    __array_priority__ = 1000.0

    def __init__(self, family: str, member: str) -> None:
        self.family, self.member = family, member
        self.place = place()
        self.vector: Symbol | None = None
        self.products: list[Symbol] = []

    @property
    def name(self) -> str:
        return f"{self.family}.{self.member}"

    def __matmul__(self, operand: Any) -> Symbol:
        if self.vector is not None:
            refuse(
                f"{self.name} is applied as a matrix here but used as a vector at {self.vector.place}; "
                "give each its own member name"
            )
        if isinstance(operand, (int, float)):
            refuse(f"{self.name} is applied to a plain number; a matrix needs a vector: {operand} * ({self.name} @ v)")
        symbol = Symbol("product", self, Length(), (lift(operand),))
        self.products.append(symbol)
        return symbol

    def as_vector(self) -> Symbol:
        if self.products:
            refuse(
                f"{self.name} is used as a vector here but applied as a matrix at {self.products[0].place}; "
                "give each its own member name"
            )
        if self.vector is None:
            self.vector = Symbol("leaf", ("vector", self.name), Length())
        return self.vector

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse(f"a vector stands left of {self.name}; rows are outputs: write {self.name} @ v")

    def __call__(self, *args: Any) -> NoReturn:
        refuse(f"{self.name} was called like a function; write {self.name} @ v")

    def __pow__(self, other: Any) -> NoReturn:
        self.as_vector().__pow__(other)

    def __getitem__(self, index: Any) -> NoReturn:
        refuse(f"{self.name} was indexed; a parameter is used whole: make each part a member of its own")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(
            f"{self.name} has no attribute {name!r}; a member has no members, and there is no transpose: "
            "write another matrix"
        )

    def __bool__(self) -> bool:
        return bool(self.as_vector())

    __array_ufunc__ = Symbol.__array_ufunc__
    __array_function__ = Symbol.__array_function__
    __array__ = Symbol.__array__
    __float__ = __int__ = __index__ = __complex__ = Symbol.__float__
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = Symbol._compare
    __hash__ = object.__hash__


def _elementwise(name: str) -> Any:
    def method(self: Member, *args: Any) -> Any:
        return getattr(self.as_vector(), name)(*args)

    return method


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "neg", "pos", "abs"):
    setattr(Member, f"__{_name}__", _elementwise(f"__{_name}__"))


def lift(value: Any) -> Symbol:
    """A symbol from whatever may stand in an equation: a symbol, a vector member, a plain number."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, Member):
        return value.as_vector()
    if isinstance(value, Family):
        value._misused()
    if isinstance(value, builtins.bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        what = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        refuse(f"{what} stands in the equations; only vectors, parameters and plain numbers may")
    if not math.isfinite(value):
        refuse(f"the number {value} stands in the equations; only finite numbers may")
    return Symbol("constant", float(value), None)


def apply(function: str, *values: Any) -> Symbol:
    """An elementwise function; its arguments have one length."""
    args = tuple(lift(value) for value in values)
    if function == "div" and args[1].op == "constant" and args[1].attr == 0.0:
        refuse("the equations divide by 0")
    lengths = [arg.length for arg in args if arg.length is not None]
    for other in lengths[1:]:
        lengths[0].unify(other)
    return Symbol("call", function, lengths[0] if lengths else None, args)


def _known_functions() -> str:
    names = ", ".join(row.name for row in FUNCTIONS.values() if row.public)
    return f"the functions of the language are {names}"


def _public(name: str, doc: str) -> Any:
    row = FUNCTIONS[name]

    def function(*values: Any) -> Any:
        if len(values) != row.arity:
            raise CellError(f"{place()}: {name}() takes {row.arity} argument(s), got {len(values)}")
        if any(isinstance(value, (Symbol, Member, Family)) for value in values):
            return apply(name, *values)
        arrays = [as_array(f"{name}()", value) for value in values]
        for value, array in zip(values, arrays, strict=True):
            if array.dtype.kind not in "fiuc":
                raise wrong_type(f"{name}()", describe(value), "symbols, numbers or NumPy arrays")
        return row.numpy(*arrays)[()]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} Elementwise, on a symbol in the equations of a cell or on numbers and NumPy arrays."
    return function


sigmoid = _public("sigmoid", "The logistic function 1 / (1 + exp(-x)).")
tanh = _public("tanh", "The hyperbolic tangent.")
relu = _public("relu", "max(x, 0), with derivative 0 at 0.")
softplus = _public("softplus", "log(1 + exp(x)), without overflow.")
exp = _public("exp", "The exponential function.")
log = _public("log", "The natural logarithm.")
sqrt = _public("sqrt", "The square root.")
abs = _public("abs", "The absolute value, with derivative 0 at 0.")
maximum = _public("maximum", "The larger of two values; a tie shares the derivative evenly.")
minimum = _public("minimum", "The smaller of two values; a tie shares the derivative evenly.")
