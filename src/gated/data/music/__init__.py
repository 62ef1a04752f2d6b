"""Music as piano rolls: which of the 88 keys sound at each quarter note.

    bach_chorales     Bach's chorales in four parts, from the corpus that comes with music21
    music_folder      MIDI, MusicXML and Humdrum files of one's own
    read_music        one of them; what is read once is kept on disk
    split_pieces      what is learned from, what is chosen by, what is judged by
    write_midi        a roll as a standard MIDI file
    texture           how thick a roll is and how it moves, in numbers

The files, each of which imports only those above it:

    rolls             rolls, and pieces of which each has one
    midi_events       the notes of a MIDI file
    scores            what a score says, by music21
    kept              the same, kept on disk
    collections       the chorales, and folders
    splitting         which pieces belong together, and the split
    midi, measures    what is made of a roll
"""

from __future__ import annotations

from gated.data.music.collections import MusicFolder, bach_chorales, music_folder
from gated.data.music.kept import read_music
from gated.data.music.measures import Texture, texture
from gated.data.music.midi import write_midi
from gated.data.music.rolls import HIGHEST, KEYS, LOWEST, Piece, check_roll, shifted
from gated.data.music.scores import piano_roll
from gated.data.music.splitting import MusicSplit, split_pieces
from gated.publish import publish

publish("gated.data.music", MusicFolder, MusicSplit, Piece, Texture)

__all__ = [
    "HIGHEST",
    "KEYS",
    "LOWEST",
    "MusicFolder",
    "MusicSplit",
    "Piece",
    "Texture",
    "bach_chorales",
    "check_roll",
    "music_folder",
    "piano_roll",
    "read_music",
    "shifted",
    "split_pieces",
    "texture",
    "write_midi",
]
