"""The bytes of UTF-8 as the units of a text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data.vocabulary import numbers_of
from gated.errors import FileFormatError, describe, wrong, wrong_type


class ByteVocabulary:
    """Every text of every language in 256 numbers: the bytes of its UTF-8.

    >>> vocabulary = ByteVocabulary()
    >>> vocabulary.encode("aé").tolist()
    [97, 195, 169]
    >>> vocabulary.decode([97, 195, 169])
    'aé'
    """

    units = "bytes"

    def __len__(self) -> int:
        return 256

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 <= number < 256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByteVocabulary)

    def __hash__(self) -> int:
        return hash(ByteVocabulary)

    def __repr__(self) -> str:
        return "ByteVocabulary()"

    def encode(self, text: str) -> NDArray[np.int32]:
        """The bytes of a text: (bytes,) int32.

        Raises:
            ArgumentError: half of a surrogate pair, which UTF-8 has not.
        """
        if not isinstance(text, str):
            raise wrong_type("text", describe(text), "a text")
        try:
            raw = text.encode("utf-8")
        except UnicodeEncodeError as error:
            came = f"half of a surrogate pair at position {error.start}"
            raise wrong("text", came, "characters that UTF-8 can write") from None
        return np.frombuffer(raw, np.uint8).astype(np.int32)

    def encode_all(self, text: str) -> tuple[NDArray[np.int32], int]:
        """As `encode`, and how many of them are unknown: 0."""
        return self.encode(text), 0

    def decode(self, ids: ArrayLike) -> str:
        """The text of bytes of any shape, flattened; the sign U+FFFD where they are no UTF-8.

        Raises:
            ArgumentError, ArgumentTypeError: no bytes.
        """
        return numbers_of(ids, 256).astype(np.uint8).tobytes().decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        """A dict for the JSON header of a model file."""
        return {"bytes": "utf-8"}

    @classmethod
    def from_json(cls, data: object) -> ByteVocabulary:
        """The inverse of `to_json`.

        Raises:
            FileFormatError: the data is anything else than what `to_json` gives.
        """
        if not isinstance(data, dict) or data.get("bytes") != "utf-8":
            raise FileFormatError('vocabulary: got something else than "utf-8" under "bytes", expected that')
        return cls()
