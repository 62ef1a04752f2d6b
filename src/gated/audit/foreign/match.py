"""What it means that their forward pass is a cell: where each parameter of the cell lies in theirs.

A match says of every parameter of the cell where it lies in theirs: a block of one of their arrays, perhaps
transposed, perhaps with the other sign (a gate z that keeps the old state where ours takes the new one is ours at the
opposite pre-activation: sigma(-a) = 1 - sigma(a)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gated.audit.foreign.sentences import differs
from gated.audit.foreign.subject import Parameters
from gated.language import Cell

Array = np.ndarray[Any, Any]
CANONICAL = ("h", "c")  # a cell's states, the output first, as the code that is asked knows them
EXACT = 1e-10  # as far as their outputs may be from the cell's


def canonical(cell: Cell) -> dict[str, str]:
    """The states of a cell -> "h", "c". A third one has no such name: it cannot be given."""
    return dict(zip(cell.graph.states, CANONICAL, strict=False))


@dataclass(frozen=True)
class Piece:
    """ours (rows are units) = sign * theirs[rows, columns], transposed where `flipped`."""

    ours: str
    theirs: str
    rows: tuple[int, int]
    columns: tuple[int, int] | None  # None: a vector
    flipped: bool = False
    sign: float = 1.0
    row: int | None = None  # a vector that is one row of theirs
    vector: bool = False  # a vector that is part of a matrix of theirs, which sees a one

    def resized(self, D: int, H: int, new_D: int, new_H: int) -> Piece:
        """The same for other sizes: every bound is some H, one D and a one at most, which their remainders tell."""

        def bound(at: int) -> int:
            for one, with_D in ((0, 0), (0, 1), (1, 0), (1, 1)):
                rest = at - one - with_D * D
                if rest >= 0 and rest % H == 0:
                    return one + with_D * new_D + rest // H * new_H
            raise ValueError(f"{at}: no bound of blocks for D = {D}, H = {H}")

        rows = (bound(self.rows[0]), bound(self.rows[1]))
        columns = self.columns and (bound(self.columns[0]), bound(self.columns[1]))
        return replace(self, rows=rows, columns=columns)

    def index(self, theirs: Array) -> tuple[slice, ...]:
        if self.row is not None:
            return slice(self.row, self.row + 1), slice(*self.rows)
        if theirs.ndim < 2:
            return (slice(*self.rows),)
        if self.columns is None:  # a vector that is held as a column or a row
            whole = slice(None)
            return (slice(*self.rows), whole) if theirs.shape[1] == 1 else (whole, slice(*self.rows))
        return slice(*self.rows), slice(*self.columns)

    def read(self, theirs: Array) -> Array:
        part = theirs[self.index(theirs)]
        if self.columns is None or self.vector:
            return np.asarray(self.sign * part.reshape(-1))
        return np.asarray(self.sign * (part.T if self.flipped else part))

    def write(self, theirs: Array, ours: Array) -> None:
        place = self.index(theirs)
        value = ours.T if self.flipped else ours
        theirs[place] = (self.sign * value).reshape(theirs[place].shape)


@dataclass(frozen=True)
class Match:
    """Their forward pass as a cell.

    Attributes:
        cell: of the zoo, an odd cell, or one that departs from a cell of the zoo in one thing.
        error: ||their y - ours|| / ||theirs||.
        pieces: where each parameter lies; two for one of ours are summed, as two biases are.
        gates: their blocks in order, our letters. absent: our parameters that they do not have: zero.
        noted: keys of `sentences.differs`, what is to be said of their conventions.
        different: the same, with the gate it is about, of where they depart from the cell that was meant.
        meant: the name of that one, where it is not its own.
        far: how far its outputs are from theirs, on the parameters that it shares with this one.
    """

    cell: Cell
    error: float
    pieces: tuple[Piece, ...]
    gates: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    different: tuple[tuple[str, str], ...] = ()
    meant: str = ""
    far: float = 0.0

    @property
    def name(self) -> str:
        """Of the cell that was meant."""
        return self.meant or self.cell.name

    def differences(self, lang: str = "en") -> tuple[str, ...]:
        """Where their forward pass departs from the cell that was meant, in words."""
        return tuple(differs(lang, key, gate) for key, gate in self.different)

    def notes(self, lang: str = "en") -> tuple[str, ...]:
        """What is to be said of their conventions."""
        return tuple(differs(lang, key) for key in self.noted)

    @property
    def exact(self) -> bool:
        return self.error <= EXACT

    def resized(self, D: int, H: int, new_D: int, new_H: int) -> Match:
        return replace(self, pieces=tuple(p.resized(D, H, new_D, new_H) for p in self.pieces))

    def to_ours(self, theirs: Mapping[str, Array], D: int, H: int) -> Parameters:
        """Their parameters as ours."""
        ours = {n: np.zeros([D if d == "input" else H for d in dims]) for n, dims in self.cell.parameters.items()}
        for piece in self.pieces:
            ours[piece.ours] = ours[piece.ours] + piece.read(theirs[piece.theirs])
        return ours

    def to_theirs(self, ours: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> Parameters:
        """Our parameters as theirs; of two pieces for one, the second is zero; what is no parameter of ours, too."""
        theirs = {name: np.zeros(shape) for name, shape in shapes.items()}
        seen = set()
        for piece in self.pieces:
            if piece.ours not in seen:
                piece.write(theirs[piece.theirs], ours[piece.ours])
            seen.add(piece.ours)
        return theirs

    def gradients_to_ours(self, theirs: Mapping[str, Array]) -> Parameters:
        """Their gradients as ours; of two pieces for one, the first."""
        found: Parameters = {}
        for piece in self.pieces:
            if piece.theirs in theirs and piece.ours not in found:
                gradient = np.asarray(theirs[piece.theirs], float)
                found[piece.ours] = piece.read(gradient)
        return found

    def their_name(self, ours: str) -> str:
        """What they call a parameter of ours."""
        return next((p.theirs for p in self.pieces if p.ours == ours), ours)
