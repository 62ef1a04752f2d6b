"""Every place from which something could be imported before the house was rebuilt still leads there."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gated.moved import MOVED

PLACES: dict[str, list[str]] = json.loads((Path(__file__).parent / "places.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_still_there(place: str) -> None:
    module = importlib.import_module(place)
    missing = [name for name in PLACES[place] if not hasattr(module, name)]
    assert not missing, f"{place} has lost {missing}"


@pytest.mark.parametrize("old", MOVED)
def test_an_old_place_is_the_new_one(old: str) -> None:
    new = importlib.import_module(MOVED[old])
    assert importlib.import_module(old) is new
    assert new.__name__ == MOVED[old], "a module keeps the name of where it lies"
    assert new.__spec__ is not None and new.__spec__.name == MOVED[old]
    package, _, name = old.rpartition(".")
    assert getattr(importlib.import_module(package), name) is new


def _fresh(code: str) -> str:
    run = [sys.executable, "-c", code]
    return subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def test_nothing_is_imported_for_an_old_place_before_it_is_asked_for() -> None:
    assert _fresh("import sys, gated; print([name for name in sys.modules if name.startswith('gated.')])") == (
        "['gated.moved']"
    )


@pytest.mark.parametrize("old", sorted(MOVED)[:: max(1, len(MOVED) // 6)])
def test_an_old_place_is_found_first_in_a_fresh_process(old: str) -> None:
    assert _fresh(f"import {old} as module; print(module.__name__)") == MOVED[old]


def test_what_was_never_there_is_still_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'gated\.learning\.nothing'"):
        importlib.import_module("gated.learning.nothing")
