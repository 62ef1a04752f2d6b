"""Captions from a stream of words: the likeliest word each time, drawn, or by beam search.

Legend: N pictures, W beams of each, V words, T words of a caption.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.models.text_score import log_softmax

Ids = NDArray[np.int64]


def drawn(stream: Any, pictures: int, start: int, uniforms: NDArray[np.float64], temperature: float) -> Ids:
    """(T, N) words; what stands behind an <END> means nothing. Temperature 0: the likeliest each time."""
    return np.asarray(stream.draw(np.full(pictures, start), uniforms, temperature))


def beam_search(
    stream: Any, pictures: int, beams: int, start: int, end: int, length: int, penalty: float = 0.0
) -> tuple[Ids, NDArray[np.float64]]:
    """The best captions that a search finds which keeps W beginnings of each picture, by the sum of their words' log p.

    With W = 1 it takes the likeliest word each time; with W above the number of all beginnings it finds the likeliest
    caption of all.

    Args:
        stream: of N * W sequences, those of a picture side by side (`NetworkStream`, with `select`).
        start: the word that a caption begins after.
        end: the word that it ends with.
        length: T; what has not ended by then is as good as ended.
        penalty: captions are compared by log p / T_own^penalty; 0: by log p, which likes short ones.

    Returns:
        (T, N) words, `end` behind the end; (N,) the log p of each.
    """
    rows = np.arange(pictures)[:, None]
    score = np.full((pictures, beams), -np.inf)
    score[:, 0] = 0.0  # all begin alike: one of them counts
    ids = np.full((pictures, beams), start)
    ended, long = np.zeros((pictures, beams), bool), np.zeros((pictures, beams))
    written = np.empty((0, pictures, beams), np.int64)
    for _ in range(length):
        log_p = log_softmax(np.asarray(stream.step(ids.reshape(-1)))).reshape(pictures, beams, -1)
        words = log_p.shape[2]
        log_p[ended] = -np.inf
        log_p[ended, end] = 0.0  # a caption that has ended goes on as it is
        own = score[:, :, None] + log_p
        lengths = np.broadcast_to((long + ~ended)[:, :, None], own.shape)
        worth = own / np.maximum(lengths, 1.0) ** penalty
        best = np.argsort(-worth.reshape(pictures, -1), axis=1, kind="stable")[:, :beams]
        beam, ids = best // words, best % words
        score = own.reshape(pictures, -1)[rows, best]
        long = (long + ~ended)[rows, beam]
        ended = ended[rows, beam] | (ids == end)
        written = np.concatenate([written[:, rows, beam], ids[None]])
        stream.select((rows * beams + beam).reshape(-1))
        if ended.all():
            break
    best = np.argmax(score / np.maximum(long, 1.0) ** penalty, axis=1)
    each = np.arange(pictures)
    found = np.full((length, pictures), end)
    found[: len(written)] = written[:, each, best]
    return found, score[each, best]
