"""Who computes: backends that count, and arrays that tell who computes with them while no method of a backend runs.

A marked array is what the layers and learners compute with: parameters and gradients, all that a backend gives out, and
whatever floating-point array `gated.nn` and `gated.learning` make themselves. Views, copies and joins of marked arrays
are marked. Every ufunc (operators are ufuncs) and every function of NumPy that such an array meets is noted, but for
those that only make room, look at shapes, move numbers or put arrays side by side.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gated.learning
import gated.nn
from gated import backends
from gated.backends.interface import Backend, Scan
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.reference import ReferenceBackend

Array = np.ndarray[Any, Any]
METHODS = [name for name in dir(Backend) if not name.startswith("_")]
ROOM = {"zeros_like", "empty_like", "full_like", "copyto", "shape", "ndim", "size", "can_cast", "result_type"}
MOVES = {"concatenate", "stack", "broadcast_to", "expand_dims", "atleast_1d", "put_along_axis", "array_equal"}


class Watch:
    """What was called: of backends, and on marked arrays outside of them.

    Attributes:
        calls: method -> how often; of: the same for each backend by name.
        outside: "module: function", in order.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.of: dict[str, Counter[str]] = {"native": Counter(), "reference": Counter()}
        self.outside: list[str] = []
        self.depth = 0

    @contextlib.contextmanager
    def within(self, backend: str, method: str) -> Iterator[None]:
        if not self.depth:  # what a backend calls of itself is its own affair
            self.calls[method] += 1
            self.of[backend][method] += 1
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def note(self, function: str) -> None:
        if not self.depth:
            frame = sys._getframe(1)
            while frame.f_globals["__name__"].split(".")[0] in (__name__, "numpy") and frame.f_back is not None:
                frame = frame.f_back
            if not frame.f_globals["__name__"].startswith("gated.backends."):  # a backend's own affair, too
                self.outside.append(f"{frame.f_globals['__name__']}: {function}")

    @property
    def ours(self) -> list[str]:
        """Of `outside`, what gated did."""
        return [entry for entry in self.outside if entry.startswith("gated.")]


class Marked(np.ndarray):  # type: ignore[type-arg]
    """An array that tells the watch who computes with it."""

    __array_priority__ = 1.0  # what is joined with one is one
    watch = Watch()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        self.watch.note(ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}")
        if out:
            options["out"] = tuple(map(plain, out))
        result = getattr(ufunc, method)(*map(plain, inputs), **options)
        return out[0] if out else result

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function.__name__ not in ROOM | MOVES:
            self.watch.note(function.__name__)
        return super().__array_function__(function, types, arguments, options)

    def dot(self, *others: Any) -> Any:  # no ufunc
        self.watch.note("dot")
        return super().dot(*others)


def plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Marked) else value


def mark(value: Any) -> Any:
    """Arrays of numbers, and those in tuples, lists and dicts, marked."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(mark, value))
    if isinstance(value, dict):
        return {key: mark(own) for key, own in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(mark, value))
    if isinstance(value, np.ndarray):
        return value.view(Marked) if value.dtype.kind in "fc" else value
    if isinstance(value, Scan):
        value.y, value.last = mark(value.y), mark(value.last)
    return value


class MarkingNumPy:
    """NumPy as layers and learners see it while they are watched: what they make is marked, and marks are kept."""

    asarray = staticmethod(np.asanyarray)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def array(self, value: Any, *arguments: Any, **options: Any) -> Any:
        return np.array(value, *arguments, **options, subok=True)

    def ascontiguousarray(self, value: Any, dtype: Any = None) -> Any:
        return np.atleast_1d(np.asanyarray(value, dtype, order="C"))

    def zeros(self, *arguments: Any, **options: Any) -> Any:
        return mark(np.zeros(*arguments, **options))

    def empty(self, *arguments: Any, **options: Any) -> Any:
        return mark(np.empty(*arguments, **options))

    def eye(self, *arguments: Any, **options: Any) -> Any:
        return mark(np.eye(*arguments, **options))


class CountedStepper:
    """A stepper whose results are marked."""

    def __init__(self, own: Any, within: Any) -> None:
        self.own, self.within = own, within

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.own, name)
        if not callable(value):
            return mark(value)

        def call(*arguments: Any) -> Any:
            with self.within(name):
                return mark(value(*arguments))

        return call


def counting(kind: type[Any], watch: Watch) -> Any:
    """A backend of this kind that counts the calls of its methods and marks what it gives out."""

    def within(name: str) -> Any:
        return watch.within(kind.name, name)

    def counted(name: str) -> Any:
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            with within(name):
                result = getattr(kind, name)(self, *arguments, **options)
            return CountedStepper(result, within) if name == "stream" else mark(result)

        return call

    return type("Counting", (kind,), {name: counted(name) for name in METHODS})()


def watching(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """From now on both backends count, and all arrays are marked."""
    watch = Watch()
    monkeypatch.setattr(Marked, "watch", watch)
    names = ["gated.errors"]
    for package in (gated.nn, gated.learning):
        names += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for module in map(importlib.import_module, names):
        if hasattr(module, "np"):
            monkeypatch.setattr(module, "np", MarkingNumPy())
    for kind in (NativeBackend, ReferenceBackend):
        counts = counting(kind, watch)
        monkeypatch.setitem(backends.MAKERS, kind.name, lambda counts=counts: counts)
    return watch
