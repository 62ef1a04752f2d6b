"""What the commands that train have in common: resume or start, and train until the end, or until somebody stops it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import typer

from gated.errors import ArgumentError
from gated.learning.runs.report import Report
from gated.learning.runs.run import Run
from gated.number_checks import above_zero

NOT_SETTINGS = ("out", "resume", "overwrite", "minutes", "threads")


def changes_of(values: Mapping[str, Any], given: Sequence[str], others: Collection[str] = ()) -> dict[str, Any]:
    """The settings that the user wrote. ArgumentError for options that contradict each other.

    Args:
        values: all options by name.
        given: names of those that were written.
        others: names of further ones that are no settings.
    """
    if values["resume"] and values["overwrite"]:
        raise ArgumentError("overwrite: got it together with --resume, expected one of the two")
    if values["minutes"] is not None:
        above_zero("minutes", values["minutes"])
    return {name: values[name] for name in given if name not in (*NOT_SETTINGS, *others)}


def where_it_goes(run: Run, folder: str) -> str:
    """The line about updates that a command begins with."""
    return (
        f"run     {folder}, {'from update ' + format(run.step, ',') + ' to' if run.step else 'updates:'} {run.total:,}"
    )


def run_to_end(run: Run, folder: str, command: str, minutes: float | None) -> bool:
    """Train, with lines and a bar; whether there is a judged model in the end.

    Args:
        command: "gated caption train", for what is said of how to go on.

    Raises:
        typer.Exit: Ctrl-C or SIGTERM came, and the checkpoint is written.
    """
    run.callbacks.append(Report())
    try:
        done = run.run(minutes)
    except (KeyboardInterrupt, SystemExit) as end:
        stop_of(run, folder, command, end)
    if not done:
        typer.echo(f"time is over at update {run.step} of {run.total}; --resume goes on")
    return run.records.best is not None


def stop_of(run: Run, folder: str, command: str, end: BaseException) -> NoReturn:
    """Say how to go on, and leave with the code of what came."""
    typer.echo(f"stopped at update {run.step} of {run.total}; {command} --out {folder} --resume goes on", err=True)
    raise typer.Exit(end.code if isinstance(end, SystemExit) else 130) from None
