"""`gated evaluate`."""

from __future__ import annotations

import typer

from gated.cli.sample import load_run

TOKENS = {"characters": "characters", "words": "words, signs and spaces", "bytes": "bytes"}


def write_score(run: str, file: str, encoding: str, streams: int) -> None:
    """Print what a text costs the model of a run."""
    model = load_run(run)
    score = model.evaluate_file(file, encoding, streams)
    lines = {
        "text": f"{file}: {score.characters:,} characters, {score.bytes:,} bytes, {score.words:,} words",
        "model": f"{len(model.vocabulary):,} different {model.units}",
        "bits/char": f"{score.bits_per_character:.4f}",
        "bits/byte": f"{score.bits_per_byte:.4f}",
        "bits/word": f"{score.bits_per_word:.4f}",
        "perplexity": f"{score.perplexity:.4g} of a token, {score.word_perplexity:.4g} of a word",
        "tokens": f"{score.tokens:,} {TOKENS[model.units]}",
        "unknown": f"{score.unknown:,}",
    }
    for name, value in lines.items():
        typer.echo(f"{name:<10}  {value}")
