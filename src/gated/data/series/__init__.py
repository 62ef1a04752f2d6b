"""Sequences with a class or a number each, as others keep them in files.

    read_sequences     any of the following, by the ending of the file
    read_ts            `.ts`, of the archives of time series (UCR, UEA) and of sktime and aeon
    read_npz           arrays of NumPy
    read_csv           a table: a row a step, or a row a sequence
    aeon_sequences     the data sets that the package aeon carries

The files, each of which imports only those above it:

    sequence_set       what all of them return
    labels             classes or numbers, from texts
    ts, npz            these files
    columns, table     tables
    aeon_data          where aeon's lie
    reading            by the ending
"""

from __future__ import annotations

from gated.data.series.aeon_data import aeon_folder, aeon_sequences
from gated.data.series.npz import read_npz
from gated.data.series.reading import read_sequences
from gated.data.series.sequence_set import SequenceSet
from gated.data.series.table import read_csv
from gated.data.series.ts import read_ts
from gated.publish import publish

publish("gated.data.series", SequenceSet)

__all__ = ["SequenceSet", "aeon_folder", "aeon_sequences", "read_csv", "read_npz", "read_sequences", "read_ts"]
