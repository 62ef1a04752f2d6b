"""Cells that nobody wrote: random equations of the language must trace, print, survive a file, and have gradients."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import gated
from gated import Recurrent, erf, hold, sigmoid, softplus, tanh
from gated.audit.check import check_run
from gated.audit.runs import Configuration, prepare
from gated.errors import CellError
from gated.language import FUNCTIONS, WORDS
from gated.language.functions import OVER_UNITS
from gated.language.reductions import joined

PROFILE = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

# What is applied where: arguments that keep every function where it is defined, finite and not at a kink.
SAFE = {
    "sigmoid": "sigmoid({})",
    "tanh": "tanh({})",
    "relu": "relu({})",
    "softplus": "softplus({})",
    "exp": "exp(tanh({}))",
    "log": "log(1.5 + tanh({}))",
    "sqrt": "sqrt(1.5 + tanh({}))",
    "sin": "sin(3 * tanh({}))",
    "cos": "cos(3 * tanh({}))",
    "erf": "erf({})",
    "floor": "floor(0.5 + 0.25 * tanh({}))",
    "abs": "abs({})",
    "maximum": "maximum({}, {})",
    "minimum": "minimum({}, {})",
    "where": "where({} > {}, {}, {})",
    "clip": "clip({}, -0.5, 0.75)",
    "hold": "({}) * hold({})",
}


def _beside(name: str) -> Any:
    """A module of the tests (which are no package)."""
    path = Path(__file__).resolve().parents[1] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


numbers = _beside("numbers_in_cells")
OPERATORS = ["{} + {}", "{} - {}", "{} * {}", "{} / (2.5 + tanh({}))", "-{}", "1 - {}"]
OPERATORS += ["{} ** 2", "tanh({}) ** 3", "(1.5 + tanh({})) ** -0.5", "where(tanh({}) > -2, {}, sqrt(tanh({}) - 2))"]
OPERATORS += [*numbers.FORMS.values(), *numbers.EXTREME.values()]
# Matrices that are made of parameters, square ones and such that fit the input. {} is a parameter.
SQUARE = ["{} - {}.T", "{}.T", "({} + {}).T * {}", "abs({})", "maximum({}, {}.T)", "exp(tanh({})) * {}", "2 * {} + 1"]
SQUARE += ["-{}", "(2 - {}.T) / (2.5 + tanh({}))", "where({} > 0.1, {}, {}.T)", "clip({}, -0.5, 0.5)"]
WIDE = ["{} * {}", "({}) ** 2", "sigmoid({}) - {}", "softplus({})", "erf({}) * sin({})"]
over_units = _beside("over_units_in_cells")
SCOPE = {
    **WORDS,
    "np": np,
    "number": gated.number,
    "fixed": gated.fixed,
    "bernoulli": gated.bernoulli,
    "normal": gated.normal,
}


def test_every_public_function_may_occur():
    assert set(SAFE) == {name for name, row in FUNCTIONS.items() if row.public}
    assert set(over_units.FORMS) == set(OVER_UNITS)


KINDS = ["name", "input", "matrix", "made", "turned", "vector", "function", "operator", "units", "chain"]
# what stands before an expression: the family of which it has a member, if any, and how it is written
RICH = {
    "gap": ("", "dt"),
    "second input": ("B", "tanh({} @ m)"),
    "number": ("n", "{} + 0.5"),
    "constant": ("", "1 - leak"),
    "fixed vector": ("S", "{}"),
    "draw": ("", "bernoulli(0.7) + normal(0.2, per='sequence')"),
    "nested": ("V", "inner(x, h, V=V)"),
}


@gated.cell
def inner(x, h, *, V):
    """What is called in other cells."""
    return tanh(V.a @ x + V.b @ h)


class Writer:
    """Writes the source of one cell; `data` decides."""

    def __init__(self, data, rich=False):
        self.data, self.count, self.families = data, 0, {}
        self.rich, self.used = rich, set()  # whether what the language has since its second part may occur; what did

    def member(self, family):
        """A new member, or now and then one that is there already."""
        known = self.families.setdefault(family, [])
        if not known or self.data.draw(st.integers(0, 3)):
            known.append(f"{family}.k{len(known)}")
            return known[-1]
        return self.data.draw(st.sampled_from(known))

    def made(self, templates, family):
        template = self.data.draw(st.sampled_from(templates))
        return f"({template.format(*(self.member(family) for _ in range(template.count('{}'))))})"

    def pick(self, options):
        return self.data.draw(st.sampled_from(options))

    def expression(self, names, depth):
        """An expression of the common length; `names` are the states and gates in sight."""
        kind = self.data.draw(st.sampled_from([*KINDS, *(RICH if self.rich else ())]))
        if depth == 0 or kind == "name":
            return self.data.draw(st.sampled_from(names))
        if kind == "input":
            return f"{self.member('W')} @ x"
        if kind in RICH:
            self.used.add(kind)
            family, written = RICH[kind]
            member = self.member(family) if family and kind != "nested" else self.families.setdefault(family, [])
            self.families.pop("", None)
            return f"({written.format(member)}) * ({self.expression(names, depth - 1)})"
        if kind == "vector":
            scale = numbers.filled(self.data.draw(st.sampled_from(["", " / ~", " + #"])), self.pick)
            return f"({self.member('p')}{scale}) * ({self.expression(names, depth - 1)})"
        if kind == "made":
            if self.data.draw(st.booleans()):
                return f"{self.made(SQUARE, 'U')} @ ({self.expression(names, depth - 1)})"
            return f"{self.made(WIDE, 'W')} @ x"
        if kind == "turned":
            return f"{self.member('Q')}.T @ x"
        if kind == "matrix":
            return f"{self.member('U')} @ ({self.expression(names, depth - 1)})"
        if kind == "chain":  # through an inner size: every pair of matrices has its own
            self.count += 1
            inner = f"A.k{self.count} @ ({self.expression(names, depth - 1)})"
            self.families.setdefault("A", []).append(f"A.k{self.count}")
            self.families.setdefault("B", []).append(f"B.k{self.count}")
            return f"B.k{self.count} @ tanh({inner})"
        table = {"function": list(SAFE.values()), "units": list(over_units.FORMS.values())}.get(kind, OPERATORS)
        template = numbers.filled(self.data.draw(st.sampled_from(table)), self.pick)
        parts = [f"({self.expression(names, depth - 1)})" for _ in range(template.count("{}"))]
        return template.format(*parts)

    def source(self):
        states = ["h", "c", "s"][: self.data.draw(st.integers(1, 3))]
        names, lines = list(states), []
        for k in range(self.data.draw(st.integers(0, 3))):
            lines.append(f"    g{k} = tanh({self.expression(names, 3)})")
            names.append(f"g{k}")
        # tanh keeps the states bounded; every gate is used, and every state has one length
        total = " + ".join(names)
        for state in states:
            lines.append(f"    new_{state} = tanh({self.expression(names, 3)} + {total})")
        lines.append("    return " + ", ".join(f"new_{state}" for state in states))
        notes = {"n": ": number", "S": ": fixed"}
        families = "".join(f", {family}{notes.get(family, '')}" for family in self.families)
        families += ", leak=0.3" if "constant" in self.used else ""
        inputs = "x, m, dt: number, /" if self.used & {"gap", "second input"} else "x"
        if inputs != "x":  # all of them are used
            lines[-1] = lines[-1].replace("return ", f"return tanh(dt * {self.member('A2')} + B2.k @ m) + ", 1)
            families += ", A2, B2"
        return (
            "\n".join([f"def cell({inputs}, {', '.join(states)}{', *' + families if families else ''}):", *lines])
            + "\n"
        )


DRAWN = Counter()  # what the random cells were made of


def cell_of(data, rich=False):
    writer = Writer(data, rich)
    source = writer.source()
    DRAWN.update(writer.used)
    note(source)
    scope = {**SCOPE, "inner": inner}
    exec(source, scope)  # our own text
    return gated.cell(scope["cell"])


@PROFILE
@given(st.data())
def test_gradients_of_random_cells(data):
    check_gradients(cell_of(data))


def check_gradients(cell):
    configuration = Configuration("3 steps", 3, 2, inputs=2, hidden=2, lengths=(2, 3))
    run = prepare(cell, configuration, np.random.default_rng(0), {})
    rows = check_run(run)
    largest = max(row.norms[1] for row in rows if row.quantity.startswith("gradient"))
    for row in rows:
        # a gradient may nearly cancel: then the rounding of what it is made of counts
        distance = row.error * row.norms[1] if row.norms[1] else row.norms[0]
        assert row.error <= 1e-12 or distance <= 1e-14 * largest, f"{row}"


@settings(PROFILE, max_examples=40)
@given(st.data())
def _check_rich_cells(data):
    cell = cell_of(data, rich=True)
    again = gated.Cell.from_json(json.loads(json.dumps(cell.to_json())))
    assert again == cell and str(again) == str(cell)
    check_gradients(cell)


def test_gradients_of_random_cells_of_the_second_part():
    """Several inputs, numbers, constants, fixed arrays, draws, cells in cells: each occurred."""
    DRAWN.clear()
    _check_rich_cells()
    assert set(DRAWN) == set(RICH), DRAWN


@PROFILE
@given(st.data())
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(data):
    number = data.draw(st.sampled_from(numbers.NOT_FINITE))
    forms = [form for form in (*numbers.FORMS.values(), *numbers.EXTREME.values()) if "exp" not in form]
    template = data.draw(st.sampled_from([form.replace("abs(G)", "G") for form in forms]))
    places = [i for i, c in enumerate(template) if c in "#~TG"]
    place = data.draw(st.sampled_from(places))
    template = template[:place] + f"({number})" + template[place + 1 :]
    writer = Writer(data)
    expression = numbers.filled(template, writer.pick).format("W.h @ x + h")
    scope = dict(SCOPE)
    exec(f"def cell(x, h, *, W):\n    return {expression}\n", scope)  # our own text
    with np.errstate(all="ignore"), pytest.raises(CellError) as caught:
        gated.cell(scope["cell"])
    message = str(caught.value)
    assert "stands in the equations; only finite numbers may" in message and message.startswith("<string>:2: ")
    assert "\n" not in message


@PROFILE
@given(st.data())
def test_random_cells_survive_a_file(data):
    cell = cell_of(data)
    again = gated.Cell.from_json(json.loads(json.dumps(cell.to_json())))
    assert again == cell and str(again) == str(cell) and again.graph.names == cell.graph.names
    x = np.random.default_rng(0).standard_normal((3, 2, 2))
    a, b = (Recurrent(c, 2, 3, dtype="float64", backend="reference").forward(x)[0] for c in (cell, again))
    assert a.tobytes() == b.tobytes()


@PROFILE
@given(st.data())
def test_printed_equations_compute_what_the_layer_computes(data):
    cell = cell_of(data)
    layer = Recurrent(cell, 2, 3, dtype="float64", backend="reference")
    rng = np.random.default_rng(0)
    state, x = [rng.standard_normal((1, 2, 3)) for _ in cell.states], rng.standard_normal((1, 2, 2))
    scope = {
        "np": np,
        "sigmoid": sigmoid,
        "softplus": softplus,
        "erf": erf,
        "hold": hold,
        "joined": joined,
        "x_t": x[0],
    }
    scope |= {f"{name}_prev": s[0] for name, s in zip(cell.states, state, strict=True)}
    scope |= {key.split(".", 1)[1].replace(".", "_"): value for key, value in layer.params.items()}
    for line in cell.equations("numpy"):
        exec(line, scope)  # the printer's text
    _, last, _ = layer.forward(x, tuple(state))
    for name, value in zip(cell.states, last, strict=True):
        np.testing.assert_allclose(scope[name], value[0], rtol=1e-11, atol=1e-13)
    assert all(cell.equations(style) for style in ("text", "latex"))
