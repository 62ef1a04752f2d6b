"""gated: gated recurrent cells, written as equations.

    import gated
    from gated import sigmoid, tanh

    @gated.cell
    def lstm(x, h, c, *, W, U, b): ...

Everything here is loaded when it is first used, so that `import gated` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from gated.moved import find_old_places

find_old_places()

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(
        ("Cell", "cell", "sigmoid", "tanh", "relu", "softplus", "exp", "log", "sqrt", "abs", "maximum", "minimum"),
        "gated.language",
    ),
    **dict.fromkeys(("Recurrent", "LSTM", "PeepholeLSTM", "GRU", "RNN", "Dense", "Embedding", "Network"), "gated.nn"),
    **dict.fromkeys(("check_cell",), "gated.audit"),
    **dict.fromkeys(("get_num_threads", "set_num_threads"), "gated.backends.native.threads.pool"),
}
_MODULES = (
    "audit",
    "backends",
    "calculus",
    "cells",
    "cli",
    "data",
    "errors",
    "experiments",
    "interop",
    "language",
    "learning",
    "losses",
    "models",
    "nn",
    "program",
    "runtime",
    "schedule",
)

__all__ = ["__version__", *_HOME, *_MODULES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"gated.{name}")
    from gated.language.functions import FUNCTIONS

    functions = ", ".join(row.name for row in FUNCTIONS.values() if row.public)
    raise AttributeError(f"gated has no {name!r}; the functions of the language are {functions}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
