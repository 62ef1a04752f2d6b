"""The pictures of a contest: drawn for whatever there is, and what they show is what the trials say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gated.experiments import KINDS, Settings, Trial
from gated.experiments.contest_pictures import (
    STRIP,
    curves_figure,
    curves_picture,
    median_of,
    solved_figure,
    solved_picture,
)
from gated.experiments.contest_report import contest_report
from gated.experiments.drawing import COLOURS, MARKERS, style

pytest.importorskip("matplotlib")

REBER = KINDS["reber"]
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
    solved, curves = solved_picture(SETTINGS, trials), curves_picture(SETTINGS, trials, REBER)
    for picture in (solved, curves):
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000


def test_the_picture_counts_as_the_table_does():
    """In grey stand those that were not solved, one mark each; beside every row, how many were, as in the report."""
    trials = [*TRIALS, _trial("full", "lstm", 0, [0.5, 0.5, 0.9]), _trial("full", "lstm", 1, [0.5, 0.9, 0.9])]
    settings = replace(SETTINGS, algorithms=("online", "full"), lr={"online": 0.1, "full": 0.1})
    axes = solved_figure(settings, trials).axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    beside = {text.get_position()[1]: text.get_text() for text in axes.texts if text.get_position()[1] >= 0}
    said = {name: beside[row] for row, name in enumerate(rows)}
    assert said == {"online, lstm": "1 of 2", "full, lstm": "0 of 2", "full, gru": "1 of 1"}
    table = contest_report(settings, REBER, trials)
    for name, count in said.items():
        assert f"\n| {name.replace(', ', ' | ')} | 9 | {count} |" in table
    assert {"not solved\nin 30", "solved"} <= {text.get_text() for text in axes.texts}
    (grey,) = axes.patches
    assert grey.get_x() == 30 and grey.get_x() + grey.get_width() == pytest.approx(30 * STRIP)
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert sorted((line.get_fillstyle(), x) for line in marks for x in line.get_xdata()) == [
        ("full", 20),
        ("full", 30),
        *[("none", pytest.approx(33.0))] * 3,
    ]


def test_what_a_guess_would_give_has_its_line():
    figure = curves_figure(SETTINGS, TRIALS, REBER)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chance, 0.5" in names
    for axes in figure.axes[: len(SETTINGS.algorithms)]:
        assert any(list(line.get_ydata()) == [0.5, 0.5] for line in axes.lines)
    without = curves_figure(SETTINGS, TRIALS, replace(REBER, chance=None))
    assert not any(list(line.get_ydata()) == [0.5, 0.5] for axes in without.axes for line in axes.lines)


def test_a_trial_that_has_ended_keeps_its_last_value():
    assert median_of(TRIALS[:2], "hard step", 10) == 0.5
    assert median_of(TRIALS[:2], "hard step", 20) == pytest.approx(0.8)
    assert median_of(TRIALS[:2], "hard step", 30) == pytest.approx(0.95)


def test_things_differ_in_colour_and_in_shape():
    looks = [style(index) for index in range(min(len(COLOURS), len(MARKERS)))]
    assert len({look["color"] for look in looks}) == len({look["marker"] for look in looks}) == len(looks) == 7
