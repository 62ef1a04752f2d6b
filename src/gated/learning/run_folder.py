"""The folder of one training run.

=========================  ==========================================================================
``config.json``            what was asked for
``metrics.jsonl``          one JSON object per line: what came of it, as it went
``checkpoint.safetensors`` all that it takes to go on exactly: parameters, optimizer, carried state, ...
``model.safetensors``      the model with the best held-out loss so far
``loss.png``               the curves of metrics.jsonl
``.lock``                  while a process is at work here, so that no other one is
=========================  ==========================================================================

Every file but metrics.jsonl is replaced as a whole; metrics.jsonl grows by lines, and what a killed
run wrote after its last checkpoint is cut off when it goes on. The lines that a checkpoint counts are
on the disk before it is, and so is each file before its name: what a power failure leaves is a run
that can go on.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gated.errors import ArgumentError, FileFormatError, shown
from gated.interop import folder_lock
from gated.interop.atomic import append_whole, flush_to_disk, remove_left_overs, write_atomically
from gated.interop.json_text import from_text, to_text
from gated.interop.tensor_file import open_tensors, write_tensors

CHECKPOINT = "gated checkpoint"


class RunFolder:
    """Paths and files of a run; see the module's table.

    Attributes:
        lock: taken by :meth:`start` and :meth:`go_on`, needed to write.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.metrics_file = self.path / "metrics.jsonl"
        self.checkpoint_file = self.path / "checkpoint.safetensors"
        self.model_file = self.path / "model.safetensors"
        self.plot_file = self.path / "loss.png"
        self.lock = folder_lock.FolderLock(self.path)
        self._known: tuple[int, ...] | None = None  # the checkpoint that this object wrote or read last

    @property
    def _files(self) -> tuple[Path, ...]:
        return (self.config_file, self.metrics_file, self.checkpoint_file, self.model_file, self.plot_file)

    def start(self, config: Mapping[str, Any], overwrite: bool = False) -> None:
        """Make the folder, take its lock, write ``config``. With ``overwrite``, an old run's files are removed first.

        Raises ArgumentError if the folder has anything in it (``overwrite``: anything but a run's files),
        cannot be made, or another process is at work in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            new = self.lock.take()
            try:
                self._clear(overwrite)
            except BaseException:
                if new:
                    self.lock.give()
                raise
        except OSError as error:
            raise ArgumentError(
                f"folder: got {str(self.path)!r} ({error.strerror}), expected a folder that can be written"
            ) from None
        self.write_config(config)

    def _clear(self, overwrite: bool) -> None:
        remove_left_overs(*self._files)  # of a start that was killed: nothing of value
        found = [file for file in sorted(self.path.iterdir()) if file.name != folder_lock.NAME]
        strangers = [file.name for file in found if file not in self._files]
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

    def abandon(self) -> None:
        """Undo a :meth:`start` that nothing came of: remove its files and give the lock back."""
        with contextlib.suppress(OSError):
            for file in self._files:
                file.unlink(missing_ok=True)
        self.lock.give()

    def go_on(self) -> None:
        """Take the lock of a run that is there, and remove the half-written files of one that was killed.

        Raises ArgumentError if another process is at work in it.
        """
        self.lock.take()
        remove_left_overs(*self._files)

    @contextmanager
    def working(self) -> Iterator[None]:
        """While inside, nobody else can take the lock; at the end it is given back.

        Raises ArgumentError if another process is at work here, or was since this object last saw the checkpoint.
        """
        with self.lock.working():
            if self._known != self._checkpoint_now():
                raise ArgumentError(
                    f"folder: got {str(self.path)!r}, where another run went on meanwhile, expected the one that did"
                )
            yield

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.json."""
        write_atomically(self.config_file, (to_text("config", config, indent=2) + "\n").encode())

    def read_config(self) -> dict[str, Any]:
        """config.json. ArgumentError if there is no run here, FileFormatError if it is damaged."""
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
        documents = {"values": dict(values), "metrics_bytes": length}
        write_tensors(self.checkpoint_file, CHECKPOINT, arrays, documents)
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

        Returns the number of bytes that are missing from the lines before it (0, unless the disk lost some); of what
        is left, whole lines stay.
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
        """Add one line to metrics.jsonl: all of it, or nothing and ArgumentError."""
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
