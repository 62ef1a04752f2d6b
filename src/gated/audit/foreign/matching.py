"""Which cell their forward pass is: gate order, transposition, stacking and signs that reproduce it to rounding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gated.cells
from gated.audit.foreign import roles
from gated.audit.foreign.by_name import by_name
from gated.audit.foreign.departures import GATES, conventions, departed
from gated.audit.foreign.match import EXACT, Match, Piece, canonical
from gated.audit.foreign.odd_cells import DIFFERENCES, ELEMENTWISE, ODD
from gated.errors import GatedError
from gated.language import Cell
from gated.language.omission import without_parameters
from gated.nn import Recurrent

Array = np.ndarray[Any, Any]
Shapes = Mapping[str, tuple[int, ...]]
FIRST = ("rnn", "lstm", "gru", "gru_reset_after", "peephole_lstm", "mgu")
COMMON = ("Simple recurrent networks", "LSTM", "LSTM with one thing changed", "GRU")  # families
USUAL = {"gru": "z_takes", "gru_reset_after": "z_keeps"}


def match(
    shapes: Shapes, P: Mapping[str, Array], x: Array, states: Mapping[str, Array], y: Array, cell: Cell | None = None
) -> Match | None:
    """The cell that gives y (T, N, H) on their parameters P and x (T, N, D), D and H of different size; the first that
    does to rounding, else the nearest. States that their code does not take are zero. None: no cell has such arrays.

    cell: what it is; no other is tried."""
    best: Match | None = None
    nearest: dict[str, float] = {}  # how far the outputs of a cell of the zoo are from theirs
    own = cell and (_Kind(cell, own=True),)
    for kind in own or _kinds(elementwise=all(shape == (y.shape[2],) for shape in shapes.values())):
        run = _Run(kind.cell, x, states, y.shape[2])
        for pieces, gates, notes in candidates(kind, shapes, x.shape[2], y.shape[2]):
            found = Match(kind.cell, 0.0, pieces, gates, run.absent(pieces), notes, kind.different, kind.meant)
            error = float(np.linalg.norm(run.outputs(found, P) - y) / np.linalg.norm(y))
            if error <= EXACT:
                far = nearest.get(found.name, 0.0) if found.different else 0.0
                return _as_it_is(replace(found, error=error, far=far))
            if not kind.departs and not kind.rare:
                nearest[found.name] = min(error, nearest.get(found.name, error))
                if best is None or error < best.error - 1e-13:
                    best = replace(found, error=error)
    return best


def _as_it_is(found: Match) -> Match:
    """With the cell without what they do not have: biases, say."""
    if not found.absent:
        return found
    try:
        graph = without_parameters(found.cell.graph, set(found.absent), found.cell.name)
    except GatedError:  # the equations do not allow it to be 0
        return found
    return replace(found, cell=Cell(graph), meant=found.name)


@dataclass(frozen=True)
class _Kind:
    """A cell that may be theirs. gates: those that they may have, where it does not read all of them. own: the user
    said that it is this one, whatever its parameters are called. rare: it is theirs to rounding or not at all; code
    that is near it is more likely a usual cell with a mistake."""

    cell: Cell
    noted: tuple[str, ...] = ()
    different: tuple[tuple[str, str], ...] = ()
    meant: str = ""
    gates: tuple[str, ...] = ()
    own: bool = False
    rare: bool = False

    @property
    def departs(self) -> bool:
        return bool(self.gates)


def _kinds(elementwise: bool) -> Iterator[_Kind]:
    """Cells in the order in which they are tried."""
    odd = ELEMENTWISE if elementwise else ODD
    others = [_Kind(c, different=tuple((key, "") for key in DIFFERENCES.get(c.name, ()))) for c in odd]
    if elementwise:
        yield from others
        return
    for name in FIRST:
        yield _Kind(getattr(gated.cells, name))
        if name in conventions():
            yield _Kind(conventions()[name], ("z_keeps" if name == "gru" else "z_takes",), meant=name)
    yield from others
    for meant in ("lstm", "gru", "gru_reset_after"):
        for departing, key, gate in departed(meant):
            noted = tuple(z for z in ("z_keeps", "z_takes") if z in departing.name and z != USUAL.get(meant))
            yield _Kind(departing, noted, ((key, gate),), meant, GATES[meant.partition("_")[0]])
    for family, cells in gated.cells.FAMILIES.items():
        for cell in cells:
            if cell.name not in FIRST and _plain(cell):
                yield _Kind(cell, rare=family not in COMMON)


def _plain(cell: Cell) -> bool:
    """One input, one size of states, of which h and c are all, every matrix a parameter that is learned, nothing drawn,
    and not too many gates to try their orders."""
    graph = cell.graph
    if graph.made or graph.fixed or graph.draws or {graph.dims[state] for state in graph.states} != {"hidden"}:
        return False
    sizes = {d for dims in cell.parameters.values() for d in dims}
    own = tuple(cell.graph.inputs) == ("x",) and sizes <= {"input", "hidden"} and {*cell.graph.states} <= {"h", "c"}
    return own and len(_read(cell)) <= 5


def _read(cell: Cell) -> tuple[str, ...]:
    """The members by which a gate is read."""
    return tuple(dict.fromkeys(name.split(".")[1] for name in cell.parameters if name[0] in "wWU"))


class _Run:
    """A cell on their inputs."""

    def __init__(self, cell: Cell, x: Array, states: Mapping[str, Array], H: int) -> None:
        self.cell, self.x, self.H = cell, x, H
        self.layer = Recurrent(cell, x.shape[2], H, 1, dtype="float64", backend="reference")
        nothing = np.zeros((x.shape[1], H))
        theirs = canonical(cell)
        self.states = tuple(states.get(theirs.get(s, s), nothing)[None] for s in cell.graph.states)

    def absent(self, pieces: Sequence[Piece]) -> tuple[str, ...]:
        there = {p.ours for p in pieces}
        return tuple(name for name in self.cell.parameters if name not in there)

    def outputs(self, found: Match, P: Mapping[str, Array]) -> Array:
        ours = found.to_ours(P, self.x.shape[2], self.H)
        for name, held in self.layer.params.items():
            held[...] = ours[name.removeprefix("l0.")]
        with np.errstate(all="ignore"):
            return np.asarray(self.layer.forward(self.x, self.states)[0])


Way = tuple[tuple[Piece, ...], tuple[str, ...], tuple[str, ...]]


def candidates(kind: _Kind, shapes: Shapes, D: int, H: int) -> Iterator[Way]:
    """Ways in which their arrays may be the cell's parameters, the likeliest first: pieces, gates, notes."""
    if kind.own:
        for pieces, order in by_name(kind.cell, shapes, D, H):
            yield pieces, order, ()
    read = _read(kind.cell)
    for gates in dict.fromkeys((kind.gates or read, read)):
        reader = _Reader(kind.cell, shapes, D, H, len(gates))
        if len(reader.groups) == len(gates):
            yield from _orders(kind, reader, gates)


