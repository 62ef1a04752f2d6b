"""The folder of one training run.

=========================  ==========================================================================
``config.json``            what was asked for
``metrics.jsonl``          one JSON object per line: what came of it, as it went
``checkpoint.safetensors`` all that it takes to go on exactly: parameters, optimizer, carried state, ...
``model.safetensors``      the model with the best held-out loss so far
``loss.png``               the curves of metrics.jsonl
=========================  ==========================================================================

Every file but metrics.jsonl is replaced as a whole; metrics.jsonl grows by lines, and what a killed
run wrote after its last checkpoint is cut off when it goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gated.errors import ArgumentError, FileFormatError
from gated.interop.atomic import is_left_over, write_atomically
from gated.interop.tensor_file import open_tensors, write_tensors

CHECKPOINT = "gated checkpoint"


class RunFolder:
    """Paths and files of a run; see the module's table."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.metrics_file = self.path / "metrics.jsonl"
        self.checkpoint_file = self.path / "checkpoint.safetensors"
        self.model_file = self.path / "model.safetensors"
        self.plot_file = self.path / "loss.png"

    def start(self, config: Mapping[str, Any], overwrite: bool = False) -> None:
        """Make the folder and write ``config``. With ``overwrite``, an old run's files are removed first.

        Raises ArgumentError if the folder has anything in it (``overwrite``: anything but a run's files),
        or cannot be made.
        """
        files = (self.config_file, self.metrics_file, self.checkpoint_file, self.model_file, self.plot_file)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            found = sorted(self.path.iterdir())
            strangers = [file.name for file in found if file not in files and not is_left_over(file)]
            if overwrite and strangers:
                raise ArgumentError(
                    f"folder: got {str(self.path)!r} with {strangers[0]!r} in it, expected nothing but a run's files"
                )
            if found and not overwrite:
                raise ArgumentError(
                    f"folder: got {str(self.path)!r}, which is not empty, "
                    "expected a new folder, or resume to go on there, or overwrite to start again"
                )
            for file in found:
                file.unlink()
        except OSError as error:
            raise ArgumentError(
                f"folder: got {str(self.path)!r} ({error.strerror}), expected a folder that can be written"
            ) from None
        self.write_config(config)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.json."""
        write_atomically(self.config_file, (json.dumps(config, indent=2) + "\n").encode())

    def read_config(self) -> dict[str, Any]:
        """config.json. ArgumentError if there is no run here, FileFormatError if it is damaged."""
        try:
            config = json.loads(self.config_file.read_bytes())
        except OSError:
            raise ArgumentError(
                f"folder: got {str(self.path)!r}, expected the folder of a run (it has no config.json)"
            ) from None
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{str(self.config_file)!r}: got bad JSON ({error}), expected an object") from None
        if not isinstance(config, dict):
            raise FileFormatError(f"{str(self.config_file)!r}: got {type(config).__name__}, expected a JSON object")
        return config

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Replace the checkpoint; it remembers how long metrics.jsonl is now."""
        length = self.metrics_file.stat().st_size if self.metrics_file.exists() else 0
        documents = {"values": dict(values), "metrics_bytes": length}
        write_tensors(self.checkpoint_file, CHECKPOINT, arrays, documents)

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The arrays and values of the checkpoint. Changes nothing."""
        with open_tensors(self.checkpoint_file, CHECKPOINT) as file:
            arrays = {name: file.read(name) for name in file.shapes}
            return arrays, file.document("values", dict)

    def cut_metrics(self) -> None:
        """Cut the lines that were written after the checkpoint: the run that goes on writes them again."""
        with open_tensors(self.checkpoint_file, CHECKPOINT) as file:
            length = file.document("metrics_bytes", int)
        came = self.metrics_file.stat().st_size if self.metrics_file.exists() else 0
        if not 0 <= length <= came:
            raise FileFormatError(f"{str(self.metrics_file)!r}: got {came} bytes, expected at least {length}")
        if came > length:
            os.truncate(self.metrics_file, length)

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl."""
        with open(self.metrics_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; a last line that was cut off by a kill is left out."""
        if not self.metrics_file.exists():
            return []
        lines = self.metrics_file.read_text(encoding="utf-8").split("\n")[:-1]
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise FileFormatError(f"{str(self.metrics_file)!r}: got a bad line ({error}), expected JSON") from None
