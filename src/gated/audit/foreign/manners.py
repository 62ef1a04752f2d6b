"""Today right, tomorrow wrong: what no table of errors shows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.own_check import TINY, hidden, scale_of
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Subject
from gated.audit.foreign.unmade import unmade

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Manner:
    """Attributes:
    kind: in_place, stale_state, integer, overflow, tiny_check, clipped, last_only, outside or unmade.
    where: a name of theirs, "forward" or "backward".
    sentence, parts: a key of `sentences.say`, and what stands in its braces.
    """

    kind: str
    where: str
    sentence: str
    parts: tuple[str, ...] = ()


def manners(subject: Subject, source: Source) -> list[Manner]:
    rng = np.random.default_rng(11)
    at = draw(subject, 3, 2, 3, 4, rng)
    dy = rng.standard_normal((3, 2, subject.forward(at.P, at.x, at.states).shape[2]))
    if subject.last_only:
        dy[:-1] = 0
    found = [*_again(subject, at, dy), *_integers(subject, at, dy), *_overflow(subject, at, dy)]
    found += [*_tiny_check(subject), *_clipped(subject)]
    if subject.last_only and subject.every_output:
        found.append(Manner("last_only", "backward", "last_only"))
    found += [Manner("outside", "backward", key, parts) for key, parts in subject.outside_the_audit()]
    for method, names in unmade(source, subject.where[0]).items():
        found.append(Manner("unmade", method, "unmade", (method, ", ".join(names))))
    return found


def _again(subject: Subject, at: Draw, dy: Array) -> list[Manner]:
    """Arguments changed in place, and a second call of what was called before."""
    found, first, second = [], None, None
    try:
        subject.backward(at.P, at.x, at.states, dy)
        P = subject.fresh(at.P)
        n = slice(0, 1) if subject.one_sequence else slice(None)
        states = {s: v[n] for s, v in at.states.items()}
        x, given = at.x[:, n], dy[:, n]
        first, second = subject.again(P, x, states, given)
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


def _overflow(subject: Subject, at: Draw, dy: Array) -> list[Manner]:
    """Inputs so large that every gate is 0 or 1: exp overflows in a careless sigmoid, cosh in a careless derivative."""
    large = 3000.0 * at.x
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            y = subject.forward(at.P, large, at.states)
        except Exception as error:  # noqa: BLE001
            return [Manner("overflow", "forward", "large_raises", (type(error).__name__,))]
        forward = any("overflow" in str(w.message) for w in seen)
    if not np.all(np.isfinite(y)):
        return [Manner("overflow", "forward", "large_nan")]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gradients = subject.backward(at.P, large, at.states, dy)
        if any(not np.all(np.isfinite(np.asarray(value, float))) for value in gradients.values()):
            return [Manner("overflow", "backward", "large_gradient")]
    except Exception:  # noqa: BLE001 - the table says what it raises
        pass
    return [Manner("overflow", "forward", "large_warns")] if forward else []


def _tiny_check(subject: Subject) -> list[Manner]:
    """Weights of their own that hide nearly everything from a gradient check: with the numbers that it would show."""
    scale = scale_of(subject)
    if scale is None or scale > TINY:
        return []
    size = f"{scale:.0e}"
    try:
        seen = hidden(subject, scale)
    except Exception:  # noqa: BLE001 - the table says what it raises
        seen = None
    if seen is None:
        return [Manner("tiny_check", "weights", "tiny_check", (size,))]
    return [Manner("tiny_check", seen[0], "tiny_hides", (size, *seen))]


def _clipped(subject: Subject) -> list[Manner]:
    return [Manner("clipped", "backward", "clipped")] if subject.clips else []
