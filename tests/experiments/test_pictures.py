"""The pictures of a contest: drawn for whatever there is, and what they show is what the trials say."""

from __future__ import annotations

import pytest

from gated.experiments import Settings, Trial
from gated.experiments.contest_pictures import curves_picture, median_of, solved_picture
from gated.experiments.drawing import COLOURS, MARKERS, style

pytest.importorskip("matplotlib")

SETTINGS = Settings(
    "reber", {}, ("online", "full", "rtrl"), ("lstm", "gru"), 2, 4, 1, 4, 30, 10, 0, dict.fromkeys(("online",), 0.1)
)


def _trial(algorithm, cell, seed, values, **changes):
    counts = [10 * (k + 1) for k in range(len(values))]
    passed = [value >= 1.0 for value in values]
    return Trial(algorithm, cell, seed, 9, counts, {"hard step": values}, passed, finished=True, **changes)


TRIALS = [
    _trial("online", "lstm", 0, [0.5, 1.0]),
    _trial("online", "lstm", 1, [0.5, 0.6, 0.9]),
    _trial("full", "gru", 0, [0.5, 0.5, 1.0]),
    _trial("online", "gru", 0, [], failure="not defined", defined=False),
]


@pytest.mark.parametrize("trials", [TRIALS, TRIALS[:1], TRIALS[3:], []])
def test_pictures_of_whatever_there_is(trials):
    solved, curves = solved_picture(SETTINGS, trials), curves_picture(SETTINGS, trials, ("hard step",))
    for picture in (solved, curves):
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000


def test_a_trial_that_has_ended_keeps_its_last_value():
    assert median_of(TRIALS[:2], "hard step", 10) == 0.5
    assert median_of(TRIALS[:2], "hard step", 20) == pytest.approx(0.8)
    assert median_of(TRIALS[:2], "hard step", 30) == pytest.approx(0.95)


def test_things_differ_in_colour_and_in_shape():
    looks = [style(index) for index in range(min(len(COLOURS), len(MARKERS)))]
    assert len({look["color"] for look in looks}) == len({look["marker"] for look in looks}) == len(looks) == 7
