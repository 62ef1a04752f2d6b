"""What the runs of captioners share: one folder with a captioner and its training, whatever it learns from."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gated.data import Sequences
from gated.data.captions.rows import read_rows
from gated.learning import Judge
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner.batches import Pairs
from gated.models.captioner.caption_settings import CaptionSettings
from gated.models.captioner.captioner import Captioner
from gated.models.model_run import WATCHED, ModelRun


class CaptionRun(ModelRun):
    """A run over features and pairs. The kinds of runs have their own `start` and `resume`.

    Args:
        folder: of the run.
        settings: what is asked for.
        captioner: learns.
        features: of the pictures that are learned from: an array, or a dataset of HDF5.
        pairs: of these pictures.
        judge: on the way.
        evaluate_every: see `ModelRun`.
    """

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
        self.captioner = captioner

        def watched() -> Sequences:
            first = np.arange(min(WATCHED, len(pairs)))
            return pairs.batch(first, lambda which: captioner._shown(read_rows(features, which)))

        training = partial(captioner.training, features, pairs)
        cell = captioner.network.layers["rnn"].cell
        super().__init__(folder, settings, captioner, len(pairs), training, judge, cell, watched, evaluate_every)

    def facts(self, file: str) -> dict[str, Any]:
        """See `ModelRun`."""
        return {"words": len(self.captioner.vocabulary)} if file == "config" else {}
