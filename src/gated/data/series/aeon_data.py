"""The data sets that the package aeon carries. It need not be importable beside gated: its files are enough."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from gated.data.series.sequence_set import SequenceSet
from gated.data.series.ts import read_ts
from gated.errors import ArgumentError, shown

HOW = "pip install --no-deps --target FOLDER aeon==1.6.0 unpacks them"


def aeon_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Where the data sets lie, each in a folder of its name.

    Args:
        folder: this one, aeon's own, or the one into which pip has unpacked aeon; None: aeon's, if it is installed.

    Raises:
        ArgumentError: none are there.
    """
    if folder is None:
        spec = importlib.util.find_spec("aeon")
        places = [Path(spec.origin).parent] if spec is not None and spec.origin else []
    else:
        places = [Path(folder)]
    for place in places:
        for found in (place, place / "datasets" / "data", place / "aeon" / "datasets" / "data"):
            if any(found.glob("*/*_TRAIN.ts")):
                return found
    if folder is None:
        raise ArgumentError(f"folder: got None, and aeon is not installed, expected the folder of its data; {HOW}")
    raise ArgumentError(f"folder: got '{shown(folder, 150)}', expected one with aeon's data sets; {HOW}")


def aeon_sequences(name: str, folder: str | os.PathLike[str] | None = None) -> tuple[SequenceSet, SequenceSet]:
    """A data set as it was split when it was published.

    Args:
        name: "JapaneseVowels", "BasicMotions", "ItalyPowerDemand" or another that is there.
        folder: see `aeon_folder`.

    Returns:
        (what to learn from, what to judge by).

    Raises:
        ArgumentError: there is none of this name.
        FileFormatError: a file is damaged.
    """
    place = aeon_folder(folder)
    known = sorted(path.name for path in place.iterdir() if (path / f"{path.name}_TRAIN.ts").is_file())
    if name not in known:
        raise ArgumentError(f"name: got {shown(repr(name), 60)}, expected one of {', '.join(known)}")
    train, test = (read_ts(place / name / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    return train, test
