"""The folder of one experiment: report.md, results.json and pictures, each replaced as a whole."""

from __future__ import annotations

import json
import os
from typing import Any

from gated.errors import ArgumentError, FileFormatError, MissingExtraError, shown
from gated.files.atomic import write_atomically
from gated.files.json_text import from_text
from gated.files.kept_folder import KeptFolder

PICTURES = ("solved.png", "curves.png", "gradients.png", "errors.png")
FILES = ("report.md", "results.json", *PICTURES)


class ReportFolder(KeptFolder):
    """Paths of an experiment; see the module.

    Attributes:
        lock: taken by `start` and `go_on`, so that no other process writes the folder as long as this object lives.
    """

    argument, names, whose, again = "out", FILES, "an experiment's", "--overwrite to start again"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.results_file = self.path / "results.json"

    def start(self, overwrite: bool = False) -> None:
        """Make the folder; with `overwrite` remove an earlier experiment's files from it.

        Raises:
            ArgumentError: something is in it (with `overwrite`: something that is no experiment's), it cannot be made,
                or another process is at work in it.
        """
        self.prepare(overwrite)

    def go_on(self) -> Any:
        """Take the lock of an experiment that is there; what its results.json holds.

        Raises:
            ArgumentError: there is none, or another process is at work in it. FileFormatError: it is no JSON.
        """
        self.read_results()
        self.take()
        return self.read_results()

    def write_results(self, document: Any) -> None:
        """Replace results.json; NaN and inf become null."""
        text = json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(self.results_file, (text + "\n").encode("utf-8", "surrogatepass"))

    def read_results(self) -> Any:
        """What results.json holds.

        Raises:
            ArgumentError: there is none. FileFormatError: it is no JSON.
        """
        try:
            return from_text(self.results_file.read_bytes())
        except OSError:
            raise ArgumentError(
                f"out: got {str(self.path)!r}, expected the folder of an experiment (it has no results.json)"
            ) from None
        except ValueError as error:
            reason = shown(error, 60)
            raise FileFormatError(f"{str(self.results_file)!r}: got bad JSON ({reason}), expected results") from None

    def write_report(self, text: str) -> None:
        """Replace report.md."""
        write_atomically(self.path / "report.md", text.encode())

    def draw(self, name: str, picture: Any, *arguments: Any) -> bool:
        """Write the picture `name` with `picture(*arguments) -> PNG bytes`; False if matplotlib is not installed."""
        assert name in PICTURES  # else --overwrite would not know it
        try:
            write_atomically(self.path / name, picture(*arguments))
        except MissingExtraError:
            return False
        return True


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value
