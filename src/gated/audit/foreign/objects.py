"""An object of theirs: where the parameters lie in it, and where its gradients.

A place is the way to an array from the object: ("cell", "params", "Wx"), ("W", "f"), ("params", 0), ("p", "W_f", "v").
What a parameter is called is what is left of it without the words that only hold: "Wx", "W[f]", "W_f".
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from gated.audit.foreign import roles

Array = np.ndarray[Any, Any]
Place = tuple[str | int, ...]
DEPTH = 5
MOST = 64  # entries of a list or dictionary that are looked at
HOLD = {"params", "parameters", "param", "weights", "p", "theta", "variables", "model", "trainable", "par", "pars"}
HOLD |= {"参数", "权重"}
VALUE = {"v", "value", "val", "data", "array", "values", "weight_value"}
GRADIENT = {"grads", "gradients", "grad", "d", "dparams", "d_params", "dweights", "gradient", "dv", "g", "derivative"}
GRADIENT |= {"derivatives", "grad_params", "params_grad", "deltas", "diff", "weight_grads", "weights_grad"}
GRADIENT |= {"diffs", "梯度", "param_grads", "grads_dict", "dtheta", "grad_value", "weights_grads"}


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or type(value).__module__.startswith("torch") and hasattr(value, "detach")


def plain(value: Any) -> Array:
    """A tensor of PyTorch, or whatever it is, as an array."""
    return np.asarray(value.detach().numpy() if hasattr(value, "detach") else value)


def places(thing: Any, most: int = MOST) -> Iterator[tuple[Place, Any, Any]]:
    """(place, holder, array) of every array in an object, its dictionaries, lists and objects of classes of theirs."""
    seen: set[int] = set()

    def walk(holder: Any, place: Place) -> Iterator[tuple[Place, Any, Any]]:
        if id(holder) in seen or len(place) >= DEPTH:
            return
        seen.add(id(holder))
        for key, value in _entries(holder, most):
            if is_array(value):
                yield (*place, key), holder, value
            elif isinstance(value, (dict, list, tuple)) or theirs(value):
                yield from walk(value, (*place, key))

    yield from walk(thing, ())


def theirs(value: Any) -> bool:
    """Is it an object of a class of their file?"""
    kept = hasattr(value, "__dict__") or hasattr(value, "__slots__")
    return kept and not isinstance(value, (type, ModuleType)) and _beside(type(value).__module__)


@functools.lru_cache(maxsize=512)
def _beside(module: str) -> bool:
    """Is it their module, or one that lies beside it? The child process runs in its folder."""
    if module.startswith("audited_"):
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return module != "__main__" and file.startswith(os.getcwd() + os.sep) and "site-packages" not in file


def parts(thing: Any) -> list[Any]:
    """An object and the objects of theirs in it."""
    found: dict[int, Any] = {}

    def walk(value: Any, depth: int) -> None:
        if id(value) in found or depth > DEPTH:
            return
        if theirs(value):
            found[id(value)] = value
        if theirs(value) or isinstance(value, (dict, list, tuple)):
            for _, inner in _entries(value, MOST):
                walk(inner, depth + 1)

    walk(thing, 0)
    return list(found.values())


def _entries(holder: Any, most: int) -> list[tuple[str | int, Any]]:
    if isinstance(holder, dict):
        return [(k, v) for k, v in itertools.islice(holder.items(), most) if isinstance(k, (str, int))]
    if isinstance(holder, (list, tuple)):
        return list(enumerate(holder[:most]))
    return attributes(holder)


def attributes(holder: Any) -> list[tuple[str | int, Any]]:
    """Of an object, with those that it keeps in slots."""
    slots = [n for kind in type(holder).__mro__ for n in getattr(kind, "__slots__", ()) if hasattr(holder, n)]
    return [*getattr(holder, "__dict__", {}).items(), *((n, getattr(holder, n)) for n in slots)]


def put(holder: Any, key: str | int, value: Any) -> None:
    if isinstance(holder, (dict, list)):
        holder[key] = value  # type: ignore[index]
    elif not isinstance(holder, tuple):
        setattr(holder, str(key), value)


def write(thing: Any, held: Mapping[int, Any]) -> None:
    """Put another value where an array is: in place if it can be, else wherever it is found (`held`: id -> value)."""
    for _, holder, old in list(places(thing)):
        new = held.get(id(old))
        if new is None:
            continue
        if isinstance(old, np.ndarray):
            new = new.reshape(old.shape)
            if old.dtype == new.dtype and old.flags.writeable:
                old[...] = new
                continue
            fresh: Any = new
        else:
            import torch

            fresh = torch.tensor(new.reshape(tuple(old.shape)))
        put(holder, _key_of(holder, old), fresh)


def _key_of(holder: Any, old: Any) -> str | int:
    return next(key for key, value in _entries(holder, MOST) if value is old)


def key(place: Place) -> Place:
    """A place without the words that only hold."""
    kept = [c for c in place if not (isinstance(c, str) and c.lower().lstrip("_") in HOLD)]
    if len(kept) > 1 and str(kept[-1]).lower() in VALUE:
        kept.pop()
    return tuple(kept) or place[-1:]


def gradient_keys(place: Place) -> set[Place]:
    """Whose gradient an array at this place may be, by its words: ("cell", "grads", "dWx") may be ("cell", "Wx")'s."""
    marked = False
    ways: list[list[tuple[str | int, bool]]] = []
    for k, word in enumerate(place):
        last = k == len(place) - 1
        if not isinstance(word, str):
            ways.append([(word, False)])
            continue
        word = word.lstrip("_") or word
        if word.lower() in GRADIENT and not (last and marked):
            marked = True
        elif (word.lower() in HOLD or word.lower() in VALUE) and not (last and marked):
            continue
        else:
            base = roles.stem(word)
            held = base.lower() in HOLD and not last
            ways.append([(word, False), *([(base, True)] if base != word else [])])
            if held:
                ways.pop()
                marked = True
    found: set[Place] = set()
    for way in itertools.product(*ways):
        if marked or any(m for _, m in way):
            found.add(tuple(w for w, _ in way))
    return found - {()}


