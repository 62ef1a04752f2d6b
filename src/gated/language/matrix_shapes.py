"""A matrix has one shape: the lengths of what matrices are applied to and give, inferred from all their uses."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gated.errors import CellError
from gated.language.families import Member
from gated.language.symbols import Length, Symbol

Sides = tuple["Length | None", "Length | None"]


def unify_matrices(members: Sequence[Member], states: Collection[str]) -> None:
    """Conflicts are found only now, when all elementwise equations have been seen.

    Raises:
        CellError: a matrix is used with two shapes, or applied to a plain number.
    """
    for member in members:
        for product, _ in member._products:
            if product._args[0]._op == "constant":
                name = product._attr.matrix_name()
                raise CellError(f"{product._place}: {name} is applied to a plain number; a matrix needs a vector")
        plainly = {id(product) for product, turned in member._products if not turned}
        for product, turned in member._products:
            if turned and id(product) in plainly:
                _make_square(member, product, states)
    for member in members:
        for other, turned in member._products[1:]:
            _join(member, member._products[0], (other, turned))


def _make_square(member: Member, product: Symbol, states: Collection[str]) -> None:
    """Of a product in which a member stands as it is and transposed: both sides are as long, but no input's and a
    state's, which would rather be a mistake."""
    a, b = _sides(product, False)
    if a is None or b is None:
        raise CellError(f"{product._place}: {_needs_square(member, product)}; but here it is applied to a number")
    one, other = a.root(), b.root()
    of_states = [all(name in states for name in length.anchors) for length in (one, other)]
    if one is not other and one.anchors and other.anchors and not all(of_states):
        left, right = ("/".join(length.anchors) for length in (one, other))
        what = f"one side is as long as {left} and the other as {right}"
        raise CellError(f"{product._place}: {_needs_square(member, product)}; but here {what}")
    one.unify(other)


def _needs_square(member: Member, product: Symbol) -> str:
    name = member.matrix_name()
    return f"{product._attr.matrix_name()} needs a square matrix, for {name} is transposed in it and not"


def _join(member: Member, one: tuple[Symbol, bool], another: tuple[Symbol, bool]) -> None:
    """The matrix of two products."""
    (first, _), (other, _) = one, another
    name = member.matrix_name()
    mine, yours = _sides(*one), _sides(*another)
    for k, role in ((1, "applied to"), (0, "giving")):
        left, right = mine[k], yours[k]
        if left is None or right is None:
            if left is not right:
                here, there = ("a number", "a vector") if right is None else ("a vector", "a number")
                raise CellError(
                    f"{other._place}: the matrix {name} is used with two shapes: {role} {here} here and to {there} at "
                    f"{first._place}; give each its own member name"
                )
            continue
        a, b = left.root(), right.root()
        if a is not b and a.anchors and b.anchors:
            raise CellError(_two_shapes(member, (first, other), role, ("/".join(a.anchors), "/".join(b.anchors))))
        a.unify(b)


def _sides(product: Symbol, turned: bool) -> Sides:
    """The lengths of a member's rows and columns, from a product in which it is a matrix, perhaps transposed."""
    rows, cols = product._length, product._args[0]._length
    return (cols, rows) if turned else (rows, cols)


def _two_shapes(member: Member, products: tuple[Symbol, Symbol], role: str, lengths: tuple[str, str]) -> str:
    """What is wrong with the second product, whose vector is as long as the second length says."""
    (first, other), (a, b) = products, lengths
    name, whole = member.matrix_name(), other._attr.matrix_name()
    if whole != name or first._attr is not member:
        return (
            f"{other._place}: the matrix {name} has two shapes: in {whole} one side is as long as {b} here, in "
            f"{first._attr.matrix_name()} as {a} at {first._place}; give each its own member name"
        )
    return (
        f"{other._place}: the matrix {name} is used with two shapes: {role} a vector as long as {b} here and as long "
        f"as {a} at {first._place}; give each its own member name"
    )
