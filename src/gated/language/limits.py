"""How large a cell may be. The same limits hold for equations that are traced and for those read from a file, so that
whatever can be made can be saved and read back, and a stranger's file costs no more than a cell of one's own."""

from __future__ import annotations

import unicodedata

MAX_NODES = 1024  # values and operations of one step; the largest cell of the zoo has 62
MAX_MATRIX = 100  # parts of a matrix that is made of parameters, as it is written out
MAX_NAME = 100  # letters of a name of a state, a parameter, a value
MAX_DOC = 20_000  # letters of the description


def is_name(text: object) -> bool:
    """Whether something can be the name of a value: what Python takes for one, of a decent length."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isidentifier()


def is_plain(text: str) -> bool:
    """No control characters but tabs and ends of lines: a description is printed on terminals."""
    return all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)
