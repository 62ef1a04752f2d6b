"""The derivatives of their forward pass, whatever it is: of every output by every number that goes in.

By the complex step where their code takes complex numbers, exact to rounding: f'(a) = Im f(a + ih)/h (Squire, Trapp
1998). Else by central differences with two steps h and h/2, extrapolated (Richardson): (4 d(h/2) - d(h))/3, whose
error is of order h**4. Where the two are far apart there is a kink between the points, a relu's: smaller steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw
from gated.audit.foreign.subject import Subject

Array = np.ndarray[Any, Any]
COMPLEX_STEP = 1e-30
STEPS = (2e-4, 2e-5, 2e-6)
APART = 1e-7  # of d(h) and d(h/2), of what is smooth


def takes_complex(subject: Subject, at: Draw) -> bool:
    """Does a complex step agree with a difference, in a random number of each array?"""
    rng = np.random.default_rng(3)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # ComplexWarning: imaginary parts were thrown away
            for name, value in at.all().items():
                place = tuple(int(rng.integers(n)) for n in value.shape)
                exact = _complex(subject, at, name, place)
                about = _difference(subject, at, name, place)
                if np.abs(exact - about).max() > 1e-6 * (1 + np.abs(about).max()):
                    return False
    except Exception:  # noqa: BLE001 - whatever their code raises on complex numbers
        return False
    return True


def _complex(subject: Subject, at: Draw, name: str, place: tuple[int, ...]) -> Array:
    moved = at.moved(name, place, COMPLEX_STEP * 1j)
    return np.asarray(np.imag(subject.forward(moved.P, moved.x, moved.states)) / COMPLEX_STEP)


def _difference(subject: Subject, at: Draw, name: str, place: tuple[int, ...]) -> Array:
    def at_step(h: float) -> Array:
        up, down = at.moved(name, place, h), at.moved(name, place, -h)
        return (subject.forward(up.P, up.x, up.states) - subject.forward(down.P, down.x, down.states)) / (2 * h)

    found = []
    for step in STEPS:
        whole, half = at_step(step), at_step(step / 2)
        found.append(((4 * half - whole) / 3, float(np.abs(whole - half).max(initial=0.0))))
        if found[-1][1] <= APART * (1 + float(np.abs(half).max(initial=0.0))):
            break
    return np.asarray(min(found, key=lambda pair: pair[1])[0])


@dataclass(frozen=True)
class Truth:
    """Their outputs, and the derivative of each by every number: (shape of the array, T, N, H)."""

    y: Array
    jacobians: Mapping[str, Array]
    exact: bool  # by the complex step

    def gradient(self, dy: Array) -> dict[str, Array]:
        """Of sum(y * dy)."""
        return {name: np.tensordot(J, dy, 3) for name, J in self.jacobians.items()}


def truth(subject: Subject, at: Draw, exact: bool | None = None, names: Collection[str] | None = None) -> Truth:
    """Args:
    exact: whether by the complex step; tried, if not given.
    names: of the arrays by which to differentiate; all, if not given.
    """
    exact = takes_complex(subject, at) if exact is None else exact
    slope = _complex if exact else _difference
    y = np.asarray(subject.forward(at.P, at.x, at.states))
    jacobians = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in at.all().items():
            if names is not None and name not in names:
                continue
            J = np.empty((*value.shape, *y.shape))
            for place in np.ndindex(*value.shape):
                J[place] = slope(subject, at, name, place)
            jacobians[name] = J
    return Truth(y, jacobians, exact)
