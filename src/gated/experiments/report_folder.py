"""The folder of one experiment: report.md, results.json and pictures, each replaced as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gated.errors import ArgumentError, FileFormatError, MissingExtraError
from gated.interop.atomic import is_left_over, write_atomically

PICTURES = ("solved.png", "curves.png", "gradients.png", "errors.png")
FILES = ("report.md", "results.json", *PICTURES)


class ReportFolder:
    """Paths of an experiment; see the module."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.results_file = self.path / "results.json"

    def start(self, overwrite: bool = False) -> None:
        """Make the folder; with `overwrite` remove an earlier experiment's files from it.

        Raises:
            ArgumentError: something is in it (with `overwrite`: something that is no experiment's), or it cannot be
                made.
        """
        shown = repr(str(self.path))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            found = sorted(self.path.iterdir())
            strangers = [file.name for file in found if file.name not in FILES and not is_left_over(file)]
            if overwrite and strangers:
                raise ArgumentError(
                    f"out: got {shown} with {strangers[0]!r} in it, expected nothing but an experiment's files"
                )
            if found and not overwrite:
                raise ArgumentError(
                    f"out: got {shown}, which is not empty, expected a new folder, or --overwrite to start again"
                )
            for file in found:
                file.unlink()
        except OSError as error:
            raise ArgumentError(f"out: got {shown} ({error.strerror}), expected a folder that can be written") from None

    def write_results(self, document: Any) -> None:
        """Replace results.json; NaN and inf become null."""
        text = json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(self.results_file, (text + "\n").encode())

    def read_results(self) -> Any:
        """What results.json holds.

        Raises:
            ArgumentError: there is none. FileFormatError: it is no JSON.
        """
        try:
            return json.loads(self.results_file.read_bytes())
        except OSError:
            raise ArgumentError(
                f"out: got {str(self.path)!r}, expected the folder of an experiment (it has no results.json)"
            ) from None
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{str(self.results_file)!r}: got bad JSON ({error}), expected results") from None

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
