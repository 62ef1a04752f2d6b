"""The notation of a grammar: text becomes rules.

look x:                                      a symbol with the things that it speaks of
    <colour x>                               one production a line; <...> is another symbol
    <size x>? and <colour x>                 ? is for what may be left out
    red {x.colour=red}                       words, and facts that they tell: of the colour of x
    left of {x left y}                       that x lies left of y
    all <colour x> {y.colour=x.colour}       that y has the colour of x
    the <shape x> {x.shape!=y.shape}         a condition: their shapes differ, and both are told

colour x = x.colour                          a table of words: each tells that x.colour is what stands before the :
    red: red | crimson
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Key = tuple[str, str]  # a thing and what is said of it


class Call(NamedTuple):
    """Another symbol, and the things that it speaks of under the names that they have here."""

    symbol: str
    things: tuple[str, ...]


class Fact(NamedTuple):
    """key = value; or key = the value of the key `same`; or, `differs`, that the two are not equal."""

    key: Key
    value: str = ""
    same: Key | None = None
    differs: bool = False


class Production(NamedTuple):
    """Words and symbols in their order, and what they tell together."""

    parts: tuple[str | Call, ...]
    facts: tuple[Fact, ...]


class Symbol(NamedTuple):
    """The names of the things that it speaks of, and the ways to write it."""

    things: tuple[str, ...]
    productions: list[Production]


_HEAD = re.compile(r"(?P<name>[\w-]+)(?P<things>( \w)*)(:| = (?P<keys>.+))")
_PART = re.compile(r"<(?P<call>[^>]+)>(?P<maybe>\??)|\{(?P<facts>[^}]*)\}|(?P<word>[^\s<>{}]+)")


class Rules(NamedTuple):
    """The symbols by name, and every word that the productions write, in the order in which it first stands."""

    symbols: dict[str, Symbol]
    words: tuple[str, ...]


def read_rules(text: str, split: Callable[[str], list[str]]) -> Rules:
    """A grammar that is written as above. `split` cuts a text into the tokens that captions are cut into.

    Raises:
        ValueError: a line that is not in the notation, a symbol that is called and not there.
    """
    symbols: dict[str, Symbol] = {}
    words: list[str] = []
    productions: list[Production] = []
    keys: list[Key] = []
    for line in filter(str.strip, text.splitlines()):
        if not line.startswith(" "):
            head = _HEAD.fullmatch(line)
            if head is None:
                raise ValueError(f"no head of a symbol: {line}")
            keys = [_key(key) for key in (head["keys"] or "").split()]
            symbols[head["name"]] = Symbol(tuple(head["things"].split()), productions := [])
        elif keys:
            value, _, phrases = line.partition(":")
            told = tuple(Fact(key, value.strip()) for key in keys)
            productions += [Production(tuple(split(phrase)), told) for phrase in phrases.split("|")]
            words += phrases.replace("|", " ").split()
        else:
            productions.append(_production(line, split, symbols))
            words += [match["word"] for match in _PART.finditer(line) if match["word"]]
    for symbol in symbols.values():
        for call in [part for each in symbol.productions for part in each.parts if isinstance(part, Call)]:
            if call.symbol not in symbols or len(symbols[call.symbol].things) != len(call.things):
                raise ValueError(f"no symbol <{call.symbol} {' '.join(call.things)}>")
    return Rules(symbols, tuple(dict.fromkeys(word for word in words if word.isalpha())))


def _production(line: str, split: Callable[[str], list[str]], symbols: dict[str, Symbol]) -> Production:
    parts: list[str | Call] = []
    told: list[Fact] = []
    for match in _PART.finditer(line):
        if match["call"]:
            name, *things = match["call"].split()
            call = Call(name, tuple(things))
            if match["maybe"]:
                symbols[f"{name}?"] = Symbol(call.things, [Production((), ()), Production((call,), ())])
                call = Call(f"{name}?", call.things)
            parts.append(call)
        elif match["facts"]:
            told += _facts(match["facts"])
        else:
            parts += split(match["word"])
    return Production(tuple(parts), tuple(told))


def _facts(text: str) -> Iterator[Fact]:
    """`x.colour=red`, `x.colour!=y.colour` and `x left y`, one or more with commas between them."""
    for each in text.split(","):
        if "=" not in each:
            thing, relation, other = each.split()
            yield Fact((thing, relation), other)
            continue
        left, sign, right = each.strip().partition("!=" if "!" in each else "=")
        if "." in right:
            yield Fact(_key(left), same=_key(right), differs=sign == "!=")
        else:
            yield Fact(_key(left), right)


def _key(text: str) -> Key:
    thing, _, name = text.partition(".")
    return thing, name
