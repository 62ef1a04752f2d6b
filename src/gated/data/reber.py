"""The Reber grammar, the embedded one that needs a long memory, and embedded strings one after the other.

A grammar is a table: state -> {legal symbol: next state}. A string follows the arrows from the first state to one
without arrows; where two symbols are legal, each is taken with probability 1/2.

Reber, Implicit learning of artificial grammars, 1967; as a task for networks: Cleeremans, Servan-Schreiber &
McClelland, 1989; embedded: Hochreiter & Schmidhuber, Long short-term memory, 1997, sec. 5.1; continual: Gers,
Schmidhuber & Cummins, Learning to forget, 2000. What networks read and foretell is in reber_task.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from gated.data.task_batch import at_least, generator_of
from gated.errors import ArgumentError, ArgumentTypeError, describe, shown, wrong, wrong_type
from gated.number_checks import one_of

REBER_SYMBOLS = "BTPSXVE"

Grammar = Mapping[str, Mapping[str, str]]  # state -> {legal symbol: next state}

REBER: Grammar = {
    "start": {"B": "1"},
    "1": {"T": "2", "P": "3"},
    "2": {"S": "2", "X": "4"},
    "3": {"T": "3", "V": "5"},
    "4": {"X": "3", "S": "6"},
    "5": {"P": "4", "V": "6"},
    "6": {"E": "end"},
    "end": {},
}


def _inside(branch: str) -> dict[str, dict[str, str]]:
    """A whole Reber grammar after the symbol `branch`, which has to come back at its end."""
    states = {branch + state: {symbol: branch + to for symbol, to in arrows.items()} for state, arrows in REBER.items()}
    return {**states, branch + "end": {branch: "last"}}


EMBEDDED_REBER: Grammar = {
    "start": {"B": "second"},
    "second": {"T": "Tstart", "P": "Pstart"},
    **_inside("T"),
    **_inside("P"),
    "last": {"E": "end"},
    "end": {},
}
# string after string: where one ends the next begins
CONTINUAL_REBER: Grammar = {**EMBEDDED_REBER, "end": EMBEDDED_REBER["start"]}

GRAMMARS = {"reber": REBER, "embedded": EMBEDDED_REBER, "continual": CONTINUAL_REBER}


def reber_string(rng: np.random.Generator | int) -> str:
    """A random string of the Reber grammar, for example BTSSXXTVVE: at least 5 symbols, on average 8."""
    return random_string(generator_of(rng), "reber")


def embedded_reber_string(rng: np.random.Generator | int) -> str:
    """A random string B t R t E, where t is T or P and R a Reber string: at least 9 symbols, on average 12.

    Who predicts the last symbol but one must have kept the second, all through R.
    """
    return random_string(generator_of(rng), "embedded")


def is_reber(string: str) -> bool:
    """Whether this is a whole string of the Reber grammar."""
    return _is_whole(string, "reber")


def is_embedded_reber(string: str) -> bool:
    """Whether this is a whole string of the embedded Reber grammar."""
    return _is_whole(string, "embedded")


def legal_successors(string: str, grammar: str = "embedded") -> list[str]:
    """What may follow each symbol.

    >>> legal_successors("BTBTX")
    ['TP', 'B', 'TP', 'SX', 'SX']

    Args:
        string: the beginning of a string of the grammar, or a whole one.
        grammar: "reber", "embedded", or "continual" (B follows the final E).

    Returns:
        one text for each symbol, legal symbols in the order of REBER_SYMBOLS; empty after the final E.

    Raises:
        ArgumentError, ArgumentTypeError: a symbol that is not legal where it stands, an unknown grammar, no text.
    """
    if not isinstance(grammar, str) or grammar not in GRAMMARS:
        raise wrong("grammar", shown(repr(grammar), 60), "'reber', 'embedded' or 'continual'")
    if not isinstance(string, str):
        raise wrong_type("string", describe(string), f"a text of the symbols {REBER_SYMBOLS}")
    arrows = GRAMMARS[grammar]["start"]
    successors = []
    for position, symbol in enumerate(string):
        if symbol not in arrows:
            raise wrong("string", f"{symbol!r} at position {position}", " or ".join(arrows) or "the end")
        arrows = GRAMMARS[grammar][arrows[symbol]]
        successors.append("".join(sorted(arrows, key=REBER_SYMBOLS.index)))
    return successors


def reber_test_set(
    count: int, rng: np.random.Generator | int, exclude: Collection[str] = (), grammar: str = "embedded"
) -> list[str]:
    """Random strings, all different: what the network was not trained with.

    Hochreiter & Schmidhuber (1997) take 256 random strings to train and 256 others to test; they do not say whether
    their test strings may repeat. Ours do not. Strings are drawn as they come until there are enough, so short ones are
    in nearly every test set. The time grows faster than `count`, because likely strings are used up first.

    Args:
        count: how many.
        rng: a generator, or a seed.
        exclude: strings that are none of them.
        grammar: "embedded" or "reber".

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, a grammar other than "embedded" and "reber".
    """
    at_least("count", count, 1)
    generator = generator_of(rng)
    seen = {exclude} if isinstance(exclude, str) else set(exclude)
    strings: list[str] = []
    while len(strings) < count:
        string = random_string(generator, grammar)
        if string not in seen:
            seen.add(string)
            strings.append(string)
    return strings


def random_string(generator: np.random.Generator, grammar: str) -> str:
    """A random string of the grammar "embedded" or "reber"; ArgumentError for others, which have no end."""
    one_of("grammar", grammar, "reber", "embedded")
    return "".join(symbol for symbol, _ in random_moves(generator, grammar))


def random_moves(generator: np.random.Generator, grammar: str) -> Iterator[tuple[str, str]]:
    """Random pairs (symbol, its legal successors) from the first state on."""
    arrows = GRAMMARS[grammar]["start"]
    while arrows:
        symbols = list(arrows)
        symbol = symbols[generator.integers(len(symbols))] if len(symbols) > 1 else symbols[0]
        arrows = GRAMMARS[grammar][arrows[symbol]]
        yield symbol, "".join(arrows)


def _is_whole(string: str, grammar: str) -> bool:
    try:
        return legal_successors(string, grammar)[-1:] == [""]  # only the final E has no successor
    except (ArgumentError, ArgumentTypeError):
        return False
