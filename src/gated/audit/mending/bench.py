"""Candidates for a mended text, run in the child process: what is left of the faults after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.audit.diagnosis.manners import draw_call
from gated.audit.diagnosis.samples import Samples
from gated.audit.foreign.match import Match
from gated.audit.foreign.process import Foreign
from gated.audit.foreign.programs import Edit
from gated.audit.mending.targets import Left, Targets

Array = np.ndarray[Any, Any]
CHANGED, UNEVEN, STALE = "changed", "uneven", "stale"  # kinds of flags
Item = tuple[int | str, str]  # an atom of the targets, or a flag and whom it is about
State = frozenset[Item]


class Bench:
    """Args:
    batch: whether gradients of a batch are no sums, which is to be looked at as well.
    again: the same for a second call of backward.
    """

    def __init__(self, theirs: Foreign, targets: Targets, *, batch: bool, again: bool) -> None:
        self.theirs, self.targets, self.batch, self.again = theirs, targets, batch, again
        self.shapes: dict[str, tuple[int, ...]] = {}  # of their gradients
        self.at, self.given = self._arguments(targets.samples)
        if batch:
            call = draw_call(targets.case.graph, targets.case.setting, 2, 2, 5)
            _, more = theirs.in_theirs(call.parameters, call.x, call.states, call.dy)
            self.given |= {f"batch/{name}": value for name, value in more.items()}

    def _arguments(self, samples: Samples) -> tuple[Match, dict[str, Array]]:
        P = {name: value[0] for name, value in samples.parameters.items()}
        return self.theirs.in_theirs(P, samples.x, list(samples.initial.values()), samples.dy)

    def backward_only(self) -> list[tuple[str, ...]]:
        answer, _ = self.theirs.child.ask({"do": "backward_only"}, self.given)
        return [tuple(path) for path in answer["functions"]]

    def worth(
        self, text: str, statements: list[dict[str, Any]], quantities: Mapping[str, Array]
    ) -> list[list[tuple[tuple[int, ...], frozenset[str]] | None]]:
        """Shape and equal quantities of expressions; see `foreign.trials`."""
        message = {"do": "worth", "text": text, "statements": statements}
        answer, _ = self.theirs.child.ask(message, {**self.given, **{f"q/{n}": v for n, v in quantities.items()}})
        return [[one and (tuple(one[0]), frozenset(one[1])) for one in each] for each in answer["worth"]]

    def states(self, text: str, candidates: Sequence[Sequence[Edit]], now: State) -> list[State | None]:
        """What is left after each candidate, of what is left now; None where that is not a part of it."""
        answer, values = self._ask(text, candidates, self.batch, self.again)
        rows = iter(values["gradients"])
        return [
            self._state(_split(next(rows), self.shapes), flags, now) if whole else None
            for whole, *flags in answer["outcomes"]
        ]

    def _ask(
        self, text: str, candidates: Sequence[Sequence[Edit]], batch: bool, again: bool
    ) -> tuple[Any, dict[str, Array]]:
        """The outcomes, and the gradients of those that have all in the shapes of the first run of all."""
        message = {"do": "edits", "text": text, "edits": candidates, "batch": batch, "again": again}
        answer, values = self.theirs.child.ask({**message, "shapes": list(self.shapes.items())}, self.given)
        self.shapes = self.shapes or {name: tuple(shape) for name, shape in answer["shapes"]}
        return answer, values

    def _state(self, back: dict[str, Array], flags: Sequence[Any], now: State) -> State | None:
        changed, uneven, stale = flags
        kept: State = frozenset(
            [*((CHANGED, name) for name in changed), *((UNEVEN, name) for name in uneven), *[(STALE, "")] * stale]
        )
        if not kept <= now:
            return None
        left = self.targets.left_by(self._as_samples(back), atoms(now))
        return None if left is None else kept | left

    def everything(self, text: str) -> State | None:
        """What is left where nothing is mended."""
        flags = [(CHANGED, name) for name in self.changed(text, [[]])[0] or ()]
        more: State = frozenset([*flags, *((UNEVEN, name) for name in self.theirs.shapes(4, 5)), (STALE, "")])
        return self.states(text, [[]], more | self.targets.atoms)[0]

    def changed(self, text: str, candidates: Sequence[Sequence[Edit]]) -> list[set[str] | None]:
        """The arguments that each candidate changes; None where it raises."""
        answer, _ = self._ask(text, candidates, batch=False, again=False)
        return [set(flags[0]) if whole else None for whole, *flags in answer["outcomes"]]

    def _as_samples(self, back: dict[str, Array]) -> dict[str, Array]:
        """As `Samples.theirs` has them."""
        samples = self.targets.samples
        return samples.as_theirs([self.theirs.in_ours(self.at, back)], self.targets.case.setting)


def atoms(state: State) -> Left:
    return frozenset((which, name) for which, name in state if isinstance(which, int))


def _split(row: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    found, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = row[at : at + size].reshape(shape)
        at += size
    return found
