"""The parameters of a given cell in somebody's arrays, by name: W.f is their Wf, W_f, f.W, or a block of their W."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from gated.audit.foreign import roles
from gated.audit.foreign.match import Piece
from gated.language import Cell

Shapes = Mapping[str, tuple[int, ...]]
Owner = tuple[str, str | None]  # family and gate; the whole family, if there is no gate
ORDERS, LEFT_OVER = 120, 24  # that are tried: of the blocks of a stacked array, of arrays whose names say nothing


def by_name(cell: Cell, shapes: Shapes, D: int, H: int) -> Iterator[tuple[tuple[Piece, ...], tuple[str, ...]]]:
    """Ways in which their arrays (shapes for D inputs and H units) may be the cell's parameters: pieces, and the order
    of the gates in arrays that hold several. Every matrix of the cell has to be there; a vector may be absent."""
    gates = tuple(dict.fromkeys(gate for _, gate in map(_split, cell.parameters)))
    owners = {name: _owner(name, cell, tuple(shapes)) for name in shapes}
    columns, rest = _input_first(owners, cell, shapes, D, H), _left_over(owners, cell)
    stacked = any(owner is not None and owner[1] is None for owner in owners.values()) or len(rest) > 1
    orders = [*itertools.islice(itertools.permutations(gates), ORDERS)] if stacked else [gates]
    for more, order, flipped in itertools.product(rest, orders, (columns, not columns)):
        pieces = []
        for owner, name in more:
            pieces += _pieces(cell, name, shapes[name], owner, order, flipped, D, H)
        for name, known in owners.items():
            if known is not None:
                pieces += _pieces(cell, name, shapes[name], known, order, flipped, D, H)
        there = {piece.ours for piece in pieces}
        if all(name in there or len(dims) == 1 for name, dims in cell.parameters.items()):
            yield tuple(pieces), order


def _split(parameter: str) -> tuple[str, str]:
    """ "W.f": ("W", "f")."""
    family, _, gate = parameter.partition(".")
    return family, gate


def _owner(name: str, cell: Cell, names: Sequence[str]) -> Owner | None:
    """Family and gate of one of their arrays, gate None where it holds the whole family; None: of no parameter."""
    known = [_split(parameter) for parameter in cell.parameters]
    letters = re.sub(r"[^A-Za-z]|dict", "", name)
    for same in (str, str.lower):
        for family, gate in known:
            if same(letters) in (same(family + gate), same(gate + family)):
                return family, gate
        for family, _ in known:
            if same(letters) == same(family):
                return family, None
    family, word = roles.family(name, tuple(names), False), roles.gate_word(name)
    of_family = [gate for known_family, gate in known if known_family == family]
    if word == "" and of_family:
        return family, None
    return next(((family, gate) for gate in of_family if gate.lower() == word), None)


def _left_over(owners: Mapping[str, Owner | None], cell: Cell) -> list[list[tuple[Owner, str]]]:
    """How the parameters that no name tells may lie in the arrays whose name says nothing; shapes decide later."""
    given = {owner for owner in owners.values() if owner is not None}
    missing: list[Owner] = [(f, g) for f, g in map(_split, cell.parameters) if not {(f, g), (f, None)} & given]
    spare = [name for name, owner in owners.items() if owner is None]
    families: list[Owner] = [(family, None) for family in dict.fromkeys(family for family, _ in missing)]
    return [*_assigned(families, spare), *_assigned(missing, spare), []]


def _assigned(missing: Sequence[Owner], spare: Sequence[str]) -> list[list[tuple[Owner, str]]]:
    if not missing or not spare:
        return []
    if len(spare) < len(missing):
        ways = ([*zip(some, spare, strict=True)] for some in itertools.permutations(missing, len(spare)))
    else:
        ways = ([*zip(missing, some, strict=True)] for some in itertools.permutations(spare, len(missing)))
    return [*itertools.islice(ways, LEFT_OVER)]


def _input_first(owners: Mapping[str, Owner | None], cell: Cell, shapes: Shapes, D: int, H: int) -> bool:
    """Whether their matrices on x are (D, units), as in x @ W, and not (units, D)."""
    sided = [s for n, s in shapes.items() if owners[n] is not None and len(s) == 2 and D in s and s[0] != s[1]]
    return sum(s[0] == D for s in sided) > sum(s[1] == D for s in sided)


def _pieces(
    cell: Cell,
    name: str,
    shape: tuple[int, ...],
    owner: Owner,
    order: Sequence[str],
    flipped: bool,
    D: int,
    H: int,
) -> list[Piece]:
    """What one of their arrays holds; nothing where its shape is another."""
    family, own = owner
    gates = [own] if own is not None else [g for g in order if ".".join((family, g)).rstrip(".") in cell.parameters]
    units = len(gates) * H
    found = []
    for k, gate in enumerate(gates):
        ours, block = ".".join((family, gate)).rstrip("."), (k * H, (k + 1) * H)
        dims = cell.parameters[ours]
        if len(dims) == 1:
            if units in shape and units == math.prod(shape):
                found.append(Piece(ours, name, block, None))
            continue
        columns = D if dims[1] == "input" else H
        if shape == ((columns, units) if flipped else (units, columns)):
            place = ((0, columns), block) if flipped else (block, (0, columns))
            found.append(Piece(ours, name, *place, flipped))
    return found
