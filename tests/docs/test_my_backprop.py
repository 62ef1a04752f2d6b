"""The comparison that a reader copies from docs/my-backprop.md finds what its list says that a check must find."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from .pages import load, read

build = load("build")
PAGE = "docs/my-backprop.md"
REPAIRED = ("output peephole", "input peepholes", "sum of biases")


@pytest.fixture(scope="module")
def page() -> tuple[dict[str, Any], str]:
    """The page's names, and the source of its program."""
    names: dict[str, Any] = {}
    blocks = [block.text for block in build.blocks(read(PAGE)) if block.language == "python"]
    with contextlib.redirect_stdout(io.StringIO()):
        for text in blocks:
            exec(compile(text, PAGE, "exec"), names)
    return names, next(text for text in blocks if "def my_backward" in text)


def off(names: dict[str, Any], program: str, *lengths: int) -> list[str]:
    """What the comparison says of another program."""
    own = dict(names)
    exec(compile(program, "program", "exec"), own)
    compare: Callable[..., list[str]] = type(own["compare"])(own["compare"].__code__, own, "compare", None, None)
    with contextlib.redirect_stdout(io.StringIO()):
        return compare(*lengths, careless=False, fixed=REPAIRED)


def test_the_program_on_the_page_is_right_with_all_repairs(page: tuple[dict[str, Any], str]) -> None:
    for lengths in ((5, 3, 1), (1,), (1, 1), (4, 4)):
        assert off(*page, *lengths) == []


@pytest.mark.parametrize(
    "right, wrong, seen",
    [
        ('P[f"W.{gate}"].T @ d[gate] for gate in "ifgo"', 'P[f"W.{gate}"].T @ d[gate] for gate in "i"', {"x"}),
        ("dh = dh + dy[t]", "dh = dy[t] + (0 if t == len(steps) - 1 else dh)", {"W.o", "h0"}),
        ("dc = dc + dh * o", "dc = (0 if t == len(steps) - 1 else dc) + dh * o", {"W.i", "c0"}),
        ("dh = dh + dy[t]", "dh = dh + dy[-1]", {"W.o", "x"}),
        ('G["h0"], G["c0"] = dh, dc', 'G["h0"], G["c0"] = dc, dh', {"h0", "c0"}),
        ('G["h0"], G["c0"] = dh, dc', 'G["h0"], G["c0"] = dh, dc * (len(steps) > 1)', {"c0"}),
        (
            "for t in reversed(range(len(steps)))",
            "for t in reversed(range(max(2, len(steps)) - 2, len(steps)))",
            {"W.i"},
        ),
    ],
)
def test_a_gradient_that_is_wrong_is_found(
    page: tuple[dict[str, Any], str], right: str, wrong: str, seen: set[str]
) -> None:
    names, program = page
    assert program.count(right) == 1
    assert seen <= set(off(names, program.replace(right, wrong), 5, 3, 1))


@pytest.mark.parametrize("name", ["dh", "dc", "dy"])
def test_a_program_that_writes_into_its_arguments_is_found(page: tuple[dict[str, Any], str], name: str) -> None:
    names, program = page
    right = '    G["x"] = '
    with pytest.raises(AssertionError, match="second call gives something else|writes into what it was given"):
        off(names, program.replace(right, f"    {name} *= 2\n{right}"), 5, 3, 1)


def test_a_program_that_remembers_its_last_call_is_found(page: tuple[dict[str, Any], str]) -> None:
    names, program = page
    right = "G = {name: np.zeros_like(value) for name, value in P.items()}"
    changed = program.replace(right, f"G = KEPT.setdefault('G', {right[4:]})")
    with pytest.raises(AssertionError, match="second call gives something else"):
        off({**names, "KEPT": {}}, changed, 5, 3, 1)
