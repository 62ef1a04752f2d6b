"""The folder of one training run.

- `config.json`: what was asked for
- `metrics.jsonl`: one JSON object per line: what came of it, as it went
- `checkpoint.safetensors`: all that it takes to go on exactly: parameters, optimizer, carried state, ...
- `model.safetensors`: the model with the best held-out loss so far
- `loss.png`, `norm.png`, `gates.png`: the curves of metrics.jsonl
- `report.html`: what the model does, of kinds of models that have such a page
- `.lock`: while a process is at work here, so that no other one is

Every file but metrics.jsonl is replaced as a whole; metrics.jsonl grows by lines, and what a killed run wrote after its
last checkpoint is cut off when it goes on. The lines that a checkpoint counts are on the disk before it is, and so is
each file before its name: what a power failure leaves is a run that can go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from gated.errors import ArgumentError, FileFormatError, shown
from gated.files.atomic import append_whole, flush_to_disk, write_atomically
from gated.files.json_text import from_text, to_text
from gated.files.kept_folder import KeptFolder
from gated.files.tensor_file import file_content, open_tensors

CHECKPOINT = "gated checkpoint"


class RunFolder(KeptFolder):
    """Paths and files of a run; see the module's list.

    Attributes:
        lock: taken by `start` and `go_on`, needed to write.
    """

    names: tuple[str, ...] = (
        *("config.json", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors"),
        *("loss.png", "norm.png", "gates.png", "report.html"),
    )
    whose = "a run's"
    again = "resume (--resume) to go on there, or overwrite (--overwrite) to start again"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.config_file, self.metrics_file, self.checkpoint_file, self.model_file = self._files[:4]
        self.plot_file, self.norm_file, self.gates_file, self.report_file = self._files[4:]
        self._known: tuple[int, ...] | None = None  # the checkpoint that this object wrote or read last

    def start(
        self, config: Mapping[str, Any], overwrite: bool = False, first: Callable[[], None] = lambda: None
    ) -> None:
        """Make the folder, take its lock, write config.json.

        Args:
            config: what is written; JSON-able.
            overwrite: an old run's files are removed before.
            first: writes what else a run begins with. If writing fails, all is removed again.

        Raises:
            ArgumentError: the config cannot be written, the folder has anything in it (with `overwrite`: anything but a
                run's files), cannot be made, or another process is at work in it. An old run is as it was.
        """
        content = _config_text(config)

        def fill() -> None:
            write_atomically(self.config_file, content)
            first()

        self.prepare(overwrite, fill)

    def go_on(self) -> None:
        """Take the lock of a run that is there, and remove the half-written files of one that was killed.

        Raises:
            ArgumentError: another process is at work in it.
        """
        self.take()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While inside, nobody else can take the lock; at the end it is given back.

        Raises:
            ArgumentError: another process is at work here, or was since this object last saw the checkpoint.
        """
        with self.lock.working():
            if self._known != self._checkpoint_now():
                raise ArgumentError(
                    f"folder: got {str(self.path)!r}, where another run went on meanwhile, expected the one that did"
                )
            yield

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.json."""
        write_atomically(self.config_file, _config_text(config))

    def read_config(self) -> dict[str, Any]:
        """What config.json holds.

        Raises:
            ArgumentError: there is no run here.
            FileFormatError: it is damaged.
        """
        try:
            config = from_text(self.config_file.read_bytes())
        except OSError:
            raise ArgumentError(
                f"folder: got {str(self.path)!r}, expected the folder of a run (it has no config.json)"
            ) from None
        except ValueError as error:
            reason = shown(error, 60)
            raise FileFormatError(f"{str(self.config_file)!r}: got bad JSON ({reason}), expected an object") from None
        if not isinstance(config, dict):
            raise FileFormatError(f"{str(self.config_file)!r}: got {type(config).__name__}, expected a JSON object")
        return config

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Replace the checkpoint; it remembers how long metrics.jsonl is now."""
        length = 0
        if self.metrics_file.exists():
            flush_to_disk(self.metrics_file)  # before the checkpoint that counts its bytes
            length = self.metrics_file.stat().st_size
        write_atomically(self.checkpoint_file, checkpoint_content(arrays, values, length))
        self._known = self._checkpoint_now()

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The arrays and values of the checkpoint. Changes nothing."""
        with open_tensors(self.checkpoint_file, CHECKPOINT) as file:
            arrays = {name: file.read(name) for name in file.shapes}
            values = file.document("values", dict)
        self._known = self._checkpoint_now()
        return arrays, values

    def cut_metrics(self) -> int:
        """Cut the lines that were written after the checkpoint: the run that goes on writes them again.

        Returns:
            the number of bytes that are missing from the lines before it (0, unless the disk lost some); of what is
                left, whole
            lines stay.
        """
        with open_tensors(self.checkpoint_file, CHECKPOINT) as file:
            length = file.document("metrics_bytes", int)
        if not 0 <= length < 2**53:
            came = shown(length, 30)
            raise FileFormatError(f"{str(self.checkpoint_file)!r}: got {came} metrics_bytes, expected a length")
        content = self._metrics()
        whole = content[:length].rfind(b"\n") + 1
        if len(content) > whole:
            with open(self.metrics_file, "r+b") as file_:
                file_.truncate(whole)
        return int(length) - whole

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl: all of it, or nothing.

        Raises:
            ArgumentError: it could not be written.
        """
        append_whole(self.metrics_file, (to_text("metrics", line) + "\n").encode())

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; a last line that was cut off by a kill is left out."""
        lines = []
        for number, text in enumerate(self._metrics().split(b"\n")[:-1], 1):
            try:
                line = from_text(text)
                if not isinstance(line, dict):
                    raise ValueError(type(line).__name__)
            except ValueError as error:
                raise FileFormatError(
                    f"{str(self.metrics_file)!r}: got a bad line, number {number} ({shown(error, 60)}), "
                    "expected a JSON object"
                ) from None
            lines.append(line)
        return lines

    def _metrics(self) -> bytes:
        try:
            return self.metrics_file.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise FileFormatError(f"{str(self.metrics_file)!r}: cannot be read ({error.strerror})") from None

    def _checkpoint_now(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self.checkpoint_file)
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def checkpoint_content(arrays: Mapping[str, np.ndarray], values: Mapping[str, Any], metrics_bytes: int = 0) -> bytes:
    """A checkpoint's file.

    Raises:
        ArgumentError, ArgumentTypeError: something that could not be read back.
    """
    return file_content(CHECKPOINT, arrays, {"values": dict(values), "metrics_bytes": metrics_bytes})


def _config_text(config: Mapping[str, Any]) -> bytes:
    return (to_text("config", config, indent=2) + "\n").encode()
