"""Music, by any cell: which keys of a piano sound at the next quarter note. See `PianoRollModel`.

The files, each of which imports only those above it:

    network, batches     the layers; rolls side by side
    choosing             keys are drawn
    piano_roll_model     all of it together: learns, judges, composes, is a file
    music_settings       what a run in a folder is asked for
    music_run            the run
    pictures, report     rolls and gates drawn; a page about a run
"""

from __future__ import annotations

from gated.models.music.piano_roll_model import PianoRollModel
from gated.publish import publish

publish("gated.models.music", PianoRollModel)

__all__ = ["PianoRollModel"]
