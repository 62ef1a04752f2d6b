"""`gated caption train DATA`, and the report of such a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from gated.cli.caption_show import load_captioner
from gated.cli.caption_train import Bars, settings_of
from gated.cli.load_cell import load_cell
from gated.cli.run_to_end import changes_of, run_to_end, where_it_goes
from gated.errors import ArgumentError, GatedError
from gated.files.atomic import write_atomically
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner import Captioner
from gated.models.captioner.caption_data import CaptionData
from gated.models.captioner.data_report import data_report, score_rows
from gated.models.captioner.data_run import DataRun, Written, data_again, written_by, written_by_neighbours
from gated.models.captioner.data_settings import PLACES, DataSettings, settings_from
from gated.number_checks import whole_above_zero

NEIGHBOUR = "nearest neighbour"


def is_data_run(folder: str) -> bool:
    """Whether a run learned from the user's pictures."""
    try:
        settings = RunFolder(folder).read_config().get("settings")
    except GatedError:  # whoever opens it says what is wrong
        return False
    return isinstance(settings, dict) and "data" in settings


def run_data_training(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    changes = changes_of(values, given)
    for name in ("pictures", "captions"):
        if name in changes:
            raise ArgumentError(f"{name}: got it together with DATA, expected it for drawn scenes alone")
    places = {name: os.path.abspath(values[name]) for name in PLACES if values[name] is not None}
    folder = values["out"] or f"runs/caption-{Path(places['data']).stem}-{values['lang']}"
    if values["resume"]:
        run = DataRun.resume(folder, Bars(), **{**changes, **places})
    else:
        settings = settings_of(DataSettings, {**values, **places})
        run = DataRun.start(folder, settings, load_cell(settings.cell), values["overwrite"], Bars())
    typer.echo(f"{_told(run.data, run.settings)}\n{_model(run)}\n{where_it_goes(run, folder)}")
    if run_to_end(run, folder, "gated caption train", values["minutes"]):
        columns = {run.settings.cell: written_by(run.best(), run.data, run.settings)}
        _end(run.folder, run.data, run.settings, columns)


def _told(data: CaptionData, settings: DataSettings) -> str:
    """Two or three lines on what is learned from."""
    name = Path(settings.data).name
    lines = [f"data    {name}, {settings.lang}: {len(data.train):,} pictures, and {len(data.held_out):,} held out"]
    if data.left_out:
        lines.append(f"        left out: {', '.join(f'{reason}: {n:,}' for reason, n in data.left_out.items())}")
    ids = data.held_out.pairs.ids[:, 1:]
    ids = ids[ids != 0]
    unknown = int((~data.known[ids]).sum())
    lines.append(
        f"words   {len(data.vocabulary):,}; {unknown:,} of {len(ids):,} in held-out captions are unknown and not judged"
    )
    return "\n".join(lines)


def _model(run: DataRun) -> str:
    settings, seen = run.settings, run.data.train.features.shape[1:]
    sight = run.data.sight
    by = "features" if sight is None else sight.vision or "filters"
    return (
        f"model   {settings.cell}, {settings.layers} x {settings.hidden} units, "
        f"{run.captioner.network.theta.size:,} parameters, sees {' x '.join(map(str, seen))} numbers ({by})"
    )


def write_data_report(run: str, beside: Sequence[str], count: int, beams: int, output: str | None) -> None:
    """Write the page of a run on the user's pictures, with others on the same ones in the table."""
    whole_above_zero("count", count)
    folder = RunFolder(run)
    config = folder.read_config()
    settings = settings_from(str(folder.config_file), config.get("settings"), {})
    data = data_again(settings, config, Bars())
    columns: dict[str, Written] = {}
    for path in [run, *beside]:
        other = RunFolder(path).read_config()
        if _what(other) != _what(config):
            raise ArgumentError(f"beside: got {path!r}, expected a run on the same pictures, seen and split alike")
        cell = other["settings"]["cell"]
        name = cell if cell not in columns else f"{cell} ({Path(path).name})"
        columns[name] = written_by(load_captioner(path), data, settings, beams)
    _end(folder, data, settings, columns, count, beams, output)


def _what(config: Mapping[str, Any]) -> list[Any]:
    """What a run's captions are of: pictures, how they are split, the model that sees them."""
    sight = config.get("sight")
    return [config.get("digest"), sight.get("sha256") if isinstance(sight, dict) else None]


def _end(
    folder: RunFolder,
    data: CaptionData,
    settings: DataSettings,
    columns: Mapping[str, Written],
    count: int = 12,
    beams: int = 1,
    output: str | None = None,
) -> None:
    """Print the scores beside those of the nearest neighbours, and write the page."""
    captioner = Captioner.load(folder.model_file)
    near, which = written_by_neighbours(captioner.eye, data, settings)
    typer.echo(score_table({**columns, NEIGHBOUR: near}))
    page = data_report(captioner, data, columns, near, which, lang=settings.scored_as, count=count, beams=beams)
    where = folder.report_file if output is None else Path(output)
    write_atomically(where, page.encode())
    typer.echo(f"the page with pictures and gates: {where}")


def score_table(columns: Mapping[str, Written]) -> str:
    """Scores for a terminal, a column for each who wrote."""
    widths = {name: max(len(name), 7) for name in columns}
    lines = [f"{'':16}" + "".join(f"{name:>{width + 2}}" for name, width in widths.items())]
    for name, values in score_rows(columns, "nats per word"):
        cells = (f"{value:>{width + 2}}" for value, width in zip(values, widths.values(), strict=True))
        lines.append(f"{name:16}" + "".join(cells))
    return "\n".join(lines)
