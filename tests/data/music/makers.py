"""Music for tests: scores made by hand, and pieces that need no music21."""

from __future__ import annotations

import numpy as np

from gated.data.music import KEYS, LOWEST, Piece


def roll_of(*chords):
    """A roll from the MIDI numbers that sound at each step."""
    roll = np.zeros((len(chords), KEYS), np.uint8)
    for step, chord in enumerate(chords):
        roll[step, [key - LOWEST for key in chord]] = 1
    return roll


def random_roll(steps, rng, notes=4):
    """Some notes between C3 and C6 at every step."""
    return roll_of(*(rng.choice(np.arange(48, 85), notes, replace=False) for _ in range(steps)))


def pieces(count, rng=0, steps=(9, 14), groups=None):
    """Pieces without anything in common."""
    rng = np.random.default_rng(rng)
    names = [f"piece{k}" for k in range(count)]
    return [
        Piece(name, groups[k] if groups else name, random_roll(int(rng.integers(*steps)), rng), 4, 0, "major")
        for k, name in enumerate(names)
    ]


def score(*parts, pickup=None):
    """A score of music21: for each part (MIDI number or numbers or None, quarters), ...; pickup: length of bar one."""
    from music21 import chord, meter, note, stream

    found = stream.Score()
    for events in parts:
        part = stream.Part()
        part.append(meter.TimeSignature("4/4"))
        for key, quarters in events:
            kind = note.Rest if key is None else chord.Chord if isinstance(key, tuple) else note.Note
            each = kind() if key is None else kind(key)
            each.quarterLength = quarters
            part.append(each)
        if pickup is not None:
            part = part.makeMeasures()
            first = part.getElementsByClass("Measure").first()
            first.paddingLeft = 4 - pickup
        found.insert(0, part)
    return found
