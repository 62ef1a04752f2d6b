"""What runs a schedule. `reference` (NumPy) interprets it node by node and is the definition of right."""

from __future__ import annotations

from gated.backends.interface import Backend, Scan
from gated.errors import wrong

__all__ = ["Backend", "Scan", "get_backend"]

NAMES = ("reference",)


def get_backend(name: str) -> Backend:
    """The backend with this name.

    Raises:
        ArgumentError: there is none.
    """
    if name == "reference":
        from gated.backends.reference import ReferenceBackend

        return ReferenceBackend()
    raise wrong("backend", repr(name), f"one of {', '.join(map(repr, NAMES))}")
