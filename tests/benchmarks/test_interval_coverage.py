"""How much of a walk intervals hold, and what the pages say of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

from benchmarks import interval_coverage as own  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"
STEPS = np.sqrt(np.arange(1, own.HORIZON + 1))[:, None]
LEVELS = np.array([-1.9599639845, -own.Z, 0, own.Z, 1.9599639845])


def test_the_right_intervals_hold_what_they_say():
    assert own.held(7 + STEPS * LEVELS, 7.0) == pytest.approx(np.repeat([[0.8], [0.95]], own.HORIZON, 1))


def test_intervals_beside_hold_less_as_drawn_walks_do():
    quantiles = STEPS * LEVELS + 1.0
    ends = np.cumsum(np.random.default_rng(0).standard_normal((20_000, own.HORIZON)), 1)
    inside = [((quantiles[:, k] <= ends) & (ends <= quantiles[:, -1 - k])).mean(0) for k in (1, 0)]
    assert own.held(quantiles, 0.0) == pytest.approx(np.array(inside), abs=0.02)


def test_walks_are_those_of_their_numbers():
    assert [len(own.walk(number)) - own.LATER for number in range(6)] == [*own.LENGTHS, own.LENGTHS[0]]
    assert np.array_equal(own.walk(3), own.walk(3)) and not np.array_equal(own.walk(0), own.walk(5))


@pytest.mark.parametrize("lang, page", [("en", "forecaster.md"), ("zh", "forecaster.zh.md")])
def test_the_pages_have_the_tables(lang, page):
    found = json.loads(own.RESULTS.read_text(encoding="utf-8"))
    assert set(found) == set(own.FORMS) and all(len(part["after"]) >= 30 for part in found.values())
    text = (DOCS / page).read_text(encoding="utf-8")
    assert all(table in text for table in own.tables(found, lang).split("\n\n"))


def test_a_walk_is_measured_in_each_form(monkeypatch):
    from gated import models

    class Quick(models.Forecaster):
        """It makes one pass."""

        def fit(self, y, X=None):
            return super().fit(y, X) if self.epochs == 1 else self.set_params(epochs=1, members=2).fit(y, X)

    monkeypatch.setattr(models, "Forecaster", Quick)
    for form in own.FORMS:
        found = own.measure(0, form)
        assert np.shape(found["after"]) == np.shape(found["later"]) == (2, own.HORIZON)
        assert np.mean(found["after"]) > 0.4 and 0 <= found["found"] <= 1
        numbers, inside = own.walk(0), []
        for end in range(own.LENGTHS[0], own.LENGTHS[0] + own.ORIGINS):
            ahead = numbers[end : end + own.HORIZON] - numbers[end - 1]
            inside.append(np.abs(ahead) <= own.Z * STEPS[:, 0])
        assert found["right"] == pytest.approx(np.mean(inside))
