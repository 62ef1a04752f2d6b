"""Which adapter fits somebody's file: found by names and signatures, settled by running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gated.audit.foreign import layouts
from gated.audit.foreign.class_ways import class_candidates
from gated.audit.foreign.constructing import construct
from gated.audit.foreign.functions import Functions
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Subject
from gated.errors import ArgumentError, shown

BACKWARD = re.compile(r"backward|backprop|bptt|bwd|grad", re.IGNORECASE)
FORWARD = re.compile(r"forward|fprop|fwd|outputs|run|predict", re.IGNORECASE)


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


def candidates(source: Source, name: str | None) -> Iterator[Subject]:
    """Adapters that fit by names, the likeliest first."""
    if "torch" in source.text and re.search(r"^\s*(import|from) torch", source.text, re.MULTILINE):
        from gated.audit.foreign.torch_code import torch_candidates

        yield from torch_candidates(source, name)
    yield from class_candidates(source, name)
    yield from pairs_of_functions(source, name)


def pairs_of_functions(source: Source, name: str | None) -> Iterator[Subject]:
    backs = [f for f in source.functions if BACKWARD.search(f)]
    pairs = [(f, b) for b in backs for f in source.functions if FORWARD.search(f) and f not in backs and alike(f, b)]
    pairs.sort(key=lambda pair: bool(re.search("step|cell|unit", pair[0])))  # whole sequences first
    if name is not None:
        pairs = [pair for pair in pairs if name in pair]
    initial = initialiser(source)
    for forward, backward in pairs:
        step = bool(re.search("step|cell", forward))
        for start, elementwise in ((initial, False), (None, False), (None, True))[initial is None :]:
            for layout in ordered(source, forward, step):
                subject = Functions(source, forward, backward, layout, start, elementwise)
                if subject.fits:
                    subject.style = style(subject)
                    yield subject


def ordered(source: Source, forward: str, step: bool) -> list[str]:
    """Layouts to try; a sequence that is fed as a step would pass for a batch, so that what the name says is first."""
    every = [*layouts.STEPS, *layouts.SEQUENCES] if step else [*layouts.SEQUENCES, *layouts.STEPS]
    single = any(a.lower() in ("xt", "x_t") for a in source.arguments(forward))
    return [*layouts.STEPS] if single else every


def alike(forward: str, backward: str) -> bool:
    """lstm_step_forward and lstm_step_backward: the same name but for the direction."""
    strip = lambda name, word: re.sub(r"_+", "_", word.sub("", name)).strip("_").lower()  # noqa: E731
    a, b = strip(forward, FORWARD), strip(backward, BACKWARD)
    b = re.sub(r"^(ients|ient|s)$", "", b)
    return a == b or not a or not b


def style(subject: Functions) -> str:
    steps = "one step" if subject.one_step else "sequences"
    given = "one dictionary of parameters" if subject.dictionary else "arrays as arguments"
    return f"functions over {steps} with {given}"


def initialiser(source: Source) -> Callable[[int, int], dict[str, Any]] | None:
    """Their function that makes a dictionary of parameters, asked for D inputs and H units."""
    for name in source.functions:
        if not re.match(r"_?(init|make|create|random|new|get_|build)", name.lower()):
            continue
        function = source.get(name)
        for swap in (False, True):

            def made(D: int, H: int, function: Any = function, swap: bool = swap) -> dict[str, Any]:
                return construct(function, H, D) if swap else construct(function, D, H)

            try:
                held = made(5, 4)
            except Exception:  # noqa: BLE001
                continue
            if isinstance(held, dict) and held and all(isinstance(v, np.ndarray) for v in held.values()):
                return made
    return None


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
        "and: def backward(params, cache, dhs) -> {name: gradient}, with 'xs', 'h0', 'c0' beside the parameters' names"
    )
