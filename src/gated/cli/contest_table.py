"""`gated experiment reber | adding | timing`: a live table while the trials run, a report at the end."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from gated.cli.load_cell import load_cell
from gated.errors import ArgumentError
from gated.experiments import KINDS, Kind, ReportFolder, Settings, Trial, run_contest
from gated.experiments.contest import from_document, to_document
from gated.experiments.contest_pictures import curves_picture, solved_picture
from gated.experiments.contest_report import contest_report
from gated.experiments.summary import Summary, summarise
from gated.language import Cell
from gated.learning.training.interrupts import delayed_interrupt


def run(name: str, options: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """`options`: those of the task; `values`: all options of the command by name."""
    kind = KINDS[name]
    settings, cells = _settings(kind, options, values)
    kind.make(0, **settings.options)  # options that cannot be used are told before a folder is made
    folder = ReportFolder(values["out"] or f"runs/experiment-{name}")
    trials = _start(folder, settings, values["overwrite"], values["resume"])
    stopped = False
    with delayed_interrupt() as interrupted:
        for trial in _shown(run_contest(settings, kind, cells, tuple(trials)), settings, kind, trials):
            if trial.finished:
                folder.write_results(to_document(settings, trials))
            if interrupted():
                stopped = True
                break
    _write(folder, settings, kind, trials)
    _conclude(folder, settings, kind, trials)
    if stopped:
        typer.echo(f"stopped; the report is of what there is, and --resume --out {folder.path} goes on", err=True)
        raise typer.Exit(interrupted.code)


def _settings(kind: Kind, options: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Settings, dict[str, Cell]]:
    algorithms = words("algorithms", values["algorithms"])
    cells = cells_of(values["cells"])
    own = dict(options)
    if "delays" in own:
        own["delays"] = tuple(whole("delays", word) for word in words("delays", own["delays"]))
    numbers = ("seeds", "hidden", "batch", "window", "max_sequences", "every", "after")
    settings = Settings(
        kind=kind.name,
        options=own,
        algorithms=algorithms,
        cells=tuple(cells),
        lr={
            name: rate for name, rate in _rates(values["lr"], kind).items() if name in algorithms or name not in kind.lr
        },
        **{name: values[name] for name in numbers},
    )
    return settings, cells


def words(name: str, text: str) -> tuple[str, ...]:
    """The words between commas."""
    found = tuple(word.strip() for word in text.split(","))
    if "" in found:
        raise ArgumentError(f"{name}: got {text!r}, expected names with commas between them")
    return found


def whole(name: str, word: str) -> int:
    """A word as a whole number."""
    try:
        return int(word)
    except ValueError:
        raise ArgumentError(f"{name}: got {word!r}, expected whole numbers with commas between them") from None


def cells_of(text: str) -> dict[str, Cell]:
    """The cells by the names that the user gave; of FILE.py:NAME the NAME."""
    cells: dict[str, Cell] = {}
    for word in words("cells", text):
        name = word.rpartition(":")[2] if ".py:" in word else word
        if name in cells:
            raise ArgumentError(f"cells: got {name!r} twice, expected each once")
        cells[name] = load_cell(word)
    return cells


def _rates(given: Sequence[str] | None, kind: Kind) -> dict[str, float]:
    rates = dict(kind.lr)
    for word in given or ():
        name, equals, number = word.rpartition("=")
        try:
            rate = float(number)
        except ValueError:
            raise ArgumentError(f"lr: got {word!r}, expected ALGORITHM=RATE or RATE") from None
        rates.update({name: rate} if equals else dict.fromkeys(rates, rate))
    return rates


def _start(folder: ReportFolder, settings: Settings, overwrite: bool, resume: bool) -> list[Trial]:
    """Make the folder; the finished trials that are in it, to go on from."""
    if resume and overwrite:
        raise ArgumentError("overwrite: got it together with --resume, expected one of the two")
    if not resume:
        folder.start(overwrite)
        return []
    before, trials = from_document(folder.go_on())
    for name in ("kind", "options", "hidden", "batch", "window", "max_sequences", "every", "after"):
        if getattr(before, name) != getattr(settings, name):
            shown = f"{getattr(settings, name)!r} for a contest that began with {getattr(before, name)!r}"
            raise ArgumentError(f"{name}: got {shown}, expected the same, or --overwrite to start again")
    for name in settings.algorithms:
        if before.lr.get(name, settings.lr[name]) != settings.lr[name]:
            raise ArgumentError(f"lr: got {settings.lr[name]} for {name}, expected {before.lr[name]} as it began with")
    wanted = (settings.algorithms, settings.cells, range(settings.seeds))
    return [t for t in trials if t.finished and all(part in all_ for part, all_ in zip(t.key, wanted, strict=True))]


def _shown(running: Iterator[Trial], settings: Settings, kind: Kind, trials: list[Trial]) -> Iterator[Trial]:
    """Passes the trials on, collects them, and shows how it goes: a live table, or lines where there is no terminal."""
    console = _console()
    with contextlib.ExitStack() as stack:
        live = None
        if console.is_terminal:
            live = stack.enter_context(Live(console=console, refresh_per_second=4, transient=True))
        for trial in running:
            if not trials or trials[-1] is not trial:
                trials.append(trial)
            if live is not None:
                live.update(table(settings, kind, trials, trial))
            elif trial.finished:
                typer.echo(_line(trial))
            yield trial


def _console() -> Console:
    """A console; where there is no terminal, one that is wide enough for the table."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=120)


