"""A language model: embedding, recurrent layers, a projection onto the vocabulary of characters, words or bytes.

T time steps, N streams side by side, V units. The loss is in bits: the mean of -log2 p(unit | all units before it).
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data import Vocabulary
from gated.data.corpora import read_text
from gated.data.words.tokens import check_text
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe, wrong, wrong_type
from gated.interop.model_file import load_model, save_model
from gated.models.language_network import language_network, misfit
from gated.models.language_units import (
    TextVocabulary,
    check_vocabulary,
    first_id,
    vocabulary_from_json,
    vocabulary_of,
)
from gated.models.text_score import TextScore, mean_bits, score_of
from gated.models.writing import prompt_ids, stop_strings, until, written
from gated.number_checks import not_negative, whole, whole_above_zero

KIND = "gated character language model"
OTHER_KIND = "gated language model"  # of words or bytes

M = TypeVar("M", bound="LanguageModel")


class LanguageModel:
    """Characters, words or bytes in, the probabilities of the next one out.

    Args:
        network: maps ids (T, N) to logits (T, N, V).
        vocabulary: says what an id is: a `gated.data.Vocabulary` of characters, a `gated.data.words.WordVocabulary`
            whose tokenizer is "exact", or a `gated.data.ByteVocabulary`.
        about: JSON-able facts that are kept in the model's file (how it was trained, its loss).

    Raises:
        ArgumentError: a network of other layers than `build` makes, or for another vocabulary.
        ArgumentTypeError: no vocabulary.
    """

    kinds: tuple[str, ...] = (KIND, OTHER_KIND)  # of files that `load` reads

    def __init__(self, network: Any, vocabulary: TextVocabulary, about: dict[str, Any] | None = None) -> None:
        self.network, self.vocabulary, self.about = network, vocabulary, dict(about or {})
        self._check()

    def __copy__(self) -> LanguageModel:
        return copy.deepcopy(self)  # with a network of its own

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.vocabulary):,} {self.units}, {self.network!r}>"

    @property
    def units(self) -> str:
        """ "characters", "words" or "bytes"."""
        return self.vocabulary.units

    @classmethod
    def build(
        cls: type[M],
        vocabulary: TextVocabulary | str | os.PathLike[str],
        cell: Any = None,
        *,
        units: str = "characters",
        embedding_size: int = 32,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        dtype: str = "float32",
        seed: int = 0,
        backend: str = "native",
    ) -> M:
        """A model with fresh parameters.

        Args:
            vocabulary: its characters, words or bytes; or a text, or a `pathlib.Path` to one in UTF-8, that has them.
            cell: any gated cell; None for the LSTM of the zoo.
            units: of a text: "characters", "words" or "bytes". Words that stand only once in it are spelled.
            embedding_size: numbers for each unit.
            hidden_size: of every recurrent layer.
            num_layers: recurrent layers.
            dropout: acts between recurrent layers while training, so it needs two at least.
            dtype: "float32" or "float64".
            seed: of the initial parameters.
            backend: "native" or "reference".
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = vocabulary_of(units, _text(vocabulary))
        size = len(check_vocabulary(vocabulary))
        sizes = embedding_size, hidden_size, num_layers
        return cls(language_network(size, cell, *sizes, dropout, dtype, seed, backend), vocabulary)

    def fit(
        self: M,
        text: str | os.PathLike[str],
        *,
        epochs: int = 5,
        steps: int | None = None,
        batch: int = 32,
        window: int = 32,
        optimizer: str = "adam",
        lr: float = 1e-2,
        warmup: int = 50,
        clip: float = 0.1,
        seed: int = 0,
        on_update: Callable[[Any], object] = lambda update: None,
    ) -> M:
        """Learn a text, from the parameters as they are. `gated train` does the same in a folder, with a judge.

        Args:
            text: or a `pathlib.Path` to one in UTF-8. What the vocabulary lacks is learned as its stand-in.
            epochs: passes over it.
            steps: updates, instead of passes.
            batch: N, pieces of the text side by side.
            window: T, units that a gradient reaches back.
            optimizer: "adam", "adamw", "rmsprop" or "sgd".
            lr: highest learning rate; it rises over `warmup` updates, then falls along a cosine.
            warmup: of at most a fifth of the updates.
            clip: bound on the gradient's norm; 0: none.
            seed: of the masks of dropout.
            on_update: is called after each update with a `gated.learning.training.loop.Update`.

        Returns:
            the model itself.

        Raises:
            ArgumentError, ArgumentTypeError: an argument cannot be used, or the text is too short for `batch`.
        """
        from gated.models.language_fit import fit
        from gated.models.language_settings import Settings

        how = {"epochs": epochs, "steps": steps, "batch": batch, "window": window, "optimizer": optimizer}
        settings = Settings(**how, lr=lr, warmup=warmup, clip=clip, seed=seed)  # type: ignore[arg-type]
        fit(self.network, self.vocabulary.encode_all(_text(text))[0], settings, on_update)
        return self

    def bits(self, ids: ArrayLike, streams: int = 1) -> float:
        """Bits per unit of a text: of each but the first.

        Args:
            ids: (length,) integers, length >= 2.
            streams: 1: every unit is predicted from all before it, the state carried over the whole text. More cut the
                text into that many pieces that run side by side, each from the zero state: many times faster and, as
                the first units of each piece lack their context, a little worse.
        """
        text = self._check_ids(ids)
        return mean_bits(self.network, text, len(self.vocabulary), whole_above_zero("streams", streams))

    def evaluate(self, text: str, streams: int = 1) -> TextScore:
        """How well the model foretells a text, in numbers that models of different units share.

        Args:
            text: of any length above 0, foretold as after a line end.
            streams: as for `bits`.

        Returns:
            a `TextScore`.
        """
        ids, unknown = self.vocabulary.encode_all(check_text(text))
        if not len(ids):
            raise wrong("text", "''", "at least one character")
        bits = self.bits(np.concatenate([[first_id(self.vocabulary)], ids]), streams) * len(ids)
        return score_of(text, bits, len(ids), unknown)

    def evaluate_file(self, path: str | os.PathLike[str], encoding: str = "utf-8", streams: int = 1) -> TextScore:
        """`evaluate` on the text in a file, as `gated.data.read_text` reads it."""
        return LanguageModel.evaluate(self, read_text(path, encoding), streams)

    def sample(
        self,
        length: int = 500,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        prompt: str = "",
        stop: str | Sequence[str] = (),
        seed: int = 0,
    ) -> str:
        """A text that the model writes. The same arguments give the same text.

        Args:
            length: so many characters, words (with signs and spaces) or bytes at most.
            temperature: divides the logits: below 1 the likely becomes likelier, 0 takes the likeliest always.
            top_k: only so many of the likeliest are drawn from; None: all.
            top_p: only from the fewest that together have this part of the probability, the nucleus; None: from all.
            prompt: what the text goes on from, no part of the result. Without one it begins as after a line end.
            stop: one string or several: the text ends before the first of them that the model writes.
            seed: of the draws.
        """
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "prompt": prompt, "stop": stop}
        return "".join(self.stream(length, **how, seed=seed))  # type: ignore[arg-type]

    def stream(
        self,
        length: int = 500,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        prompt: str = "",
        stop: str | Sequence[str] = (),
        seed: int = 0,
    ) -> Iterator[str]:
        """As `sample`, piece by piece as it is drawn.

        What may become a stop string, and the first bytes of a character, are held back until it is clear what they
        are. A character that the end cuts off is left out; what is no UTF-8 becomes U+FFFD.
        """
        from gated.nn.network_stream import likeliest

        length, seed = whole("length", length, 0), whole("seed", seed, 0)
        how = not_negative("temperature", temperature), *likeliest(top_k, top_p)
        stops = stop_strings(stop)
        ids = prompt_ids(self.vocabulary, prompt)
        pieces = written(self.network, self.vocabulary, ids, length, how, np.random.default_rng(seed))
        return until(pieces, stops) if stops else pieces

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, sizes, vocabulary, `about`.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
        """
        if not isinstance(self.about, dict):
            raise ArgumentTypeError(f"about: got {describe(self.about)}, expected a dict")
        self._check()
        kind = KIND if isinstance(self.vocabulary, Vocabulary) else OTHER_KIND
        save_model(path, kind, self.network, {"vocabulary": self.vocabulary.to_json(), "about": self.about})

    @classmethod
    def load(cls: type[M], path: str | os.PathLike[str]) -> M:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        network, documents = load_model(path, cls.kinds, ("vocabulary", "about"))
        where = repr(os.fspath(path))
        for name, value in documents.items():
            if not isinstance(value, dict):
                raise FileFormatError(f"{where}: got {type(value).__name__} under {name!r}, expected dict in JSON")
        try:
            vocabulary = vocabulary_from_json(documents["vocabulary"])
        except FileFormatError as error:
            raise FileFormatError(f"{where}: {error}") from None
        unfit = misfit(network, vocabulary)
        if unfit is not None:
            raise FileFormatError(f"{where}: {unfit}")
        return cls(network, vocabulary, documents["about"])

    def _check(self) -> None:
        unfit = misfit(self.network, check_vocabulary(self.vocabulary))
        if unfit is not None:
            raise ArgumentError(f"network: {unfit}")

    def _check_ids(self, ids: ArrayLike) -> NDArray[Any]:
        text = np.asarray(ids)
        if text.ndim != 1 or text.dtype.kind not in "iu":
            raise ArgumentError(f"ids: got shape {text.shape} of {text.dtype}, expected one dimension of integers")
        if len(text) < 2:
            raise ArgumentError(f"ids: got {len(text)}, expected at least 2 {self.units}")
        if text.min() < 0 or text.max() >= len(self.vocabulary):
            raise ArgumentError(f"ids: got {text.min()} to {text.max()}, expected 0 to {len(self.vocabulary) - 1}")
        return text


class CharacterLanguageModel(LanguageModel):
    """A `LanguageModel` of characters."""

    kinds = (KIND,)

    def evaluate(self, text: Any, streams: int = 1) -> Any:
        """Of ids, (length,), bits per character of each but the first: `bits`. Of a text as every `LanguageModel`."""
        return super().evaluate(text, streams) if isinstance(text, str) else self.bits(text, streams)

    def _check(self) -> None:
        if not isinstance(self.vocabulary, Vocabulary):
            raise wrong_type("vocabulary", describe(self.vocabulary), "a Vocabulary, of characters")
        super()._check()


def _text(given: str | os.PathLike[str]) -> str:
    return read_text(given) if isinstance(given, os.PathLike) else check_text(given)
