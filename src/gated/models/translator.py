"""An encoder and a decoder: one network reads a text, character by character, and where it ends another one begins.

After Sutskever, Vinyals & Le (2014), Sequence to sequence learning with neural networks, without attention; the encoder
reads in both directions, and an affine map with tanh makes the decoder's first state of both ends (as Bahdanau, Cho and
Bengio, 2015, appendix A.2.2, make it of one).

Legend: N texts, S characters read, T characters written.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Sequences
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe, shown, wrong, wrong_type
from gated.interop.model_file import load_model, save_model
from gated.models.schooling import schooling, train_to
from gated.number_checks import whole, whole_above_zero

KIND = "gated translator"
NULL, START, END, UNKNOWN = range(4)
SPECIAL = 4
LAYERS = "read", "encoder", "bridge", "write", "decoder", "head"
AT_ONCE = 512  # texts that are translated together: bounds the memory


class Letters:
    """Characters and their numbers, from 4 on; 0 to 3 are nothing, beginning, end, and what is unknown."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.characters = "".join(sorted({character for text in texts for character in text}))
        if not self.characters:
            raise ArgumentError("texts: got no characters, expected at least one")
        self._numbers = {character: number for number, character in enumerate(self.characters, SPECIAL)}

    def __len__(self) -> int:
        return len(self.characters) + SPECIAL

    def encode(self, text: str) -> list[int]:
        return [self._numbers.get(character, UNKNOWN) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.characters[n - SPECIAL] if n >= SPECIAL else "\ufffd" * (n == UNKNOWN) for n in ids)


