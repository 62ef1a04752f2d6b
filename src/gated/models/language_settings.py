"""What a training run of a language model is asked to do, and the text it learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gated.data import python_topics, split
from gated.data.corpora import text_and_size
from gated.data.words.tokens import CHINESE
from gated.errors import ArgumentError, ArgumentTypeError, describe, shown
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.models.language_units import UNITS, TextVocabulary, vocabulary_of
from gated.models.saved_settings import saved_settings
from gated.number_checks import above_zero, not_negative, whole_above_zero, within

COUNTS = "hidden", "layers", "embed", "batch", "window", "epochs", "log_every", "evaluate_every", "minimum_count"
CHANGEABLE = "epochs", "steps", "evaluate_every", "log_every"
CHOICES = {"optimizer": tuple(OPTIMIZERS), "dtype": ("float32", "float64"), "units": UNITS, "chinese": CHINESE}


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do; the defaults are those of `gated train`. Kept in config.json."""

    corpus: str | None = None  # a text file; None: Python's own reference
    encoding: str = "utf-8"  # of that file
    units: str = "characters"  # or words, bytes
    minimum_count: int = 2  # of words: rarer ones are spelled
    maximum_size: int | None = None  # of words: so many at most; None: all
    chinese: str = "characters"  # of words: or words
    held_out: float = 0.05  # fraction of the text, from its end
    cell: str = "lstm"  # for the record; the equations are in the model file
    hidden: int = 192
    layers: int = 1
    embed: int = 48
    batch: int = 32  # streams side by side
    window: int = 32  # steps that a gradient reaches back
    epochs: int = 5
    steps: int | None = None  # updates in all; None: as many as epochs take
    optimizer: str = "adam"
    lr: float = 1e-2  # the highest rate; it rises over `warmup` updates and falls along a cosine
    warmup: int = 50
    clip: float = 0.1  # most gradients are longer, so that the updates weigh windows alike
    dropout: float = 0.0
    dtype: str = "float32"
    seed: int = 0
    evaluate_every: int = 200  # updates between evaluations; there is one at the end too
    log_every: int = 20  # updates between lines of metrics.jsonl

    def __post_init__(self) -> None:
        for name in ("corpus", "encoding", "cell", "optimizer", "dtype", "units", "chinese"):
            value = getattr(self, name)
            if not isinstance(value, str) and not (name == "corpus" and value is None):
                raise ArgumentTypeError(f"{name}: got {describe(value)}, expected a text")
        for name in COUNTS:
            _count(name, getattr(self, name))
        for name in ("steps", "maximum_size"):
            if getattr(self, name) is not None:
                _count(name, getattr(self, name))
        if self.warmup != 0:
            _count("warmup", self.warmup)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        within("dropout", self.dropout, 0.0, 1.0)
        above_zero("held_out", self.held_out)
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ArgumentError(f"{name}: got '{shown(getattr(self, name))}', expected one of {', '.join(choices)}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ArgumentError(f"seed: got {shown(repr(self.seed), 30)}, expected a whole number of at least 0")


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> Settings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(Settings, path, saved, changes, CHANGEABLE)


def _count(name: str, value: Any) -> None:
    if whole_above_zero(name, value) >= 2**53:
        raise ArgumentError(f"{name}: got {shown(value, 30)}, expected fewer")


@dataclass(frozen=True)
class Corpus:
    """The two parts as ids, and what identifies the text.

    Attributes:
        units_per_character: of the learned part and of the held-out one without its first unit, which is not foretold;
            1 where the units are characters.
    """

    vocabulary: TextVocabulary
    train: Any
    held_out: Any
    units_per_character: tuple[float, float]
    sha256: str
    bytes: int | None = None  # of its file

    @classmethod
    def of(cls, settings: Settings, config: Mapping[str, Any] | None = None) -> Corpus:
        """Read and split the text. No held-out character is unknown; words are those of the part to learn from, and
        what else is held out is spelled.

        `config`: config.json of the run that learned from it. It may be a stranger's, so that a text that cannot be the
        one of the run is refused before it is read. ArgumentError then.
        """
        text, size = _text(settings, config)
        learn, judge = split(text, settings.held_out)
        vocabulary = vocabulary_of(
            settings.units,
            learn,
            alphabet=judge,
            minimum_count=settings.minimum_count,
            maximum_size=settings.maximum_size,
            chinese=settings.chinese,
        )
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        train, held_out = vocabulary.encode(learn), vocabulary.encode(judge)
        foretold = max(len(judge) - len(vocabulary.decode(held_out[:1])), 1)
        rates = (len(train) / len(learn), (len(held_out) - 1) / foretold if len(held_out) > 1 else 1.0)
        return cls(vocabulary, train, held_out, rates, digest, size)


def _text(settings: Settings, config: Mapping[str, Any] | None) -> tuple[str, int | None]:
    """The text and the bytes of its file, if it is in one."""
    if settings.corpus is None:
        return python_topics(), None
    if config is None:
        return text_and_size(settings.corpus, settings.encoding)
    size = config.get("corpus_bytes")  # there is none in a folder of an older version
    # the same text has more bytes with \r\n at the ends of lines and a mark at its beginning
    most = 2 * size + 4 if isinstance(size, int) and not isinstance(size, bool) else None
    return text_and_size(settings.corpus, settings.encoding, kept=True, most=most)
