"""Random single and multiple faults are explained exactly, on fresh samples."""

from __future__ import annotations

import pytest
from tests.audit.diagnosis.own_cells import OWN
from tests.audit.diagnosis.random_faults import spoil
from tests.audit.diagnosis.spoilt import CELLS

from gated.audit.diagnosis import explain_gradients

ALL = CELLS | OWN


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.many) for seed in (2, 3))])
def test_faults_by_chance_are_explained(name: str, seed: int) -> None:
    mine, faults = spoil(ALL[name], 1 + seed % 4, seed)
    diagnosis = explain_gradients(ALL[name], mine)
    assert diagnosis.explained, (faults, diagnosis.unexplained, diagnosis.errors)
