"""An old place: `Packing` lies in `gated.nn.packing`, `Sequences` in `gated.data`."""

from __future__ import annotations

import importlib
from typing import Any

from gated.lazy import submodules

_HOME = {"Packing": "gated.nn.packing", "Sequences": "gated.data.sequences"}
_module, __dir__ = submodules(__name__)

__all__ = ["Packing", "Sequences"]  # noqa: F822


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module(_HOME[name]), name) if name in _HOME else _module(name)
