"""Words and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data.vocabulary import numbers_of
from gated.data.words.tokens import Tokenizer, check_text
from gated.errors import ArgumentError, FileFormatError, describe, shown, wrong, wrong_type
from gated.number_checks import told, whole_above_zero

SPECIALS = "<NULL>", "<START>", "<END>", "<UNK>"
NULL, START, END, UNKNOWN = SPECIALS
REPLACEMENT = "\ufffd"  # stands in an exact text where no piece is known


class WordVocabulary:
    """The words of texts, numbered: first the special ones, then by falling count, equal counts in alphabetical order.

    >>> vocabulary = WordVocabulary(["A dog runs.", "A dog sits.", "A cat sits."], minimum_count=2)
    >>> vocabulary.words
    ('<NULL>', '<START>', '<END>', '<UNK>', 'a', 'dog', 'sits')
    >>> vocabulary.encode("A cow sits.").tolist()
    [4, 3, 6]
    >>> vocabulary.decode([4, 5, 6])
    'a dog sits'

    With a tokenizer of the form "exact" every character of the texts is a word too, behind the others: what is no word
    of the vocabulary is spelled, and only a character that stood nowhere in the texts is unknown.

    Attributes:
        words: all of them, in the order of their numbers.
        word_to_idx: word -> number.
        tokenizer: how a text is cut into words.
        specials: how many of the words are special.
    """

    units = "words"

    def __init__(
        self,
        texts: str | Iterable[str],
        minimum_count: int = 1,
        *,
        maximum_size: int | None = None,
        specials: Sequence[str] = SPECIALS,
        tokenizer: Tokenizer | None = None,
        alphabet: str = "",
    ) -> None:
        """Count the words.

        Args:
            texts: one, or several such as captions.
            minimum_count: how often a word has to stand in them.
            maximum_size: so many words at most, the special ones and characters to spell with included; None: all.
            specials: have the numbers 0, 1, ...; `<UNK>` among them stands for words that are unknown.
            tokenizer: how texts are cut; None: `Tokenizer()`, lower-cased words and numbers.
            alphabet: further characters to spell with. ArgumentError for another form than "exact".

        Raises:
            ArgumentError: there are no words, or an argument does not fit the others.
            ArgumentTypeError: no texts, or an argument of another type.
        """
        tokenizer = _tokenizer(tokenizer)
        specials = _specials(specials)
        minimum_count = whole_above_zero("minimum_count", minimum_count)
        if check_text(alphabet, "alphabet") and tokenizer.form != "exact":
            raise wrong("alphabet", told(alphabet), f"none: a tokenizer of the form {tokenizer.form!r} does not spell")
        counts: Counter[str] = Counter()
        for text in _texts(texts):
            counts.update(tokenizer.split(text))
        if not counts:
            raise ArgumentError("texts: got no words, expected at least one")
        spelled = sorted({c for word in counts for c in word}.union(alphabet)) if tokenizer.form == "exact" else []
        fixed = dict.fromkeys([*specials, *spelled])
        frequent = sorted((-n, word) for word, n in counts.items() if n >= minimum_count and word not in fixed)
        if maximum_size is not None:
            if whole_above_zero("maximum_size", maximum_size) < len(fixed):
                expected = f"at least {len(fixed)}, for the special words and the characters"
                raise wrong("maximum_size", maximum_size, expected)
            frequent = frequent[: maximum_size - len(fixed)]
        self._set([*specials, *(word for _, word in frequent), *list(fixed)[len(specials) :]], len(specials), tokenizer)

    def _set(self, words: Iterable[str], specials: int, tokenizer: Tokenizer) -> None:
        self.words, self.specials, self.tokenizer = tuple(words), specials, tokenizer
        self.word_to_idx = {word: number for number, word in enumerate(self.words)}
        special = self.words[:specials]
        self.unknown = special.index(UNKNOWN) if UNKNOWN in special else None

    @classmethod
    def from_words(
        cls, words: Sequence[str], *, specials: Sequence[str] = SPECIALS, tokenizer: Tokenizer | None = None
    ) -> WordVocabulary:
        """The vocabulary of words that are numbered already.

        Args:
            words: in the order of their numbers, beginning with the special ones.
            specials: these.
            tokenizer: as above.

        Raises:
            ArgumentError: a word stands there twice or is empty, or it does not begin with the special ones.
            ArgumentTypeError: something is no text.
        """
        tokenizer, special = _tokenizer(tokenizer), _specials(specials)
        found = _different("words", words)
        if found[: len(special)] != special:
            expected = f"{', '.join(special)} first"
            raise wrong("words", shown(", ".join(found[: len(special)])) or "none", expected)
        made = cls.__new__(cls)
        made._set(found, len(special), tokenizer)
        return made

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self.word_to_idx

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordVocabulary) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.words, self.specials, self.tokenizer))

    def __repr__(self) -> str:
        return f"<WordVocabulary of {len(self):,} words, form {self.tokenizer.form!r}>"

    def encode(self, text: str) -> NDArray[np.int32]:
        """The numbers of a text's words: (words,) int32; `<UNK>` for those that it lacks, which are spelled if it can.

        Raises:
            ArgumentError: a word is unknown, and `<UNK>` is none of the special ones.
        """
        return self.encode_all(text)[0]

    def encode_all(self, text: str) -> tuple[NDArray[np.int32], int]:
        """As `encode`, and how many of them are unknown."""
        ids = list(self._numbers(self.tokenizer.split(text)))
        return np.array(ids, np.int32), 0 if self.unknown is None else ids.count(self.unknown)

    def _numbers(self, words: Iterable[str]) -> Iterator[int]:
        known, first, spells = self.word_to_idx, self.specials, self.tokenizer.form == "exact"
        for word in words:
            number = known.get(word, -1)
            if number >= first:
                yield number
            elif spells and len(word) > 1:
                yield from self._numbers(word)
            elif self.unknown is None:
                raise wrong("text", repr(word), f"one of the {len(self)} words of the vocabulary")
            else:
                yield self.unknown

    def decode(self, ids: ArrayLike) -> str:
        """The text of numbers of any shape, flattened. Special words are left out; `<UNK>` shows what is missing.

        Raises:
            ArgumentError, ArgumentTypeError: no numbers of words.
        """
        return self.tokenizer.join(self.piece(number) for number in numbers_of(ids, len(self)).tolist())

    def piece(self, number: int) -> str:
        """What a number adds to a text: its word, nothing for a special one, for `<UNK>` something that shows."""
        if number >= self.specials:
            return self.words[number]
        if number != self.unknown:
            return ""
        return REPLACEMENT if self.tokenizer.form == "exact" else UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """A dict for the JSON header of a model file."""
        return {"words": list(self.words), "specials": self.specials, "tokenizer": self.tokenizer.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> WordVocabulary:
        """The inverse of `to_json`.

        Raises:
            FileFormatError: the data is anything else than what `to_json` gives.
        """
        words = data.get("words") if isinstance(data, dict) else None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise FileFormatError('vocabulary: got no texts under "words", expected the words in order')
        tokenizer, count = Tokenizer.from_json(data.get("tokenizer")), data.get("specials")
        if type(count) is not int or not 0 <= count <= len(words):
            raise FileFormatError('vocabulary: got no count under "specials", expected that of the special words')
        try:
            return cls.from_words(words, specials=words[:count], tokenizer=tokenizer)
        except ArgumentError as error:
            raise FileFormatError(f"vocabulary: {shown(error, 150)}") from None


def _tokenizer(given: Any) -> Tokenizer:
    if given is not None and not isinstance(given, Tokenizer):
        raise wrong_type("tokenizer", describe(given), "a Tokenizer of gated.data.words")
    return given or Tokenizer()


def _specials(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        raise wrong_type("specials", told(given), "several words, such as ('<UNK>',)")
    return _different("specials", given, least=0)


def _different(name: str, given: Any, least: int = 1) -> tuple[str, ...]:
    """Words that are texts, not empty and all different."""
    words = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    if words is None or not all(isinstance(word, str) for word in words):
        raise wrong_type(name, describe(given), "a sequence of texts")
    repeated = [word for word, n in Counter(words).items() if n > 1 or not word]
    if repeated or len(words) < least:
        raise wrong(name, f"{told(repeated[0])} {'twice' if repeated[0] else ''}".strip() if repeated else "none",
                    "different words")  # fmt: skip
    return words


def _texts(texts: Any) -> Iterator[str]:
    if isinstance(texts, str):
        yield texts
    elif isinstance(texts, Iterable) and not isinstance(texts, (bytes, bytearray)):
        for k, text in enumerate(texts):
            yield check_text(text, f"texts[{k}]")
    else:
        raise wrong_type("texts", describe(texts), "a text or several")
