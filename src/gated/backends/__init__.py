"""Who computes: `reference` (NumPy, the definition of right) or `native` (machine code), behind one `interface`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gated.backends.interface import Backend, Pass, Scan
from gated.errors import unknown
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Backend", "Pass", "Scan", "backend_of", "checked_name", "default_backend", "get_backend"]


@functools.cache
def _native() -> Backend:
    from gated.backends.native.passes.backend import NativeBackend  # LLVM is not loaded before it is needed

    return NativeBackend()


@functools.cache
def _reference() -> Backend:
    from gated.backends.reference import ReferenceBackend

    return ReferenceBackend()


MAKERS: dict[str, Callable[[], Backend]] = {"native": _native, "reference": _reference}
NAMES = tuple(MAKERS)
DEFAULT = "reference"  # without loading LLVM; updates have the same bits in both


def get_backend(name: str) -> Backend:
    """The backend with this name.

    Raises:
        ArgumentError: there is none.
    """
    return MAKERS[checked_name(name)]()


def checked_name(name: Any) -> str:
    """The name itself if a backend has it; LLVM is not loaded for the answer.

    Raises:
        ArgumentError: there is none.
    """
    if not isinstance(name, str) or name not in MAKERS:
        raise unknown("backend", name, MAKERS)
    return name


def default_backend() -> Backend:
    """The one for what names none: losses, clipping, optimizers that are called by hand."""
    return MAKERS[DEFAULT]()


def backend_of(owner: Any) -> Backend:
    """Who computes for a layer or a network, by its `backend_name`; the default one if it has none, or None."""
    name = getattr(owner, "backend_name", None)
    return default_backend() if name is None else get_backend(name)
