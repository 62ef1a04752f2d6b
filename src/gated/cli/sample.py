"""`gated sample`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from gated.cli.letters import text_of
from gated.errors import ArgumentError
from gated.learning.training.run_folder import RunFolder
from gated.models import LanguageModel


def load_run(run: str) -> LanguageModel:
    """The model of a run's folder, or of a model file itself."""
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).model_file
        if not path.exists():
            raise ArgumentError(f"run: got {run!r}, which has no {path.name}, expected the folder of gated train")
    elif not path.exists():
        raise ArgumentError(f"run: got {run!r}, which does not exist, expected the folder of a run")
    return LanguageModel.load(path)


def write_sample(run: str, length: int, prompt: str, stop: Sequence[str], how: Mapping[str, Any]) -> None:
    """Print the prompt and what the model makes of it, piece by piece. `how`: the other arguments of `stream`."""
    prompt, stops = text_of("prompt", prompt), [text_of("stop", string) for string in stop]
    pieces = load_run(run).stream(length, prompt=prompt, stop=stops, **how)
    typer.echo(prompt, nl=False)
    for piece in pieces:
        typer.echo(piece, nl=False)
    typer.echo()
