"""What a run says while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from gated.errors import MissingExtraError, require_extra
from gated.learning.runs.callbacks import Callback
from gated.learning.training.loop import Update


class Report(Callback):
    """A progress bar (tqdm, extra `cli`) if stderr is a terminal, and a line on stdout for every evaluation.

    Without a terminal, or without tqdm, every line of metrics is told. A line has the losses, the predictions per
    second (places that count in the loss) and the time that is left.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._told = self._first = 0
        self._began = 0.0

    def on_start(self, run: Any) -> None:
        self._began, self._first = time.monotonic(), run.step
        if not sys.stderr.isatty():
            return
        try:
            tqdm = require_extra("tqdm", "cli").tqdm
        except MissingExtraError:
            return
        self._bar = tqdm(total=run.total, initial=run.step, unit="update", dynamic_ncols=True, leave=False)

    def on_update(self, run: Any, update: Update) -> None:
        if self._bar is not None:
            self._bar.update(update.step - self._bar.n)
            if update.step % 10 == 0:
                self._bar.set_postfix_str(f"loss {update.loss:.4g}")
        elif update.step % run.log_every == 0 and not run.evaluated:
            self._say(f"{self._where(run)}   loss {update.loss:.4g}{self._left(run)}")

    def on_evaluation(self, run: Any, line: Mapping[str, Any]) -> None:
        judged = "   ".join(f"{name} {line[name]:.4g}" for name in run.judge.names)
        best = "   best" if run.records.waited == 0 else ""
        speed = f"{line['predictions_per_second']:,}/s" if "predictions_per_second" in line else ""
        loss = f"loss {line['train_loss']:.4g}   " if "train_loss" in line else ""
        self._say(f"{self._where(run)}   {loss}{judged}   {speed}{self._left(run)}{best}")

    def on_warning(self, run: Any, text: str) -> None:
        self._say(f"warning: {text}")

    def on_end(self, run: Any) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if run.ended == "patience":
            self._say(f"no better for {run.records.waited} evaluations: ended at update {run.step} of {run.total}")
        if run.records.best is not None:
            self._say(f"best {run.judge.column}: {run.records.best:.4g}, at update {run.records.best_step}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text)
        else:
            print(text)
        sys.stdout.flush()

    def _where(self, run: Any) -> str:
        return f"update {run.step:{len(str(run.total))}d} of {run.total}"

    def _left(self, run: Any) -> str:
        made, left = run.step - self._first, run.total - run.step
        if not made or not left:
            return ""
        seconds = round((time.monotonic() - self._began) / made * left)
        return f"   {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"
