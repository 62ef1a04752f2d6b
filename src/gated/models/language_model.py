"""A character language model: embedding, recurrent layers, a projection onto the vocabulary.

T time steps, N streams side by side, V characters. The loss is in bits per character (bpc):
the mean of -log2 p(character | all characters before it).
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data import Vocabulary
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe, shown, wrong_type
from gated.interop.model_file import load_model, save_model
from gated.number_checks import not_negative, whole, whole_above_zero

KIND = "gated character language model"
AT_ONCE = 32  # characters that are drawn in one call: they are there at once, and the call costs little beside them
EVALUATION_WINDOW = 128  # steps of a forward pass; bounds the memory, changes no number


class CharacterLanguageModel:
    """Characters in, the probabilities of the next one out.

    Args:
        network: maps ids (T, N) to logits (T, N, V).
        vocabulary: says which character an id is.
        about: JSON-able facts that are kept in the model's file (how it was trained, its loss).

    Raises:
        ArgumentError: a network of other layers than `build` makes, or for other characters.
    """

    def __init__(self, network: Any, vocabulary: Vocabulary, about: dict[str, Any] | None = None) -> None:
        self.network, self.vocabulary, self.about = network, vocabulary, dict(about or {})
        self._check()

    def __copy__(self) -> CharacterLanguageModel:
        return copy.deepcopy(self)  # with a network of its own

    @classmethod
    def build(
        cls,
        vocabulary: Vocabulary,
        cell: Any = None,
        *,
        embedding_size: int = 32,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        dtype: str = "float32",
        seed: int = 0,
    ) -> CharacterLanguageModel:
        """A model with fresh parameters.

        Args:
            vocabulary: its characters.
            cell: any gated cell; None for the LSTM of the zoo.
            embedding_size: numbers for each character.
            hidden_size: of every recurrent layer.
            num_layers: recurrent layers.
            dropout: acts between recurrent layers while training, so it needs two at least.
            dtype: "float32" or "float64".
            seed: of the initial parameters.
        """
        from gated import cells
        from gated.nn import Dense, Embedding, Network, Recurrent

        if dropout and num_layers == 1:
            raise ArgumentError(f"dropout: got {dropout} for one layer, expected 0: it acts between recurrent layers")
        size = len(vocabulary)
        rnn = Recurrent(
            cells.lstm if cell is None else cell,
            input_size=embedding_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            dtype=dtype,
            seed=seed + 1,
        )
        embed = Embedding(size, embedding_size, dtype=dtype, seed=seed)
        head = Dense(rnn.output_size, size, dtype=dtype, seed=seed + 2)
        return cls(Network({"embed": embed, "rnn": rnn, "head": head}), vocabulary)

    def evaluate(self, ids: ArrayLike, streams: int = 1) -> float:
        """Bits per character on a text: of each but the first.

        Args:
            ids: (length,) integers, length >= 2.
            streams: 1: every character is predicted from all before it, the state carried over the whole text. More cut
                the text into that many pieces that run side by side, each from the zero state: many times faster and,
                as the first characters of each piece lack their context, a little worse.
        """
        text = self._check_ids(ids)
        total, state = 0.0, None
        for x, target, mask in _masked_windows(text, streams, EVALUATION_WINDOW):
            y, state = self.network.infer(x, state)
            log2_p = _log_softmax(y) / math.log(2.0)
            picked = np.take_along_axis(log2_p, target[..., None], axis=-1)[..., 0]
            total -= float(picked[mask].sum())
        return total / (len(text) - 1)

    def sample(self, length: int = 500, *, temperature: float = 1.0, prompt: str = "", seed: int = 0) -> str:
        """A text that the model writes. The same arguments give the same text.

        Args:
            length: so many characters.
            temperature: divides the logits: below 1 the likely becomes likelier, 0 takes the likeliest always.
            prompt: what the text goes on from, no part of the result. Without one it begins as after a line end.
            seed: of the draws.
        """
        return "".join(self.stream(length, temperature=temperature, prompt=prompt, seed=seed))

    def stream(self, length: int = 500, *, temperature: float = 1.0, prompt: str = "", seed: int = 0) -> Iterator[str]:
        """As `sample`, one character after the other as they are drawn."""
        length, seed = whole("length", length, 0), whole("seed", seed, 0)
        temperature = not_negative("temperature", temperature)
        if not isinstance(prompt, str):
            raise wrong_type("prompt", describe(prompt), "a text, '' for none")
        missing = sorted({character for character in prompt if character not in self.vocabulary})
        if missing:
            raise ArgumentError(f"prompt: got {missing[0]!r}, expected characters that the model knows")
        first = "\n" if "\n" in self.vocabulary else self.vocabulary.characters[0]
        ids = self.vocabulary.encode(prompt or first)
        return self._draw(ids, length, temperature, np.random.default_rng(seed))

    def _draw(self, ids: NDArray[Any], length: int, temperature: float, rng: np.random.Generator) -> Iterator[str]:
        state = self.network.infer(ids[:-1, None])[1] if len(ids) > 1 else None
        stream, last, characters = self.network.stream(state=state), int(ids[-1]), self.vocabulary.characters
        for start in range(0, length, AT_ONCE):
            drawn = stream.draw(last, rng.random(min(AT_ONCE, length - start)), temperature).tolist()
            last = drawn[-1]
            for choice in drawn:
                yield characters[choice]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, sizes, vocabulary, `about`.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
        """
        if not isinstance(self.about, dict):
            raise ArgumentTypeError(f"about: got {describe(self.about)}, expected a dict")
        self._check()
        save_model(path, KIND, self.network, {"vocabulary": self.vocabulary.to_json(), "about": self.about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CharacterLanguageModel:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        network, documents = load_model(path, KIND, ("vocabulary", "about"))
        where = repr(os.fspath(path))
        for name, value in documents.items():
            if not isinstance(value, dict):
                raise FileFormatError(f"{where}: got {type(value).__name__} under {name!r}, expected dict in JSON")
        try:
            vocabulary = Vocabulary.from_json(documents["vocabulary"])
        except FileFormatError as error:
            raise FileFormatError(f"{where}: {error}") from None
        wrong = misfit(network, vocabulary)
        if wrong is not None:
            raise FileFormatError(f"{where}: {wrong}")
        return cls(network, vocabulary, documents["about"])

    def _check(self) -> None:
        wrong = misfit(self.network, self.vocabulary)
        if wrong is not None:
            raise ArgumentError(f"network: {wrong}")

    def _check_ids(self, ids: ArrayLike) -> NDArray[Any]:
        text = np.asarray(ids)
        if text.ndim != 1 or text.dtype.kind not in "iu":
            raise ArgumentError(f"ids: got shape {text.shape} of {text.dtype}, expected one dimension of integers")
        if len(text) < 2:
            raise ArgumentError(f"ids: got {len(text)}, expected at least 2 characters")
        if text.min() < 0 or text.max() >= len(self.vocabulary):
            raise ArgumentError(f"ids: got {text.min()} to {text.max()}, expected 0 to {len(self.vocabulary) - 1}")
        return text


def misfit(network: Any, vocabulary: Vocabulary) -> str | None:
    """What is wrong with the two together, if something is: other layers, or layers for other characters."""
    from gated.nn import Dense, Embedding, Recurrent

    layers, size = network.layers, len(vocabulary)
    if list(layers) != ["embed", "rnn", "head"]:
        return f"got layers {shown(', '.join(layers))}, expected embed, rnn, head"
    for name, kind in (("embed", Embedding), ("rnn", Recurrent), ("head", Dense)):
        if not isinstance(layers[name], kind):
            return f"got a {type(layers[name]).__name__} as layer {name!r}, expected a {kind.__name__}"
    for option in ("batch_first", "bidirectional"):
        if getattr(layers["rnn"], option):
            return f"got {option}=True in layer 'rnn', expected False: each character is predicted from those before it"
    came = (layers["embed"].num_embeddings, layers["head"].output_size)
    return (
        None if came == (size, size) else f"got layers for {came[0]} and {came[1]} characters, expected {size} in both"
    )


def _masked_windows(text: NDArray[Any], streams: int, window: int) -> Iterator[tuple[NDArray[Any], ...]]:
    """(x, target, mask), each (T, streams), that together predict each character but the first exactly once."""
    streams = whole_above_zero("streams", streams)
    count = len(text) - 1
    length = -(-count // streams)  # rounded up: the last stream is padded
    places = np.arange(length * streams).reshape(streams, length).T
    mask = places < count
    places = np.minimum(places, count - 1)
    for t in range(0, length, window):
        part = places[t : t + window]
        yield text[part], text[part + 1], mask[t : t + window]


def _log_softmax(y: NDArray[Any]) -> NDArray[np.float64]:
    """Natural logarithm of softmax over the last axis, in float64."""
    z = y.astype(np.float64)
    z -= z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
