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
    **dict.fromkeys(("Cell", "bernoulli", "cell", "fixed", "normal", "number"), "gated.language"),
    **dict.fromkeys(("Recurrent", "LSTM", "PeepholeLSTM", "GRU", "RNN", "Dense", "Embedding"), "gated.nn"),
    **dict.fromkeys(("Dropout", "Network", "Pool", "WiredNetwork"), "gated.nn"),
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
    "files",
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


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"gated.{name}")
    if name == "__all__":
        return _public_names()
    from gated.language import WORDS
    from gated.language.functions import known_functions

    if name in WORDS:  # sigmoid, tanh, ...
        return WORDS[name]
    raise AttributeError(f"gated has no {name!r}; {known_functions()}")


def _public_names() -> list[str]:
    from gated.language import WORDS

    return ["__version__", *_HOME, *WORDS, *_MODULES]


def __dir__() -> list[str]:
    return sorted({*_public_names(), *(name for name in globals() if name.startswith("__"))})
