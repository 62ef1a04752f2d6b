"""Who computes: `reference` (NumPy, the definition of right) or `native` (machine code), behind one `interface`."""

from __future__ import annotations

import functools
from collections.abc import Callable

from gated.backends.interface import Backend, Pass, Scan
from gated.errors import unknown
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Backend", "Pass", "Scan", "default_backend", "get_backend"]


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
DEFAULT = "reference"  # both compute with NumPy what is no time loop; this one without loading LLVM


def get_backend(name: str) -> Backend:
    """The backend with this name.

    Raises:
        ArgumentError: there is none.
    """
    if not isinstance(name, str) or name not in MAKERS:
        raise unknown("backend", name, MAKERS)
    return MAKERS[name]()


def default_backend() -> Backend:
    """The one for what names none: dense layers, embeddings, losses, clipping, optimizers."""
    return MAKERS[DEFAULT]()
