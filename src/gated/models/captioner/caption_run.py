"""What the runs of captioners share: one folder with a captioner and its training, whatever it learns from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from gated.data.captions.rows import read_rows
from gated.learning import Callback, GateWatch, GradientWatch, Judge, Run
from gated.learning.runs.gate_watch import gates_of
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner.batches import Pairs
from gated.models.captioner.caption_settings import CaptionSettings
from gated.models.captioner.captioner import Captioner

WATCHED = 64  # pairs on which the gates are watched


class CaptionRun(Run):
    """A run over features and pairs. The kinds of runs have their own `start` and `resume`.

    Args:
        folder: of the run.
        settings: what is asked for.
        captioner: learns.
        features: of the pictures that are learned from: an array, or a dataset of HDF5.
        pairs: of these pictures.
        judge: on the way.
        evaluate_every: updates between judgements; None: those of a pass, but no more than 2,500.
    """

    folder: RunFolder
    per_epoch: int
    judge: Judge

    def __init__(
        self,
        folder: RunFolder,
        settings: CaptionSettings,
        captioner: Captioner,
        features: Any,
        pairs: Pairs,
        judge: Judge,
        evaluate_every: int | None,
    ) -> None:
        self.captioner, self.settings = captioner, settings
        per_pass = -(-len(pairs) // settings.batch)
        options = {name: getattr(settings, name) for name in ("batch", "optimizer", "lr", "warmup", "clip", "seed")}
        training = captioner.training(features, pairs, total=settings.passes * per_pass, **options)
        every = evaluate_every or min(per_pass, 2500)
        callbacks: list[Callback] = [GradientWatch()]
        if gates_of(captioner.network.layers["rnn"].cell):
            first = np.arange(min(WATCHED, len(pairs)))
            watched = pairs.batch(first, lambda which: captioner._shown(read_rows(features, which)))
            callbacks.insert(0, GateWatch(watched, every=every))
        super().__init__(
            training,
            settings.passes * per_pass,
            judge=judge,
            evaluate_every=every,
            log_every=settings.log_every,
            per_epoch=per_pass,
            callbacks=callbacks,
            folder=folder,
            save_model=self.save_model_to,
            keep_best=False,  # the model file has them
        )

    def go_on_with(self, changes: dict[str, Any]) -> None:
        """As `go_on`; settings that have changed are written down."""
        self.go_on()
        if changes:
            self.folder.write_config(self.config())

    def best(self) -> Captioner:
        """The best captioner so far."""
        return Captioner.load(self.folder.model_file)

    def save_model_to(self, path: Any) -> None:
        """Write the captioner as it is."""
        best = {str(self.judge.column): self.records.best}
        self.captioner.about = {"settings": asdict(self.settings), "step": self.step, **best, **self.facts("model")}
        self.captioner.save(path)

    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        from gated import __version__

        return {
            "gated": __version__,
            "settings": asdict(self.settings),
            "words": len(self.captioner.vocabulary),
            **self.facts("config"),
            "parameters": int(self.captioner.network.theta.size),
            "updates": self.total,
        }

    def facts(self, file: str) -> dict[str, Any]:
        """What a kind of run adds to its "model" and "config"; JSON-able."""
        return {}
