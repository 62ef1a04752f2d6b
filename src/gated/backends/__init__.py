"""What runs a schedule. `reference` (NumPy) interprets it node by node and is the definition of right."""

from __future__ import annotations

from gated.backends.interface import Backend, Pass, Scan
from gated.errors import unknown
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Backend", "Pass", "Scan", "get_backend"]

NAMES = ("native", "reference")


def get_backend(name: str) -> Backend:
    """The backend with this name.

    Raises:
        ArgumentError: there is none.
    """
    if not isinstance(name, str) or name not in NAMES:
        raise unknown("backend", name, NAMES)
    if name == "reference":
        from gated.backends.reference import ReferenceBackend

        return ReferenceBackend()
    from gated.backends.native.passes.backend import NativeBackend

    return NativeBackend()
