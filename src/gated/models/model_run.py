"""What the runs of models share: one folder with a model and its training, by settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gated.data import Sequences
from gated.interop.model_file import check_description
from gated.learning import Callback, GateWatch, GradientWatch, Judge, Run, Training
from gated.learning.runs.gate_watch import gates_of
from gated.learning.training.run_folder import RunFolder
from gated.models.model_settings import RunSettings

OPTIONS = "batch", "optimizer", "lr", "warmup", "clip", "seed"  # settings of a training
WATCHED = 64  # examples on which the gates are watched
OFTEN = 2500  # updates after which there is a judgement at the latest, unless it is said when


class ModelRun(Run):
    """A run over examples. The kinds of runs have their own `start` and `resume`.

    Args:
        folder: of the run.
        settings: what is asked for.
        model: learns: has a network, `about`, `save`, and its class `load`.
        examples: of one pass.
        training: makes it, given `total` and OPTIONS.
        judge: on the way.
        cell: whose gates are watched, if it has some.
        watched: gives the batch on which they are.
        evaluate_every: updates between judgements; None: those of a pass, but no more than OFTEN.
    """

    folder: RunFolder
    per_epoch: int
    judge: Judge

    def __init__(
        self,
        folder: RunFolder,
        settings: RunSettings,
        model: Any,
        examples: int,
        training: Callable[..., Training],
        judge: Judge,
        cell: Any,
        watched: Callable[[], Sequences],
        evaluate_every: int | None,
    ) -> None:
        self.settings, self._model = settings, model
        per_pass = -(-examples // settings.batch)
        total, every = settings.passes * per_pass, evaluate_every or min(per_pass, OFTEN)
        callbacks: list[Callback] = [GradientWatch()]
        if gates_of(cell):
            callbacks.insert(0, GateWatch(watched(), every=every))
        super().__init__(
            training(total=total, **{name: getattr(settings, name) for name in OPTIONS}),
            total,
            judge=judge,
            evaluate_every=every,
            log_every=settings.log_every,
            per_epoch=per_pass,
            callbacks=callbacks,
            folder=folder,
            save_model=self.save_model_to,
            keep_best=False,  # the model file has them
        )

    def begin_new(self, overwrite: bool) -> None:
        """As `begin`, with what config.json is to hold; a network that no file describes is refused before."""
        check_description(self.network.config(), self.network)
        self.begin(self.config(), overwrite)

    def go_on_with(self, changes: dict[str, Any]) -> None:
        """As `go_on`; settings that have changed are written down."""
        self.go_on()
        if changes:
            self.folder.write_config(self.config())

    def best(self) -> Any:
        """The best model so far."""
        return type(self._model).load(self.folder.model_file)

    def save_model_to(self, path: Any) -> None:
        """Write the model as it is."""
        best = {str(self.judge.column): self.records.best}
        self._model.about = {"settings": asdict(self.settings), "step": self.step, **best, **self.facts("model")}
        self._model.save(path)

    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        from gated import __version__

        return {
            "gated": __version__,
            "settings": asdict(self.settings),
            **self.facts("config"),
            "parameters": int(self.network.theta.size),
            "updates": self.total,
        }

    def facts(self, file: str) -> dict[str, Any]:
        """What a kind of run adds to its "model" and "config"; JSON-able."""
        return {}
