"""Texts that a network writes, piece by piece, from a prompt on and up to certain strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.words.tokens import check_text
from gated.errors import describe, wrong, wrong_type
from gated.models.language_units import TextVocabulary, decoder, first_id

AT_ONCE = 32  # units that are drawn in one call: they are there at once, and the call costs little beside them


def prompt_ids(vocabulary: TextVocabulary, prompt: str) -> NDArray[Any]:
    """The ids of a text that is gone on from; of an empty one what a text begins after.

    Raises:
        ArgumentError: it has characters that the model lacks.
        ArgumentTypeError: no text.
    """
    ids, unknown = vocabulary.encode_all(check_text(prompt, "prompt"))
    if unknown:
        missing = next(c for c in sorted(set(prompt)) if vocabulary.encode_all(c)[1])
        raise wrong("prompt", repr(missing), "characters that the model knows")
    return ids if len(ids) else np.array([first_id(vocabulary)])


def written(
    network: Any, vocabulary: TextVocabulary, ids: NDArray[Any], length: int, how: Any, rng: np.random.Generator
) -> Iterator[str]:
    """Pieces of a text of so many units, as they are drawn; `how`: what `NetworkStream.draw` is told besides."""
    state = network.infer(ids[:-1, None])[1] if len(ids) > 1 else None
    stream, last, text_of = network.stream(state=state), int(ids[-1]), decoder(vocabulary)
    for start in range(0, length, AT_ONCE):
        drawn = stream.draw(last, rng.random(min(AT_ONCE, length - start)), *how).tolist()
        last = drawn[-1]
        for choice in drawn:
            piece = text_of(choice)
            if piece:
                yield piece


def stop_strings(stop: Any) -> tuple[str, ...]:
    """One string or several, as a tuple.

    Raises:
        ArgumentError: an empty one.
        ArgumentTypeError: something else than texts.
    """
    given = (stop,) if isinstance(stop, str) else stop
    if not isinstance(given, Iterable) or isinstance(given, (bytes, bytearray)):
        raise wrong_type("stop", describe(stop), "a text or several")
    strings = tuple(given)
    for k, string in enumerate(strings):
        if not isinstance(string, str):
            raise wrong_type(f"stop[{k}]", describe(string), "a text")
        if not string:
            raise wrong("stop", "''", "texts of at least one character")
    return strings


def until(pieces: Iterable[str], stops: tuple[str, ...]) -> Iterator[str]:
    """The pieces up to the string that is complete first, without it.

    Of several that end at the same place it is the longest. What may be the beginning of one is held back until it is
    clear; what is held back at the end comes then.
    """
    if not stops:
        yield from pieces
        return
    held, most = "", max(map(len, stops))
    for piece in pieces:
        ready = ""
        for character in piece:
            held += character
            ended = max((len(stop) for stop in stops if held.endswith(stop)), default=0)
            if ended:
                if ready + held[:-ended]:
                    yield ready + held[:-ended]
                return
            kept = next((k for k in range(min(len(held), most - 1), 0, -1) if _begins(held[-k:], stops)), 0)
            ready, held = ready + held[: len(held) - kept], held[len(held) - kept :]
        if ready:
            yield ready
    if held:
        yield held


def _begins(text: str, stops: tuple[str, ...]) -> bool:
    return any(stop.startswith(text) for stop in stops)
