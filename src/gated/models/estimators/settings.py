"""The arguments of an estimator, checked when it learns: scikit-learn keeps them as they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.errors import wrong, wrong_type
from gated.models.estimators.network import cell_of
from gated.nn import checks
from gated.number_checks import above_zero, not_negative, one_of, told, whole, whole_above_zero

POOLING = "last", "mean", "max"
MISSING = "mask", "carry", "error"
UPDATES = 800  # that epochs="auto" makes at least
EPOCHS = 20  # passes that it makes at least
ENOUGH = 500  # sequences from which early_stopping="auto" keeps some apart


@dataclass(frozen=True)
class Settings:
    """What `SequenceEstimator` was given; the names and their meanings are those of its arguments."""

    cell: Any
    hidden_size: int
    num_layers: int
    bidirectional: bool
    pooling: str | None
    dropout: float
    epochs: int | None
    batch_size: int | None
    learning_rate: float
    early_stopping: bool | None
    validation_fraction: float
    patience: int
    missing: str
    scale: bool
    clip: float
    dtype: np.dtype[Any]
    verbose: bool

    @classmethod
    def of(cls, estimator: Any) -> Settings:
        """Those of an estimator. Raises ArgumentError, ArgumentTypeError for one that cannot be used."""
        given = estimator
        dtype = checks.dtype(given.dtype)
        if dtype.kind != "f":
            raise wrong_type("dtype", repr(dtype.name), "'float32' or 'float64'")
        fraction = above_zero("validation_fraction", given.validation_fraction)
        if fraction >= 1:
            raise wrong("validation_fraction", told(given.validation_fraction), "a number between 0 and 1")
        return cls(
            cell=cell_of(given.cell),
            hidden_size=checks.size("hidden_size", given.hidden_size),
            num_layers=checks.size("num_layers", given.num_layers),
            bidirectional=checks.flag("bidirectional", given.bidirectional),
            pooling=None if given.pooling is None else one_of("pooling", given.pooling, *POOLING),
            dropout=checks.probability("dropout", given.dropout),
            epochs=_auto("epochs", given.epochs),
            batch_size=_auto("batch_size", given.batch_size),
            learning_rate=above_zero("learning_rate", given.learning_rate),
            early_stopping=_flag_or_auto("early_stopping", given.early_stopping),
            validation_fraction=fraction,
            patience=whole_above_zero("patience", given.patience),
            missing=one_of("missing", given.missing, *MISSING),
            scale=checks.flag("scale", given.scale),
            clip=not_negative("clip", given.clip),
            dtype=dtype,
            verbose=flag_or_number("verbose", given.verbose),
        )

    def sizes(self, sequences: int) -> tuple[int, int]:
        """(batch_size, epochs) for so many sequences: few of them are seen often enough, many not too often."""
        batch = self.batch_size or min(32, max(4, sequences // 10))
        batch = min(batch, sequences)
        per_epoch = -(-sequences // batch)
        return batch, self.epochs or max(EPOCHS, -(-UPDATES // per_epoch))

    def keeps_apart(self, sequences: int) -> bool:
        """Whether some of so many sequences are kept apart, for early stopping."""
        return sequences >= ENOUGH if self.early_stopping is None else self.early_stopping


def _auto(name: str, value: Any) -> int | None:
    if isinstance(value, str):
        if value != "auto":
            raise wrong(name, told(value), "'auto' or a whole number of at least 1")
        return None
    return whole_above_zero(name, value)


def _flag_or_auto(name: str, value: Any) -> bool | None:
    if isinstance(value, str) and value == "auto":
        return None
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_type(name, told(value), "True, False or 'auto'")
    return bool(value)


def flag_or_number(name: str, value: Any) -> bool:
    """Others count how much is told; here it is all or nothing."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return whole(name, value, 0) > 0
    return checks.flag(name, value)


def seed_of(random_state: Any) -> int:
    """What chance decides in a call of `fit`, as a number; drawn from a RandomState, so that its next call differs."""
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(2**31 - 1))
