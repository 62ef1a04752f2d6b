"""An old place: `Packing` lies in `gated.nn.packing`, `Sequences` in `gated.data`."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {"Packing": "gated.nn.packing", "Sequences": "gated.data.sequences"}

__all__ = ["Packing", "Sequences"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    from gated.lazy import submodules

    return submodules(__name__)[0](name)
