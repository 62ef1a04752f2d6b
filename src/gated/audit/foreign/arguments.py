"""What their functions ask for: every argument's role, for the forward pass and for the backward pass."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gated.audit.foreign import roles, usage
from gated.audit.foreign.source import Source, argument_names, defaults

LAST = re.compile(r"last|final|end$|_n$|^[hc]n$|_?[tT]_last|^[hc]t$")
ADJOINT = re.compile(r"^(?:d_?[lje]_?d_?|deltas?_?|grads?_(?:wrt_|of_)?|gradient_|upstream_?|g_|d_?)(.*)$")
TARGETS = re.compile(r"^(targets?|labels?|y_?true|truth|expected|desired|goals?|ts|t|y|ys|yd|y_?d|y_?target|tgt)s?$")
EVERY = re.compile(r"^(?:cs|c_?(?:all|seq|list)|cells)$")


@dataclass(frozen=True)
class Argument:
    """role: "x", "h", "c", "state" (of h and c), "parameters", "array" (one parameter), "lengths" and "mask" of
    sequences of several lengths, a size "T", "N", "D" or "H"; of a backward pass also "given" (what forward was given),
    "result" (what it returned under this name), "cache", "dy", "dc", "last_h", "last_c", "last_state", "every_c",
    "targets"."""

    name: str
    role: str


def of_forward(source: Source, name: str) -> list[Argument]:
    function, used = source.get(name), usage.uses(source, name)
    optional, unpacked = defaults(function), source.unpacked(source.reached(name))
    asked = source.arguments(name, keywords=True)
    by_name = {a: size(a) or _padding(a) or roles.role(a) for a in asked}
    found = []
    for argument in asked:
        role = by_name[argument]
        if argument not in optional or role not in ("array", "cache"):
            role = _by_use(by_name, argument, used.get(argument, set()))
        if role == "state" and not isinstance(unpacked.get(argument), list):
            role = "h"
        left_out = argument in optional and role not in ("x", "h", "c", "state", "parameters")
        if left_out and not (role == "array" and optional_bias(function, argument)):
            continue
        found.append(Argument(argument, role))
    found = _with_states(_with_input(found, used))
    return _with_cell(found)


def _with_states(found: list[Argument]) -> list[Argument]:
    """Where no name says h: what is called initial, or is no part of a container of parameters that there is."""
    if any(a.role in ("h", "c", "state") for a in found):
        return found
    arrays = [a.name for a in found if a.role == "array" and not TARGETS.match(a.name.lower())]
    held = any(a.role == "parameters" for a in found)
    initial = [n for n in arrays if held or (len(n) > 1 and re.search(r"(0|init|initial|prev)$", n.lower()))]
    states = dict(zip(initial[:2], ("h", "c"), strict=False)) if len(initial) < 3 else {}
    return [Argument(a.name, states.get(a.name, a.role)) for a in found]


def _with_cell(found: list[Argument]) -> list[Argument]:
    """h0 and s0: the second is the cell's."""
    outputs = [a.name for a in found if a.role == "h"]
    if len(outputs) != 2 or any(a.role == "c" for a in found):
        return found
    cell = next((n for n in outputs if not re.search("h|out|y", n.lower())), outputs[1])
    return [Argument(a.name, "c") if a.name == cell else a for a in found]


def _padding(name: str) -> str | None:
    """Which steps of a batch are there: mask, lengths, seq_lens."""
    key = name.lower()
    return "mask" if "mask" in key else "lengths" if re.search(r"len(gth)?s$", key) else None


def _by_use(by_name: Mapping[str, str], argument: str, used: set[str]) -> str:
    """The role that the name says, unless what is done with the argument says another."""
    role = by_name[argument]
    if role == "x":
        return role
    if usage.holds_parameters(used):
        return "state" if role == "state" and "names" not in used else "parameters"
    if "pair" in used and role in ("array", "h", "c", "H"):
        return "state"
    lone = not used & {"pair", "loop", "handed"} and "array" in by_name.values()
    return "array" if role == "parameters" and lone else role


def _with_input(found: list[Argument], used: usage.Uses) -> list[Argument]:
    """Where none is called so: the input is what is run through."""
    if any(a.role == "x" for a in found):
        return found
    sequence = usage.sequence(used, [a.name for a in found if a.role in ("array", "cache")])
    return [Argument(a.name, "x") if a.name == sequence else a for a in found]


