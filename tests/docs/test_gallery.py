"""The gallery shows every wrong program that the tests have, and what the audit says of it."""

from __future__ import annotations

import pytest
from tests.audit.specimens.table import BY_NAME, SPECIMENS

from .pages import load, read

gallery = load("gallery")
PAGES = {"en": "docs/gallery.md", "zh": "docs/gallery.zh.md"}
# of a class and of functions over one step
SAMPLE = (
    "params_gru: delta of h for that of r",
    "cs231n_lstm: dnext_c changed in place",
)


@pytest.mark.parametrize("lang", PAGES)
def test_every_specimen_is_there(lang: str) -> None:
    text = read(PAGES[lang])
    missing = [specimen.name for specimen in SPECIMENS if gallery.changed(specimen) not in text]
    assert not missing, "python docs/gallery.py"
    assert text.count("```diff") == len(SPECIMENS)


@pytest.mark.parametrize("lang", PAGES)
@pytest.mark.parametrize("name", SAMPLE)
def test_the_reports_are_those_of_the_audit(name: str, lang: str) -> None:
    specimen = {**BY_NAME, **{s.name: s for s in SPECIMENS}}[name]
    assert gallery.entry(specimen, lang) in read(PAGES[lang]), "python docs/gallery.py"
