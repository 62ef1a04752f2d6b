"""The tables of the contest on chorales say what was found, in both languages."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("music21")

from benchmarks import music, music_table


def found():
    how = {"hidden": 8, "layers": 2, "dropout": 0.5, "batch": 8, "lr": 0.01}
    runs = [{"test": value, "valid": value + 1} for value in (8.0, 8.1, 8.2)]
    names = "small", "chosen", "written", "moved", "theirs"
    rows = [{"name": name, "cell": "lstm", "how": how, "parameters": 1234, "runs": runs} for name in names]
    data = {"pieces": 9, "steps": 5678, "ending": 5, "test": 3, "shared": 2}
    texture = {"notes": 3.5, "spread": 0.25, "four": 0.5, "silent": 0.0, "held": 0.33, "clashing": 0.1}
    return {
        "conditions": {"gated": "1.2", "music21": "3.4", "date": "2001-02-03"},
        "pieces": {name: {"pieces": 3, "steps": 4321} for name in ("train", "valid", "test")},
        "rows": rows,
        "data": {"ours": data, "theirs": {**data, "pieces": 8}},
        "textures": {"Bach": texture, "1 free": texture, "0.4 4": texture},
    }


def test_the_table_for_the_terminal():
    text = music_table.text(found())
    assert len(re.findall(r"8\.10 ± 0\.10 +9\.10 ± 0\.10", text)) == 5 and "2 × 8" in text and "1,234" in text
    assert "8.71 *" in text and "8.54\n" in text and "8.54 *" not in text  # one figure alone was confirmed
    assert "4,321 steps" in text and "2001-02-03" in text
    assert "Our 9 pieces are 5,678 quarter notes; 5 end on a C" in text and "The papers' 8 are 5,678" in text
    without = {**found(), "data": {"ours": found()["data"]["ours"]}}
    assert "The papers'" not in music_table.text(without)
    assert "3.50 ± 0.25" in text and "composed, temperature 0.4, four voices" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_tables_of_a_page(lang):
    page = music_table.page(found(), lang, "music")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 5 + len(music_table.PAPERS) and {line.count("|") for line in lines} == {6}
    assert page.count(r"\*") == 5, "four figures and what the star means"
    composed = music_table.page(found(), lang, "composed").splitlines()
    assert len(composed) == 2 + 3 and {line.count("|") for line in composed} == {6}


def test_a_small_network_has_about_so_many_parameters():
    from gated.models.music import PianoRollModel

    for name, cell in music.CELLS.items():
        size = PianoRollModel.build(cell, hidden_size=music.small(name)).network.theta.size
        assert size == pytest.approx(music.SMALL, rel=0.03)


def test_a_row_is_three_seeds_judged_by_the_test_pieces(capsys):
    from gated.data.music import MusicSplit

    rolls = list(np.random.default_rng(0).integers(0, 2, (9, 5, 88)))
    pieces = MusicSplit(rolls[:5], rolls[5:7], rolls[7:])
    how = music.chosen("rnn", [music.How(4, 1, 0.0, 2, 1e-2), music.How(5, 1, 0.0, 2, 3e-3)], pieces)
    row = music.row("small", "rnn", how, pieces)
    assert [run["seed"] for run in row["runs"]] == [0, 1, 2] and row["how"]["hidden"] in (4, 5)
    model, facts = music.trained("rnn", how, pieces, 2)
    assert row["runs"][2]["test"] == model.evaluate(pieces.test)
    assert facts["valid"] == model.evaluate(pieces.valid) and "test" not in facts
    assert json.loads(json.dumps(row)) == row


def test_common_music_is_counted():
    from gated.data.music import MusicSplit, shifted

    rng = np.random.default_rng(0)
    rolls = [shifted((rng.random((12, 88)) < 0.05) & (np.arange(88) > 9) & (np.arange(88) < 70), 0) for _ in range(5)]
    copy = np.concatenate([rolls[0][:2] * 0, shifted(rolls[0][:9], 2)])
    before = music.facts_of(MusicSplit(rolls[:2], [], rolls[2:]))
    after = music.facts_of(MusicSplit(rolls[:2], [], [*rolls[2:], copy]))
    assert (before["pieces"], before["steps"], before["test"], before["shared"]) == (5, 60, 3, 0)
    assert (after["pieces"], after["steps"], after["test"], after["shared"]) == (6, 71, 4, 1)
    c = np.zeros((1, 88))
    c[0, [3, 10, 15]] = 1  # C1 and others above
    assert music.facts_of(MusicSplit([c], [], [c[:, ::-1]]))["ending"] == 1


def test_the_papers_rolls_are_read(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    rolls = [np.eye(88)[:3], np.eye(88)[5:7]]
    cells = np.empty((1, 2), object)
    cells[0, :] = rolls
    savemat(tmp_path / "a.mat", {f"{name}data": cells for name in ("train", "valid", "test")})
    for part in music.theirs(str(tmp_path / "a.mat")):
        for own, roll in zip(part, rolls, strict=True):
            np.testing.assert_array_equal(own, roll)
