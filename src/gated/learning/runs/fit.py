"""`fit`: a network, a loss, an optimizer and batches are enough; the rest of a training comes by arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gated.errors import ArgumentError, describe, wrong, wrong_type
from gated.learning.rules.optimizers import Optimizer
from gated.learning.runs.callbacks import Callback, checked_callbacks
from gated.learning.runs.gradient_watch import GradientWatch
from gated.learning.runs.history import History
from gated.learning.runs.judge import Judge
from gated.learning.training.loop import Training
from gated.learning.runs.report import Report
from gated.learning.runs.run import CHECKPOINT_SECONDS, Run
from gated.number_checks import whole_above_zero


def fit(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    batches: Callable[[int], Iterable[Any]] | Iterable[Any],
    *,
    updates: int | None = None,
    epochs: int | None = None,
    validate: Callable[[], Any] | None = None,
    decides: str | None = None,
    better: str = "lower",
    patience: int | None = None,
    evaluate_every: int | None = None,
    log_every: int = 20,
    clip: float | None = None,
    carry_state: bool = False,
    seed: int = 0,
    minutes: float | None = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    config: Mapping[str, Any] | None = None,
    save_model: Callable[[Any], Any] | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
) -> History:
    """Train a network; at the end it has the best weights that the validation saw, without one the last.

    Ctrl-C and SIGTERM end it after the update under way, with a checkpoint in the folder and the best weights in the
    network; the signal is raised then.

    Args:
        network: a `gated.Network`; its parameters change in place.
        loss: from gated.losses.
        optimizer: from gated.learning.
        batches: of one pass: a list of batches, the same in every pass, or `batches(epoch)`, which gives the same ones
            in the same order whenever it is asked; each as `gated.learning.full_step` takes it, or with carry_state
            `truncated_step`.
        updates: how many in all; one of the two, this or
        epochs: passes, each as long as the first, which is counted.
        validate: a function without arguments, of the network as it is then: a number, or a dict of numbers. They are
            columns of the metrics, one without a name is called "validation".
        decides: of a dict, the name of the number that decides; None: the first one.
        better: "lower" or "higher".
        patience: so many evaluations without a better value end it early; None: it is not ended early.
        evaluate_every: updates between evaluations; None: once a pass with `epochs`, else 200.
        log_every: updates between lines of metrics.
        clip: bound on the gradient's global norm.
        carry_state: as for `gated.learning.Training`.
        seed: of the dropout masks.
        minutes: it ends when they are over.
        folder: of the run: config.json, metrics.jsonl, checkpoint.safetensors, pictures; None: nothing is written.
        resume: go on with the run that is in the folder, to the bit; if there is none, begin one.
        overwrite: what an old run has left in the folder is removed.
        config: what config.json is to hold besides; JSON-able.
        save_model: `save_model(path)` writes the network as it is, into the folder's model.safetensors, whenever an
            evaluation was the best so far; without validation, at every checkpoint.
        checkpoint_seconds: a checkpoint is made at least so often, besides after every evaluation.
        callbacks: objects of `gated.learning.Callback`. A `GradientWatch` is added if there is none.
        progress: a bar, or lines, as it goes: a `Report` is added if there is none.

    Returns:
        the metrics, what was best and when.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
        FileFormatError: a file in the folder is damaged, or of another network.
        GatedError: loss or gradient are not finite.
        KeyboardInterrupt, SystemExit: Ctrl-C or SIGTERM came.
    """
    given = batches_of(batches)
    training = Training(network, loss, optimizer, given, carry_state=carry_state, clip=clip, seed=seed)
    per_epoch = None if epochs is None else passes(given)
    total = _total(updates, epochs, per_epoch)
    if evaluate_every is None:
        evaluate_every = 200 if per_epoch is None else per_epoch
    if validate is None and (decides is not None or patience is not None):
        raise wrong("validate", "None", "a function: decides and patience are about what it gives")
    run = Run(
        training,
        total,
        judge=None if validate is None else Judge(validate, decides=decides, better=better, patience=patience),
        folder=folder,
        callbacks=_with_the_usual(callbacks, progress),
        evaluate_every=evaluate_every,
        log_every=log_every,
        checkpoint_seconds=checkpoint_seconds,
        per_epoch=per_epoch,
        save_model=save_model,
    )
    _prepare(run, folder, resume, overwrite, config)
    try:
        run.run(minutes)
    finally:
        run.restore_best()
    return History.of(run)


def batches_of(batches: Any) -> Callable[[int], Iterable[Any]]:
    """`batches` as a function of the pass. Raises ArgumentTypeError for an iterator, which ends with its first pass."""
    if callable(batches):
        return batches
    if isinstance(batches, (list, tuple)):
        return lambda epoch: batches
    expected = "a list of batches, or a function of the pass's number, such as lambda epoch: shuffled_batches(...)"
    raise wrong_type("batches", f"a {type(batches).__name__}", expected)


def passes(batches: Callable[[int], Iterable[Any]]) -> int:
    """Batches in the first pass. Raises ArgumentError if there are none."""
    first = batches(0)
    count = len(first) if isinstance(first, (list, tuple)) else sum(1 for _ in first)
    if not count:
        raise ArgumentError("batches: got none in pass 0, expected at least one")
    return count


def _total(updates: int | None, epochs: int | None, per_epoch: int | None) -> int:
    if (updates is None) == (epochs is None):
        came = "neither updates nor epochs" if updates is None else "both updates and epochs"
        raise wrong("updates", came, "one of the two")
    if epochs is None:
        return whole_above_zero("updates", updates)
    assert per_epoch is not None
    return whole_above_zero("epochs", epochs) * per_epoch


def _with_the_usual(callbacks: Any, progress: bool) -> list[Callback]:
    found = checked_callbacks(callbacks)
    if not any(isinstance(each, GradientWatch) for each in found):
        found.append(GradientWatch())
    if progress and not any(isinstance(each, Report) for each in found):
        found.append(Report())
    return found


def _prepare(run: Run, folder: Any, resume: bool, overwrite: bool, config: Mapping[str, Any] | None) -> None:
    """Begin or go on in the folder, if there is one."""
    if config is not None and not isinstance(config, Mapping):
        raise wrong_type("config", describe(config), "a dict of JSON values, or None")
    if resume and overwrite:
        raise wrong("overwrite", "it together with resume", "one of the two")
    if folder is None:
        if resume or overwrite or config is not None or run.save_model is not None:
            raise wrong("folder", "None", "a path: resume, overwrite, config and save_model are about its files")
        return
    if resume and run.folder.checkpoint_file.exists():
        run.go_on()
        return
    from gated import __version__

    about = {
        "gated": __version__,
        "loss": repr(run.training.loss),
        "optimizer": type(run.training.optimizer).__name__,
        "learning_rate": run.training.optimizer.rate,
        "parameters": int(run.network.theta.size),
        "updates": run.total,
        "evaluate_every": run.evaluate_every,
        "clip": run.training.clip,
        "carry_state": run.training.carry_state,
    }
    # a start that was killed before its first checkpoint has left nothing of value
    run.begin({**about, **(config or {})}, overwrite or resume)