def names(keys: list[Place], called: Mapping[tuple[str, int], str]) -> list[str]:
    """What to call parameters: the last word, with those before it as far as they are needed.

    Args:
        called: ("params", 0) -> "Wx": the names of a list's entries in their code.
    """
    short = [_short(k, called) for k in keys]
    full = [".".join(map(str, k)) for k in keys]
    return [s if short.count(s) == 1 else f for s, f in zip(short, full, strict=True)]


def _short(place: Place, called: Mapping[tuple[str, int], str]) -> str:
    last = place[-1]
    if isinstance(last, int):
        holder = str(place[-2]) if len(place) > 1 else ""
        return called.get((holder, last)) or called.get(("", last)) or f"{holder or 'W'}{last}"
    if len(place) > 1 and len(last) <= 2 and not isinstance(place[-2], int) and len(str(place[-2])) <= 8:
        return f"{place[-2]}[{last}]" if roles.gate_word(last) == last.lower() else last
    return last


def match_gradients(wanted: Mapping[str, list[Place]], found: Mapping[Place, Any]) -> dict[str, Any]:
    """Parameter -> gradient: by the whole key, by capitals, by the end of it."""
    given: dict[Place, Any] = {}
    for place, value in found.items():
        for at in gradient_keys(place):
            given.setdefault(at, value)
    lower = {tuple(str(w).lower() for w in k): v for k, v in given.items()}
    answer = {}
    for name, keys in wanted.items():
        for at in keys:
            small = tuple(str(w).lower().lstrip("_") for w in at)
            ends = [v for k, v in lower.items() if k[-len(small) :] == small or small[-len(k) :] == k]
            if at in given:
                answer[name] = given[at]
            elif small in lower:
                answer[name] = lower[small]
            elif len({id(v) for v in ends}) == 1:
                answer[name] = ends[0]
            if name in answer:
                break
    return answer
