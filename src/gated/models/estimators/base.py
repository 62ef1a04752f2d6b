"""What a classifier and a regressor of sequences share: reading, scaling, learning, predicting.

N sequences, R steps of all of them, D channels, V outputs of the network.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from gated.errors import ArgumentError, wrong
from gated.learning import Adam, History, Run, Training
from gated.learning.training.loop import Update
from gated.models.estimators.answers import Answers
from gated.models.estimators.apart import kept_apart
from gated.models.estimators.network import sequence_network
from gated.models.estimators.panel import Panel, has_sequences
from gated.models.estimators.reading import read_panel, read_weights
from gated.models.estimators.saving import load_estimator, save_estimator
from gated.models.estimators.scaling import Scaling
from gated.models.estimators.settings import Settings, seed_of
from gated.models.estimators.training import SequenceBatches, run_of
from gated.models.schooling import train_to

Array = np.ndarray[Any, Any]


class SequenceEstimator(BaseEstimator):
    """Subclasses say how y is read (`_answers`), what the loss is (`_loss`) and what is made of outputs."""

    network_: Any
    scaling_: Scaling
    channel_names_: tuple[str, ...] | None
    _from_table: bool  # whether fit had (N, T) numbers
    _optimizer: Adam | None  # of partial_fit
    _updates_by_part: int
    _seed: int

    def __init__(
        self,
        *,
        cell: Any = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | None = "max",
        dropout: float = 0.3,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        learning_rate: float = 5e-3,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        patience: int = 15,
        missing: str = "mask",
        scale: bool = True,
        clip: float = 1.0,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.missing = missing
        self.scale = scale
        self.clip = clip
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    # what a subclass says

    _kind: str  # of its files
    _loss: Any  # one that sums

    def _answers(self, y: Any, panel: Panel, there: Array, reset: bool) -> Answers:
        """y read; `there`, (N,), says of which sequences the weight is not 0."""
        raise NotImplementedError

    def _answers_to_json(self) -> Any:
        """What it knows of y."""
        raise NotImplementedError

    def _answers_from_json(self, saved: Any) -> int:
        """Take it over; V."""
        raise NotImplementedError

    def _judged(self, batches: SequenceBatches, outputs: Array) -> dict[str, float]:
        """What an evaluation tells besides the loss on what was kept apart."""
        return {}

    # learning

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Learn from sequences, anew.

        Ctrl-C ends it after the update under way: KeyboardInterrupt is raised, and the estimator has the best weights
        so far and can be used.

        Args:
            X: (N, T) numbers: N sequences of T steps of one number; (N, T, D); or a list of N arrays (T_n, D) or
                (T_n,), or of pandas frames. NaN where a number is missing.
            y: N answers; with pooling=None one for every step.
            sample_weight: (N,), how much each sequence counts; one of weight 0 is as if it were not there.
            groups: (N,), what belongs together: no group is on both sides when sequences are kept apart.

        Returns:
            itself.

        Raises:
            ArgumentError, ArgumentTypeError, ValueError, TypeError: an argument cannot be used.
        """
        settings = Settings.of(self)
        panel, answers = self._read(X, y, sample_weight, settings, reset=True)
        learned, apart = kept_apart(settings, answers.there(panel), answers.strata, groups, self._random())
        batches = self._build(panel.take(learned), answers.take(panel, learned), settings)
        batch_size, epochs = settings.sizes(len(learned))
        validate = None
        if apart is not None:
            held = self._batches(panel.take(apart), answers.take(panel, apart))

            def validate() -> dict[str, float]:
                rows = held.outputs(self.network_)
                return {"validation_loss": held.loss(rows, self._loss), **self._judged(held, rows)}

        run = run_of(
            self.network_,
            self._loss,
            batches,
            validate,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=settings.learning_rate,
            clip=settings.clip,
            patience=settings.patience if apart is not None else None,
            seed=self._seed,
            verbose=settings.verbose,
        )
        self._run(run, -(-len(learned) // batch_size))
        return self

    def _run(self, run: Run, per_epoch: int) -> None:
        try:
            run.run()
        finally:  # an interrupt too leaves what is best so far
            run.restore_best()
            self.history_ = History.of(run)
            self.n_iter_ = max(1, -(-run.step // per_epoch))

    def _part(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """One pass over some sequences, at a constant rate; the first one decides on scaling and sizes."""
        settings, first = Settings.of(self), not hasattr(self, "network_")
        if not first and self._at_steps != (settings.pooling is None):
            raise wrong("pooling", repr(settings.pooling), "that with which it began to learn")
        panel, answers = self._read(X, y, sample_weight, settings, reset=first)
        learned = np.flatnonzero(answers.there(panel))
        panel, answers = panel.take(learned), answers.take(panel, learned)
        if first:
            self._random()
        batches = self._build(panel, answers, settings) if first else self._batches(panel, answers)
        batch_size = settings.sizes(len(learned))[0]
        self._optimizer = self._optimizer or Adam(settings.learning_rate)
        seed = (self._seed + self._updates_by_part) % 2**32
        training = Training(
            self.network_,
            self._loss,
            self._optimizer,
            batches.shuffled(batch_size, seed),
            carry_state=False,
            clip=settings.clip or None,
            seed=seed,
        )
        made: list[Update] = []
        train_to(training, -(-len(learned) // batch_size), made.append)
        self._updates_by_part += len(made)
        self.n_iter_ += 1
        return self

    def _random(self) -> np.random.Generator:
        """What chance decides in a call of `fit`, by `random_state`."""
        self._seed = seed_of(self.random_state)
        return np.random.default_rng(self._seed)

    def _build(self, panel: Panel, answers: Answers, settings: Settings) -> SequenceBatches:
        """The scaling, a fresh network and the batches that it is to learn from."""
        self.scaling_ = Scaling.of(panel.values, settings.scale, settings.missing == "mask")
        self.network_ = sequence_network(
            self.scaling_.inputs,
            answers.outputs,
            settings.cell,
            hidden_size=settings.hidden_size,
            num_layers=settings.num_layers,
            bidirectional=settings.bidirectional,
            pooling=settings.pooling,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=self._seed,
        )
        self.n_iter_, self._optimizer, self._updates_by_part = 0, None, 0
        return self._batches(panel, answers)

    def _batches(self, panel: Panel, answers: Answers) -> SequenceBatches:
        """As the network takes them, their weights 1 on the average."""
        inputs = self.scaling_.apply(panel, self.network_.dtype)
        weights = answers.weights / answers.weights.mean()
        return SequenceBatches(inputs, panel.lengths, answers.values, weights, answers.at_steps)

    # reading

    def _read(self, X: Any, y: Any, sample_weight: Any, settings: Settings, reset: bool) -> tuple[Panel, Answers]:
        if y is None:
            name = type(self).__name__
            raise ArgumentError(f"y: {name} requires y to be passed, but the target y is None")  # scikit-learn's words
        panel = read_panel(self, X, settings.missing, reset)
        weights = read_weights(sample_weight, panel)
        answers = self._answers(y, panel, np.ones(len(panel), bool) if weights is None else weights > 0, reset)
        return panel, answers.weighted(panel, weights)

    # predicting

    def _outputs(self, X: Any) -> tuple[Panel, Array]:
        """What the network gives: (N, V), or (R, V) at every step."""
        check_is_fitted(self)
        panel = read_panel(self, X, self.missing, reset=False)
        inputs = self.scaling_.apply(panel, self.network_.dtype)
        batches = SequenceBatches(inputs, panel.lengths, None, None, self._at_steps)
        return panel, batches.outputs(self.network_)

    def inputs(self, X: Any) -> tuple[Array, Array]:
        """Sequences as `network_` takes them, to look at what it makes of them.

        Returns:
            x (T, N, D), gaps filled, scaled, padded at the end; the lengths, (N,).
        """
        check_is_fitted(self)
        panel = read_panel(self, X, self.missing, reset=False)
        batches = SequenceBatches(self.scaling_.apply(panel, self.network_.dtype), panel.lengths, None, None, True)
        return batches.of(np.arange(len(panel))).x, panel.lengths

    @property
    def _at_steps(self) -> bool:
        return "pool" not in self.network_.layers

    def _as_given(self, X: Any, panel: Panel, rows: Array) -> Any:
        """Answers at every step: a list as X was one, (N, T, ...) for an array."""
        if not self._at_steps:
            return rows
        if isinstance(X, np.ndarray) and X.dtype != object or not has_sequences(X):
            return rows.reshape(len(panel), int(panel.lengths[0]), *rows.shape[1:])
        return panel.split(rows)

    # files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, arguments, scaling, labels, history.

        Of `partial_fit` the optimizer's averages are not in it: after `load` they begin anew.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse, such as labels that are no texts,
                numbers or booleans; nothing is written then.
        """
        check_is_fitted(self)
        save_estimator(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        return load_estimator(cls, path)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        tags.target_tags.required = True
        return tags
