"""Methods of a class of theirs: which runs forward, which backward, which forgets; what they are given and return."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

from gated.audit.foreign import roles
from gated.audit.foreign.constructing import ALL_OUTPUTS, arguments
from gated.audit.foreign.source import Source

FORWARD: tuple[str, ...] = (
    "forward",
    "forward_step",
    "step_forward",
    "forward_pass",
    "forward_propagation",
    "forward_prop",
    "fprop",
)
FORWARD += ("forward_sequence", "feedforward", "feed_forward", "forwardprop", "propagate", "fwd", "step", "run")
FORWARD += ("__call__", "call", "apply", "predict")
BACKWARD: tuple[str, ...] = (
    "backward",
    "backward_step",
    "step_backward",
    "backward_pass",
    "backward_propagation",
    "back_propagation",
)
BACKWARD += ("backward_sequence", "backprop", "bptt", "bprop", "backpropagate", "backpropagation", "back_prop", "bwd")
BACKWARD += ("backpropagation_through_time", "compute_gradients", "gradients", "gradient", "grad", "step_back")
MORE_FORWARD = re.compile(r"forward|fprop|f_prop|_fwd$|^fwd|get_?output|_outputs?$|unroll|^encode$|^process|前向|正向")
MORE_BACKWARD = re.compile(r"backward|back_?prop|bprop|b_prop|_bwd$|^bwd|bptt|get_?grad|^calc\w*grad|反向|后向|求梯度")
NEITHER = re.compile(r"check|numeric|zero|clip|clear|reset|print|plot|log|^__|hook")
FORGET = re.compile(
    r"^_?(reset|clear|zero|flush|empty|init)(_?(state|states|hidden|memory|cache|history|all|buffers?|h|c))?$"
)
ZERO = re.compile(
    r"^_?(zero|clear|reset|flush|empty|init|initialize)_?(the_)?(grad|gradients?|grads|param_grads?|deltas?)$"
)
STARTS = re.compile(
    r"^_?(init(iali[sz]e)?|build|set_?up|create|make|draw|random)_?(the_?)?(weights?|params?|parameters|variables|layers?|model|net(work)?|"
    r"matrices|cell)?$|初始化"
)
UPDATE = ("update", "step", "apply_gradients", "update_params", "update_parameters", "update_weights", "optimize")
PAIR = {"state", "states", "init_state", "init_states", "initial_state", "initial_states", "hc", "prev_state", "hx"}
PAIR |= {"hidden_state", "hidden", "prev_states", "state0", "hc0", "h_c", "hidden_states", "prev", "last_state", "init"}
DPAIR = re.compile(r"^d_?(state|hc|last|final|states|hidden|carry)s?\w*$|^(grad|delta)_(state|carry)s?$")
OF_H = re.compile(
    r"^(d|grad_|d_|delta_)_?(h|s|a|hidden|state)_?(prev|next|0|last|t|rec|init|old|tm1|pre|in|out|n|x|back)*$", re.I
)
OF_C = re.compile(r"^(d|grad_|d_|delta_)_?(c|cell)_?(prev|next|0|last|t|rec|init|old|tm1|pre|in|out|n|x|back)*$", re.I)


def pair_of(kind: Any) -> list[tuple[str, str]]:
    """(forward, backward): names of methods of a class that belong together, the likeliest first."""
    own = [name for name in dir(kind) if callable(getattr(kind, name, None))]
    own = [n for n in own if n != "__call__" or n in vars(kind)]
    back = [n for n in BACKWARD if n in own] or _called(own, MORE_BACKWARD)
    ahead = [n for n in FORWARD if n in own] + [n for n in _called(own, MORE_FORWARD) if n not in (*FORWARD, *back)]
    if not ahead or not back:
        return []
    alike = [(f, b) for f in ahead for b in back if "step" in f and "step" in b]
    return list(dict.fromkeys([(ahead[0], back[0]), *alike, *((f, back[0]) for f in ahead)]))


def _called(own: list[str], pattern: re.Pattern[str]) -> list[str]:
    """Methods that are called like what is sought, not one that checks or clears it; what is public first."""
    found = [n for n in own if pattern.search(n.lower()) and not NEITHER.search(n.lower())]
    return sorted(found, key=lambda n: n.startswith("_"))


@functools.lru_cache(maxsize=256)
def method_tree(source: Source, kind: Any, method: str) -> Any:
    """The syntax of a method, of the class or of one that it inherits from."""
    for base in getattr(kind, "__mro__", ()):
        tree = source.classes.get(base.__name__)
        found = tree and next((n for n in tree.body if getattr(n, "name", "") == method), None)
        if found:
            return found
    return None


def asked(function: Any) -> list[tuple[str, str]]:
    """(name, role) of the arguments of a forward method: x, h, c, pair (both states), all (a flag), or left out."""
    found: list[tuple[str, str]] = []
    for p in arguments(function):
        needed, low = p.default is p.empty, p.name.lower()
        role = roles.role(p.name)
        if role in ("array", "cache", "parameters", "state"):
            role = "pair" if low in PAIR or role == "state" else "all" if p.name in ALL_OUTPUTS else ""
        if low in PAIR and role == "h" and low != "hx":
            role = "h or pair"
        if not role and needed:
            role = "x" if not any(r == "x" for _, r in found) else "h" if not any(r == "h" for _, r in found) else "c"
        if role:
            found.append((p.name, role))
    return found


def returned(tree: Any) -> list[str | None]:
    """Names in the last `return a, (b, self.c)` of a method, nested tuples laid out flat; None where there is none."""
    returns = [n for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None] if tree else []
    if not returns:
        return []
    value = max(returns, key=lambda n: n.lineno).value
    names: list[str | None] = []

    def walk(node: Any) -> None:
        if isinstance(node, (ast.Tuple, ast.List)):
            for part in node.elts:
                walk(part)
        else:
            names.append(getattr(node, "id", None) or (node.attr if isinstance(node, ast.Attribute) else None))

    walk(value)
    return names


def flat(value: Any) -> list[Any]:
    """What was returned, tuples laid out flat."""
    return [v for part in value for v in flat(part)] if isinstance(value, tuple) else [value]


def results(source: Source, kind: Any, method: str, value: Any) -> list[tuple[str | None, Any]]:
    """(name, value) of what a method returned."""
    tree = method_tree(source, kind, method)
    called = returned(tree)
    if isinstance(value, list) and len(called) == len(value) > 1:  # return [dU, dW]
        value = tuple(value)
    values = [] if value is None else flat(value)
    return list(zip(called if len(called) == len(values) else [None] * len(values), values, strict=True))


def named_result(results: list[tuple[str | None, Any]], value: Any) -> Mapping[str, Any]:
    """What forward returned, by its names there; a cache is the last."""
    found = {name: v for name, v in results if name}
    if isinstance(value, tuple) and value:
        found.setdefault("cache", value[-1])
    return found


def forgetting(thing: Any, pattern: re.Pattern[str]) -> list[Any]:
    """Methods of an object that need nothing and have such a name."""
    found = []
    for name in filter(pattern.match, dir(type(thing))):
        method = getattr(thing, name, None)
        if inspect.ismethod(method) and all(p.default is not p.empty for p in arguments(method)):
            found.append(method)
    return found


def starting(kind: Any) -> list[str]:
    """Methods that may make its parameters, where its constructor does not."""
    return [
        n for n in dir(kind) if STARTS.search(n) and not n.startswith("__") and inspect.isfunction(getattr(kind, n))
    ]


@functools.lru_cache(maxsize=16)
def list_names(source: Source) -> dict[tuple[str, int], str]:
    """("params", 0) -> "Wx": what entries of lists are called, where they are put in or taken out."""
    found: dict[tuple[str, int], str] = {}
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            for holder, entries in ((target, node.value), (node.value, target)):
                if isinstance(holder, ast.Attribute) and isinstance(entries, (ast.Tuple, ast.List)):
                    for k, entry in enumerate(entries.elts):
                        word = getattr(entry, "id", None) or getattr(entry, "attr", None)
                        if word and not word.startswith("_"):
                            found.setdefault((holder.attr, k), word)
                            found.setdefault(("", k), word)
    return found