def optional_bias(function: Any, name: str) -> bool:
    """b=None: a bias that may be left out."""
    named = re.match(r"^b|.*bias", name.lower()) is not None
    return named and inspect.signature(function).parameters[name].default is None


def size(name: str) -> str | None:
    """ "H" for hidden_size, "T" for seq_len."""
    words = {"T": {"T", "seq_len", "seq_length", "n_steps", "num_steps", "timesteps", "T_x"}, "N": {"batch_size"}}
    words |= {k: {n for n in v if len(n) > 1} | {k} for k, v in roles.SIZES.items()}
    words["D"] -= {"inputs"}
    words["H"] -= {"hidden"}
    return next((letter for letter, names in words.items() if name in names), None)


def of_backward(source: Source, function: Any, forward: Sequence[Argument], returned: Sequence[Any]) -> list[Argument]:
    """Of the arguments that have to be given, and those optional ones that forward was given or returned.

    Args:
        function: theirs, or the syntax tree of one that is defined inside of another.
    """
    optional, given = defaults(function), {a.name for a in forward}
    results = {n for n in returned if isinstance(n, str)}
    found: list[Argument] = []
    for argument in argument_names(function, keywords=True):
        if argument in given:
            role = "given"
        elif argument in results:
            role = "result"
        elif argument in optional and not (adjoint(argument) == "dy" and not any(a.role == "dy" for a in found)):
            continue
        else:
            role = adjoint(argument) or size(argument) or roles.role(argument)
        found.append(Argument(argument, role))
    return _one_adjoint(_settled(found, forward))


def _settled(found: list[Argument], forward: Sequence[Argument]) -> list[Argument]:
    """What has no clear role is the parameters under another name, the adjoint, or else the cache."""
    settled: list[Argument] = []
    for a in found:
        role = a.role
        if role == "array" and TARGETS.match(a.name.lower()):
            role = "targets"
        if role in ("x", "h", "c", "state", "parameters") and not any(f.role == role for f in forward):
            role = "array"
        if role == "array":
            there = {b.role for b in (*settled, *found)}
            role = "dy" if "dy" not in there else "cache"
        settled.append(Argument(a.name, role))
    return settled


def _one_adjoint(found: list[Argument]) -> list[Argument]:
    """dy and dh: the second is what comes into the last state."""
    outputs = [a.name for a in found if a.role == "dy"]
    if len(outputs) < 2:
        return found
    first = next((n for n in outputs if re.search("y|out|s$|seq|all", n.lower())), outputs[0])
    return [Argument(a.name, "last_h") if a.role == "dy" and a.name != first else a for a in found]


def adjoint(name: str) -> str | None:
    """The role of an adjoint by its name; None where it is none."""
    known = roles.role(name, backward=True)
    if known in ("dy", "dc", "last_h", "last_c"):
        return known
    key = name.lower()
    found = ADJOINT.match(key) or re.match(r"^(.+?)_?(?:grads?|adjoints?|bar|deltas?)$", key)
    if not found:
        return None
    rest = found[1].strip("_")
    if roles.role(rest) == "state" or rest in ("states", "last", "last_states", "final_states"):
        return "last_state"
    if EVERY.match(rest):
        return "every_c"
    if roles.state(rest) == "c":
        return "last_c" if LAST.search(rest) else "dc"
    if roles.state(rest) == "h" and LAST.search(rest):
        return "last_h"
    return "dy"


def names_of(arguments: Sequence[Argument], unpacked: Mapping[str, Any]) -> dict[str, str]:
    """ "x", "h", "c" -> what they call it."""
    names = {a.role: a.name for a in arguments if a.role in ("x", "h", "c")}
    for a in arguments:
        if a.role == "state":
            names |= dict(zip(state_order(unpacked.get(a.name)), unpacked.get(a.name) or ("h", "c"), strict=False))
    return names


def state_order(names: Any) -> tuple[str, str]:
    """Which of the two states a tuple has first."""
    first = names[0] if isinstance(names, list) and names else ""
    return ("c", "h") if isinstance(first, str) and roles.state(first) == "c" else ("h", "c")
