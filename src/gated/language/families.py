"""The parameters of a cell while its equations are traced: families and their members, and products of matrices.

What is made of parameters alone (U.h - U.h.T) is undecided until it is used: applied with @ it is a matrix, and so is
every member in it; anywhere else it is a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from gated.language.functions import FUNCTIONS
from gated.language.graph import ONE_DIM, Node, call, constant, leaf, topological
from gated.language.matrices import matrix_leaf, transposed, written
from gated.language.refusals import OPERATORS, OTHERS, place, refuse
from gated.language.symbols import Length, OfParameters, Symbol, Vector, elementwise, lift, number, refuse_numbers


class Family:
    """A keyword-only argument of a cell: W.i, W.f, ... are its members, and any attribute is one."""

    def __init__(self, name: str, numbers: bool = False) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "numbers", numbers)  # whether its members are single numbers
        object.__setattr__(self, "members", {})

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):  # Python's own
            return object.__getattribute__(self, name)
        if not name.isidentifier():
            own = family_name(self)
            refuse(f"{own} was asked for a member {name!r}; the name of a member is one word: {own}.i")
        if name == "T":
            own = family_name(self)
            refuse(f"{own}.T is no member, for T is no member's name: the transpose of the matrix {own}.i is {own}.i.T")
        members = members_of(self)
        if name not in members:
            members[name] = Member(family_name(self), name, object.__getattribute__(self, "numbers"))
        return members[name]

    def __setattr__(self, name: str, value: Any) -> None:
        refuse(f"{family_name(self)}.{name} was assigned to; parameters are set on the layer, not in the equations")

    def __delattr__(self, name: str) -> None:
        refuse(f"{family_name(self)}.{name} was deleted; a member that is not used is no parameter")

    def __repr__(self) -> str:
        return f"<the parameter family {family_name(self)}>"

    __hash__ = object.__hash__


def family_name(family: Family) -> str:
    return str(object.__getattribute__(family, "name"))


def members_of(family: Family) -> dict[str, Member]:
    """By name, in the order of use."""
    members: dict[str, Member] = object.__getattribute__(family, "members")
    return members


def _misused(self: Family, *args: Any, **kwargs: Any) -> NoReturn:
    name = family_name(self)
    refuse(f"the parameter family {name} was used as a value; an attribute names a member: write {name}.i")


_WRITTEN = [row for row in FUNCTIONS.values() if row.operator]
_BOTH = (*OPERATORS, *(row.operator for row in _WRITTEN if row.arity == 2), "matmul")
_ONE = (
    *OTHERS,
    *(row.operator for row in _WRITTEN if row.arity == 1),
    "pos",
    "array_ufunc",
    "array_function",
    "format",
)
Family._as_symbol = _misused  # type: ignore[attr-defined]
for _name in (*_BOTH, *(f"r{operator}" for operator in _BOTH), *_ONE):
    setattr(Family, f"__{_name}__", _misused)


class Matrices(OfParameters):
    """A member, or what is made of members: whatever can be applied with @."""

    __slots__ = ()

    def matrix_name(self) -> str:
        """As it stands in the equations."""
        raise NotImplementedError

    def _uses(self) -> list[tuple[Member, bool]]:
        """Its members, each with whether it is transposed in it; one that is both comes twice."""

        def below(use: tuple[Any, bool]) -> list[tuple[Any, bool]]:
            part, turned = use
            return [(arg, turned != isinstance(part, Transposed)) for arg in getattr(part, "_args", ())]

        parts = topological([(self, False)], below)
        return [(part, turned) for part, turned in parts if isinstance(part, Member) and not part._is_number]

    def _joined(self, function: str, values: tuple[Any, ...]) -> Joined:
        return Joined(function, values)

    @property
    def T(self) -> Matrices:
        return Transposed(self)

    def __pos__(self) -> Any:
        return self

    def __matmul__(self, operand: Any) -> Symbol | Chain:
        name = self.matrix_name()
        if isinstance(self, Member) and self._is_number:
            refuse(f"{name} is applied as a matrix, but {self._family} is annotated as number; write {name} * v")
        if not self._uses():
            refuse(f"{name} is applied as a matrix, but is a number; write ({name}) * v")
        if isinstance(operand, (Matrices, Chain)):
            return Chain((self, *_factors(operand)))
        for member, _ in self._uses():
            if member._vector is not None:
                own = member.matrix_name()
                what = "is applied as a matrix here" if own == name else f"is a matrix in {name} here"
                refuse(f"{own} {what} but used as a vector at {member._vector._place}; give each its own member name")
        if number(operand) is not None:
            refuse(f"{name} is applied to a plain number; a matrix needs a vector: {operand} * ({name} @ v)")
        symbol = Symbol("product", self, Length(), (lift(operand),))
        for member, turned in self._uses():
            member._products.append((symbol, turned))
        return symbol

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse(f"a vector stands left of {self.matrix_name()}; rows are outputs: write {self.matrix_name()} @ v")

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"{self.matrix_name()} was called like a function; write {self.matrix_name()} @ v")

    def __getitem__(self, index: Any) -> NoReturn:
        refuse(f"{self.matrix_name()} was indexed; a parameter is used whole: make each part a member of its own")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        own = self.matrix_name()
        bracketed = own if isinstance(self, Member) else f"({own})"
        refuse(f"{own} has no attribute {name!r}; a member has no members, and a matrix a transpose: {bracketed}.T")


class Member(Matrices):
    """W.i: a matrix if applied with @, a vector if used elementwise; never both."""

    __slots__ = ("_family", "_is_number", "_member", "_place", "_products", "_vector")
    _vector: Symbol | None

    def __init__(self, family: str, member: str, is_number: bool = False) -> None:
        self._family, self._member, self._is_number = family, member, is_number
        self._place = place()
        self._vector = None
        self._products: list[tuple[Symbol, bool]] = []  # in which it is a matrix, and whether it is transposed there

    def matrix_name(self) -> str:
        return f"{self._family}.{self._member}"

    def _as_symbol(self) -> Symbol:
        if self._products:
            first = self._products[0][0]
            refuse(
                f"{self.matrix_name()} is used as a vector here but applied as a matrix at {first._place}; "
                "give each its own member name"
            )
        if self._vector is None:
            length = None if self._is_number else Length()
            self._vector = Symbol("leaf", ("vector", self.matrix_name()), length)
        return self._vector


class Joined(Matrices):
    """U.h - V.h, abs(U.h): an elementwise function of parameters and numbers."""

    __slots__ = ("_args", "_function", "_place", "_symbol")
    _symbol: Symbol | None

    def __init__(self, function: str, args: tuple[Any, ...]) -> None:
        refuse_numbers(function, args)
        self._function, self._args, self._place, self._symbol = function, args, place(), None

    def matrix_name(self) -> str:
        return written(node_of(self, lambda member: ("", "")))

    def _as_symbol(self) -> Symbol:
        if self._symbol is None:
            symbol = elementwise(self._function, tuple(lift(arg) for arg in self._args))
            symbol._place = self._place
            self._symbol = symbol
        return self._symbol


class Transposed(Matrices):
    """U.h.T: always a matrix."""

    __slots__ = ("_args",)

    def __init__(self, of: Matrices) -> None:
        self._args = (of,)

    def matrix_name(self) -> str:
        return written(node_of(self, lambda member: ("", "")))

    @property
    def T(self) -> Matrices:
        return self._args[0]

    def _as_symbol(self) -> NoReturn:
        name = self.matrix_name()
        refuse(f"{name} is used as a vector here, and what is transposed is a matrix: apply it, {name} @ v")


def node_of(matrix: Matrices, shape: Callable[[Member], tuple[str, str]]) -> Node:
    """The graph of a matrix; `shape` says which one a member has."""
    nodes: dict[int, Node] = {}
    for part in topological([matrix], lambda part: getattr(part, "_args", ())):
        args = [nodes[id(arg)] for arg in getattr(part, "_args", ())]
        if isinstance(part, Member):
            name = part.matrix_name()
            nodes[id(part)] = leaf("vector", name, ONE_DIM) if part._is_number else matrix_leaf(name, *shape(part))
        elif isinstance(part, Transposed):
            nodes[id(part)] = transposed(args[0])
        else:
            nodes[id(part)] = call(part._function, *args) if isinstance(part, Joined) else constant(part._attr)
    return nodes[id(matrix)]


class Chain(Vector):
    """A.f @ B.f: the matrix A.f applied to the vector B.f, unless a vector follows.

    Python reads A.f @ B.f @ v from the left, papers from the right: then it is A.f @ (B.f @ v), and B.f is a matrix.
    """

    __slots__ = ("_factors", "_symbol")
    _symbol: Symbol | None

    def __init__(self, factors: tuple[Matrices, ...]) -> None:
        self._factors = factors
        self._symbol = None

    def matrix_name(self) -> str:
        return " @ ".join(factor.matrix_name() for factor in self._factors)

    def __matmul__(self, operand: Any) -> Any:
        if isinstance(operand, (Matrices, Chain)):
            return Chain((*self._factors, *_factors(operand)))
        result = operand
        for factor in reversed(self._factors):
            result = factor @ result
        return result

    def _as_symbol(self) -> Symbol:
        if self._symbol is None:
            result: Any = self._factors[-1]._as_symbol()
            for factor in reversed(self._factors[:-1]):
                result = factor @ result
            self._symbol = result
        return lift(self._symbol)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        name_of = self.matrix_name()
        if name == "T":
            factors = " @ ".join(factor.T.matrix_name() for factor in reversed(self._factors))
            refuse(f"({name_of}).T is not in the language; the transpose of a product is {factors}")
        refuse(f"{name_of} has no attribute {name!r}; a product of matrices is applied: write A @ B @ v")


def _factors(value: Matrices | Chain) -> tuple[Matrices, ...]:
    return value._factors if isinstance(value, Chain) else (value,)
