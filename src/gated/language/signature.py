"""What the arguments of a cell's function are: inputs, states, families of parameters; and which are single numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gated.errors import CellError


class number:  # noqa: N801  a word of the language, as `int` is one
    """An annotation: one number, not a vector.

    An input (`dt: number`) has one for each sequence and step, a state one for each sequence, the members of a family
    (`*, s: number`) one each in all. It goes with vectors of any length. As a string it may have a name before it:
    "gated.number".
    """


ANNOTATIONS = {"number": number}


@dataclass(frozen=True)
class Signature:
    """The arguments by what they are, in their order.

    Attributes:
        inputs: given at every step; they stand before a `/`, or the first argument alone is one.
        numbers: those of all arguments that are single numbers.
    """

    inputs: tuple[str, ...]
    states: tuple[str, ...]
    families: tuple[str, ...]
    numbers: frozenset[str]

    @property
    def variables(self) -> tuple[str, ...]:
        return self.inputs + self.states


def signature_of(function: Callable[..., Any], where: str, states: bool = True) -> Signature:
    """The signature of a cell, or of a map, which has no states: all its positional arguments are inputs.

    Raises:
        CellError: arguments that the language has no place for.
    """
    before: list[str] = []  # a /
    others: list[str] = []
    families: list[str] = []
    numbers = set()
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise CellError(
                f"{where}: the argument *{name} of a cell; every state and every parameter family has a name: "
                "write def cell(x, h, *, W, U, b)"
            )
        if parameter.default is not parameter.empty:
            raise CellError(
                f"{where}: the argument {name} has a default value; inputs, states and parameters are given "
                "by the layer: write the name alone, and plain numbers into the equations"
            )
        if _annotation(parameter.annotation) is number:
            numbers.add(name)
        if parameter.kind is parameter.KEYWORD_ONLY:
            families.append(name)
        else:
            (before if parameter.kind is parameter.POSITIONAL_ONLY else others).append(name)
    inputs = tuple(before or others[:1]) if states else (*before, *others)
    if not inputs:
        raise CellError(f"{where}: the cell has no positional argument; the first one is the input x")
    own = tuple(others if before else others[1:]) if states else ()
    if states and not own:
        hint = "before a / stand the inputs, behind it the states: def cell(x, dt, /, h, *, W, ...)"
        raise CellError(
            f"{where}: the cell {function.__name__} has no state; "
            + (hint if before else "write def cell(x, h, *, W, ...): the first positional argument is the input, the ")
            + ("" if before else "others are the states of the step before")
        )
    return Signature(inputs, own, tuple(families), frozenset(numbers))


def _annotation(annotation: Any) -> Any:
    """What it means here: a string is read by its last word, and what the language does not know means nothing."""
    if isinstance(annotation, str):
        return ANNOTATIONS.get(annotation.strip("'\" ").split(".")[-1])
    return annotation
