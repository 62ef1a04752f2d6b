"""`gated experiment gradients` and `gated experiment lahore`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gated.cli.contest_table import cells_of, words
from gated.errors import ArgumentError
from gated.experiments import ReportFolder
from gated.experiments import gradients as vanishing
from gated.experiments import lahore as approximate
from gated.learning.training.interrupts import delayed_interrupt


def run_gradients(values: Mapping[str, Any]) -> None:
    """`values`: the options by name."""
    names = ("steps", "hidden", "updates", "lr", "seed")
    settings = {name: values[name] for name in names}
    cells = cells_of(values["cells"])
    running = vanishing.run_gradients(cells, **settings)
    found = [next(running)]  # numbers that cannot be used are told before the folder is made
    folder = ReportFolder(values["out"] or "runs/experiment-gradients")
    folder.start(values["overwrite"])
    with delayed_interrupt() as interrupted, _progress() as progress:
        task = progress.add_task("measured", total=2 * len(cells), completed=1)
        for norms in running:
            found.append(norms)
            progress.update(task, advance=1, description=f"{norms.cell}")
            if interrupted():
                break
    from gated import __version__

    document = {"gated": __version__, "settings": {"cells": list(cells), **settings}, "found": [vars(n) for n in found]}
    folder.write_results(document)
    pictures = ["gradients.png"] if folder.draw("gradients.png", vanishing.gradients_picture, found) else []
    folder.write_report(vanishing.gradients_report(found, settings, pictures))
    for norms in found:
        reach = ", ".join(f"{state} {values_[0]:.1e}" for state, values_ in norms.norms.items())
        kind = "trained" if norms.trained else "untrained"
        typer.echo(f"{norms.cell:14} {kind:9}  mean squared error {norms.mean_square:.4f}, at t = 1: {reach}")
    _conclude(folder, interrupted.code if len(found) < 2 * len(cells) else 0)


def run_lahore(values: Mapping[str, Any]) -> None:
    """`values`: the options by name."""
    names = ("hidden", "strings", "scale", "trained", "seeds")
    settings = approximate.LahoreSettings(rates=_numbers(values["rates"]), **{name: values[name] for name in names})
    folder = ReportFolder(values["out"] or "runs/experiment-lahore")
    folder.start(values["overwrite"])
    done, found = 0, approximate.Found([], {})
    with delayed_interrupt() as interrupted, _progress() as progress:
        task = progress.add_task("seeds", total=settings.seeds)
        for so_far in approximate.run_lahore(settings):
            done, found = so_far
            progress.update(task, completed=done)
            if interrupted():
                break
    folder.write_results(approximate.to_document(found, settings, done))
    pictures = ["errors.png"] if folder.draw("errors.png", approximate.errors_picture, found) else []
    text = approximate.lahore_report(found, settings, done, pictures)
    folder.write_report(text)
    typer.echo("\n".join(line for line in text.splitlines() if not line.startswith("![")))
    _conclude(folder, interrupted.code if done < settings.seeds else 0)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in words("rates", text))
    except ValueError:
        raise ArgumentError(f"rates: got {text!r}, expected numbers with commas between them") from None


def _progress() -> Progress:
    """A bar on a terminal; nothing in a log file, and nothing left behind."""
    from rich.console import Console

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _conclude(folder: ReportFolder, code: int) -> None:
    """`code`: with which a run that was stopped ends; 0 for a whole one."""
    typer.echo(f"report: {folder.path / 'report.md'}")
    if code:
        typer.echo("stopped; the report is of what there is", err=True)
        raise typer.Exit(code)
