# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that differ in one thing from the one that was meant: what is said of a forward pass that is none of the zoo.

Each is the cell with one departure; where their outputs are its outputs, that is the departure, and their backward pass
is judged as that of what they wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gated.language import Cell, cell, relu, sigmoid, tanh

GATES = {"lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}


def _named(made: Callable[..., Any], name: str) -> Cell:
    made.__name__ = name
    return cell(made)


def _plain(value):
    return value


def _lstm(
    name: str,
    *,
    sees: Callable[[str], str] = lambda gate: "xh",
    squash: Callable[[str], Any] = lambda gate: tanh if gate in "gy" else sigmoid,
    output: Callable[..., Any] | None = None,
    memory: Callable[..., Any] | None = None,
    skips: str = "",
) -> Cell:
    """sees: of "x", "h", "c", what a gate is computed from. squash: of a gate, and of c at the output ("y").
    output, memory: other last equations. skips: a gate that they do not read."""

    def made(x, h, c, *, W, U, b):
        def gate(k):
            if k == skips:
                return None
            terms = [getattr(W, k) @ x] if "x" in sees(k) else []
            terms += [getattr(U, k) @ {"h": h, "c": c}[state] for state in sees(k) if state != "x"]
            return squash(k)(sum(terms[1:], terms[0]) + getattr(b, k))

        i, f, g, o = gate("i"), gate("f"), gate("g"), gate("o")
        old = c
        c = memory(old, i, f, g) if memory else f * old + i * g
        h = output(o, c, old) if output else o * squash("y")(c)
        return h, c

    made.__doc__ = "LSTM with one departure."
    return _named(made, name)


def _gru(
    name: str,
    after: bool = False,
    keeps: bool = False,
    *,
    sees: Callable[[str], str] = lambda gate: "xh",
    squash: Callable[[str], Any] = lambda gate: tanh if gate == "n" else sigmoid,
    reset: Callable[..., Any] = lambda r, z, value: r * value,
    update: Callable[..., Any] = lambda old, new, h, n: old * h + new * n,
    skips: str = "",
) -> Cell:
    """after: the reset gate acts after the matrix. keeps: z = 1 keeps h. reset: what is done to h, or to its image.
    update: the last equation, of the shares of h and of the candidate."""

    def made(x, h, *, W, U, b):
        def gate(k):
            if k == skips:
                return None
            terms = [getattr(W, k) @ x] if "x" in sees(k) else []
            terms += [getattr(U, k) @ h] if "h" in sees(k) else []
            return squash(k)(sum(terms[1:], terms[0]) + getattr(b, k))

        r, z = gate("r"), gate("z")
        if "h" not in sees("n"):
            n = gate("n")
        else:
            terms = [W.n @ x] if "x" in sees("n") else []
            terms += [b.n, reset(r, z, U.n @ h + b.hn)] if after else [U.n @ reset(r, z, h), b.n]
            n = squash("n")(sum(terms[1:], terms[0]))
        h = update(z, 1 - z, h, n) if keeps else update(1 - z, z, h, n)
        return h

    made.__doc__ = "GRU, in another convention or with one departure."
    return _named(made, name)


def _without(gate: str, letter: str) -> Callable[[str], str]:
    return lambda k: "xh".replace(letter, "") if k == gate else "xh"


def _other(gate: str, function: Any, candidates: str) -> Callable[[str], Any]:
    return lambda k: function if k == gate else tanh if k in candidates else sigmoid


@cache
def conventions() -> dict[str, Cell]:
    """The GRU with z the other way round, before and after the matrix: name of the cell of the zoo -> cell."""
    return {
        "gru": _gru("gru_z_keeps", keeps=True),
        "gru_reset_after": _gru("gru_reset_after_z_takes", after=True),
    }


@cache
def departed(meant: str) -> tuple[tuple[Cell, str, str], ...]:
    """Cells one step from one of the zoo: (cell, key of the sentence that says which step, the gate it is about)."""
    if meant == "lstm":
        return tuple(_lstms())
    after = meant == "gru_reset_after"
    return tuple(found for keeps in (after, not after) for found in _grus(after, keeps))


def _lstms():
    yield _lstm("lstm_gates_see_c", sees=lambda k: "xc"), "c_for_h", ""
    yield _lstm("lstm_h_of_c", squash=_other("y", _plain, "gy")), "no_tanh_c", ""
    yield _lstm("lstm_h_of_sigmoid", squash=_other("y", sigmoid, "gy")), "sigmoid_c", ""
    yield _lstm("lstm_tanh_of_product", output=lambda o, c, old: tanh(o * c)), "tanh_outside", ""
    yield _lstm("lstm_h_of_old_c", output=lambda o, c, old: o * tanh(old)), "old_c", ""
    yield _lstm("lstm_without_o", output=lambda o, c, old: tanh(c), skips="o"), "unused", "o"
    yield _lstm("lstm_without_f", memory=lambda c, i, f, g: c + i * g, skips="f"), "unused", "f"
    yield _lstm("lstm_without_i", memory=lambda c, i, f, g: f * c + g, skips="i"), "unused", "i"
    yield _lstm("lstm_coupled", memory=lambda c, i, f, g: (1 - i) * c + i * g, skips="f"), "coupled_i", ""
    yield _lstm("lstm_coupled_by_f", memory=lambda c, i, f, g: f * c + (1 - f) * g, skips="i"), "coupled_f", ""
    for k in "ifgo":
        yield _lstm(f"lstm_{k}_without_h", sees=_without(k, "h")), "no_recurrence", k
        yield _lstm(f"lstm_{k}_without_x", sees=_without(k, "x")), "no_x", k
    for k in "ifo":
        yield _lstm(f"lstm_tanh_{k}", squash=_other(k, tanh, "gy")), "tanh_gate", k
    for word, function in (("sigmoid", sigmoid), ("linear", _plain), ("relu", relu)):
        yield _lstm(f"lstm_{word}_g", squash=_other("g", function, "gy")), f"{word}_candidate", "g"


def _grus(after: bool, keeps: bool):
    def one(word: str, **how: Any) -> Cell:
        convention = "_reset_after" * after + ("_z_keeps" if keeps else "_z_takes")
        return _gru(f"gru{convention}_{word}", after, keeps, **how)

    yield one("without_r", reset=lambda r, z, h: h, skips="r"), "unused", "r"
    yield one("reset_by_z", reset=lambda r, z, h: z * h, skips="r"), "z_for_r", ""
    yield one("reset_opposite", reset=lambda r, z, h: (1 - r) * h), "opposite_r", ""
    yield one("no_old", update=lambda old, new, h, n: new * n), "no_old", ""
    yield one("all_old", update=lambda old, new, h, n: h + new * n), "all_old", ""
    yield one("both_new", update=lambda old, new, h, n: new * h + new * n), "both_z", ""
    yield one("both_old", update=lambda old, new, h, n: old * h + old * n), "both_z", ""
    for k in "rzn":
        yield one(f"{k}_without_h", sees=_without(k, "h"), skips="r" if k == "n" else ""), "no_recurrence", k
        yield one(f"{k}_without_x", sees=_without(k, "x")), "no_x", k
    for k in "rz":
        yield one(f"tanh_{k}", squash=_other(k, tanh, "n")), "tanh_gate", k
    for word, function in (("sigmoid", sigmoid), ("linear", _plain), ("relu", relu)):
        yield one(f"{word}_n", squash=_other("n", function, "n")), f"{word}_candidate", "n"
