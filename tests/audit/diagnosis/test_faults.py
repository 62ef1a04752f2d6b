"""Faults that people make are named: kind and place, with the model of them exact on fresh samples."""

from __future__ import annotations

import pytest
from tests.audit.diagnosis.faults import MORE, SINGLE
from tests.audit.diagnosis.slips import SLIPS
from tests.audit.diagnosis.spoilt import CELLS, spoilt

import gated
from gated.audit.diagnosis import KINDS, Diagnosis, explain_gradients

ZOO = sorted(gated.cells.ZOO)
QUICK = {"lstm", "gru", "rnn"}


def found(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    assert diagnosis.explained, (diagnosis.unexplained, diagnosis.errors)
    assert all(finding.kind in KINDS for finding in diagnosis.findings)
    return sorted((finding.kind, finding.where[-1]) for finding in diagnosis.findings)


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.many) for name in ZOO])
def test_a_right_backward_pass_has_no_finding(name: str) -> None:
    cell = getattr(gated.cells, name)
    assert found(explain_gradients(cell, spoilt(cell))) == []


@pytest.mark.parametrize("number", range(len(SINGLE)))
def test_one_fault(number: int) -> None:
    name, edits, expected = SINGLE[number]
    assert found(explain_gradients(CELLS[name], spoilt(CELLS[name], *edits))) == [expected]


@pytest.mark.parametrize("number", range(len(MORE)))
def test_more_faults(number: int) -> None:
    name, edits, expected = MORE[number]
    assert found(explain_gradients(CELLS[name], spoilt(CELLS[name], *edits))) == sorted(expected)


@pytest.mark.parametrize("number", range(len(SLIPS)))
def test_slips(number: int) -> None:
    name, edits, expected = SLIPS[number]
    assert found(explain_gradients(CELLS[name], spoilt(CELLS[name], *edits))) == sorted(expected)