class Translator:
    """Reads a text and writes another one.

    Args:
        network: a WiredNetwork with the inputs source and target, as `build` makes it.
        source: the characters of what is read.
        target: the characters of what is written.
        about: JSON-able facts that are kept in the model's file.

    Raises:
        ArgumentError, ArgumentTypeError: a network that does not fit.
    """

    def __init__(self, network: Any, source: Letters, target: Letters, about: dict[str, Any] | None = None) -> None:
        self.network, self.source, self.target, self.about = network, source, target, dict(about or {})
        wrong_ = misfit(network, len(source), len(target))
        if wrong_ is not None:
            raise ArgumentError(f"network: {wrong_}")

    def __copy__(self) -> Translator:
        return copy.deepcopy(self)  # with a network of its own

    def __repr__(self) -> str:
        return f"<Translator of {len(self.source)} to {len(self.target)} characters, {self.network!r}>"

    @classmethod
    def build(
        cls,
        source: Sequence[str],
        target: Sequence[str],
        cell: Any = None,
        *,
        embedding_size: int = 32,
        hidden_size: int = 128,
        dtype: str = "float32",
        seed: int = 0,
        backend: str = "native",
    ) -> Translator:
        """A translator with fresh parameters.

        Args:
            source: texts that have all characters to be read; others are unknown to it.
            target: texts that have all characters to be written.
            cell: any gated cell, of both networks; None for the GRU of the zoo.
            embedding_size: numbers of a character.
            hidden_size: units of the encoder, in each direction, and of the decoder.
            dtype: "float32" or "float64".
            seed: of the initial parameters.
            backend: "native" or "reference".
        """
        from gated import cells
        from gated.nn import Dense, Embedding, Recurrent, WiredNetwork

        cell = cells.gru if cell is None else cell
        letters = Letters(_texts("source", source)), Letters(_texts("target", target))
        common: dict[str, Any] = {"dtype": dtype, "backend": backend}
        encoder = Recurrent(cell, embedding_size, hidden_size, bidirectional=True, seed=seed + 1, **common)
        decoder = Recurrent(cell, embedding_size, hidden_size, seed=seed + 4, **common)
        size, first = decoder.state_sizes[0], cell.states[0]
        network = WiredNetwork(
            {
                "read": Embedding(len(letters[0]), embedding_size, seed=seed, **common),
                "encoder": encoder,
                "bridge": Dense(2 * size, size, "tanh", seed=seed + 2, **common),
                "write": Embedding(len(letters[1]), embedding_size, seed=seed + 3, **common),
                "decoder": decoder,
                "head": Dense(decoder.output_size, len(letters[1]), seed=seed + 5, **common),
            },
            {
                "read": "source",
                "bridge": f"encoder.{first}",
                "write": "target",
                "decoder": {"x": "write", first: "bridge"},
            },
        )
        return cls(network, *letters)

    def batch(self, source: Sequence[str], target: Sequence[str]) -> Sequences:
        """Pairs as a batch: x is {"source": ids (S, N), "target": ids (T, N)}, the target (T, N) what comes next."""
        read, lengths = _columns([self.source.encode(text) or [NULL] for text in source])
        written, ends = _columns([[START, *self.target.encode(text), END] for text in target])
        x = {"source": read, "target": written[:-1]}
        return Sequences(x, written[1:], {"source": lengths, "target": ends - 1})

    def fit(
        self,
        source: Sequence[str],
        target: Sequence[str],
        *,
        epochs: int = 20,
        batch: int = 64,
        optimizer: str = "adam",
        lr: float = 3e-3,
        warmup: int = 50,
        clip: float = 1.0,
        seed: int = 0,
        on_update: Callable[[Any], object] = lambda update: None,
    ) -> Translator:
        """Learn pairs of texts, from the parameters as they are.

        Args:
            source: what is read.
            target: what it means.
            epochs: passes over all pairs, each in random order.
            batch: pairs of an update.
            optimizer: "adam", "adamw", "rmsprop" or "sgd".
            lr: highest learning rate; it rises over `warmup` updates, then falls along a cosine.
            warmup: of at most a fifth of the updates.
            clip: bound on the gradient's norm; 0: none.
            seed: of the order.
            on_update: called after each update with it (`gated.learning.Update`).

        Returns:
            itself.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit; nothing has changed then.
        """
        total = whole_above_zero("epochs", epochs) * -(-len(source) // whole_above_zero("batch", batch))
        options: dict[str, Any] = {
            "batch": batch,
            "optimizer": optimizer,
            "lr": lr,
            "warmup": warmup,
            "clip": clip,
            "seed": seed,
        }
        train_to(self.training(source, target, total=total, **options), total, on_update)
        return self

    def training(
        self,
        source: Sequence[str],
        target: Sequence[str],
        *,
        total: int,
        batch: int = 64,
        optimizer: str = "adam",
        lr: float = 3e-3,
        warmup: int = 50,
        clip: float = 1.0,
        seed: int = 0,
    ) -> Any:
        """The `gated.learning.Training` that `fit` runs. Arguments as there."""
        from gated.learning.training.loop import epoch_generator
        from gated.nn.losses import SoftmaxCrossEntropy

        source, target = _texts("source", source), _texts("target", target)
        if len(source) != len(target):
            raise wrong("target", f"{len(target)} texts", f"{len(source)}, one for each that is read")
        size, seed = whole_above_zero("batch", batch), whole("seed", seed, 0)

        def batches(epoch: int) -> Iterator[Sequences]:
            order = epoch_generator(seed, epoch).permutation(len(source))
            for n in range(0, len(order), size):
                own = order[n : n + size].tolist()
                yield self.batch([source[k] for k in own], [target[k] for k in own])

        return schooling(
            self.network,
            SoftmaxCrossEntropy(),
            batches,
            total=total,
            optimizer=optimizer,
            lr=lr,
            warmup=warmup,
            clip=clip,
            seed=seed,
        )

    def predict(self, source: Sequence[str], *, max_length: int = 50, beams: int = 1) -> list[str]:
        """What texts mean.

        Args:
            source: texts.
            max_length: characters of an answer at most.
            beams: beginnings of an answer that are kept at a time; 1: the likeliest character each time.
        """
        from gated.models.captioner.writing import beam_search, drawn

        texts, length = _texts("source", source), whole_above_zero("max_length", max_length)
        beams, found = whole_above_zero("beams", beams), []
        for n in range(0, len(texts), AT_ONCE):
            part = texts[n : n + AT_ONCE]
            rows = [self.source.encode(text) or [NULL] for text in part for _ in range(beams)]
            read, lengths = _columns(rows)
            stream = self.network.stream({"source": read}, lengths={"source": lengths})
            if beams > 1:
                ids, _ = beam_search(stream, len(part), beams, START, END, length)
            else:
                ids = drawn(stream, len(part), START, np.zeros((length, len(part))), 0.0)
            found += [self.target.decode(_before_end(column)) for column in ids.T.tolist()]
        return found

    def exact(self, source: Sequence[str], target: Sequence[str], **options: Any) -> float:
        """The part of the texts whose meaning is written exactly. Options as of `predict`."""
        answers = self.predict(source, **options)
        return sum(mine == theirs for mine, theirs in zip(answers, target, strict=True)) / len(answers)

    # files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, characters, `about`.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
        """
        if not isinstance(self.about, dict):
            raise ArgumentTypeError(f"about: got {describe(self.about)}, expected a dict")
        letters = {"source": self.source.characters, "target": self.target.characters}
        save_model(path, KIND, self.network, {"characters": letters, "about": self.about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Translator:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        network, documents = load_model(path, KIND, ("characters", "about"))
        letters, about, where = documents["characters"], documents["about"], repr(os.fspath(path))
        if not isinstance(about, dict) or not isinstance(letters, dict) or letters.keys() != {"source", "target"}:
            raise FileFormatError(f"{where}: got no characters of a translator, expected source and target")
        try:
            both = [Letters(_texts("characters", [letters[name]])) for name in ("source", "target")]
            if [own.characters for own in both] != [letters["source"], letters["target"]]:
                raise FileFormatError("characters: got them repeated or out of order, expected them sorted")
            return cls(network, both[0], both[1], about)
        except (FileFormatError, ArgumentError, ArgumentTypeError) as error:
            raise FileFormatError(f"{where}: {error}") from None


def misfit(network: Any, source: int, target: int) -> str | None:
    """What is wrong with a network as a translator's, if something is."""
    from gated.nn import WiredNetwork

    if not isinstance(network, WiredNetwork) or tuple(network.inputs) != ("source", "target"):
        return f"got {shown(network)}, expected a WiredNetwork that reads source and target"
    layers = network.layers
    if tuple(layers) != LAYERS:
        return f"got layers {shown(', '.join(layers))}, expected {', '.join(LAYERS)}"
    came = [getattr(layers[name], "num_embeddings", None) for name in ("read", "write")]
    came.append(getattr(layers["head"], "output_size", None))
    if came != [source, target, target]:
        return f"got layers for {came[0]}, {came[1]} and {came[2]} characters, expected {source}, {target} and {target}"
    return None


def _texts(name: str, given: Any) -> list[str]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise wrong_type(name, describe(given), "a list of texts")
    texts = list(given)
    for k, text in enumerate(texts):
        if not isinstance(text, str):
            raise wrong_type(f"{name}[{k}]", describe(text), "a text")
    if not texts:
        raise wrong(name, "none", "at least one text")
    return texts


def _columns(rows: Sequence[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(steps, N) with NULL behind the ends; (N,) lengths."""
    lengths = np.array([len(row) for row in rows])
    ids = np.full((int(lengths.max()), len(rows)), NULL)
    for n, row in enumerate(rows):
        ids[: len(row), n] = row
    return ids, lengths


def _before_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(END)] if END in ids else ids
