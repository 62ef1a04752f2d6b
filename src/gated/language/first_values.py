"""How the parameters of a cell begin, where its sense hangs on that: `@gated.cell(init={"p.tau": "constant(3)"})`.

A rule is a word and perhaps numbers, data and no code; what the words mean is the table of `gated.nn.initialisation`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gated.errors import CellError, describe, shown

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_RULE = re.compile(rf"([a-z_]{{1,40}})(?:\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER}){{0,5}})?\s*\))?")
LONGEST = 200
# what `gated.nn.initialisation` has rows for
WORDS = (
    *("pytorch", "xavier", "orthogonal", "uniform"),
    *("zeros", "ones", "constant", "normal", "log_uniform", "identity", "spectral", "ring", "legendre"),
)


def is_rule(value: Any) -> bool:
    """Whether something is written like a rule; not whether there is one of that name."""
    return isinstance(value, str) and len(value) <= LONGEST and _RULE.fullmatch(value) is not None


def parsed(rule: str) -> tuple[str, list[float]]:
    """The word and the numbers."""
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"{rule!r} is no rule")
    name, numbers = found.groups()
    return name, [float(number) for number in numbers.split(",")] if numbers else []


def first_values(init: Any, parameters: Collection[str], where: str, known: Collection[str]) -> dict[str, str]:
    """Parameter -> rule.

    Args:
        init: name or pattern ("p.tau", "S.*") -> rule; of several that fit, the last one holds.
        known: the words.

    Raises:
        CellError: a name fits no parameter, or the rule is none.
    """
    if not isinstance(init, Mapping):
        raise CellError(f"{where}: init is {describe(init)}, expected a dict such as {{'p.tau': 'uniform(1, 9)'}}")
    found: dict[str, str] = {}
    for pattern, rule in init.items():
        fitting = [name for name in parameters if isinstance(pattern, str) and fnmatchcase(name, pattern)]
        if not fitting:
            raise CellError(
                f"{where}: init names {shown(repr(pattern), 60)}; the parameters are {', '.join(parameters) or 'none'}"
            )
        if not is_rule(rule) or parsed(rule)[0] not in known:
            raise CellError(
                f"{where}: init of {pattern} is {shown(repr(rule), 60)}; a rule is one of {', '.join(known)}, perhaps "
                "with numbers: 'uniform(0, 1)'"
            )
        found.update((name, str(rule)) for name in fitting)
    return found
