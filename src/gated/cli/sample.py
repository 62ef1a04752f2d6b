"""`gated sample`: text from a language model, a MIDI file from a model of music."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer

from gated.cli.letters import text_of
from gated.data.music import read_music, shifted, texture, write_midi
from gated.errors import ArgumentError
from gated.files.atomic import write_atomically
from gated.files.tensor_file import kind_of
from gated.learning.training.run_folder import RunFolder
from gated.models import LanguageModel
from gated.models.music import PianoRollModel
from gated.models.music.piano_roll_model import KIND

TEXT = {"length": 500, "temperature": 0.8}  # where nothing else is asked for
MUSIC = {"length": 64, "temperature": 1.0}
SAMPLE = "sample.mid"


def write_sample(run: str, values: Mapping[str, Any]) -> None:
    """Let the model of a run write or compose, as its kind has it. `values`: all options by name."""
    path = model_file(run)
    if kind_of(path) == KIND:
        write_music(path, values)
    else:
        write_text(LanguageModel.load(path), values)


def write_text(model: LanguageModel, values: Mapping[str, Any]) -> None:
    """Print the prompt and what the model makes of it, piece by piece; or write both into a file."""
    if values["voices"] is not None:
        raise ArgumentError(f"voices: got {values['voices']} for a model of text, expected it for one of music")
    prompt, stops = text_of("prompt", values["prompt"]), [text_of("stop", word) for word in values["stop"] or ()]
    how = {name: values[name] for name in ("top_k", "top_p", "seed")}
    how |= {name: values[name] if values[name] is not None else usual for name, usual in TEXT.items()}
    pieces = model.stream(prompt=prompt, stop=stops, **how)
    if values["out"] is not None:
        write_atomically(values["out"], (prompt + "".join(pieces) + "\n").encode())
        typer.echo(f"written: {values['out']}")
        return
    typer.echo(prompt, nl=False)
    for piece in pieces:
        typer.echo(piece, nl=False)
    typer.echo()


def write_music(path: Path, values: Mapping[str, Any]) -> None:
    """Write the prompt and what the model makes of it as a MIDI file."""
    for name in ("top_k", "top_p", "stop"):
        if values[name] not in (None, (), []):
            raise ArgumentError(f"{name}: got {values[name]} for a model of music, expected it for one of text")
    model, out = PianoRollModel.load(path), values["out"] or SAMPLE
    if Path(out).suffix.lower() not in (".mid", ".midi"):
        raise ArgumentError(f"out: got {out!r} for a model of music, expected a file that ends in .mid")
    how = {name: values[name] for name in ("voices", "seed")}
    how |= {name: values[name] if values[name] is not None else usual for name, usual in MUSIC.items()}
    if values["prompt"]:
        before = read_music(values["prompt"])
        away = before.to_c if _in_c(model) else 0  # it goes on in the key that it knows, and is moved back
        found = shifted(model.sample(prompt=shifted(before.roll, away), **how), -away)
        write_midi(out, np.concatenate([before.roll, found]))
    else:
        found = model.sample(**how)
        write_midi(out, found)
    typer.echo(f"written: {out}")
    if len(found):
        said = texture([found])
        typer.echo(f"composed: {len(found)} quarter notes, {said.notes:.2f} keys at a time, four at {said.four:.0%}")


def _in_c(model: PianoRollModel) -> bool:
    """Whether it learned from pieces that were all transposed to C."""
    settings = model.about.get("settings")
    return isinstance(settings, dict) and settings.get("key") == "common"


def load_run(run: str) -> LanguageModel:
    """The language model of a run's folder, or of a model file itself."""
    return LanguageModel.load(model_file(run))


def model_file(run: str) -> Path:
    """The model file of a run's folder, or the file itself."""
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).model_file
        if not path.exists():
            raise ArgumentError(f"run: got {run!r}, which has no {path.name}, expected the folder of gated train")
    elif not path.exists():
        raise ArgumentError(f"run: got {run!r}, which does not exist, expected the folder of a run")
    return path
