"""Randomness was frozen: a random number inside a cell became a constant of its equations, and check_cell passed."""

from __future__ import annotations

import itertools
import random as dice
import re
import time

import numpy as np
import pytest

import gated
from gated.errors import CellError

counter = itertools.count(1)
calls: list[int] = []
half_used = iter("ab")
AGAIN = "read again, the equations of {} are others: "
WHY = (
    "; they are read once, so what changes by itself (a random number, a counter) would stand still: compute it before "
    "the cell is defined, or make it an input or a parameter"
)


def random(x, h, *, W):
    z = np.random.rand()
    return z * h + (1 - z) * gated.tanh(W.h @ x)


def counts(x, h, *, W):
    return h / next(counter) + W.h @ x


def clock(x, h):
    return x + h * time.perf_counter()


def used_up(x, h, *, W):
    return h + W.h @ x + sum(getattr(W, name) @ x for name in half_used)


def takes(x, h, *, W):
    return h + getattr(W, next(half_used_twice)) @ x


half_used_twice = iter("a")


def another_function(x, h):
    calls.append(0)
    return gated.tanh(x + h) if len(calls) % 2 else gated.sigmoid(x + h)


def other_names(x, h, *, W):
    calls.append(0)
    return h + getattr(W, "ab"[len(calls) % 2]) @ x


def other_values(x, h, c):
    calls.append(0)
    return (h + x, c * x) if len(calls) % 2 else (c * x, h + x)


def with_global(x, h):
    global step
    step = step * 0.5
    return x + h * step


step = 1.0

CASES = [
    (counts, "the number 1.0 became the number 2.0"),
    (clock, r"the number \d+\.\d+ became the number \d+\.\d+"),
    (used_up, "the operation add became the number 0.0|the operation add became a product with W.h"),
    (takes, r"test_06.py:\d+: tracing the equations raised StopIteration: "),
    (another_function, "the operation tanh became the operation sigmoid"),
    (other_names, "a product with W.b became a product with W.a"),
    (other_values, "the operation mul became the operation add|the operation add became the operation mul"),
    (with_global, "the number 0.5 became the number 0.25"),
]


@pytest.mark.parametrize(("function", "what"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_changes_from_reading_to_reading_is_refused(function, what) -> None:
    with pytest.raises(CellError) as caught:
        gated.cell(function)
    where = f"test_06.py:{function.__code__.co_firstlineno}: "
    assert re.fullmatch(
        re.escape(where + AGAIN.format(function.__name__)) + f"(?:{what})" + re.escape(WHY), str(caught.value)
    )


def coin(x, h):
    return x + h if generator.random() < 0.5 else x * h


generator = np.random.default_rng(0)


def choice(x, h):
    return x + h * np.random.randint(2)


def choice_of_python(x, h):
    return x + h * dice.choice([1, 2])


def random_in_a_branch(x, h):
    return x + h if np.random.rand() < 0.999 else x * h


@pytest.mark.parametrize("function", [random, choice, choice_of_python, random_in_a_branch])
def test_what_draws_from_the_generators_of_the_program_is_refused(function) -> None:
    for _ in range(20):
        with pytest.raises(CellError) as caught:
            gated.cell(function)
        where = f"test_06.py:{function.__code__.co_firstlineno}: "
        assert str(caught.value) == f"{where}the equations of {function.__name__} draw random numbers{WHY}"


def test_a_coin_seldom_falls_eight_times_on_the_same_side() -> None:
    accepted = 0
    for _ in range(100):
        try:
            accepted += bool(gated.cell(coin))
        except CellError as error:
            assert "became the operation" in str(error)
    assert accepted <= 5


def test_what_is_drawn_before_is_a_number_like_any_other() -> None:
    z = np.random.default_rng(0).random()

    @gated.cell
    def cell(x, h):
        return z * h + x

    assert f"{z}" in str(cell)


def test_reading_again_is_not_heard(capsys) -> None:
    seen = []

    def cell(x, h, *, W):
        gates = (gated.sigmoid(getattr(W, name) @ x) for name in "ab")  # made anew in each reading
        print("equations", f"{h}")
        seen.append(len(seen))
        return h + sum(gates)

    made = gated.cell(cell)
    assert capsys.readouterr().out == "equations <a vector of the equations: it has no numbers>\n"
    assert list(made.parameters) == ["W.a", "W.b"]
    assert seen == list(range(8)), "what cannot be held back is done again, as docs/guide.md says"


def test_a_global_is_set_once() -> None:
    global step
    step = 1.0
    scope: dict = {}
    exec("total = 0\ndef cell(x, h):\n    global total\n    total += 1\n    return x + h\n", scope)
    assert gated.cell(scope["cell"]).name == "cell"
    assert scope["total"] == 1
