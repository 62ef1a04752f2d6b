"""What the arguments of a cell's function are: inputs, states, families of parameters; and which are single numbers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from gated.errors import CellError, shown
from gated.language.symbols import number as plain_number

if TYPE_CHECKING:  # a symbol can do what a vector can: to checkers of types it is anything
    number: TypeAlias = Any
    fixed: TypeAlias = Any
else:

    class number:  # noqa: N801  a word of the language, as `int` is one
        """An annotation: one number, not a vector.

        An input (`dt: number`) has one for each sequence and step, a state one for each sequence, the members of a
        family (`*, s: number`) one each in all. It goes with vectors of any length. As a string it may have a name
        before it: "gated.number".
        """

    class fixed:  # noqa: N801
        """An annotation of a family: its members are arrays that the layer holds and gives to the equations, and that
        are not learned: selection matrices, masks of connectivity, time constants."""


ANNOTATIONS = {"number": number, "fixed": fixed}


@dataclass(frozen=True)
class Signature:
    """The arguments by what they are, in their order.

    Attributes:
        inputs: given at every step; they stand before a `/`, or the first argument alone is one.
        numbers: those of all arguments that are single numbers.
        fixed: families that are not learned.
        constants, counts: numbers that the cell knows by name, and whole ones that are plain ints while the equations
            are read.
    """

    inputs: tuple[str, ...]
    states: tuple[str, ...]
    families: tuple[str, ...]
    numbers: frozenset[str]
    constants: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()

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
    numbers: set[str] = set()
    held: set[str] = set()
    constants: dict[str, float] = {}
    counts: dict[str, int] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise CellError(
                f"{where}: the argument *{name} of a cell; every state and every parameter family has a name: "
                "write def cell(x, h, *, W, U, b)"
            )
        if parameter.default is not parameter.empty:
            if parameter.kind is not parameter.KEYWORD_ONLY:
                raise CellError(
                    f"{where}: the argument {name} has a default value; inputs and states are given by the layer: "
                    f"write the name alone, or a constant of the cell behind the *: def cell(x, h, *, W, {name}=0.1)"
                )
            _constant(name, parameter.default, where, constants, counts)
            continue
        meaning = _annotation(parameter.annotation)
        if meaning is number:
            numbers.add(name)
        elif meaning is fixed:
            if parameter.kind is not parameter.KEYWORD_ONLY:
                raise CellError(
                    f"{where}: the argument {name} is annotated as fixed; only a family of parameters is: "
                    f"def cell(x, h, *, W, {name}: fixed)"
                )
            held.add(name)
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
    return Signature(inputs, own, tuple(families), frozenset(numbers), constants, counts, frozenset(held))


def _constant(name: str, value: Any, where: str, constants: dict[str, float], counts: dict[str, int]) -> None:
    """A default value: a whole number, or one that stands in the equations."""
    if isinstance(value, int) and not isinstance(value, bool):
        counts[name] = value
        return
    plain = plain_number(value)
    if plain is None or not math.isfinite(plain):
        raise CellError(
            f"{where}: the constant {name} is {shown(repr(value), 60)}; a default value is a finite number (a constant "
            "of the cell), or a whole one, which is a plain int while the equations are read"
        )
    constants[name] = plain


def _annotation(annotation: Any) -> Any:
    """What it means here: a string is read by its last word, and what the language does not know means nothing."""
    if isinstance(annotation, str):
        return ANNOTATIONS.get(annotation.strip("'\" ").split(".")[-1])
    return annotation
