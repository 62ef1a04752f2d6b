"""Members of families while the equations of a cell are traced, what is made of them, and products of matrices.

What is made of parameters alone (U.h - U.h.T) is undecided until it is used: applied with @ it is a matrix, and so is
every member in it; anywhere else it is a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from gated.language.functions import FUNCTIONS
from gated.language.graph import ONE_DIM, Node, call, constant, leaf, topological
from gated.language.matrices import matrix_leaf, transposed, written
from gated.language.refusals import OTHERS, UNDECIDED, UNTRUE, place, refuse
from gated.language.symbols import Length, OfParameters, Symbol, Vector, elementwise, lift, number, refuse_numbers


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
        if self._compares:
            refuse(UNDECIDED)
        return Transposed(self)

    def __pos__(self) -> Any:
        return self

    def __matmul__(self, operand: Any) -> Symbol | Chain:
        name = self.matrix_name()
        if isinstance(self, Member) and self._is_number:
            refuse(f"{name} is applied as a matrix, but {self._family} is annotated as number; write {name} * v")
        if not self._uses():
            refuse(f"{name} is applied as a matrix, but is a number; write ({name}) * v")
        if self._compares:
            refuse(UNDECIDED)
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

    def __getitem__(self, index: Any) -> Any:
        refuse(f"{self.matrix_name()} was indexed; a parameter is used whole: make each part a member of its own")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        own = self.matrix_name()
        bracketed = own if isinstance(self, Member) else f"({own})"
        refuse(f"{own} has no attribute {name!r}; a member has no members, and a matrix a transpose: {bracketed}.T")


class Member(Matrices):
    """W.i: a matrix if applied with @, a vector if used elementwise; never both."""

    __slots__ = ("_family", "_indexed", "_is_number", "_member", "_owner", "_place", "_products", "_vector")
    _vector: Symbol | None

    def __init__(self, owner: Any, family: str, member: str, is_number: bool) -> None:
        self._owner, self._family, self._member = owner, family, member
        self._is_number, self._indexed = is_number, False
        self._place = place()
        self._vector = None
        self._products: list[tuple[Symbol, bool]] = []  # in which it is a matrix, and whether it is transposed there

    def matrix_name(self) -> str:
        return f"{self._family}.{self._member}"

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
        first = min(FUNCTIONS[function].branches, default=0)
        if any(getattr(arg, "_compares", False) != (i < first) for i, arg in enumerate(args)):
            refuse(UNDECIDED)
        self._function, self._args, self._place, self._symbol = function, args, place(), None

    @property
    def _compares(self) -> bool:
        return FUNCTIONS[self._function].decides

    def __bool__(self) -> NoReturn:
        refuse(UNTRUE if self._compares else OTHERS["bool"])

    def matrix_name(self) -> str:
        return written(node_of(self, lambda member: ("", "")))

    def _as_symbol(self) -> Symbol:
        if self._compares:
            refuse(UNDECIDED)
        return self._condition()

    def _condition(self) -> Symbol:
        if self._symbol is None:
            symbol = elementwise(self._function, self._args)
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
        nodes[id(part)] = _node(part, [nodes[id(arg)] for arg in getattr(part, "_args", ())], shape)
    return nodes[id(matrix)]


def _node(part: Any, args: list[Node], shape: Callable[[Member], tuple[str, str]]) -> Node:
    if isinstance(part, Member):
        name = part.matrix_name()
        return leaf("vector", name, ONE_DIM) if part._is_number else matrix_leaf(name, *shape(part))
    if isinstance(part, Transposed):
        return transposed(args[0])
    if isinstance(part, Joined):
        return call(part._function, *args)
    if part._op == "call":  # of constants of the cell
        return call(part._attr, *args)
    return constant(part._attr) if part._op == "constant" else leaf("constant", part._attr[1], ONE_DIM)


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


def _shown(index: Any) -> str:
    return repr(index) if isinstance(index, (int, str)) else "something that is no whole number"


def _factors(value: Matrices | Chain) -> tuple[Matrices, ...]:
    return value._factors if isinstance(value, Chain) else (value,)
