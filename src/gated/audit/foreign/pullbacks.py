"""Adapter: one function that runs forward and returns, beside its outputs, the function that runs backward."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from gated.audit.foreign import arguments, results
from gated.audit.foreign.functions import Array, Functions
from gated.audit.foreign.source import Source, returned_tree
from gated.audit.foreign.subject import Parameters


class Pullback(Functions):
    """One reading of such a function."""

    def __init__(self, source: Source, name: str, layout: str, initial: Any = None, elementwise: bool = False) -> None:
        super().__init__(source, name, name, layout, initial, elementwise)
        inner: ast.FunctionDef | None = source.inner(name)
        self.where, self.inner = (name,), inner
        self.returned_back = returned_tree(inner)
        self.asked_back = arguments.of_backward(source, inner, [], []) if inner else []

    def _back(self, kept: Any, P: Parameters, x: Array, dy: Array, dc: Array | None) -> Parameters:
        _, result = kept
        self.backward_function = next(v for _, v in results.parts(result, self.returned) if callable(v))
        return super()._back(kept, P, x, dy, dc)


def pullbacks(source: Source, name: str | None) -> Iterator[str]:
    """Functions that return a function which they define."""
    for function in source.functions:
        if name in (None, function) and source.inner(function) is not None:
            yield function
