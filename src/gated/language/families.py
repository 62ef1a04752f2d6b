"""The parameters of a cell while its equations are traced: families. Their members are in `members`."""

from __future__ import annotations

from typing import Any, NoReturn

from gated.language.functions import FUNCTIONS
from gated.language.members import Chain, Joined, Matrices, Member
from gated.language.refusals import OPERATORS, OTHERS, refuse

__all__ = ["Chain", "Family", "Joined", "Matrices", "Member", "family_name", "members_of", "takes_numbers"]


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
            members[name] = Member(self, family_name(self), name, takes_numbers(self))
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
