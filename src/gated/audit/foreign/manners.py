"""Today right, tomorrow wrong: what no table of errors shows."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.subject import Subject

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Manner:
    """Attributes:
    kind: in_place, stale_state, integer, overflow or tiny_check.
    where: a name of theirs, "forward" or "backward".
    sentence, parts: a key of `sentences.say`, and what stands in its braces.
    """

    kind: str
    where: str
    sentence: str
    parts: tuple[str, ...] = ()


def manners(subject: Subject) -> list[Manner]:
    rng = np.random.default_rng(11)
    at = draw(subject, 3, 2, 3, 4, rng)
    dy = rng.standard_normal((3, 2, subject.forward(at.P, at.x, at.states).shape[2]))
    if subject.last_only:
        dy[:-1] = 0
    return [*_again(subject, at, dy), *_integers(subject, at, dy), *_overflow(subject, at), *_tiny_check(subject)]


def _again(subject: Subject, at: Draw, dy: Array) -> list[Manner]:
    """Arguments changed in place, and a second call of what was called before."""
    found, first, second = [], None, None
    try:
        subject.backward(at.P, at.x, at.states, dy)
        P = subject.fresh(at.P)
        n = slice(0, 1) if subject.one_sequence else slice(None)
        states = {s: v[n] for s, v in at.states.items()}
        x, given = at.x[:, n], dy[:, n]
        _, kept = subject.one_forward(P, x, states)
        before = _length(kept)
        first = _copied(subject.one_backward(kept, P, x, states, given))
        if _length(kept) < before:
            raise ValueError("it takes what it needs off the cache: nobody can call it twice")
        second = _copied(subject.one_backward(kept, P, x, states, given))
    except Exception:  # noqa: BLE001 - the table says what it raises
        pass
    for name in subject.changed:
        argument, _, function = name.partition(" of ")
        found.append(Manner("in_place", argument, "changed", (function, argument)))
    if not np.array_equal(*subject.twice(at.P, at.x, at.states)):
        found.append(Manner("stale_state", "forward", "other_outputs"))
    if first is not None and second is not None and not _close(first, second):
        names = ", ".join(n for n in first if n in second and not np.allclose(first[n], second[n], 1e-9, 1e-12))
        found.append(Manner("stale_state", "backward", "other_gradients", (names,)))
    return found


def _length(kept: Any) -> int:
    """How much there is in lists and dictionaries."""
    if isinstance(kept, dict):
        return len(kept) + sum(map(_length, kept.values()))
    return len(kept) + sum(map(_length, kept)) if isinstance(kept, (list, tuple)) else 0


def _copied(gradients: dict[str, Array]) -> dict[str, Array]:
    return {name: np.array(value) for name, value in gradients.items()}


def _close(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.allclose(a[n], b[n], 1e-9, 1e-12) for n in a)


def _integers(subject: Subject, at: Draw, dy: Array) -> list[Manner]:
    """Gradients have to be proportional to dy, whatever its size: else an array of whole numbers is in the way."""
    found: list[Manner] = []
    if not subject.whole_numbers:
        return found
    try:
        whole = np.where(dy > 0, 1, -1) * (dy != 0)
        right, theirs = subject.backward(at.P, at.x, at.states, whole.astype(float)), {}
        theirs = subject.backward(at.P, at.x, at.states, whole)
        if not _close(_copied(right), _copied(theirs)):
            found.append(Manner("integer", "dy", "whole_dy"))
    except Exception as error:  # noqa: BLE001
        found.append(Manner("integer", "dy", "whole_dy_raises", (type(error).__name__,)))
    try:
        x = np.round(2 * at.x)
        y = subject.forward(at.P, x, at.states)
        if not np.allclose(y, subject.forward(at.P, x.astype(int), at.states), 1e-9, 1e-12):
            found.append(Manner("integer", "x", "whole_x"))
    except Exception as error:  # noqa: BLE001
        found.append(Manner("integer", "x", "whole_x_raises", (type(error).__name__,)))
    return found


def _overflow(subject: Subject, at: Draw) -> list[Manner]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            y = subject.forward(at.P, 3000.0 * at.x, at.states)
        except Exception as error:  # noqa: BLE001
            return [Manner("overflow", "forward", "large_raises", (type(error).__name__,))]
    if not np.all(np.isfinite(y)):
        return [Manner("overflow", "forward", "large_nan")]
    if any("overflow" in str(w.message) for w in seen):
        return [Manner("overflow", "forward", "large_warns")]
    return []


def _tiny_check(subject: Subject) -> list[Manner]:
    """A gradient check of their own with weights that hide nearly everything."""
    text = getattr(getattr(subject, "source", None), "text", "")
    if re.search(r"uniform\(\s*-\s*1e-0?4\s*,\s*1e-0?4", text) or re.search(
        r"(1e-0?4|0\.0001)\s*\*\s*np\.random", text
    ):
        return [Manner("tiny_check", "weights", "tiny_check")]
    return []
