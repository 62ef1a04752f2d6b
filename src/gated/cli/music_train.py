"""`gated music train` and `gated music report`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from gated.cli.bars import Bars
from gated.cli.load_cell import load_cell
from gated.cli.run_to_end import changes_of, run_to_end, where_it_goes
from gated.cli.saved_model import saved_model
from gated.data.music import MusicSplit
from gated.errors import ArgumentError, MissingExtraError
from gated.files.atomic import write_atomically
from gated.learning.training.run_folder import RunFolder
from gated.models.music import PianoRollModel
from gated.models.music.music_run import MusicRun
from gated.models.music.music_settings import MusicSettings, settings_from
from gated.models.music.report import music_report

TRAIN = "gated music train"
PARTS = {"train": "learned from", "valid": "chosen by", "test": "never seen"}


def run_music(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    changes, folder = changes_of(values, given), values["out"] or f"runs/{_name(values['folder'])}"
    if values["resume"]:
        run = MusicRun.resume(folder, Bars(), **changes)
    else:
        asked = {name: values[name] for name in MusicSettings.__dataclass_fields__}
        if asked["layers"] == 1 and "dropout" not in given:
            asked["dropout"] = 0.0  # its default is for between two layers
        settings = MusicSettings(**asked)
        run = MusicRun.start(folder, settings, load_cell(settings.cell), values["overwrite"], Bars())
    settings, pieces = run.settings, run.pieces
    counts = ", ".join(f"{len(own):,} {PARTS[name]}" for name, own in pieces._asdict().items())
    key = "in C" if settings.key == "common" else "in the keys they are written in"
    for file, why in run.left_out.items():
        typer.echo(f"left out {file}: {why}")
    typer.echo(
        f"music   {counts}, {key}\n"
        f"model   {settings.cell}, {settings.layers} x {settings.hidden} units, "
        f"{run.model.network.theta.size:,} parameters\n{where_it_goes(run, folder)}"
    )
    if not run_to_end(run, folder, TRAIN, values["minutes"]):
        return
    model = run.best()
    typer.echo(foretold(model, pieces))
    with contextlib.suppress(MissingExtraError):  # of matplotlib
        write_atomically(run.folder.report_file, music_report(model, pieces).encode())
        typer.echo(f"to see and to hear: {run.folder.report_file}")


def _name(folder: str | None) -> str:
    """What a run is called of which no more is said: as the folder of its music."""
    return "chorales" if folder is None else Path(folder).resolve().name or "music"


def foretold(model: PianoRollModel, pieces: MusicSplit) -> str:
    """How well the pieces are foretold, for a terminal."""
    lines = ["nats per quarter note, of all 88 keys"]
    for name, own in pieces._asdict().items():
        steps = sum(len(piece.roll) for piece in own)
        lines.append(f"  {PARTS[name]:13} {model.evaluate(own):6.3f}   {len(own):,} pieces, {steps:,} quarter notes")
    return "\n".join(lines)


def write_report(run: str, lang: str, length: int, seed: int, output: str | None) -> None:
    """Write the page of a run."""
    folder = RunFolder(run)
    if not Path(run).is_dir():
        raise ArgumentError(f"run: got {run!r}, expected the folder of a run; {TRAIN} makes one")
    model = PianoRollModel.load(saved_model(run, "model of music", TRAIN))
    settings = settings_from(str(folder.config_file), folder.read_config().get("settings"), {})
    where = folder.report_file if output is None else Path(output)
    pieces, _ = settings.pieces(Bars())
    write_atomically(where, music_report(model, pieces, lang=lang, length=length, seed=seed).encode())
    typer.echo(f"the page: {where}")
