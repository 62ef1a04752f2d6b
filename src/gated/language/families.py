"""The parameters of a cell while its equations are traced: families and their members, and products of matrices."""

from __future__ import annotations

from typing import Any, NoReturn

from gated.language.functions import FUNCTIONS
from gated.language.refusals import OPERATORS, OTHERS, place, refuse
from gated.language.symbols import Length, Symbol, Vector, lift, number


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
        members = members_of(self)
        if name not in members:
            members[name] = Member(self, name)
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


def takes_numbers(family: Family) -> bool:
    """Whether the members are single numbers."""
    return bool(object.__getattribute__(family, "numbers"))


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


class Member(Vector):
    """W.i: a matrix if applied with @, a vector if used elementwise; never both."""

    __slots__ = ("_family", "_indexed", "_is_number", "_member", "_owner", "_place", "_products", "_vector")
    _vector: Symbol | None

    def __init__(self, owner: Family, member: str) -> None:
        self._owner, self._family, self._member = owner, family_name(owner), member
        self._is_number, self._indexed = takes_numbers(owner), False
        self._place = place()
        self._vector = None
        self._products: list[Symbol] = []

    def matrix_name(self) -> str:
        return f"{self._family}.{self._member}"

    def __matmul__(self, operand: Any) -> Symbol | Chain:
        name = self.matrix_name()
        if self._is_number:
            refuse(f"{name} is applied as a matrix, but {self._family} is annotated as number; write {name} * v")
        if isinstance(operand, (Member, Chain)):
            return Chain((self, *_factors(operand)))
        if self._vector is not None:
            refuse(
                f"{name} is applied as a matrix here but used as a vector at {self._vector._place}; "
                "give each its own member name"
            )
        if number(operand) is not None:
            refuse(f"{name} is applied to a plain number; a matrix needs a vector: {operand} * ({name} @ v)")
        symbol = Symbol("product", self, Length(), (lift(operand),))
        self._products.append(symbol)
        return symbol

    def _as_symbol(self) -> Symbol:
        if self._products:
            refuse(
                f"{self.matrix_name()} is used as a vector here but applied as a matrix at "
                f"{self._products[0]._place}; give each its own member name"
            )
        if self._vector is None:
            length = None if self._is_number else Length()
            self._vector = Symbol("leaf", ("vector", self.matrix_name()), length)
        return self._vector

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse(f"a vector stands left of {self.matrix_name()}; rows are outputs: write {self.matrix_name()} @ v")

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"{self.matrix_name()} was called like a function; write {self.matrix_name()} @ v")

    def __getitem__(self, index: Any) -> Member:
        """R.t[2] is the member t2: for loops over layers within a step."""
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            refuse(
                f"{self.matrix_name()} was indexed with {_shown(index)}; a parameter is used whole: make each part a "
                f"member of its own, {self.matrix_name()}[0], {self.matrix_name()}[1], ... in a loop over whole numbers"
            )
        self._indexed = True
        found: Member = getattr(self._owner, f"{self._member}{index}")
        return found

    @property
    def _is_used(self) -> bool:
        return bool(self._products) or self._vector is not None

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        refuse(
            f"{self.matrix_name()} has no attribute {name!r}; a member has no members, and there is no transpose: "
            "write another matrix"
        )


class Chain(Vector):
    """A.f @ B.f: the matrix A.f applied to the vector B.f, unless a vector follows.

    Python reads A.f @ B.f @ v from the left, papers from the right: then it is A.f @ (B.f @ v), and B.f is a matrix.
    """

    __slots__ = ("_factors", "_symbol")
    _symbol: Symbol | None

    def __init__(self, factors: tuple[Member, ...]) -> None:
        self._factors = factors
        self._symbol = None

    def matrix_name(self) -> str:
        return " @ ".join(factor.matrix_name() for factor in self._factors)

    def __matmul__(self, operand: Any) -> Any:
        if isinstance(operand, (Member, Chain)):
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
        refuse(f"{self.matrix_name()} has no attribute {name!r}; a product of matrices is applied: write A @ B @ v")


def _shown(index: Any) -> str:
    return repr(index) if isinstance(index, (int, str)) else "something that is no whole number"


def _factors(value: Member | Chain) -> tuple[Member, ...]:
    return value._factors if isinstance(value, Chain) else (value,)
