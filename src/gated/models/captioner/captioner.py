"""A captioner: pictures or features in, sentences out.

Legend: N pictures, S pixels of a side, P places, D numbers of a place or picture, T words of a caption, V words.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.words import Tokenizer, WordVocabulary, caption_texts
from gated.data.words.vocabulary import END, NULL, START
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe, wrong, wrong_type
from gated.interop.model_file import load_model, save_model
from gated.learning.runs.gate_watch import last_gates
from gated.models.captioner.batches import Pairs, all_texts
from gated.models.captioner.eye import Eye, Filters, Progress
from gated.models.captioner.names import by_assignment
from gated.models.captioner.network import caption_network, feature_shape, misfit
from gated.models.captioner.writing import beam_search, drawn
from gated.models.schooling import schooling, train_to
from gated.models.text_score import log_softmax
from gated.number_checks import not_negative, whole, whole_above_zero

KIND = "gated captioner"
AT_ONCE = 256  # pictures that are written about together: bounds the memory


class Written(NamedTuple):
    """A caption and what the network did word by word.

    Attributes:
        caption: the text.
        words: T words, the last one <END> if it got so far.
        gates: name -> (T, H), such as "f", those of the last layer; a gate is what the equations put through a sigmoid.
    """

    caption: str
    words: list[str]
    gates: dict[str, NDArray[Any]]


class Captioner:
    """Says in words what is in a picture.

    Args:
        network: a WiredNetwork with the inputs features and captions, as `build` makes it.
        vocabulary: of its words, the special ones <NULL> <START> <END> <UNK> first.
        eye: what it sees of a picture.
        about: JSON-able facts that are kept in the model's file.

    Raises:
        ArgumentError, ArgumentTypeError: a network that does not fit.
    """

    def __init__(self, network: Any, vocabulary: WordVocabulary, eye: Eye, about: dict[str, Any] | None = None) -> None:
        self.network, self.vocabulary, self.eye, self.about = network, vocabulary, eye, dict(about or {})
        self._check()

    def __copy__(self) -> Captioner:
        return copy.deepcopy(self)  # with a network of its own

    def __repr__(self) -> str:
        return f"<Captioner of {len(self.vocabulary):,} words, {self.network!r}>"

    @classmethod
    def build(
        cls,
        words: WordVocabulary | Sequence[Any],
        cell: Any = None,
        *,
        features: Any = None,
        minimum_count: int = 1,
        embedding_size: int = 64,
        hidden_size: int = 192,
        num_layers: int = 1,
        look: Sequence[int] | None = None,
        read: int = 96,
        show: str | None = None,
        dropout: float = 0.0,
        dtype: str = "float32",
        seed: int = 0,
        backend: str = "native",
    ) -> Captioner:
        """A captioner with fresh parameters.

        Args:
            words: its vocabulary; or captions, a text or a list of some for each picture, that have its words.
            cell: any gated cell; None for the LSTM of the zoo.
            features: numbers of a picture, D, or (places, D), if it is given features: those of the user's own, or of
                a vision model. None: it is given pictures, and sees them by a fixed bank of filters
                (`gated.data.filter_bank`).
            minimum_count: how often a word has to stand in the captions; others are <UNK>.
            embedding_size: numbers of each word.
            hidden_size: of every recurrent layer.
            num_layers: recurrent layers.
            look: sizes of dense layers (tanh) that the features go through first, the same ones at every place. None:
                none for features (then the assignment's affine map leads to h0), (64, 24) for pictures.
            read: units of the layer that reads the places, one after the other and in both directions.
            show: whether features become the "state" that the words begin in, or stand beside the words at all
                "steps", or "both". None: "state" for features, "both" for pictures.
            dropout: between recurrent layers while it learns.
            dtype: "float32" or "float64".
            seed: of the initial parameters.
            backend: "native" or "reference".

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit.
        """
        filters = Filters() if features is None else None
        shape = filters.shape if filters is not None else feature_shape(features)
        vocabulary = words if isinstance(words, WordVocabulary) else vocabulary_of(words, minimum_count)
        network = caption_network(
            len(vocabulary),
            shape,
            cell,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            look=look if look is not None else (64, 24) if filters is not None else (),
            read=read,
            show=show or ("state" if filters is None else "both"),
            dropout=dropout,
            dtype=dtype,
            seed=seed,
            backend=backend,
        )
        return cls(network, vocabulary, Eye(shape, filters))

    # learning

    def loss(self, pictures: Any, captions: Any) -> tuple[float, dict[str, NDArray[Any]]]:
        """The loss, and its gradient by every parameter.

        Softmax cross-entropy of every word given those before it and the picture, <NULL> left out, summed over words
        and divided by the number of captions, as in the course assignment.

        Args:
            pictures: (N, S, S, 3) uint8, or features.
            captions: N texts, or lists of some; or (N, T) ids, <START> first and <NULL> behind <END>.

        Returns:
            the loss in nats, and name -> gradient: under the network's names and, where a layer has the assignment's
            form, under the assignment's too: W_proj, b_proj, W_embed, Wx, Wh, b (gates in the order i f o g), W_vocab,
            b_vocab.
        """
        from gated.learning import gradients
        from gated.nn.losses import SoftmaxCrossEntropy

        features = self.eye.features(pictures)
        pairs = Pairs(len(features), captions, self.vocabulary)
        batch = pairs.batch(np.arange(len(pairs)), lambda which: self._shown(features[which]))
        found = gradients(self.network, SoftmaxCrossEntropy("sum"), batch)
        return found.loss, {**found.grads, **by_assignment(self.network, found.grads)}

    def fit(
        self,
        pictures: Any,
        captions: Any,
        *,
        epochs: int = 10,
        batch: int = 32,
        optimizer: str = "adam",
        lr: float = 3e-3,
        warmup: int = 50,
        clip: float = 5.0,
        seed: int = 0,
        on_update: Callable[[Any], object] = lambda update: None,
        progress: Progress | None = None,
    ) -> Captioner:
        """Learn pictures with their captions, from the parameters as they are.

        Args:
            pictures: (N, S, S, 3) uint8, or features.
            captions: for each picture a text or a list of some; or (N, T) ids.
            epochs: passes, each over every caption once in random order.
            batch: captions of an update.
            optimizer: "adam", "adamw", "rmsprop" or "sgd".
            lr: highest learning rate; it rises over `warmup` updates, then falls along a cosine.
            warmup: of at most a fifth of the updates.
            clip: bound on the gradient's norm; 0: none.
            seed: of the order.
            on_update: called after each update with it (`gated.learning.Update`: its step, loss, norm, rate).
            progress: called with (pictures seen, N) while the filters look at them.

        Returns:
            itself.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit; nothing has changed then.
        """
        features = self.eye.features(pictures, progress)
        pairs = Pairs(len(features), captions, self.vocabulary)
        total = whole_above_zero("epochs", epochs) * -(-len(pairs) // whole_above_zero("batch", batch))
        training = self.training(
            features, pairs, total=total, batch=batch, optimizer=optimizer, lr=lr, warmup=warmup, clip=clip, seed=seed
        )
        train_to(training, total, on_update)
        return self

    def training(
        self,
        features: Any,
        pairs: Pairs,
        *,
        total: int,
        batch: int = 32,
        optimizer: str = "adam",
        lr: float = 3e-3,
        warmup: int = 50,
        clip: float = 5.0,
        seed: int = 0,
    ) -> Any:
        """The `gated.learning.Training` that `fit` runs: for whoever wants to run it otherwise. Arguments as there.

        Features may be a dataset of HDF5 too, of which rows are read when they are needed.
        """
        from gated.learning.training.loop import epoch_generator
        from gated.nn.losses import SoftmaxCrossEntropy

        if not self.eye.fitted:
            self.eye.fit(features)
        look = self.eye.look(features, self.network.dtype)
        seed, size = whole("seed", seed, 0), whole_above_zero("batch", batch)
        return schooling(
            self.network,
            SoftmaxCrossEntropy("sum"),
            lambda epoch: pairs.batches(size, epoch_generator(seed, epoch), look),
            total=total,
            optimizer=optimizer,
            lr=lr,
            warmup=warmup,
            clip=clip,
            seed=seed,
        )

    def evaluate(self, pictures: Any, captions: Any, batch: int = 64) -> float:
        """Nats for each word of captions, <END> included: the mean of -log p. exp of it is the perplexity."""
        features = self.eye.features(pictures)
        return self.nats(features, Pairs(len(features), captions, self.vocabulary), batch)

    def nats(self, features: Any, pairs: Pairs, batch: int = 64, counted: Any = True) -> float:
        """As `evaluate`, of features and pairs that are made already.

        Args:
            counted: (V,) booleans, whether a word counts; True: all do.
        """
        counted = np.broadcast_to(counted, len(self.vocabulary))
        total, words = 0.0, 0
        for own in pairs.batches(whole_above_zero("batch", batch), None, lambda which: self._shown(features[which])):
            y, _ = self.network.infer(own.x, lengths=own.lengths)
            log_p = log_softmax(y)
            counts = (own.mask != 0) & counted[own.target]
            total -= float(np.take_along_axis(log_p, own.target[..., None].astype(np.int64), -1)[..., 0][counts].sum())
            words += int(counts.sum())
        return total / words

    # writing

    def predict(self, pictures: Any, beams: int = 1, **options: Any) -> list[str]:
        """A caption of each picture: the likeliest word each time, or with more `beams` the best that a search finds.

        Args:
            pictures: (N, S, S, 3) uint8, (S, S, 3), or features.
            beams: beginnings of a caption that are kept at a time.
            options: max_length and penalty, see `sample`.
        """
        return self.sample(pictures, beams=beams, temperature=0.0, **options)

    def sample(
        self,
        pictures: Any,
        *,
        max_length: int = 50,
        temperature: float = 1.0,
        beams: int = 1,
        penalty: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Captions that are drawn, or searched for.

        Args:
            pictures: as for `predict`.
            max_length: words of a caption at most.
            temperature: divides the logits: below 1 the likely becomes likelier, 0 takes the likeliest word each time.
            beams: above 1: captions are not drawn but searched for (temperature 0), so many beginnings of each at a
                time.
            penalty: of the search: captions are compared by log p / length^penalty.
            seed: of the draws.
            progress: called with (captions written, N).

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit.
        """
        ids = self.sample_ids(
            pictures,
            max_length=max_length,
            temperature=temperature,
            beams=beams,
            penalty=penalty,
            seed=seed,
            progress=progress,
        )
        return caption_texts(ids, self.vocabulary)

    def sample_ids(
        self,
        pictures: Any,
        *,
        max_length: int = 50,
        temperature: float = 1.0,
        beams: int = 1,
        penalty: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> NDArray[np.int64]:
        """As `sample`: (N, max_length) ids of words, <NULL> behind <END>."""
        features = self.eye.features(pictures)
        length, beams = whole_above_zero("max_length", max_length), whole_above_zero("beams", beams)
        temperature, penalty = not_negative("temperature", temperature), not_negative("penalty", penalty)
        if beams > 1 and temperature:
            raise wrong("beams", f"{beams} with temperature {temperature:g}", "temperature 0: a search draws nothing")
        rng = np.random.default_rng(whole("seed", seed, 0))
        start, end = (self.vocabulary.word_to_idx[word] for word in (START, END))
        found = []
        for n in range(0, len(features), AT_ONCE):
            part = np.repeat(features[n : n + AT_ONCE], beams, axis=0)
            stream = self.network.stream({"features": self._shown(part)})
            if beams > 1:
                ids, _ = beam_search(stream, len(part) // beams, beams, start, end, length, penalty)
            else:
                ids = drawn(stream, len(part), start, rng.random((length, len(part))), temperature)
            found.append(ids.T)
            if progress is not None:
                progress(n + len(part) // beams, len(features))
        ids = np.concatenate(found)
        behind = np.cumsum(ids == end, axis=1) - (ids == end) > 0
        return np.where(behind, self.vocabulary.word_to_idx[NULL], ids)

    def explain(self, picture: Any, **options: Any) -> Written:
        """The caption of one picture, with the gates of each word.

        Args:
            picture: (S, S, 3) uint8, or the features of one.
            options: as for `sample`; without any, the likeliest word each time.
        """
        features = self.eye.features(picture)
        if len(features) != 1:
            raise wrong("picture", f"{len(features)} pictures", "one")
        row = self.sample_ids(features, **{"temperature": 0.0, **options})[0]
        count = int(np.count_nonzero(row != self.vocabulary.word_to_idx[NULL]))
        words = row[:count]
        given = np.concatenate([[self.vocabulary.word_to_idx[START]], words[:-1]])
        _, _, tape = self.network.forward({"features": self._shown(features), "captions": given[:, None]})
        return Written(
            caption_texts(words, self.vocabulary)[0],
            [self.vocabulary.words[number] for number in words],
            {name: array[:, 0] for name, array in last_gates(tape.layers["rnn"]).items()},
        )

    def _shown(self, features: Any) -> Any:
        return self.eye.shown(features, self.network.dtype)

    # files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, vocabulary, what it sees, `about`.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
        """
        if not isinstance(self.about, dict):
            raise ArgumentTypeError(f"about: got {describe(self.about)}, expected a dict")
        self._check()
        documents = {"vocabulary": self.vocabulary.to_json(), "eye": self.eye.to_json(), "about": self.about}
        save_model(path, KIND, self.network, documents)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Captioner:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        network, documents = load_model(path, KIND, ("vocabulary", "eye", "about"))
        where = repr(os.fspath(path))
        try:
            vocabulary = WordVocabulary.from_json(documents["vocabulary"])
            eye = Eye.from_json(documents["eye"])
            if not isinstance(documents["about"], dict):
                raise FileFormatError("about: expected an object")
            return cls(network, vocabulary, eye, documents["about"])
        except (FileFormatError, ArgumentError) as error:
            raise FileFormatError(f"{where}: {error}") from None

    def _check(self) -> None:
        if not isinstance(self.vocabulary, WordVocabulary):
            raise wrong_type("vocabulary", describe(self.vocabulary), "a WordVocabulary")
        for number, word in enumerate((NULL, START, END)):
            if self.vocabulary.words[number : number + 1] != (word,):
                raise wrong("vocabulary", f"another word than {word} as number {number}", "it there")
        found = misfit(self.network, len(self.vocabulary))
        if found is not None:
            raise ArgumentError(f"network: {found}")


def vocabulary_of(captions: Any, minimum_count: int = 1) -> WordVocabulary:
    """The words of captions, a text or a list of some for each picture; those that stand there less often are <UNK>."""
    texts = [text for own in all_texts(captions) for text in own]
    return WordVocabulary(texts, minimum_count, tokenizer=Tokenizer("words and signs"))
