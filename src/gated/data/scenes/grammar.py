"""A grammar that is used both ways: it writes what is true of a scene, and reads what a caption claims.

The symbols are found in the same way in both directions. To write is to choose at random among the productions whose
facts are true; to read is to keep those whose words stand in the text, and to gather their facts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from gated.data.scenes.rules import Call, Fact, Production, read_rules
from gated.data.scenes.scene import Facts, shuffled

_FORM = "measure"  # a fact that is about words, not about the scene: which measure word a noun wants in Chinese
_START = "caption"


class Grammar:
    """Symbols, from `caption` on, and how a text is cut into tokens and put together from them.

    Attributes:
        symbols: by name.
        words: those that it writes.
    """

    def __init__(
        self,
        text: str,
        split: Callable[[str], list[str]],
        join: Callable[[list[str]], str],
        things: str = "ab",
    ) -> None:
        self.symbols, self.words = read_rules(text, split)
        self._split, self._join, self._things = split, join, things

    def write(self, known: Facts, generator: np.random.Generator) -> str:
        """A random caption that tells true facts of the things a, b, ...

        Args:
            known: all that is true of them.
            generator: decides between productions, with equal chances.
        """
        count = len({thing for thing, _ in known})
        writer = _Writer(self, known, generator)
        start = Call(f"{_START}{count}", tuple(self._things[:count]))
        return self._join(next(writer.tokens(start, {}))[0])

    def read(self, text: str) -> list[Facts]:
        """The facts that a caption claims, for each way to read it: none if it is not of the grammar."""
        tokens = self._split(text)
        reader = _Reader(self, tokens)
        found: dict[frozenset[tuple[tuple[str, str], str]], Facts] = {}
        for count in (1, 2):
            for end, told in reader.readings(f"{_START}{count}", 0):
                if end == len(tokens):
                    things = self.symbols[f"{_START}{count}"].things
                    names = dict(zip(things, self._things, strict=False))
                    claims = {key: value for key, value in _renamed(told, names).items() if key[1] != _FORM}
                    found[frozenset(claims.items())] = claims
        return list(found.values())


class _Writer:
    def __init__(self, grammar: Grammar, known: Facts, generator: np.random.Generator) -> None:
        self.symbols, self.known, self.generator = grammar.symbols, known, generator
        self._possible: dict[Call, bool] = {}

    def tokens(self, call: Call, forms: Facts) -> Iterator[tuple[list[str], Facts]]:
        """Ways to write a symbol, at random, each with the forms that words want from now on."""
        symbol = self.symbols[call.symbol]
        names = dict(zip(symbol.things, call.things, strict=True))
        fitting = [each for each in symbol.productions if self._fits(each, names)]
        for production in shuffled(fitting, self.generator):
            wanted = {(names[f.key[0]], _FORM): f.value for f in production.facts if f.key[1] == _FORM}
            if all(forms.get(key, value) == value for key, value in wanted.items()):
                yield from self._sequence(production.parts, names, {**forms, **wanted})

    def _sequence(
        self, parts: Sequence[str | Call], names: Mapping[str, str], forms: Facts
    ) -> Iterator[tuple[list[str], Facts]]:
        if not parts:
            yield [], forms
            return
        first, rest = parts[0], parts[1:]
        heads = [([first], forms)] if isinstance(first, str) else self.tokens(_called(first, names), forms)
        for head, after in heads:
            for tail, last in self._sequence(rest, names, after):
                yield head + tail, last

    def _fits(self, production: Production, names: Mapping[str, str]) -> bool:
        """Whether all that a production tells is true, but for forms; so no way that is begun ends nowhere."""
        return all(self._true(fact, names) for fact in production.facts) and all(
            self._can(_called(part, names)) for part in production.parts if isinstance(part, Call)
        )

    def _can(self, call: Call) -> bool:
        if call not in self._possible:
            symbol = self.symbols[call.symbol]
            names = dict(zip(symbol.things, call.things, strict=True))
            self._possible[call] = any(self._fits(each, names) for each in symbol.productions)
        return self._possible[call]

    def _true(self, fact: Fact, names: Mapping[str, str]) -> bool:
        value = self.known.get((names[fact.key[0]], fact.key[1]))
        if fact.same is not None:
            return (value == self.known.get((names[fact.same[0]], fact.same[1]))) is not fact.differs
        return fact.key[1] == _FORM or value == names.get(fact.value, fact.value)


class _Reader:
    """Where each symbol can end that begins at a token, with the facts that it tells; found once for each token."""

    def __init__(self, grammar: Grammar, tokens: list[str]) -> None:
        self.symbols, self.text = grammar.symbols, tokens
        self._found: dict[tuple[str, int], list[tuple[int, Facts]]] = {}

    def readings(self, name: str, start: int) -> list[tuple[int, Facts]]:
        if (name, start) not in self._found:
            every = itertools.chain.from_iterable(self._production(p, start) for p in self.symbols[name].productions)
            different = {(end, frozenset(told.items())): (end, told) for end, told in every}
            self._found[name, start] = list(different.values())
        return self._found[name, start]

    def _production(self, production: Production, start: int) -> list[tuple[int, Facts]]:
        states: list[tuple[int, Facts]] = [(start, {})]
        for part in production.parts:
            if isinstance(part, str):
                states = [(end + 1, told) for end, told in states if self.text[end : end + 1] == [part]]
            else:
                names = dict(zip(self.symbols[part.symbol].things, part.things, strict=True))
                states = [
                    (last, both)
                    for end, told in states
                    for last, more in self.readings(part.symbol, end)
                    if (both := _together(told, _renamed(more, names))) is not None
                ]
            if not states:
                break
        return [(end, all_) for end, told in states if (all_ := _with(told, production.facts)) is not None]


def _called(call: Call, names: Mapping[str, str]) -> Call:
    return Call(call.symbol, tuple(names[thing] for thing in call.things))


def _renamed(told: Facts, names: Mapping[str, str]) -> Facts:
    return {(names[thing], key): names.get(value, value) for (thing, key), value in told.items()}


def _together(told: Facts, more: Facts) -> Facts | None:
    """Both, or None where they contradict each other."""
    if any(told.get(key, value) != value for key, value in more.items()):
        return None
    return {**told, **more}


def _with(told: Facts, facts: Sequence[Fact]) -> Facts | None:
    both: Facts | None = told
    for fact in facts:
        if both is None:
            return None
        value = fact.value
        if fact.same is not None:
            value = both.get(fact.same, "")
            if fact.differs:
                both = both if value and both.get(fact.key, value) != value else None
                continue
        both = _together(both, {fact.key: value}) if value else None
    return both
