"""The parent's side: a child process with a time limit, and `Foreign`, their code as it is asked from here."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from gated.audit.foreign import wire
from gated.audit.foreign.draws import draw
from gated.audit.foreign.manners import Manner
from gated.audit.foreign.match import Match, canonical
from gated.audit.foreign.matching import match
from gated.audit.foreign.roles import learnt_state
from gated.audit.foreign.starting import MANNERS, MEMORY, SECONDS, TABLE, Request, end, kill, opening, place, start
from gated.audit.foreign.table import GradientRow, Table
from gated.errors import ForeignError, wrong
from gated.language import Cell

Array = np.ndarray[Any, Any]
D, H = 3, 5  # of the run by which the cell is found: D, D + 1 and H tell each other by remainders


class Child:
    """A child process that answers requests; every one of them within the time limit, or it is ended.

    Args:
        seconds: for one request.
        first: the first request, which it is asked as it starts; `ask` then reads the answer.
    """

    def __init__(self, seconds: float, first: Request | None = None) -> None:
        self.seconds = seconds
        self.process, self._asked = start(first)  # what it has been asked, and not yet been heard about

    def ask(
        self, message: Mapping[str, Any], arrays: Mapping[str, Array] | None = None
    ) -> tuple[Any, dict[str, Array]]:
        assert self.process.stdin and self.process.stdout
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(self.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            while self._asked and self._asked[0] != message:  # nobody wants to know
                self._asked.pop(0)
                wire.read(self.process.stdout)
            if self._asked:
                self._asked.pop(0)
            else:
                wire.write(self.process.stdin, message, arrays)
            answer, values = wire.read(self.process.stdout)
        except (EOFError, OSError, ValueError):
            self.kill()
            raise ForeignError(self._gone(late.is_set(), message["do"])) from None
        finally:
            timer.cancel()
        if "error" in answer:
            raise ForeignError(answer["error"])
        return answer, values

    def _gone(self, late: bool, doing: str) -> str:
        if late:
            within = f"their code: got no answer within {self.seconds:g} s ({doing})"
            if doing == "open":
                return f"{within}, expected an end: does it train as it is imported? (if __name__ == '__main__':)"
            return f"{within}, expected an end: is there an endless loop?"
        code = self.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"their code: got an ended process ({how}, {doing}), expected functions that return"

    def kill(self) -> None:
        kill(self.process)

    def close(self) -> None:
        end(self.process)


class Foreign:
    """Somebody's own code, run in a child process.

    Attributes:
        style: what it is, in words. where: its functions or class. states: of "h", "c", those that can be given.
        names: "x", "h", "c" -> what they call it. last_only: an adjoint of the last output alone can be given.
        one_step: their functions do one step, which is chained here. equal_sizes: D has to be H.
        cell: what their forward pass is, where the user said so.
        others: names of further functions or classes in the file that can be audited, if none was asked for.
    """

    def __init__(
        self,
        path: str | Path,
        name: str | None,
        seconds: float,
        memory: int,
        home: Path | None = None,
        child: Child | None = None,
        cell: Cell | None = None,
    ) -> None:
        self.cell = cell
        called = {theirs: ours for ours, theirs in canonical(cell).items()} if cell else {}
        first = opening(path, name, memory, home, called)
        self.path, self.name, self.memory, self.child = Path(path), name, memory, child or Child(seconds, first)
        try:
            about, _ = self.child.ask(first)
        except BaseException:
            self.child.close()
            raise
        self.style: str = about["style"]
        self.where: tuple[str, ...] = tuple(about["where"])
        self.states: tuple[str, ...] = tuple(about["states"])
        self.names: dict[str, str] = about["names"]
        self.one_sequence, self.last_only = bool(about["one_sequence"]), bool(about["last_only"])
        self.equal_sizes, self.one_step = bool(about["equal_sizes"]), bool(about["one_step"])
        self.others: tuple[str, ...] = tuple(about["others"])
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}
        self._match: Match | None = None

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.child.close()

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """Their parameters for D inputs and H units."""
        if (D, H) not in self._shapes:
            answer, _ = self.child.ask({"do": "shapes", "D": D, "H": H})
            self._shapes[D, H] = {n: tuple(s) for n, s in answer["shapes"].items()}
        return self._shapes[D, H]

    def forward(self, P: Mapping[str, Array], x: Array, states: Mapping[str, Array]) -> Array:
        """Their outputs (T, N, H), for parameters in their names and shapes."""
        return self.child.ask({"do": "forward"}, _arrays(P, x, states))[1]["y"]

    def gradients(self, P: Mapping[str, Array], x: Array, states: Mapping[str, Array], dy: Array) -> dict[str, Array]:
        """Their gradients of sum(y * dy), by their names; "x", "h", "c" canonical."""
        return self.child.ask({"do": "backward"}, {**_arrays(P, x, states), "dy": dy})[1]

    def table(self, seeds: tuple[int, ...] = (1, 2)) -> Table:
        held = self.child.ask({**TABLE, "seeds": list(seeds)})[0]["table"]
        rows = tuple(GradientRow(**row) for row in held.pop("rows"))
        return Table(rows, **held)

    def manners(self) -> tuple[Manner, ...]:
        held = self.child.ask(MANNERS)[0]["manners"]
        return tuple(Manner(**{**manner, "parts": tuple(manner["parts"])}) for manner in held)

    def match(self) -> Match | None:
        """The cell that reproduces their forward pass, or the nearest; None where no cell has such arrays."""
        if self._match is None:
            at = draw(self, 3, 2, D, H, np.random.default_rng(7))
            y = self.forward(at.P, at.x, at.states)
            learnt = {s: n for n in at.P if (s := learnt_state(n)) and s not in at.states and at.P[n].size == H}
            states = {**at.states, **{s: np.tile(at.P[n].reshape(1, H), (2, 1)) for s, n in learnt.items()}}
            P = {n: v for n, v in at.P.items() if n not in learnt.values()}
            self._match = match({n: v.shape for n, v in P.items()}, P, at.x, states, y, self.cell)
        return self._match

    def mine(self, P: Mapping[str, Array], x: Array, states: Sequence[Array], dy: Array) -> dict[str, Array]:
        """Their gradients in the cell's names, for its parameters: "W.i", ..., "x", and the states by name.

        Args:
            P: by the cell's names. x: (T, N, D). states: in the cell's order, (N, H); zero where theirs takes none.
            dy: (T, N, H); zero before the last step where `last_only`.

        Raises:
            ForeignError: no cell matches, or their code fails.
        """
        at, arrays = self.in_theirs(P, x, states, dy)
        return self.in_ours(at, self.child.ask({"do": "backward"}, arrays)[1])

    def in_theirs(
        self, P: Mapping[str, Array], x: Array, states: Sequence[Array], dy: Array
    ) -> tuple[Match, dict[str, Array]]:
        """The arguments of `mine` as they go to the child process, and the match for these sizes."""
        found = self.match()
        if found is None or not found.exact:
            raise ForeignError(f"{self.path.name}: got a forward pass that is none of the cells known, expected one")
        inputs, units = x.shape[2], dy.shape[2]
        at = found if self.equal_sizes and units == H else found.resized(H if self.equal_sizes else D, H, inputs, units)
        theirs = canonical(found.cell)
        given = {theirs.get(s, s): value for s, value in zip(found.cell.graph.states, states, strict=True)}
        hidden = [s for s, value in given.items() if s not in self.states and np.any(value)]
        if hidden:
            raise wrong("states", f"an initial {hidden[0]} that is not zero", "zero: their code takes none")
        parameters = at.to_theirs(P, self.shapes(inputs, units))
        return at, {**_arrays(parameters, x, {s: given[s] for s in self.states if s in given}), "dy": dy}

    def in_ours(self, at: Match, back: Mapping[str, Array]) -> dict[str, Array]:
        """Their gradients in the cell's names."""
        states = {ours: back[theirs] for ours, theirs in canonical(at.cell).items() if theirs in back}
        return at.gradients_to_ours(back) | {n: back[n] for n in ("x",) if n in back} | states


def _arrays(P: Mapping[str, Array], x: Array, states: Mapping[str, Array]) -> dict[str, Array]:
    return {**{f"P/{n}": v for n, v in P.items()}, "x": x, **{f"s/{n}": v for n, v in states.items()}}


def open_foreign(
    path: str | Path,
    name: str | None = None,
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    home: Path | None = None,
    cell: Cell | None = None,
) -> Foreign:
    """Somebody's code, as "file.py" or "file.py:name", in a child process of its own; a context manager.

    Args:
        home: the folder in which it runs and whose files it imports; its own, if not given.
        cell: what their forward pass is; a cell of the zoo or near it, if not given.

    Raises:
        ForeignError: it cannot be loaded, ends its process, takes too long, or no adapter fits.
        ArgumentError: there is no such file.
    """
    text, name = place(path, name)
    if not Path(text).is_file():
        raise wrong("path", repr(text), "a Python file, or file.py:name for a function or a class in it")
    if Path(text).suffix != ".py":
        raise wrong("path", repr(text), "a Python file, whose name ends with .py")
    return Foreign(text, name, seconds, memory, home, cell=cell)
