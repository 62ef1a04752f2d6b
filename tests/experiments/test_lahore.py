"""How far online learning is from the gradient: exact where theory says so, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data import reber_task
from gated.errors import ArgumentError
from gated.experiments.lahore import (
    CONDITIONS,
    Found,
    LahoreSettings,
    errors_figure,
    errors_picture,
    lahore_report,
    random_network,
    run_lahore,
    short,
    staleness,
    to_document,
)

BASE = {"hidden": 3, "strings": 3, "scale": 0.5, "trained": 0, "rates": (0.07,), "seeds": 2}


def _settings(**changes):
    return LahoreSettings(**{**BASE, **changes})


def _run(**changes) -> Found:
    *_, (done, found) = run_lahore(_settings(**changes))
    assert done == _settings(**changes).seeds
    return found


@pytest.fixture(scope="module")
def found():
    return _run()


def test_exact_where_theory_says_so_and_nowhere_else(found):
    errors = {(d.rule, d.condition, short(d.group)): d.relative_error for d in found.differences}
    assert len(errors) == 2 * len(CONDITIONS) * (4 * 3 + 3 + 2 + 1)
    cell = {group for _, _, group in errors} - {"output W", "output b", "all"}
    for (rule, condition, group), error in errors.items():
        exact = group.startswith("output")
        if condition == "peepholes and recurrent weights 0":  # peepholes that are 0 have a gradient, java no trace
            exact = exact or rule == "peepholes" or (group in cell and group not in ("p.i", "p.f"))
        if condition == "recurrent weights 0":  # the output gate keeps nothing: it is exact without any trace
            exact = exact or rule == "peepholes" or group.endswith(".o")
        assert (error < 1e-12) == exact, (rule, condition, group, error)


@pytest.mark.parametrize("changes", [{"hidden": 4}, {"strings": 4}, {"scale": 1.0}, {"trained": 20}, {"seeds": 3}])
def test_every_setting_changes_something(changes, found):
    assert found.differences != _run(**changes).differences


def test_the_same_seeds_give_the_same(found):
    assert _run() == found


def test_stale_traces_cost_more_at_higher_rates_and_nothing_at_none():
    network, batch = random_network(_settings(), 0), reber_task(5, 0)
    kept = network.theta.copy()
    low, high = (staleness(network, batch, rate) for rate in (0.01, 0.1))
    assert 0 < low < high
    assert staleness(network, batch, 1e-300) < 1e-13
    np.testing.assert_array_equal(network.theta, kept)


def test_report_picture_and_document(found):
    pytest.importorskip("matplotlib")
    text = lahore_report(found, _settings(), 2, ["errors.png"])
    assert "random weights N(0, 0.5²); medians over seeds 0 to 1" in text
    assert "weights learned online from 20 strings" in lahore_report(found, _settings(trained=20), 2, [])
    row = next(line for line in text.splitlines() if line.startswith("| output W |"))
    assert row.count("exact, 0.0°") == len(CONDITIONS)
    assert text.count("| W.g |") == 2
    assert f"| 0.07 | {100 * found.stale[0.07]:.3g} % |" in text
    assert errors_picture(found).startswith(b"\x89PNG")
    assert [text.get_text() for text in errors_figure(found).legends[0].get_texts()] == list(CONDITIONS)
    assert f"| group | {' | '.join(CONDITIONS)} |" in text
    document = to_document(found, _settings(), 2)
    assert (document["seeds_done"], document["settings"]["hidden"]) == (2, 3)
    assert len(document["differences"]) == len(found.differences)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"hidden": 0}, "hidden: got 0"),
        ({"strings": 0}, "strings: got 0"),
        ({"scale": 0.0}, "scale: got 0.0"),
        ({"trained": -1}, "trained: got -1"),
        ({"rates": ()}, "rates: got none"),
        ({"rates": (0.1, -1.0)}, "rates: got -1.0"),
        ({"seeds": 0}, "seeds: got 0"),
    ],
)
def test_numbers_that_cannot_be_used(changes, words):
    with pytest.raises(ArgumentError, match=words):
        _settings(**changes)
