"""The report of a contest as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gated.experiments.contest import Settings, Trial
from gated.experiments.summary import Summary, summarise
from gated.experiments.task import Kind

MEANINGS = {
    "online": "traces, recurrent matrices cut; the weights change at every step",
    "truncated": "backpropagation through a window of {window} steps; an update for each window",
    "full": "backpropagation through the whole sequence; one update for each batch",
    "rtrl": "real-time recurrent learning, the exact gradient of each step's loss; the weights change at every step",
}


def contest_report(settings: Settings, kind: Kind, trials: Sequence[Trial], pictures: Sequence[str] = ()) -> str:
    """The whole report: what was done, one table, what could not be done, pictures."""
    rows = summarise(settings, trials, kind.milestones)
    expected = settings.seeds * len(settings.cells) * len(settings.algorithms)
    finished = sum(trial.finished for trial in trials)
    lines = [f"# {kind.title}", "", kind.about, "", *_what_was_done(settings), ""]
    if finished < expected:
        lines += [f"**Stopped: {finished} of {expected} trials are finished**; the table is of those.", ""]
    lines += [*_table(settings, kind, rows), "", *_notes(settings, rows)]
    for name in pictures:
        lines += [f"![{name.removesuffix('.png')}]({name})", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _what_was_done(settings: Settings) -> list[str]:
    options = "".join(f", {name} {_plain(value)}" for name, value in settings.options.items())
    lines = [
        f"Seeds 0 to {settings.seeds - 1}, {settings.hidden} units, {settings.batch} sequence(s) side by side, Adam, "
        f"at most {settings.max_sequences:,} sequences, a test every {settings.every}{options}.",
        "",
    ]
    for name in settings.algorithms:
        meaning = MEANINGS[name].format(window=settings.window)
        lines.append(f"- `{name}` (learning rate {settings.lr[name]:g}): {meaning}.")
    return lines


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _table(settings: Settings, kind: Kind, rows: Sequence[Summary]) -> list[str]:
    head = ["algorithm", "cell", "parameters", "solved", "sequences until solved: median", "least to greatest"]
    head += [f"until {name} right" for name in kind.milestones]
    head += [f"later tests passed, of {settings.after}", "ms per sequence"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        if not row.trials:
            cells = [row.algorithm, row.cell, str(row.parameters), "not defined, see below"]
            cells += ["–"] * (len(head) - len(cells))
        else:
            cells = [row.algorithm, row.cell, str(row.parameters), f"{row.solved} of {row.trials}"]
            cells += [_count(row.median, settings), _range(row)]
            cells += [_count(row.milestones[name], settings) for name in kind.milestones]
            cells += [_number(row.stayed, ".0%"), _number(row.milliseconds, ".2g")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _count(value: float, settings: Settings) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else f"more than {settings.max_sequences:,}"


def _range(row: Summary) -> str:
    return f"{row.least:,.0f} to {row.greatest:,.0f}" if row.solved else "–"


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _notes(settings: Settings, rows: Sequence[Summary]) -> list[str]:
    lines = [
        "Medians are over all seeds, and a trial that was not solved counts as longer than any. The range is of those "
        f"that were solved. Learning went on for {settings.after} tests after the first that was passed: the column of "
        "later tests says how many of these were passed too. Times are of this machine, learning only.",
        "",
    ]
    failures = [f"- {row.algorithm}, {row.cell}: {row.failure}" for row in rows if row.failure]
    return lines + (["What could not be done, or broke off:", "", *failures, ""] if failures else [])
