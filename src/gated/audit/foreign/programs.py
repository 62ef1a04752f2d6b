"""The functions of somebody's module, whose code is exchanged for that of an edited text.

An edit is [start, end, new], characters of the text. Only functions of the text that are defined at its top, or are
methods, change: their code objects are exchanged, so that the adapter and all that it has found out stay as they are.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

from gated.audit.foreign.source import Source

Edit = tuple[int, int, str]
Named = tuple[str, ...]  # of a function: its name, or class and name


def edited(text: str, edits: Sequence[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Programs:
    """The functions of their module, whose code can be exchanged."""

    def __init__(self, source: Source) -> None:
        self.file = str(source.path)
        tops = [*source.functions, *source.classes]
        self.functions = {path: f for name in tops for path, f in _functions((name,), source.get(name))}

    def parts(self, text: str) -> list[tuple[int, int, int]]:
        """(start, end, first line) of the functions and classes at the top of a text."""
        starts = line_starts(text)
        found = []
        for node in ast.parse(text).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                last = node.end_lineno or node.lineno
                found.append((starts[first - 1], starts[last] if last < len(starts) else len(text), first))
        return found

    def install(self, text: str, parts: Sequence[tuple[int, int, int]], edits: Sequence[Edit] = ()) -> dict[Named, Any]:
        """Give the functions the code of the text with these edits, those in the parts that they touch; the code
        that they had."""
        before: dict[Named, Any] = {}
        for start, end, line in parts:
            here = [(s - start, e - start, new) for s, e, new in edits if start <= s and e <= end]
            if here or not edits:
                segment = "\n" * (line - 1) + edited(text[start:end], here)
                module = compile(segment, self.file, "exec", dont_inherit=True)
                for path, code in _codes((), module):
                    if path in self.functions:
                        before[path] = self.functions[path].__code__
                        self.functions[path].__code__ = code
        return before

    def put_back(self, codes: Mapping[Named, Any]) -> None:
        for path, code in codes.items():
            self.functions[path].__code__ = code


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins, as Python counts lines."""
    starts, at = [0], 0
    while at < len(text):
        if text[at] == "\r" and text[at + 1 : at + 2] == "\n":
            at += 1
        at += 1
        if text[at - 1] in "\r\n":
            starts.append(at)
    return starts


def _functions(path: Named, held: Any) -> Iterator[tuple[Named, FunctionType]]:
    held = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held
    if isinstance(held, type):
        for name, value in vars(held).items():
            if isinstance(value, (FunctionType, staticmethod, classmethod)):
                yield from _functions((*path, name), value)
    elif callable(held) and isinstance(inspect.unwrap(held), FunctionType):
        yield path, inspect.unwrap(held)


def _codes(path: Named, code: CodeType) -> Iterator[tuple[Named, CodeType]]:
    for held in code.co_consts:
        if isinstance(held, CodeType):
            yield (*path, held.co_name), held
            yield from _codes((*path, held.co_name), held)
