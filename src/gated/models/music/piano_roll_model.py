"""A model of piano rolls: what sounds at the next quarter note, given all that sounded before.

As the recurrent networks in N. Boulanger-Lewandowski, Y. Bengio, P. Vincent (2012), Modeling temporal dependencies in
high-dimensional sequences, ICML, and in J. Chung et al. (2014), Empirical evaluation of gated recurrent neural networks
on sequence modeling, arXiv:1412.3555: given the past, every key sounds or not by itself.

Legend: T steps, 88 keys.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.music import KEYS, check_roll
from gated.data.music.rolls import Roll
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError, describe, wrong
from gated.interop.model_file import load_model, save_model
from gated.models.music.batches import rolls_of, shuffled, side_by_side
from gated.models.music.choosing import chosen
from gated.models.music.network import misfit, roll_network
from gated.models.schooling import schooling
from gated.number_checks import not_negative, whole, whole_above_zero

KIND = "gated piano roll model"
AT_ONCE = 32  # pieces that are judged together


class PianoRollModel:
    """Foretells and composes piano rolls.

    Args:
        network: maps what sounded, (T, N, 88), to logits of what sounds next, (T, N, 88), as `build` makes it.
        about: JSON-able facts that are kept in the model's file.

    Raises:
        ArgumentError: a network of other layers.
    """

    def __init__(self, network: Any, about: dict[str, Any] | None = None) -> None:
        self.network, self.about = network, dict(about or {})
        unfit = misfit(network)
        if unfit is not None:
            raise ArgumentError(f"network: {unfit}")

    def __copy__(self) -> PianoRollModel:
        return copy.deepcopy(self)  # with a network of its own

    def __repr__(self) -> str:
        return f"<PianoRollModel, {self.network!r}>"

    @classmethod
    def build(
        cls,
        cell: Any = None,
        *,
        pieces: Iterable[Any] | None = None,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        dtype: str = "float32",
        seed: int = 0,
        backend: str = "native",
    ) -> PianoRollModel:
        """A model with fresh parameters.

        Args:
            cell: any gated cell; None for the GRU of the zoo.
            pieces: those that are to be learned: the model begins with how often each key sounds in them. None: with
                four keys at a time, whichever.
            hidden_size: units of every recurrent layer.
            num_layers: recurrent layers.
            dropout: acts between recurrent layers while training, so it needs two at least.
            dtype: "float32" or "float64".
            seed: of the initial parameters.
            backend: "native" or "reference".
        """
        rolls = None if pieces is None else rolls_of("pieces", pieces)
        return cls(roll_network(cell, rolls, hidden_size, num_layers, dropout, dtype, seed, backend))

    # learning

    def fit(
        self,
        pieces: Iterable[Any],
        valid: Iterable[Any] | None = None,
        *,
        epochs: int = 60,
        batch: int = 8,
        optimizer: str = "adam",
        lr: float = 1e-2,
        warmup: int = 50,
        clip: float = 1.0,
        transpose: int = 0,
        patience: int | None = None,
        seed: int = 0,
        callbacks: Iterable[Any] = (),
    ) -> PianoRollModel:
        """Learn pieces, from the parameters as they are.

        Args:
            pieces: each a `gated.data.music.Piece`, or a roll (T, 88).
            valid: pieces that are judged after each pass: the parameters that are best there are kept. None: the last.
            epochs: passes over all pieces, each in random order.
            batch: pieces of an update.
            optimizer: "adam", "adamw", "rmsprop" or "sgd".
            lr: highest learning rate; it rises over `warmup` updates, then falls along a cosine.
            warmup: of at most a fifth of the updates.
            clip: bound on the gradient's norm; 0: none.
            transpose: in each pass a piece sounds up to so many semitones higher or lower, at random.
            patience: passes without a better value on `valid` after which it ends; None: it does not.
            seed: of the order, the transpositions and dropout.
            callbacks: objects of `gated.learning.Callback`, such as `gated.learning.Report()`.

        Returns:
            itself.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit; nothing has changed then.
        """
        from gated.learning import Judge, Run

        rolls, size = rolls_of("pieces", pieces), whole_above_zero("batch", batch)
        per_pass = -(-len(rolls) // size)
        total = whole_above_zero("epochs", epochs) * per_pass
        how: dict[str, Any] = {"optimizer": optimizer, "lr": lr, "warmup": warmup, "clip": clip}
        training = self.training(rolls, total=total, batch=size, transpose=transpose, seed=seed, **how)
        judge = None
        if valid is not None:
            held_out = rolls_of("valid", valid)
            judge = Judge(lambda: {"nats_per_step": self.evaluate(held_out)}, patience=patience)
        elif patience is not None:
            raise wrong("valid", "None", "pieces: patience is about how well they are foretold")
        run = Run(training, total, judge=judge, evaluate_every=per_pass, per_epoch=per_pass, callbacks=callbacks)
        run.run()
        run.restore_best()
        return self

    def training(
        self,
        pieces: Iterable[Any],
        *,
        total: int,
        batch: int = 8,
        optimizer: str = "adam",
        lr: float = 1e-2,
        warmup: int = 50,
        clip: float = 1.0,
        transpose: int = 0,
        seed: int = 0,
    ) -> Any:
        """The `gated.learning.Training` that `fit` runs, of `total` updates. Other arguments as there."""
        from gated.learning.training.loop import epoch_generator
        from gated.nn.losses import SigmoidCrossEntropy

        rolls, size = rolls_of("pieces", pieces), whole_above_zero("batch", batch)
        moved, seed = whole("transpose", transpose, 0), whole("seed", seed, 0)

        def batches(epoch: int) -> Iterator[Any]:
            return shuffled(rolls, size, moved, epoch_generator(seed, epoch), self.network.dtype)

        how: dict[str, Any] = {"optimizer": optimizer, "lr": lr, "warmup": warmup, "clip": clip, "seed": seed}
        return schooling(self.network, SigmoidCrossEntropy(), batches, total=total, **how)

    # judging

    def log_likelihood(self, pieces: Iterable[Any]) -> list[NDArray[np.float64]]:
        """For every piece (T,): log p(what sounds at a step | all before it), in nats, summed over the 88 keys.

        The first step counts: it is foretold from silence.

        Args:
            pieces: each a `gated.data.music.Piece`, or a roll (T, 88).
        """
        rolls = rolls_of("pieces", pieces)
        order = sorted(range(len(rolls)), key=lambda k: len(rolls[k]))  # of like lengths: little padding
        found: list[NDArray[np.float64]] = [np.zeros(0)] * len(rolls)
        for start in range(0, len(order), AT_ONCE):
            own = order[start : start + AT_ONCE]
            batch = side_by_side([rolls[k] for k in own], self.network.dtype)
            logits = self.network.infer(batch.x, None, batch.lengths)[0].astype(np.float64)
            steps = (batch.target * logits - np.logaddexp(0.0, logits)).sum(-1)
            for n, k in enumerate(own):
                found[k] = steps[: len(rolls[k]), n]
        return found

    def evaluate(self, pieces: Iterable[Any]) -> float:
        """Negative log-likelihood per step, in nats: over all steps of all pieces. Arguments as `log_likelihood`."""
        return -float(np.concatenate(self.log_likelihood(pieces)).mean())

    def gates(self, piece: Any) -> dict[str, NDArray[Any]]:
        """Name -> (T, H): the gates of the last recurrent layer at each step of a piece, when what sounds there is
        foretold.

        Args:
            piece: a `gated.data.music.Piece`, or a roll (T, 88).
        """
        from gated.learning.runs.gate_watch import last_gates

        batch = side_by_side(rolls_of("piece", [piece]), self.network.dtype)
        tape = self.network.forward(batch.x)[2][0]
        return {name: values[:, 0] for name, values in last_gates(tape).items()}

    # composing

    def sample(
        self,
        length: int = 64,
        *,
        temperature: float = 1.0,
        voices: int | None = None,
        prompt: Any = None,
        seed: int = 0,
    ) -> Roll:
        """A roll that the model composes, (length, 88). The same arguments give the same roll.

        Args:
            length: steps, which are quarter notes.
            temperature: divides the logits of all keys: below 1 the likely becomes likelier and the unlikely less
                likely. 0: nothing is drawn; as many keys as sound on the average at that step, the likeliest ones.
            voices: so many keys sound at each step: drawn as the keys are, on condition that the number is this one.
                None: each key by itself, so the number of them varies more than in music.
            prompt: a piece or a roll (T, 88) to go on from, no part of the result; None: the beginning of a piece.
            seed: of the draws.

        Raises:
            ArgumentError, ArgumentTypeError: an argument cannot be used.
        """
        rows = self.stream(length, temperature=temperature, voices=voices, prompt=prompt, seed=seed)
        return np.array(list(rows), np.uint8).reshape(-1, KEYS)

    def stream(
        self,
        length: int = 64,
        *,
        temperature: float = 1.0,
        voices: int | None = None,
        prompt: Any = None,
        seed: int = 0,
    ) -> Iterator[Roll]:
        """As `sample`, step by step as it is drawn: (88,) each."""
        count, rng = whole("length", length, 0), np.random.default_rng(whole("seed", seed, 0))
        heat = not_negative("temperature", temperature)
        if voices is not None and whole_above_zero("voices", voices) > KEYS:
            raise wrong("voices", voices, f"at most {KEYS}")
        before = check_roll("prompt", np.zeros((0, KEYS)) if prompt is None else getattr(prompt, "roll", prompt))
        return self._composed(count, heat, voices, before, rng)

    def _composed(
        self, count: int, temperature: float, voices: int | None, before: Roll, rng: np.random.Generator
    ) -> Iterator[Roll]:
        stream = self.network.stream(1)
        row: Roll = np.zeros(KEYS, np.uint8)  # silence comes before a piece
        for own in before:
            stream.step(row[None].astype(self.network.dtype))
            row = own
        for step in range(count):
            logits = stream.step(row[None].astype(self.network.dtype))[0]
            if not np.isfinite(logits).all():
                raise GatedError(f"sample: the network's output is not finite at step {step}")
            row = chosen(logits, rng.random(KEYS), temperature, voices)
            yield row.copy()

    # files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: parameters, the cell's equations, `about`.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
        """
        if not isinstance(self.about, dict):
            raise ArgumentTypeError(f"about: got {describe(self.about)}, expected a dict")
        save_model(path, KIND, self.network, {"about": self.about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PianoRollModel:
        """Read what `save` wrote; no code in the file is run, there is none.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        network, documents = load_model(path, KIND, ("about",))
        unfit = misfit(network)
        if unfit is not None or not isinstance(documents["about"], dict):
            raise FileFormatError(f"{os.fspath(path)!r}: {unfit or 'about: expected an object'}")
        return cls(network, documents["about"])
