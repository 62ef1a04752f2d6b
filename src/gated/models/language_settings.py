"""What a training run of a character language model is asked to do, and the text it learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gated.data import Vocabulary, python_topics, split
from gated.data.corpora import text_and_size
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError, describe, shown
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.number_checks import above_zero, not_negative, whole_above_zero, within


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do; the defaults are those of `gated train`. Kept in config.json."""

    corpus: str | None = None  # a text file; None: Python's own reference
    encoding: str = "utf-8"  # of that file
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
        for name in ("corpus", "encoding", "cell", "optimizer", "dtype"):
            value = getattr(self, name)
            if not isinstance(value, str) and not (name == "corpus" and value is None):
                raise ArgumentTypeError(f"{name}: got {describe(value)}, expected a text")
        for name in ("hidden", "layers", "embed", "batch", "window", "epochs", "log_every", "evaluate_every"):
            _count(name, getattr(self, name))
        if self.steps is not None:
            _count("steps", self.steps)
        if self.warmup != 0:
            _count("warmup", self.warmup)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        within("dropout", self.dropout, 0.0, 1.0)
        above_zero("held_out", self.held_out)
        for name, choices in (("optimizer", tuple(OPTIMIZERS)), ("dtype", ("float32", "float64"))):
            if getattr(self, name) not in choices:
                raise ArgumentError(f"{name}: got '{shown(getattr(self, name))}', expected one of {', '.join(choices)}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ArgumentError(f"seed: got {shown(repr(self.seed), 30)}, expected a whole number of at least 0")


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> Settings:
    """The settings under `saved` in the file at `path`, some of them changed.

    Raises FileFormatError if they are not those of a run, ArgumentError for a change of what shapes the model.
    """
    known = {field.name for field in fields(Settings)}
    if not isinstance(saved, dict) or not set(saved) <= known:
        raise FileFormatError(f"{path!r}: got settings of another kind, expected those of a run")
    try:
        began = Settings(**saved)
    except GatedError as error:
        raise FileFormatError(f"{path!r}: {shown(error, 200)}") from None
    for name, value in changes.items():
        if name not in known:
            raise ArgumentTypeError(f"{name}: got {describe(value)}, expected no such setting")
        if name not in ("epochs", "steps", "evaluate_every", "log_every") and value != getattr(began, name):
            came, first = (shown(repr(each), 60) for each in (value, getattr(began, name)))
            raise ArgumentError(f"{name}: got {came}, expected {first}, as the run began")
    return Settings(**{**saved, **changes})


def _count(name: str, value: Any) -> None:
    if whole_above_zero(name, value) >= 2**53:
        raise ArgumentError(f"{name}: got {shown(value, 30)}, expected fewer")


@dataclass(frozen=True)
class Corpus:
    """The two parts as ids, and what identifies the text."""

    vocabulary: Vocabulary
    train: Any
    held_out: Any
    sha256: str
    bytes: int | None = None  # of its file

    @classmethod
    def of(cls, settings: Settings, config: Mapping[str, Any] | None = None) -> Corpus:
        """Read and split the text. The vocabulary is that of the whole text: no held-out character is unknown.

        `config`: config.json of the run that learned from it. It may be a stranger's, so that a text that cannot be the
        one of the run is refused before it is read. ArgumentError then.
        """
        text, size = _text(settings, config)
        learn, judge = split(text, settings.held_out)
        vocabulary = Vocabulary(text)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return cls(vocabulary, vocabulary.encode(learn), vocabulary.encode(judge), digest, size)


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