def _orders(kind: _Kind, reader: _Reader, gates: Sequence[str]) -> Iterator[Way]:
    orders: list[tuple[str, ...]] = list(itertools.permutations(gates))
    if not reader.stacked:
        words = [group.split(" ")[0] for group in reader.groups]
        orders.sort(key=lambda order: -sum(w in roles.HINTS.get(g, ()) for w, g in zip(words, order, strict=True)))
    turns = "z" in gates and not kind.cell.name.startswith("gru")  # the GRU has cells of its own for that
    for order in orders:
        for joint, opposite, swapped in itertools.product(
            reader.joints,
            (False, True) if turns else (False,),
            (False, True) if reader.rows or "b.hn" in kind.cell.parameters else (False,),
        ):
            pieces = reader.pieces(order, joint, swapped)
            if pieces is None:
                continue
            if opposite:
                pieces = [_opposite(p) if p.ours.endswith(".z") else p for p in pieces]
            yield tuple(pieces), order, (*kind.noted, *(("opposite",) * opposite))


def _opposite(piece: Piece) -> Piece:
    return replace(piece, sign=-piece.sign)


class _Reader:
    """Their arrays by shape: matrices on x (D), on h (H), on both, on both and a one; vectors. A group is what belongs
    to one gate: a word of their names and a position in arrays that hold several gates."""

    def __init__(self, cell: Cell, shapes: Shapes, D: int, H: int, gates: int) -> None:
        self.cell, self.D, self.H, self.count, self.names = cell, D, H, gates, tuple(shapes)
        units = gates * H
        self.stacked = gates > 1 and any(units in shape for shape in shapes.values())
        peepholes = [n for n in cell.parameters if n[0] == "p"]
        whole = [n for n, s in shapes.items() if s == (len(peepholes), H) and roles.family(n, (n,), False) == "p"]
        self.rows = {n: peepholes for n in whole}  # all peepholes in one array, one row each
        self.pairs = [n for n, s in shapes.items() if s == (2, units) and _is_bias(n)]  # of x and of h, a row each
        apart = {*self.rows, *self.pairs}
        self.matrices = {n: (s[0], s[1]) for n, s in shapes.items() if len(s) == 2 and 1 not in s and n not in apart}
        self.vectors = {n: tuple(s) for n, s in shapes.items() if n not in self.matrices and n not in apart}
        self.lone = peepholes[0] if len(peepholes) == 1 else ""  # one for all gates
        self.widths = [units] if self.stacked else [k * H for k in range(1, gates + 1)]
        sided = [s for s in self.matrices.values() if s[0] != s[1]]
        self.columns = sum(self._inputs(s[0]) and s[1] in self.widths for s in sided) > sum(
            self._inputs(s[1]) and s[0] in self.widths for s in sided
        )  # x @ W
        self.groups = self._groups()

    def _inputs(self, size: int) -> int:
        """What a matrix of so many inputs sees: 1 x or h, 2 both, 3 both and a one; 0 none of these."""
        D, H = self.D, self.H
        return {D: 1, H: 1, D + H: 2, D + H + 1: 3}.get(size, 0)

    def _groups(self) -> list[str]:
        if self.stacked or self.count == 1:
            return [str(k) for k in range(self.count)] if self.stacked else [""]
        owners = list(self.matrices) or [n for n in self.vectors if not _is_bias(n)]
        found: dict[str, None] = {}
        for name in owners:
            if roles.family(name, self.names, False)[-1] == "y":
                continue
            shape = (*self.matrices.get(name, ()), 0)
            blocks = max(shape[1 if self.columns else 0] // self.H, 1)
            found |= {self._group(roles.gate_word(name), k, blocks): None for k in range(blocks)}
        return list(found)

    def _group(self, word: str, k: int, blocks: int) -> str:
        return word if blocks == 1 else f"{word} {k}"

    @property
    def joints(self) -> tuple[str, ...]:
        """Orders in which a matrix may see both inputs, and a one."""
        seen = {self._inputs(s[0 if self.columns else 1]) for s in self.matrices.values()}
        return ("1hx", "1xh", "hx1", "xh1") if 3 in seen else ("hx", "xh") if 2 in seen else ("",)

    def pieces(self, order: Sequence[str], joint: str, swapped: bool) -> list[Piece] | None:
        """None where a matrix of the cell is not found."""
        found: list[Piece] = []
        gate_of = dict(zip(self.groups, order, strict=True))
        for name, shape in self.matrices.items():
            for gate, start in self._blocks(name, shape, gate_of):
                found += self._matrix(name, shape, gate, start, joint)
        there = {p.ours for p in found}
        if any(n not in there for n in self.cell.parameters if n[0] in "WUV"):
            return None
        for name, rows in self.rows.items():
            placed = sorted(rows, key=lambda ours: "iofg".index(ours[2]) if swapped else "ifog".index(ours[2]))
            found += [Piece(ours, name, (0, self.H), None, row=row) for row, ours in enumerate(placed)]
        for name in self.pairs:
            for gate, start in self._blocks(name, (2 * self.count * self.H,), gate_of):
                of_h = "b.hn" if gate == "n" and "b.hn" in self.cell.parameters else f"b.{gate}"
                span = (start, start + self.H)
                found += [Piece(f"b.{gate}", name, span, None, row=0), Piece(of_h, name, span, None, row=1)]
        for name, held in self.vectors.items():
            for gate, start in self._blocks(name, held, gate_of):
                ours = self._vector(name, gate, {p.ours for p in found}, swapped)
                if ours in self.cell.parameters:
                    found.append(Piece(ours, name, (start, start + self.H), None))
        return found if all(n in {p.ours for p in found} for n in self.cell.parameters if n[0] == "w") else None

    def _blocks(self, name: str, shape: tuple[int, ...], gate_of: Mapping[str, str]) -> list[tuple[str, int]]:
        """(gate, first row) of the blocks of an array."""
        units, size = self.count * self.H, int(np.prod(shape))
        if self.lone and size == self.H and roles.family(name, (name,), False) == "p":
            return [(next(iter(gate_of.values())), 0)]
        if self.stacked and (units in (*shape, size) or name in self.pairs):
            return [(gate, k * self.H) for k, gate in enumerate(gate_of.values())]
        if self.count == 1 and (name in self.matrices or size == self.H):
            return [(next(iter(gate_of.values())), 0)] if roles.family(name, (name,), False)[-1] != "y" else []
        word = roles.gate_word(name)
        if self.stacked:
            hinted = [g for g in gate_of.values() if word in roles.HINTS.get(g, ())]
            return [(hinted[0], 0)] if hinted and size == self.H else []
        blocks = max((shape[1 if self.columns else 0] if name in self.matrices else size) // self.H, 1)
        groups = [self._group(word, k, blocks) for k in range(blocks)]
        if all(group in gate_of for group in groups):
            return [(gate_of[group], k * self.H) for k, group in enumerate(groups)]
        lone = name in self.vectors and "n" in gate_of.values() and size == self.H
        return [("n", 0)] if lone else []  # the candidate's second bias has a word of its own

    def _matrix(self, name: str, shape: tuple[int, ...], gate: str, start: int, joint: str) -> list[Piece]:
        inputs = shape[0] if self.columns else shape[1]
        D, H, span = self.D, self.H, (start, start + self.H)
        if self._inputs(inputs) >= 2:
            parts, low = [], 0
            for letter in joint if self._inputs(inputs) == 3 else joint.replace("1", ""):
                family, size = {"1": ("b", 1), "h": ("U", H), "x": ("W", D)}[letter]
                parts.append((family, low, low + size))
                low += size
        else:
            peephole = f"V.{gate}" in self.cell.parameters and roles.family(name, self.names, False) == "p"
            parts = {D: [("W", 0, D)], H: [("V" if peephole else "U", 0, H)]}.get(inputs, [])
        found = []
        for family, low, high in parts:
            if f"{family}.{gate}" in self.cell.parameters:
                place = ((low, high), span) if self.columns else (span, (low, high))
                found.append(Piece(f"{family}.{gate}", name, *place, self.columns, vector=family == "b"))
        return found

    def _vector(self, name: str, gate: str, there: set[str], swapped: bool) -> str:
        if not self.matrices:
            return f"{'b' if _is_bias(name) else 'w'}.{gate}"
        if roles.family(name, (name,), False) == "p":
            return self.lone or f"p.{gate}"
        first, second = ("b.hn", "b.n") if swapped else ("b.n", "b.hn")
        if gate == "n" and "b.hn" in self.cell.parameters:
            return second if first in there else first
        return f"b.{gate}"


def _is_bias(name: str) -> bool:
    return roles.family(name, (name,), False) == "b"
