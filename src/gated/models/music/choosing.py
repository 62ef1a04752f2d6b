"""Which keys sound, drawn from a probability for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]
LARGE = 1e300  # of which a sum over all keys is still a number


def chosen(logits: Any, uniforms: Any, temperature: float, voices: int | None) -> NDArray[np.uint8]:
    """Each key by itself, with probability sigmoid(logit / temperature); or so many of them as there are voices.

    Args:
        logits: (K,).
        uniforms: (K,) from 0 to below 1, one for each key.
        temperature: above 1 bolder, below more cautious; 0: the likeliest keys, without voices as many as sound on the
            average. (Which keys are likelier than not is another question, and the answer is mostly: none.)
        voices: so many sound: the draw is that of independent keys, on condition that the number is this one.

    Returns:
        (K,) of zeros and ones.
    """
    logits, uniforms = np.asarray(logits, np.float64), np.asarray(uniforms, np.float64)
    if temperature == 0.0:
        found = np.zeros(len(logits), np.uint8)
        found[np.argsort(-logits, kind="stable")[: usual_number(logits) if voices is None else voices]] = 1
        return found
    with np.errstate(over="ignore", divide="ignore"):  # log 0 is below every logit, as it should be
        logits = np.clip(logits / temperature, -LARGE, LARGE)
        if voices is not None:
            return _so_many(logits, np.log(uniforms), voices)
        return (np.log(uniforms) - np.log1p(-uniforms) < logits).astype(np.uint8)


def usual_number(logits: Logits) -> int:
    """How many keys sound on the average, to the nearest whole number: the mean over the draws at temperature 1."""
    return int(np.exp(-np.logaddexp(0.0, -logits)).sum() + 0.5)


def _so_many(logits: Logits, uniforms: Logits, voices: int) -> NDArray[np.uint8]:
    """Independent keys on condition that `voices` sound (the conditional Bernoulli distribution), by logarithms.

    Source: S. X. Chen, J. S. Liu (1997), Statistical applications of the Poisson-binomial and conditional Bernoulli
    distributions, Statistica Sinica 7, 875-892: key by key, each with its probability given how many are left to be
    chosen.
    """
    sums = np.full(
        (len(logits) + 1, voices + 1), -np.inf
    )  # [k, v]: over the choices of v keys from k on, of their odds
    sums[-1, 0] = 0.0
    for k in reversed(range(len(logits))):
        sums[k] = sums[k + 1]
        sums[k, 1:] = np.logaddexp(sums[k, 1:], logits[k] + sums[k + 1, :-1])
    found, left = np.zeros(len(logits), np.uint8), voices
    for k in range(len(logits)):
        if left and uniforms[k] < logits[k] + sums[k + 1, left - 1] - sums[k, left]:
            found[k] = 1
            left -= 1
    return found
