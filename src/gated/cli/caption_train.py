"""`gated caption train`: settings from options, bars for what takes time, the scores in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import typer

from gated.cli.bars import Bars
from gated.cli.caption_show import report_of, score_table
from gated.cli.load_cell import load_cell
from gated.cli.run_to_end import changes_of, run_to_end, where_it_goes
from gated.errors import ArgumentError
from gated.files.atomic import write_atomically
from gated.models.captioner.scene_run import SceneRun
from gated.models.captioner.scene_settings import SceneSettings

Settings = TypeVar("Settings")


def run_caption_training(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    changes = changes_of(values, given)
    folder = values["out"] or f"runs/caption-{values['lang']}"
    if values["resume"]:
        run = SceneRun.resume(folder, Bars(), **changes)
    else:
        for name in ("images", "vision", "minimum_count"):
            if name in changes:
                raise ArgumentError(f"{name}: got it without DATA, expected it for pictures of your own alone")
        settings = settings_of(SceneSettings, values)
        run = SceneRun.start(folder, settings, load_cell(settings.cell), values["overwrite"], Bars())
    settings = run.settings
    typer.echo(
        f"scenes  {settings.pictures:,} with {settings.captions} captions each, {settings.lang}, "
        f"{len(run.captioner.vocabulary)} words\n"
        f"model   {settings.cell}, {settings.layers} x {settings.hidden} units, "
        f"{run.captioner.network.theta.size:,} parameters\n{where_it_goes(run, folder)}"
    )
    if not run_to_end(run, folder, "gated caption train", values["minutes"]):
        return
    scores = run.scores()
    typer.echo(score_table({settings.cell: scores}))
    write_atomically(run.folder.report_file, report_of(run.folder, {settings.cell: scores}, run.data).encode())
    typer.echo(f"the page with pictures and gates: {run.folder.report_file}")


def settings_of(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Those of the options that are theirs; their own defaults where an option has none."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]
    return kind(**{name: values[name] for name in names if values[name] is not None})
