"""Characters and their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe
from gated.number_checks import told


class Vocabulary:
    """The distinct characters of a text, numbered from 0 in the order of their code points.

    >>> vocabulary = Vocabulary("banana")
    >>> vocabulary.characters
    'abn'
    >>> vocabulary.encode("ban").tolist()
    [1, 0, 2]
    >>> vocabulary.decode([2, 0])
    'na'
    """

    units = "characters"

    def __init__(self, text: Iterable[str]) -> None:
        """Collect the characters.

        Args:
            text: a string, or single characters.

        Raises:
            ArgumentError: there are none.
        """
        given: Any = text
        if isinstance(given, (bytes, bytearray)):
            raise ArgumentTypeError("text: got bytes, expected a text: Vocabulary(text.decode('utf-8'))")
        try:
            found = set(given)
        except TypeError:
            found = set()
        if not isinstance(given, Iterable) or not all(isinstance(character, str) for character in found):
            raise ArgumentTypeError(f"text: got {describe(given)}, expected a text or single characters")
        characters = sorted(found)
        if not characters:
            raise ArgumentError("text: got no characters, expected at least one")
        if any(len(character) != 1 for character in characters):
            raise ArgumentError("text: got strings of several characters, expected a text or single characters")
        self.characters = "".join(characters)
        self._code_points = _code_points(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and character in self.characters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Vocabulary({self.characters!r})"

    def encode(self, text: str, unknown: str | None = None) -> NDArray[np.int32]:
        """The number of each character.

        Args:
            text: of any length.
            unknown: a character of the vocabulary that stands in for those it lacks (for held-out text).

        Returns:
            (len(text),) int32.

        Raises:
            ArgumentError: a character that the vocabulary lacks; the message names it and its position.
        """
        if unknown is not None and unknown not in self:
            raise ArgumentError(f"unknown: got {told(unknown)}, expected one character of the vocabulary")
        wanted = _code_points(text)
        ids = np.searchsorted(self._code_points, wanted).astype(np.int32)
        np.minimum(ids, len(self) - 1, out=ids)
        missing = self._code_points[ids] != wanted
        if missing.any():
            if unknown is None:
                position = int(np.argmax(missing))
                raise ArgumentError(
                    f"text: got {text[position]!r} at position {position}, expected one of "
                    f"the {len(self)} characters of the vocabulary (or pass unknown=)"
                )
            ids[missing] = self.characters.index(unknown)
        return ids

    def encode_all(self, text: str) -> tuple[NDArray[np.int32], int]:
        """As `encode`, a stand-in for each character that the vocabulary lacks, and how many these are.

        The stand-in is the replacement character U+FFFD, a space or a line end, the first of these that is known, else
        the first character.
        """
        known = [character for character in "\ufffd \n" if character in self] or [self.characters[0]]
        unknown = int((~np.isin(_code_points(text), self._code_points)).sum())
        return self.encode(text, known[0] if unknown else None), unknown

    def decode(self, ids: ArrayLike) -> str:
        """The characters with these numbers.

        Args:
            ids: of any shape; flattened.

        Raises:
            ArgumentError: a number out of range.
        """
        numbers = numbers_of(ids, len(self))
        return _from_code_points(self._code_points[numbers])

    def to_json(self) -> dict[str, Any]:
        """A dict for the JSON header of a model file."""
        return {"characters": self.characters}

    @classmethod
    def from_json(cls, data: object) -> Vocabulary:
        """The inverse of `to_json`.

        Raises:
            FileFormatError: the data is anything else than what `to_json` gives.
        """
        characters = data.get("characters") if isinstance(data, dict) else None
        if not isinstance(characters, str) or not characters:
            raise FileFormatError('vocabulary: got no text under "characters", expected the characters in order')
        vocabulary = cls(characters)
        if vocabulary.characters != characters:
            # the numbers in the file's model would mean other characters
            raise FileFormatError("vocabulary: got characters repeated or out of order, expected them sorted")
        return vocabulary


def numbers_of(ids: ArrayLike, count: int) -> NDArray[Any]:
    """`ids` of any shape, flattened.

    Raises:
        ArgumentError: a number beyond the `count` that there are.
        ArgumentTypeError: no whole numbers.
    """
    numbers = np.asarray(ids).ravel()
    if numbers.size == 0:
        return np.empty(0, np.int32)
    if numbers.dtype.kind not in "iu":
        raise ArgumentTypeError(f"ids: got an array of {numbers.dtype}, expected integers")
    wrong = (numbers < 0) | (numbers >= count)
    if wrong.any():
        position = int(np.argmax(wrong))
        raise ArgumentError(f"ids: got {numbers[position]} at position {position}, expected 0 to {count - 1}")
    return numbers


# UTF-32 has four bytes for each code point: strings become arrays without a loop. "surrogatepass" lets halves of
# surrogate pairs through, which no UTF-8 file has but a Python string may.
def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32)


def _from_code_points(code_points: NDArray[np.uint32]) -> str:
    return code_points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
