"""The notation of grammars, on a small one; and that nothing in the two real ones is without use."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.scenes.claims import GRAMMARS
from gated.data.scenes.grammar import Grammar
from gated.data.scenes.rules import Call, read_rules

SMALL = """
caption1 x:
    <size x>? <colour x> thing {x.count=1}
    many things

caption2 x y:
    <colour x> and <colour y> , alike {y.size=x.size}
    <size x> <colour x> , <colour y> alike {y.size=x.size}
    <colour x> by <colour y> {x left y}
    <colour x> not <colour y> {x.colour!=y.colour}

colour x = x.colour
    red: red | dark red
    blue: blue

size x = x.size
    small: small
"""


def small():
    return Grammar(SMALL, str.split, " ".join)


def test_reading():
    read = small().read
    assert read("small dark red thing") == [{("a", "size"): "small", ("a", "colour"): "red", ("a", "count"): "1"}]
    assert read("red thing") == [{("a", "colour"): "red", ("a", "count"): "1"}]
    assert read("many things") == [{}]
    assert read("red by blue") == [{("a", "colour"): "red", ("b", "colour"): "blue", ("a", "left"): "b"}]
    assert read("red not red") == [] and len(read("red not blue")) == 1
    assert read("red and red , alike") == []  # no size to be alike in
    assert read("small red , blue alike")[0]["b", "size"] == "small"
    for text in ("", "thing", "red", "red thing thing", "red red thing", "small small red thing"):
        assert read(text) == []


def test_writing_says_what_is_known_and_nothing_else():
    known = {("a", "colour"): "red", ("a", "count"): "1", ("b", "colour"): "blue", ("b", "count"): "1"}
    rng = np.random.default_rng(0)
    assert {small().write({k: v for k, v in known.items() if k[0] == "a"}, rng) for _ in range(50)} == {
        *("red thing", "dark red thing", "many things")
    }
    assert {small().write(known, rng) for _ in range(80)} >= {"red not blue", "dark red and blue , alike"}
    assert any("by" in small().write({**known, ("a", "left"): "b"}, rng) for _ in range(50))
    assert not any("by" in small().write({**known, ("b", "left"): "a"}, rng) for _ in range(50))


def test_what_is_no_grammar():
    for text, said in (("caption1 x\n    a", "no head"), ("caption1 x:\n    <colour x>", "no symbol <colour x>")):
        with pytest.raises(ValueError, match=said):
            read_rules(text, str.split)


@pytest.mark.parametrize("lang", GRAMMARS)
def test_every_symbol_is_used(lang):
    symbols = GRAMMARS[lang].symbols
    reached, waiting = set(), ["caption1", "caption2"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            calls = [part for p in symbols[name].productions for part in p.parts if isinstance(part, Call)]
            waiting += [call.symbol for call in calls]
    assert reached == set(symbols)
