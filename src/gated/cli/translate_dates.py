"""`gated translate train` and `gated translate show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import typer

from gated.cli.load_cell import load_cell
from gated.cli.run_to_end import changes_of, run_to_end, where_it_goes
from gated.cli.saved_model import saved_model
from gated.data.dates import DatePair
from gated.models.date_run import KINDS, DateRun
from gated.models.date_settings import DateSettings
from gated.models.translator import Translator

TITLES = {
    "seen": "other dates of the same years",
    "years": "years that it has not seen",
    "combinations": "months that it has not seen in a format",
}
MISREAD = 5  # dates that are printed


def run_translation(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    changes = changes_of(values, given)
    folder = values["out"] or f"runs/dates-{values['lang']}"
    if values["resume"]:
        run = DateRun.resume(folder, **changes)
    else:
        settings = DateSettings(**{field.name: values[field.name] for field in fields(DateSettings)})
        run = DateRun.start(folder, settings, load_cell(settings.cell), values["overwrite"])
    settings, translator = run.settings, run.translator
    typer.echo(
        f"dates   {settings.pairs:,} in {len({pair.format for pair in run.split.train})} formats, "
        f"{len(translator.source)} characters\n"
        f"model   {settings.cell}, {settings.hidden} units, {translator.network.theta.size:,} parameters\n"
        f"{where_it_goes(run, folder)}"
    )
    if run_to_end(run, folder, "gated translate train", values["minutes"]):
        typer.echo(_judged(run))


def _judged(run: DateRun) -> str:
    """How many dates are read exactly, kind by kind, and some that are not."""
    translator = run.best()
    lines, missed = ["read exactly"], []
    for kind in KINDS:
        pairs: list[DatePair] = getattr(run.split, kind)
        answers = translator.predict([pair.text for pair in pairs])
        bad = [(pair, answer) for pair, answer in zip(pairs, answers, strict=True) if answer != pair.iso]
        lines.append(f"  {TITLES[kind]:42} {1 - len(bad) / len(pairs):6.1%}")
        missed += bad
    if missed:
        format, count = Counter(pair.format for pair, _ in missed).most_common(1)[0]
        lines.append(f"misread: {len(missed)}, most of one format: {count} such as {format}")
        lines += [f"  {pair.text}  ->  {answer}, not {pair.iso}" for pair, answer in missed[:MISREAD]]
    return "\n".join(lines)


def show_dates(texts: Sequence[str], run: str, beams: int) -> None:
    """Print what dates in words mean, a line for each."""
    translator = Translator.load(saved_model(run, "translator", "gated translate train"))
    for answer in translator.predict(texts, beams=beams):
        typer.echo(answer)