def _line(trial: Trial) -> str:
    head = f"{trial.algorithm:9} {trial.cell}, seed {trial.seed}: "
    if not trial.defined:
        return head + "not defined"
    if trial.solved_at is not None:
        return head + f"solved after {trial.solved_at:,} sequences"
    seen = f" of {trial.sequences[-1]:,} sequences" if trial.sequences else ""
    return head + (f"broke off, {trial.failure}" if trial.failure else f"not solved at the end{seen}")


def table(settings: Settings, kind: Kind, trials: Sequence[Trial], now: Trial | None = None) -> Table:
    """One row per algorithm and cell: solved, the median, then the trial under way, or what else is known at the end.

    Either fits into 80 columns.
    """
    found = {(row.algorithm, row.cell): row for row in summarise(settings, trials, kind.milestones)}
    result = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    result.add_column("algorithm", no_wrap=True)
    result.add_column("cell", no_wrap=True)
    more = ("range", *kind.milestones) if now is None else ()
    for heading in ("solved", "median", *more):
        result.add_column(heading, justify="right", no_wrap=True)
    if now is not None:
        result.add_column("now", no_wrap=True)
    for cell in settings.cells:
        for algorithm in settings.algorithms:
            row = found.get((algorithm, cell))
            cells = _solved(row, settings)
            if now is None:
                cells += _details(row, settings, kind)
            elif now.key[:2] == (algorithm, cell) and not now.finished:
                cells.append(_now(now, kind))
            result.add_row(algorithm, cell, *cells)
    return result


def _solved(row: Summary | None, settings: Settings) -> list[str]:
    if row is None:
        return ["", ""]
    return [f"{row.solved} of {row.trials}", _count(row.median, settings)] if row.trials else ["not defined", ""]


def _details(row: Summary | None, settings: Settings, kind: Kind) -> list[str]:
    if row is None or not row.trials:
        return []
    reach = f"{row.least:,.0f}–{row.greatest:,.0f}" if row.solved else ""
    return [reach, *(_count(row.milestones[name], settings) for name in kind.milestones)]


def _count(value: float, settings: Settings) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else f">{settings.max_sequences:,}"


def _now(trial: Trial, kind: Kind) -> str:
    if not trial.sequences:
        return f"seed {trial.seed}"
    name = kind.figures[0]
    return f"seed {trial.seed}, {trial.sequences[-1]:,}: {name} {trial.figures[name][-1]:.1%}"


def _write(folder: ReportFolder, settings: Settings, kind: Kind, trials: Sequence[Trial]) -> None:
    folder.write_results(to_document(settings, trials))
    drawn = [("solved.png", solved_picture, ()), ("curves.png", curves_picture, (kind,))]
    pictures = [name for name, picture, more in drawn if folder.draw(name, picture, settings, trials, *more)]
    folder.write_report(contest_report(settings, kind, trials, pictures))


def _conclude(folder: ReportFolder, settings: Settings, kind: Kind, trials: Sequence[Trial]) -> None:
    console = _console()
    with console.capture() as capture:
        console.print(table(settings, kind, trials))
    typer.echo(capture.get() + f"\nreport: {folder.path / 'report.md'}")
