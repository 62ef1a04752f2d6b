"""The network of a run's last checkpoint, built before the run is."""

from __future__ import annotations

from typing import Any

from gated.errors import FileFormatError
from gated.interop.model_file import numbers_at_most, rebuild
from gated.learning.training.run_folder import RunFolder


def saved_network(folder: RunFolder) -> Any:
    """It has the layers that the checkpoint describes, and fresh parameters.

    Raises:
        ArgumentError: there is no run.
        FileFormatError: the checkpoint is damaged.
    """
    arrays, values = folder.read_checkpoint()
    most = arrays["theta"].size if "theta" in arrays else 0
    return rebuild(str(folder.checkpoint_file), values.get("network"), numbers_at_most(most))


def refuse_misfit(folder: RunFolder, misfit: str | None) -> None:
    """FileFormatError, if something is wrong with the checkpoint's network."""
    if misfit is not None:
        raise FileFormatError(f"{str(folder.checkpoint_file)!r}: {misfit}")
