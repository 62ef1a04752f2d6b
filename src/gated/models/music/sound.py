"""A piano roll as something to hear: plain tones in a WAV file, for whoever has no player of MIDI files at hand."""

from __future__ import annotations

import io
import wave

import numpy as np

from gated.data.music import LOWEST
from gated.data.music.rolls import Roll

RATE = 11025  # samples a second
OVERTONES = (1.0, 0.45, 0.25, 0.12, 0.06)  # of the first harmonics
FADE = 0.02  # seconds in which a tone begins and ends, without a click
FALL = 0.8  # seconds in which a tone falls to a third


def wav_bytes(roll: Roll, tempo: float = 80.0) -> bytes:
    """A WAV file: a key that sounds at several steps in a row is one long tone.

    Args:
        roll: (T, 88).
        tempo: quarter notes in a minute.
    """
    step = round(RATE * 60.0 / tempo)
    sound = np.zeros(len(roll) * step)
    for key in np.flatnonzero(roll.any(0)).tolist():
        edges = np.diff(np.pad(roll[:, key].astype(int), 1))
        for start, end in zip(np.flatnonzero(edges > 0).tolist(), np.flatnonzero(edges < 0).tolist(), strict=True):
            sound[start * step : end * step] += _tone(key, (end - start) * step)
    sound *= 0.9 / max(1.0, float(np.abs(sound).max(initial=0.0)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _tone(key: int, samples: int) -> np.ndarray:
    time = np.arange(samples) / RATE
    frequency = 440.0 * 2.0 ** ((key + LOWEST - 69) / 12)
    heard = [(n, loud) for n, loud in enumerate(OVERTONES, 1) if n * frequency < RATE / 2]
    waves = sum(loud * np.sin(2 * np.pi * n * frequency * time) for n, loud in heard)
    ends = np.minimum(np.minimum(time, time[-1] - time) / FADE, 1.0)
    return np.asarray(0.25 * waves * ends * np.exp(-time / FALL))
