"""The notes of a MIDI file, event by event: music21's way from MIDI to bars moves notes that cross a bar line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from gated.data.music.rolls import music21

DRUMS = 10  # the channel whose keys are no pitches
GRID = (4, 3)  # parts of a quarter note, to the nearest of which times are taken

Note = tuple[Fraction, Fraction, int]  # beginning and end in quarter notes, key


def midi_notes(content: bytes) -> tuple[list[Note], int]:
    """(all notes in the order of their ends, how many tracks have some). Drums are left out.

    What is still on at the end of its track ends there; what is struck again before it is off ends there too.
    """
    file = music21("midi").MidiFile()
    file.readstr(content)
    found: list[Note] = []
    tracks = 0
    for track in file.tracks:
        own = list(_of_track(track.events, file.ticksPerQuarterNote))
        found += own
        tracks += bool(own)
    return found, tracks


def _of_track(events: Iterable[Any], ticks: int) -> Iterator[Note]:
    time, begun = Fraction(0), dict[tuple[int, int], Fraction]()  # channel and key -> when

    def ended(which: tuple[int, int]) -> Iterator[Note]:
        start, end = begun.pop(which, time), _near(time)
        if start < end:
            yield start, end, which[1]

    for event in events:
        if event.isDeltaTime():
            time += Fraction(event.time, ticks)
        elif (event.isNoteOn() or event.isNoteOff()) and event.channel != DRUMS:
            yield from ended((event.channel, event.pitch))
            if event.isNoteOn() and event.velocity:
                begun[event.channel, event.pitch] = _near(time)
    for which in list(begun):
        yield from ended(which)


def _near(time: Fraction) -> Fraction:
    return min((Fraction(round(time * parts), parts) for parts in GRID), key=lambda on: abs(on - time))
