"""Which adapter fits somebody's file: found by names and signatures, settled by running it."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, usage
from gated.audit.foreign.class_ways import class_candidates, headed, made_by
from gated.audit.foreign.constructing import construct
from gated.audit.foreign.containers import flatten
from gated.audit.foreign.functions import Functions
from gated.audit.foreign.losses import LossFunction, loss_functions
from gated.audit.foreign.pullbacks import Pullback, pullbacks
from gated.audit.foreign.readings import Agreement, agreement, best, readings_of
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Subject
from gated.errors import ArgumentError, shown

BACKWARD = re.compile(r"backward|backprop|back_prop|bptt|bprop|bwd|grad|vjp", re.IGNORECASE)
FORWARD = re.compile(r"forward(_?prop(agation|agate)?|_?pass)?|f_?prop|fwd|outputs|run|predict", re.IGNORECASE)
Maker = Callable[[int, int], Any]


def find(source: Source, name: str | None = None) -> Subject:
    """The adapter for a file, or for one function or class in it.

    Raises:
        ArgumentError: none fits, with what to write.
    """
    if name is not None and source.get(name) is None:
        there = ", ".join([*source.functions, *source.classes][:8]) or "nothing"
        raise ArgumentError(f"name: got {shown(name, 60)}, expected one of those that the file defines: {there}")
    for subject in candidates(source, name):
        if subject.settle():
            return subject
    raise ArgumentError(none_fits(source))


def others(source: Source, found: Subject) -> list[str]:
    """Names of the functions or classes in the file, beside those found, that an adapter fits too."""
    names: list[str] = []
    used = {*found.where, *(part for name in found.where for part in made_by(source, name))}
    for subject in candidates(source, None, used):
        if used.isdisjoint(subject.where) and subject.settle():
            used.update(subject.where)
            names.append(subject.where[0])
    return names


def candidates(source: Source, name: str | None, used: AbstractSet[str] = frozenset()) -> Iterator[Subject]:
    """Adapters that fit by names, the likeliest first; not of functions that are `used`, which may grow meanwhile."""
    if "torch" in source.text and re.search(r"^\s*(import|from) torch", source.text, re.MULTILINE):
        from gated.audit.foreign.torch_code import torch_candidates

        yield from torch_candidates(source, name)
    yield from class_candidates(source, name)
    yield from pairs_of_functions(source, name, used)
    yield from with_pullbacks(source, name, used)
    yield from losses(source, name, used)
    yield from headed(source, name)
    yield from unnamed_pairs(source, name, used)


def with_pullbacks(source: Source, name: str | None, used: AbstractSet[str]) -> Iterator[Subject]:
    """The best reading of each function that returns its backward pass."""
    for function in pullbacks(source, name):
        if function not in used:
            starts = [*initialisers(source), None]
            subjects = (
                Pullback(source, function, layout, start)
                for start, layout in itertools.product(starts, ordered(source, function, False))
            )
            ways = (readings_of(s) for s in subjects if s.fits and (s.dictionary or s.initial is None))
            found = best(ways)
            if found is not None:
                found.style = "a function that returns its backward pass"
                yield found


def unnamed_pairs(source: Source, name: str | None, used: AbstractSet[str]) -> Iterator[Subject]:
    """Of functions whose names say nothing, in whatever language they are: what runs against time and has derivatives
    of activations in it is a backward pass, if its gradients are those of a forward pass by their shapes."""
    slopes = {f: usage.looks_backward(source, f) for f in source.functions}
    tried = set(named_pairs(source, name))
    backs = sorted((f for f in slopes if slopes[f] > 1), key=lambda f: -slopes[f])
    for backward, forward in itertools.product(backs, source.functions):
        pair = forward, backward
        known = pair in tried or not used.isdisjoint(pair) or name not in (None, *pair)
        if known or slopes[forward] >= slopes[backward] or not source.arguments(forward):
            continue
        found = best(readings(source, forward, backward, initialisers(source)))
        agreed = agreement(found) if found is not None else Agreement()
        if found is not None and (agreed.right or agreed.fits):
            found.style = style(found)
            yield found


def pairs_of_functions(source: Source, name: str | None, used: AbstractSet[str]) -> Iterator[Subject]:
    """The best reading of each pair of functions that has one; whole sequences before single steps."""
    initial = initialisers(source)
    for forward, backward in named_pairs(source, name):
        if not used.isdisjoint((forward, backward)):
            continue
        found = best(readings(source, forward, backward, initial))
        if found is not None:
            found.style = style(found)
            yield found


def losses(source: Source, name: str | None, used: AbstractSet[str]) -> Iterator[Subject]:
    """The best reading of each function of a loss that has one."""
    for function in loss_functions(source, name):
        if function in used:
            continue
        starts = [*initialisers(source), None]
        subjects = (
            LossFunction(source, function, layout, start)
            for start, layout in itertools.product(starts, ordered(source, function, False))
            if "T" in layout
        )
        found = best(readings_of(s) for s in subjects if s.fits and (s.dictionary or s.initial is None))
        if found is not None:
            found.style = "a function of a loss and its gradients"
            yield found


def named_pairs(source: Source, name: str | None) -> list[tuple[str, str]]:
    """(forward, backward), the likeliest first."""
    backs = [f for f in source.functions if BACKWARD.search(f)]
    fronts = [f for f in source.functions if f not in backs]
    ranks = {}
    for forward, backward in itertools.product(fronts, backs):
        named, same = bool(FORWARD.search(forward)), alike(forward, backward)
        if named or same:  # whole sequences before steps
            step = bool(re.search("step|cell|unit", forward))
            ranks[forward, backward] = (not same, step, not named)
    pairs = sorted(ranks, key=lambda pair: ranks[pair])
    return pairs if name is None else [pair for pair in pairs if name in pair]


def readings(source: Source, forward: str, backward: str, initial: list[Maker]) -> Iterator[Iterator[Functions]]:
    """Those of each layout, the likeliest first."""
    step = bool(re.search("step|cell", forward))
    for start, elementwise in (*((made, False) for made in initial), (None, False), (None, True)):
        for layout in ordered(source, forward, step):
            subject = Functions(source, forward, backward, layout, start, elementwise)
            if subject.fits and (start is None or subject.dictionary):
                yield readings_of(subject)


def ordered(source: Source, forward: str, step: bool) -> list[str]:
    """Layouts to try; a sequence that is fed as a step would pass for a batch, so that what the name says is first."""
    sequences = sorted([*layouts.SEQUENCES, *layouts.MORE_SEQUENCES], key=lambda layout: "N" not in layout)
    every = [*layouts.STEPS, *sequences] if step else [*sequences, *layouts.STEPS]
    single = any(a.lower() in ("xt", "x_t") for a in source.arguments(forward))
    return [*layouts.STEPS] if single else every


def alike(forward: str, backward: str) -> bool:
    """lstm_step_forward and lstm_step_backward: the same name but for the direction."""
    strip = lambda name, word: re.sub(r"_+", "_", word.sub("", name)).strip("_").lower()  # noqa: E731
    a, b = strip(forward, FORWARD), strip(backward, BACKWARD)
    b = re.sub(r"^(loss_?and|compute|calc)?_?(ients|ient|s)?$", "", b)
    return a == b or not a or not b


def style(subject: Functions) -> str:
    steps = "one step" if subject.one_step else "sequences"
    given = "one dictionary of parameters" if subject.dictionary else "arrays as arguments"
    return f"functions over {steps} with {given}"


def initialisers(source: Source) -> list[Maker]:
    """Their functions that make parameters, asked for D inputs and H units."""
    found: list[Maker] = []
    named = re.compile(r"^_?(init|make|create|random|rand|new|get_|build|param|weights|xavier)|init|params$")
    for name in source.functions:
        draws = re.search(r"rand|normal\(|uniform\(", source.segment(name)) and source.returned_tree(name)
        if not named.search(name.lower()) and not (draws and len(source.arguments(name)) > 1):
            continue
        function, names = source.get(name), source.returned_tree(name)
        for swap in (False, True):

            def made(D: int, H: int, function: Any = function, swap: bool = swap, names: list[Any] = names) -> Any:
                np.random.seed(0)
                held = construct(function, H, D) if swap else construct(function, D, H)
                return held

            try:
                shapes = [{n: np.shape(v) for n, v in flatten(made(D, H)).items()} for D, H in ((5, 4), (5, 3), (2, 4))]
            except Exception:  # noqa: BLE001
                continue
            if shapes[0] and shapes[0] != shapes[1] != shapes[2] and shapes[0] != shapes[2]:
                found.append(made)
    return found


def none_fits(source: Source) -> str:
    """Three lines: what was looked for, what is there, what to write; one for a file in which there is nothing."""
    found = [*source.functions, *source.classes]
    if not found:
        return f"{source.path.name}: got a file without functions and classes, expected a forward and a backward pass"
    methods = [m.name for c in source.classes.values() for m in c.body if isinstance(m, ast.FunctionDef)]
    lacking = (
        "" if any(BACKWARD.search(n) for n in (*found, *methods)) else ", and nothing called backward, bptt or grad"
    )
    return (
        f"{source.path.name}: no adapter fits; it defines {', '.join(found[:6])}{lacking}\n"
        "write beside it: def forward(params, xs, h0, c0) -> (hs, cache), xs (T, N, D), params {name: array}, "
        "and def init(input_size, hidden_size) -> params\n"
        "and: def backward(params, cache, dhs) -> {name: gradient}, with 'xs', 'h0', 'c0' beside the parameters' names "
        "(states of other names: those of a cell of yours, --cell FILE.py:NAME)"
    )
