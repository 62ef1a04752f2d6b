"""Where the model of a run lies."""

from __future__ import annotations

from pathlib import Path

from gated.errors import ArgumentError
from gated.learning.training.run_folder import RunFolder


def saved_model(run: str, what: str, command: str) -> Path:
    """The model file of a run's folder, or the file itself.

    Args:
        what: "captioner".
        command: that makes one.

    Raises:
        ArgumentError: there is none.
    """
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).model_file
    if not path.exists():
        raise ArgumentError(f"run: got {run!r}, where no {what} is; {command} makes one")
    return path
