"""An object of a class of theirs, or a call of their initialiser, for D inputs and H units."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import roles, settings
from gated.audit.foreign.source import Source

HIDDEN = re.compile(r"hid|unit|state|memory|^n?h$|_h$|^h_|^n_?a$|out|rnn_size|cell", re.IGNORECASE)
INPUT = re.compile(r"in(put)?($|_|s)|feat|vocab|voc|^n?[dx]$|_[dx]$|^[dx]_|embed|emb|wordvec|char", re.IGNORECASE)
RATE = re.compile(r"rate|^lr$|eta|alpha|eps|std|scale|sigma|learning|decay|reg", re.IGNORECASE)
PARAMETER = re.compile(r"^([WUR]_?[A-Za-z]{0,3}|[bp]_?[a-z]{0,2}|weights?.*|bias(es)?.*|.*kernel.*)$")
OUTPUT = re.compile(r"out|^n?_?y$|_y$|class|target|label", re.IGNORECASE)
ONE = re.compile(r"layer|batch|depth|direction", re.IGNORECASE)  # of these, one
ALL_OUTPUTS = ("return_sequences", "return_sequence", "return_seq", "return_all", "full_output")


@functools.lru_cache(maxsize=512)
def arguments(function: Any) -> list[inspect.Parameter]:
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in every if p.kind in named and p.name != "self"]


def arrays_asked(function: Any) -> list[str]:
    """Arguments of a constructor that are the parameters themselves."""
    asked = [p.name for p in arguments(function) if p.default is p.empty]
    return [n for n in asked if PARAMETER.match(n) and size_of(n) is None]


def asks_batch(kind: Any) -> bool:
    """Has its constructor to be told how many sequences there are?"""
    return any("batch" in p.name.lower() and p.default is p.empty for p in arguments(kind))


def size_of(name: str) -> str | None:
    """ "D" or "H" by the name of an argument."""
    low = name.lower()
    for size in "DH":
        if low in roles.SIZES[size]:
            return size
    if RATE.search(low) or ONE.search(low) or "seq" in low or "activ" in low:
        return None
    return "H" if HIDDEN.search(low) else "D" if INPUT.search(low) else None


def construct(
    kind: Any, D: int, H: int, swap: bool = False, arrays: Mapping[str, Any] | None = None, source: Source | None = None
) -> Any:
    """Called with sizes by the names of its arguments, else in the order D, H (`swap`: H, D); what is no size is what
    their own file gives where it calls the class, else something usual."""
    sizes, own = ([H, D] if swap else [D, H]), _own_call(kind, source)
    values: dict[str, Any] = {}
    asked = arguments(kind)
    hidden = any(size_of(p.name) == "H" and not OUTPUT.search(p.name) for p in asked)
    clear = [size_of(p.name) for p in asked if p.default is p.empty]
    sure = clear.count("D") == 1 and clear.count("H") >= 1 or clear.count(None) == len(clear)
    tree = settings.tree_of(kind, source)
    for p in asked:
        size, low, needed = size_of(p.name), p.name.lower(), p.default is p.empty
        if arrays and p.name in arrays:
            values[p.name] = arrays[p.name]
        elif p.name in ALL_OUTPUTS:
            values[p.name] = True
        elif (made := settings.sizes(tree, p, *((H, D) if swap else (D, H)))) is not None or (
            made := _of_sizes(p, D, H, tree, source)
        ) is not None:
            values[p.name] = made
        elif hidden and needed and OUTPUT.search(p.name) and size == "H":
            values[p.name] = H + 1  # an output layer of another size than the states
        elif size and (needed or type(p.default) in (int, type(None))) and not (swap and sure):
            values[p.name] = {"D": D, "H": H}[size]
            if needed and clear.count(None) and {"D", "H"} - {size, *clear} and values[p.name] in sizes:
                sizes.remove(values[p.name])  # the other size is the other argument
        elif not needed:
            continue
        elif RATE.search(low):
            values[p.name] = 0.1
        elif ONE.search(low):
            values[p.name] = 1
        elif "seed" in low:
            values[p.name] = 0
        elif low in ("rng", "generator"):
            values[p.name] = np.random.default_rng(0)
        elif p.name in own:
            values[p.name] = own[p.name]()
        elif size and sure:
            values[p.name] = {"D": D, "H": H}[size]
        else:
            values[p.name] = sizes.pop(0) if sizes else 1
    return kind(**values)


def _of_sizes(p: inspect.Parameter, D: int, H: int, tree: ast.AST | None, source: Source | None) -> Any:
    """An argument that holds sizes inside; None for any other."""
    if p.name.lower().endswith("shape") and p.default in (p.empty, None):
        return settings.shape(tree, p.name, D)
    kind = settings.own_class(source, p)
    if kind is not None and {size_of(inner.name) for inner in arguments(kind)} >= {"D", "H"}:
        return construct(kind, D, H, source=source)
    return settings.settings(tree, p, size_of, lambda key: _setting(key, D, H)) if p.default is p.empty else None


def _setting(key: str, D: int, H: int) -> Any:
    size = size_of(key)
    if size:
        return D if size == "D" else H
    return 0.1 if RATE.search(key.lower()) else 0 if "seed" in key.lower() else 1


@functools.lru_cache(maxsize=64)
def _own_call(kind: Any, source: Source | None) -> dict[str, Any]:
    """Argument -> a function that makes it as their own file does where it calls the class: an activation, say."""
    found: dict[str, Any] = {}
    if source is None:
        return found
    names = [p.name for p in arguments(kind)]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind.__name__:
            given = [*zip(names, node.args, strict=False), *((k.arg, k.value) for k in node.keywords)]
            for name, value in given:
                if name and isinstance(value, ast.Constant) and not isinstance(value.value, (int, float)):
                    found.setdefault(name, lambda value=value: value.value)
                if name and isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and not value.args:
                    inner = source.get(value.func.id)
                    if isinstance(inner, type):
                        found.setdefault(name, inner)
    return found
