"""Which adapters may fit the classes of a file, the likeliest first."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from gated.audit.foreign import methods
from gated.audit.foreign.arguments import TARGETS
from gated.audit.foreign.classes import SEQUENCES, Layer, SequenceLayer
from gated.audit.foreign.constructing import arguments, arrays_asked
from gated.audit.foreign.headed import headed_candidates
from gated.audit.foreign.source import Source
from gated.audit.foreign.stepping import STEPS, CellLayer, Stepwise
from gated.audit.foreign.subject import Scheme


def class_candidates(source: Source, name: str | None) -> Iterator[Layer]:
    kinds = [k for k in source.classes if name in (None, k) and isinstance(source.get(k), type)]
    kinds = [k for k in kinds if methods.pair_of(source.get(k))]
    there = set(kinds)
    kinds.sort(key=lambda k: -len(_uses(source, k) & there))  # a class over time before that of its step
    for kind in kinds:
        yield from ways(source, kind)


def headed(source: Source, name: str | None) -> Iterator[Layer]:
    """Classes with an output layer, where no other adapter fits."""
    for kind in source.classes:
        if name in (None, kind) and isinstance(source.get(kind), type):
            yield from headed_candidates(source, kind)


def made_by(source: Source, name: str) -> set[str]:
    """Classes whose objects a class makes, and those that these make: they are run with it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        at = waiting.pop()
        new = _uses(source, at) & {*source.classes} - found if at in source.classes else set()
        found |= new
        waiting += new
    return found


def _uses(source: Source, kind: str) -> set[str]:
    """Names of the classes that a class makes objects of."""
    calls = (n for n in ast.walk(source.classes[kind]) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return {n.func.id for n in calls if isinstance(n.func, ast.Name)} - {kind}


def ways(source: Source, name: str) -> Iterator[Layer]:
    """In the order: fed as its arguments say, sizes in either order, states given and not."""
    kind = source.get(name)
    for pair in methods.pair_of(kind):
        function = getattr(kind, pair[0])
        asked = methods.asked(function)
        if not any(r == "x" for _, r in asked) or any(TARGETS.match(n.lower()) for n, r in asked if r != "x"):
            continue
        optional = {p.name for p in arguments(function) if p.default is not p.empty}
        states = [n for n, r in asked if r in ("h", "c", "pair", "h or pair")]
        pairs = (True, False) if any("pair" in r for _, r in asked) else (False,)
        skips = (False, True) if any(n in optional for n in states) else (False,)
        cells = states and not all(n in optional for n in states) or "step" in pair[0].lower() and states
        for adapter, layout, as_pair, skip, swap, scheme in _product(bool(cells), bool(states), pairs, skips, kind):
            if adapter is not SequenceLayer and skip and states:
                continue
            yield adapter(source, name, pair, layout, swap, skip, scheme, as_pair)


def _product(
    cells: bool, states: bool, pairs: tuple[bool, ...], skips: tuple[bool, ...], kind: Any
) -> Iterator[tuple[type[Layer], str, bool, bool, bool, Scheme | None]]:
    sequences: list[tuple[type[Layer], str]] = [(SequenceLayer, layout) for layout in SEQUENCES]
    steps: list[tuple[type[Layer], str]] = [(CellLayer if states else Stepwise, layout) for layout in STEPS]
    for (adapter, layout), skip, as_pair, scheme, swap in itertools.product(
        [*steps, *sequences] if cells else [*sequences, *steps], skips, pairs, _schemes(kind), (False, True)
    ):
        if not (scheme and swap):
            yield adapter, layout, as_pair, skip, swap, scheme


def _schemes(kind: Any) -> list[Scheme | None]:
    """Shapes of the arrays that the constructor asks for; None where it asks for none."""
    if not arrays_asked(kind):
        return [None]
    return [
        Scheme(k, False, flipped, bias)
        for k in (4, 3, 1)
        for flipped in (False, True)
        for bias in ("flat", "row", "column")
    ]
