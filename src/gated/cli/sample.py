"""`gated sample`."""

from __future__ import annotations

from pathlib import Path

import typer

from gated.cli.letters import text_of
from gated.errors import ArgumentError
from gated.learning.training.run_folder import RunFolder
from gated.models import CharacterLanguageModel


def load_run(run: str) -> CharacterLanguageModel:
    """The model of a run's folder, or of a model file itself."""
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).model_file
        if not path.exists():
            raise ArgumentError(f"run: got {run!r}, which has no {path.name}, expected the folder of gated train")
    elif not path.exists():
        raise ArgumentError(f"run: got {run!r}, which does not exist, expected the folder of a run")
    return CharacterLanguageModel.load(path)


def write_sample(run: str, length: int, temperature: float, prompt: str, seed: int) -> None:
    """Print the prompt and what the model makes of it, character by character."""
    prompt = text_of("prompt", prompt)
    characters = load_run(run).stream(length, temperature=temperature, prompt=prompt, seed=seed)
    typer.echo(prompt, nl=False)
    for character in characters:
        typer.echo(character, nl=False)
    typer.echo()
