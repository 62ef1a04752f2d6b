"""What a language model reads and writes one after the other: characters, words or bytes."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from gated.data import ByteVocabulary, Vocabulary
from gated.data.words import Tokenizer, WordVocabulary
from gated.data.words.vocabulary import UNKNOWN
from gated.errors import FileFormatError, describe, shown, wrong, wrong_type
from gated.number_checks import one_of

UNITS = "characters", "words", "bytes"
TextVocabulary = Vocabulary | WordVocabulary | ByteVocabulary


def vocabulary_of(
    units: str,
    text: str,
    *,
    alphabet: str = "",
    minimum_count: int = 2,
    maximum_size: int | None = None,
    chinese: str = "characters",
) -> TextVocabulary:
    """The vocabulary of a text.

    Args:
        units: "characters", "words" or "bytes".
        text: whose characters or words it has.
        alphabet: a text whose characters it has too, be it to spell words that it lacks.
        minimum_count: of words: how often one has to stand in the text; those that do not are spelled.
        maximum_size: of words: so many at most, characters included; None: all.
        chinese: of words: "characters", or "words", for which jieba is needed.
    """
    one_of("units", units, *UNITS)
    if units == "bytes":
        return ByteVocabulary()
    if units == "characters":
        return Vocabulary(text + alphabet)
    tokenizer = Tokenizer("exact", chinese)
    return WordVocabulary(
        text,
        minimum_count,
        maximum_size=maximum_size,
        specials=(UNKNOWN,),
        tokenizer=tokenizer,
        alphabet=alphabet,
    )


def check_vocabulary(vocabulary: Any) -> TextVocabulary:
    """`vocabulary`, if a language model can have it.

    Raises:
        ArgumentError: one of words that does not give texts back as they were.
        ArgumentTypeError: it is none.
    """
    if not isinstance(vocabulary, TextVocabulary):
        raise wrong_type("vocabulary", describe(vocabulary), "a Vocabulary, WordVocabulary or ByteVocabulary")
    if isinstance(vocabulary, WordVocabulary):
        form, unknown = vocabulary.tokenizer.form, vocabulary.unknown
        if form != "exact":
            raise wrong("vocabulary", f"words of the form {shown(form)!r}", "Tokenizer('exact'): texts come back whole")
        if unknown is None:
            raise wrong("vocabulary", f"words without {UNKNOWN}", f"{UNKNOWN} among the special ones")
    return vocabulary


def vocabulary_from_json(data: dict[str, Any]) -> TextVocabulary:
    """The vocabulary of a model file.

    Raises:
        FileFormatError: it is damaged, or none of a language model.
    """
    kinds: dict[str, Any] = {"words": WordVocabulary, "bytes": ByteVocabulary}
    found = next((kinds[key] for key in kinds if key in data), Vocabulary).from_json(data)
    try:
        return check_vocabulary(found)
    except ValueError as error:
        raise FileFormatError(str(error)) from None


def first_id(vocabulary: TextVocabulary) -> int:
    """What a text begins after: a line end; if there is none, the first of all."""
    ids, unknown = vocabulary.encode_all("\n")
    return 0 if unknown else int(ids[0])


def decoder(vocabulary: TextVocabulary) -> Callable[[int], str]:
    """A function that makes text of one number after the other: of the bytes of a character when they are all there.

    What is no UTF-8 becomes U+FFFD.
    """
    if isinstance(vocabulary, WordVocabulary):
        return vocabulary.piece
    if isinstance(vocabulary, Vocabulary):
        return vocabulary.characters.__getitem__
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    return lambda number: decode(bytes((number,)))
