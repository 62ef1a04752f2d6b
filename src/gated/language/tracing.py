"""From a Python function to an expression graph: run it on symbols, watch its local names; `building` does the rest."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from gated.errors import CellError, shown
from gated.language import graph as g
from gated.language.building import Trace, build
from gated.language.families import Chain, Family, Joined
from gated.language.functions import COMPOSED, OVER_UNITS, PUBLIC
from gated.language.nested import BINDINGS
from gated.language.refusals import without_class_names
from gated.language.signature import Signature, signature_of
from gated.language.symbols import Comparison, Length, Symbol, Vector, lift, number
from gated.language.twice import difference, quiet, random_state, readings


def trace_cell(function: Callable[..., Any], counts: Mapping[str, int] | None = None) -> g.Graph:
    """The graph of a cell: function(x, *states, *, families) -> the new states, in the same order.

    Args:
        counts: other values of the constants that are whole numbers.

    Raises:
        CellError: the function is not a cell; the message names file and line and says what to write.
    """
    where = _where(function)
    signature = signature_of(function, where)
    if counts:
        signature = replace(signature, counts={**signature.counts, **counts})
    before = random_state()
    graph = _read(function, where, signature)
    fault = None if random_state() == before else f"the equations of {graph.name} draw random numbers"
    for _ in range(readings(function) - 1):
        if fault is None:
            try:
                changed = difference(graph, _read(quiet(function), where, signature))
            except CellError as error:
                changed = shown(str(error))
            if changed is not None:
                fault = f"read again, the equations of {graph.name} are others: {changed}"
    if fault is not None:
        raise CellError(
            f"{where}: {fault}; they are read once, so what changes by itself (a random number, a counter) would stand "
            "still: compute it before the cell is defined, or make it an input or a parameter"
        )
    return graph


def _read(function: Callable[..., Any], where: str, signature: Signature) -> g.Graph:
    trace = _run(function, where, signature)
    _check_returned_states(function, trace)
    return build(function, trace, output_names=trace.states)


def trace_map(function: Callable[..., Any], output: str = "y") -> g.Graph:
    """The graph of a function without states: function(*inputs, *, families) -> one output (dense layers, losses)."""
    where = _where(function)
    trace = _run(function, where, signature_of(function, where, states=False))
    return build(function, trace, output_names=(output,))


def _where(function: Callable[..., Any]) -> str:
    if not inspect.isfunction(function):
        raise CellError(
            f"cell: got {type(function).__name__}, expected a plain Python function: write @gated.cell above a def"
        )
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        raise CellError(
            f"cell: got {function.__name__} with async or yield, expected a plain def that returns the states"
        )
    return f"{Path(function.__code__.co_filename).name}:{function.__code__.co_firstlineno}"


def _run(function: Callable[..., Any], where: str, signature: Signature) -> Trace:
    numbers, variables = signature.numbers, {}
    for kind, names in (("input", signature.inputs), ("state", signature.states)):
        for name in names:
            variables[name] = Symbol("leaf", (kind, name), None if name in numbers else Length(name))
    family_symbols = {name: Family(name, name in numbers) for name in signature.families}
    constants = {name: Symbol("leaf", ("constant", name), None) for name in signature.constants}
    bindings: list[tuple[str, Symbol | Chain | Joined]] = []
    try:
        given = {**family_symbols, **constants, **signature.counts}
        result = _watch(function, list(variables.values()), given, bindings)
    except CellError:
        raise
    except NameError as error:
        raise CellError(f"{_where_raised(function, error, where)}: {error}{_import_hint(error)}") from error
    except Exception as error:
        message = shown(" ".join(str(error).split()), 200)
        if isinstance(error, (TypeError, AttributeError)):  # which Python writes, with the names of our classes in it
            message = without_class_names(message)
        raise CellError(
            f"{_where_raised(function, error, where)}: tracing the equations raised {type(error).__name__}: {message}"
        ) from error
    values = list(result) if isinstance(result, (tuple, list)) else [result]
    outputs = [_output(value, where) for value in values]
    return Trace(where, variables, signature, family_symbols, bindings, outputs)


def _where_raised(function: Callable[..., Any], error: BaseException, where: str) -> str:
    """The line of the function that raised, for an error that is not ours."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is function.__code__:
            return f"{Path(function.__code__.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where


def _import_hint(error: NameError) -> str:
    name = getattr(error, "name", None)
    return f"; write: from gated import {name}" if name in (*PUBLIC, *COMPOSED, *OVER_UNITS) else ""


def _output(value: Any, where: str) -> Symbol:
    if not isinstance(value, Vector) and number(value) is None:
        what = (
            "None"
            if value is None
            else f"a {'parameter family' if isinstance(value, Family) else type(value).__name__}"
        )
        raise CellError(
            f"{where}: the cell returns {what}; write return h, c with the new states in the order of the arguments"
        )
    if isinstance(value, Comparison):
        raise CellError(f"{where}: the cell returns a comparison, which is no value; write where(a > b, 1, 0)")
    return lift(value)


def _watch(
    function: Callable[..., Any],
    args: list[Symbol],
    keywords: dict[str, Any],
    bindings: list[tuple[str, Symbol | Chain | Joined]],
) -> Any:
    """Call the function and record every (name, symbol) that its local names are bound to, in order."""
    code = function.__code__
    seen: dict[str, Any] = {}

    def compare(frame: FrameType) -> None:
        for name, value in frame.f_locals.items():
            if isinstance(value, (Symbol, Chain, Joined)) and seen.get(name) is not value:
                seen[name] = value
                bindings.append((name, value))

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        compare(frame)
        return local

    def start(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        seen.update(frame.f_locals)  # the arguments are no equations
        return local

    before, outer = sys.gettrace(), BINDINGS.set(bindings)
    sys.settrace(start)
    try:
        return function(*args, **keywords)
    finally:
        sys.settrace(before)
        BINDINGS.reset(outer)


def _check_returned_states(function: Callable[..., Any], trace: Trace) -> None:
    states, returned = trace.states, trace.outputs
    order = ", ".join(states)
    if len(returned) != len(states):
        more = "; inputs beyond the first argument stand with it before a /: def cell(x, dt, /, h, *, W, ...)"
        raise CellError(
            f"{trace.where}: the cell {function.__name__} returns {len(returned)} value(s) but has {len(states)} "
            f"state(s) ({order}); write return {order}{more if len(returned) < len(states) else ''}"
        )
    last = {id(symbol): name for name, symbol in trace.named()}
    for position, (state, symbol) in enumerate(zip(states, returned, strict=True)):
        name = last.get(id(symbol), state)
        if name != state and name in states and last.get(id(returned[states.index(name)])) != name:
            raise CellError(
                f"{trace.where}: the cell {function.__name__} returns {name} at place {position + 1}, where the "
                f"state {state} belongs; write return {order}"
            )
