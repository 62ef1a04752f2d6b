"""`gated train`: settings from options, a progress bar, held-out bits per character as they fall."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import typer
from tqdm import tqdm

from gated.cli.load_cell import load_cell
from gated.cli.run_to_end import changes_of, stop_of, where_it_goes
from gated.errors import ArgumentError
from gated.models import LanguageModel
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Settings


def run_training(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    changes = changes_of(values, given, ("length",))
    if values["length"] < 0:
        raise ArgumentError(f"sample: got {values['length']}, expected at least 0 {values['units']}")
    folder = values["out"] or f"runs/{re.split(r'[:/]', values['cell'])[-1]}"
    if values["resume"]:
        if not values["out"]:
            changes.pop("cell", None)  # it named the folder
        run = LanguageRun.resume(folder, **changes)
    else:
        settings = Settings(**{field.name: values[field.name] for field in fields(Settings)})
        run = LanguageRun.start(folder, settings, load_cell(settings.cell), values["overwrite"])
    _introduce(run, folder)
    try:
        _watch(run, values["minutes"])
    except (KeyboardInterrupt, SystemExit) as end:
        stop_of(run, folder, "gated train", end)
    _conclude(run, folder, values["length"])


def _introduce(run: LanguageRun, folder: str) -> None:
    settings, corpus = run.settings, run.corpus
    for note in run.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(
        f"text    {settings.corpus or 'the reference that help() prints'}: "
        f"{len(corpus.train):,} {settings.units} to learn, "
        f"{len(corpus.held_out):,} held out, {len(corpus.vocabulary)} different\n"
        f"model   {settings.cell}, {settings.layers} x {settings.hidden} units, "
        f"{run.model.network.theta.size:,} parameters\n{where_it_goes(run, folder)}"
    )


def _watch(run: LanguageRun, minutes: float | None) -> None:
    """Train under a progress bar (on a terminal; a log file gets the lines alone)."""
    seen, rate = run.step, run.corpus.units_per_character[0]
    with tqdm(total=run.total, initial=run.step, unit="update", disable=None, dynamic_ncols=True, leave=False) as bar:

        def show(update: Any, run: LanguageRun, evaluated: bool) -> None:
            nonlocal seen
            bar.update(update.step - seen)
            seen = update.step
            if update.step % 10 == 0:
                bar.set_postfix_str(f"{_number(update.loss / math.log(2.0) * rate, 3)} bits/char")
            if evaluated:
                bar.write(
                    f"pass {update.step / run.per_epoch:5.2f}   update {update.step:6d}   "
                    f"held out {_number(run.records.latest)} bits/char   {run.records.seconds:6.1f} s"
                )
                sys.stdout.flush()

        run.run(minutes, show)


def _conclude(run: LanguageRun, folder: str, length: int) -> None:
    if run.records.best is None:
        typer.echo(f"stopped at update {run.step} of {run.total}, before the first evaluation")
    else:
        typer.echo(f"best held-out: {_number(run.records.best)} bits per character, in {run.folder.model_file}")
    if run.step < run.total:
        typer.echo(f"time is over at update {run.step} of {run.total}; gated train --out {folder} --resume goes on")
    if length:
        best = LanguageModel.load(run.folder.model_file)
        typer.echo("\n" + best.sample(length, temperature=0.8, seed=run.settings.seed))


def _number(bits: float | None, digits: int = 4) -> str:
    """Bits per character; of a run that diverges with as few digits as say something."""
    assert bits is not None
    return f"{bits:.{digits}f}" if abs(bits) < 1e6 else f"{bits:.0e}"
