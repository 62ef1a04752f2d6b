"""Draws among the likeliest: the k first, the nucleus; by brute force over all sets."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gated
from gated.backends.reference import ReferenceBackend
from gated.errors import GatedError
from gated.nn import Dense, Embedding, Network, Recurrent

EDGES = (np.arange(4000) + 0.5) / 4000


def language(backend: str = "native", seed: int = 0) -> Network:
    made: dict[str, Any] = {
        "embed": Embedding(11, 6, dtype="float64", backend=backend, seed=seed),
        "rnn": Recurrent(gated.cells.gru, 6, 17, dtype="float64", backend=backend, seed=seed),
        "head": Dense(17, 11, dtype="float64", backend=backend, seed=seed),
    }
    network = Network(made)
    network.theta[:] *= 3.0  # far from equal chances
    return network


def drawn_from(y: Any, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Any:
    """How often each is drawn, as a part of all, from one row of outputs."""
    rows = np.tile(np.asarray(y, float), (len(EDGES), 1))
    found = ReferenceBackend().pick(rows, EDGES, temperature, top_k, top_p)
    return np.bincount(found, minlength=rows.shape[1]) / len(EDGES)


def softmax(y: Any) -> Any:
    p = np.exp(np.asarray(y) - np.max(y))
    return p / p.sum()


def smallest_set(p: Any, part: float) -> tuple[int, ...]:
    """Of all sets with this part of the probability the smallest; of these the likeliest, the first."""
    ids = range(len(p))
    for size in range(1, len(p) + 1):
        sets = [own for own in itertools.combinations(ids, size) if p[list(own)].sum() >= part]
        if sets:
            return max(sets, key=lambda own: (round(p[list(own)].sum(), 12), [-k for k in own]))
    return tuple(ids)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 7),
    seed=st.integers(0, 999),
    part=st.floats(0.01, 0.999),
    temperature=st.sampled_from([0.3, 1.0, 2.5]),
)
def test_the_nucleus_is_the_smallest_set_with_its_part(size: int, seed: int, part: float, temperature: float) -> None:
    y = np.random.default_rng(seed).normal(0, 2, size)
    p = softmax(y / temperature)
    own = list(smallest_set(p, part))
    wanted = np.zeros(size)
    wanted[own] = p[own] / p[own].sum()
    np.testing.assert_allclose(drawn_from(y, temperature, top_p=part), wanted, atol=2 / len(EDGES))


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 9), seed=st.integers(0, 999), k=st.integers(1, 12), part=st.sampled_from([None, 0.6, 1.0]))
def test_the_k_likeliest_and_of_these_the_nucleus(size: int, seed: int, k: int, part: float | None) -> None:
    y = np.random.default_rng(seed).normal(0, 2, size)
    first = np.sort(np.argsort(-y)[:k])
    p = np.zeros(size)
    p[first] = softmax(y[first])
    if part is not None:
        own = first[list(smallest_set(p[first], part))]
        p[np.setdiff1d(np.arange(size), own)] = 0.0
        p /= p.sum()
    np.testing.assert_allclose(drawn_from(y, 1.0, k, part), p, atol=2 / len(EDGES))


def test_of_equal_ones_the_first() -> None:
    y = [1.0, 3.0, 3.0, 0.0, 3.0]
    assert (drawn_from(y, top_k=2) > 0).nonzero()[0].tolist() == [1, 2]
    assert (drawn_from(y, top_k=4) > 0).nonzero()[0].tolist() == [0, 1, 2, 4]
    assert (drawn_from(np.zeros(4), top_p=0.5) > 0).nonzero()[0].tolist() == [0, 1], "half is reached with two of four"
    assert (drawn_from(np.zeros(4), top_p=0.51) > 0).nonzero()[0].tolist() == [0, 1, 2]
    assert drawn_from([0.0, 9.0], temperature=0.0, top_p=0.5).tolist() == [0.0, 1.0]
    assert drawn_from([-np.inf, 0.0, -np.inf], top_k=2).tolist() == [0.0, 1.0, 0.0]
    assert drawn_from([0.0, 800.0], top_p=1e-300).tolist() == [0.0, 1.0], "one is left always"


@pytest.mark.parametrize("batch", [1, 3])
def test_both_backends_draw_the_same_and_with_everything_allowed_as_without(batch: int) -> None:
    uniforms = np.random.default_rng(7).random((60, batch))
    first = np.arange(batch)
    for how in ({"top_k": 3}, {"top_p": 0.7}, {"top_k": 4, "top_p": 0.8}, {"top_k": 1}):
        found, wanted = (
            language(b).stream(batch).draw(first, uniforms, 0.9, **how)  # type: ignore[arg-type]
            for b in ("native", "reference")
        )
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.int64
    plain = language().stream(batch).draw(first, uniforms, 0.9)
    for how in ({"top_k": 11}, {"top_k": 10**30}, {"top_p": 1.0}):
        np.testing.assert_array_equal(language().stream(batch).draw(first, uniforms, 0.9, **how), plain)  # type: ignore[arg-type]
    coldest = language().stream(batch).draw(first, uniforms, 0.0)
    for how in ({"top_k": 1}, {"top_p": 1e-9}):
        np.testing.assert_array_equal(language().stream(batch).draw(first, uniforms, 0.9, **how), coldest)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(
    size=st.one_of(st.integers(1, 40), st.sampled_from([127, 128, 129, 1000])),
    different=st.sampled_from([2, 5, 10**6]),
    batch=st.integers(1, 3),
    k=st.one_of(st.none(), st.integers(1, 45)),
    part=st.one_of(st.none(), st.floats(1e-3, 0.999)),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 999),
)
def test_machine_code_chooses_from_rows_with_equal_numbers_as_the_reference_does(
    size: int, different: int, batch: int, k: int | None, part: float | None, dtype: str, seed: int
) -> None:
    """The rows of a table are the outputs; few different numbers make many equal ones, some are -inf."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, different, (size, size)) * (6.0 / different)
    table[rng.random((size, size)) < 0.1] = -np.inf
    table[:, -1] = np.where(np.isinf(table).all(axis=1), 1.0, table[:, -1])
    uniforms, first, found = rng.random((15, batch)), rng.integers(0, size, batch), []
    for backend in ("native", "reference"):
        network = Network({"rows": Embedding(size, size, dtype=dtype, backend=backend)})
        network.theta[:] = table.ravel()
        found.append(network.stream(batch).draw(first, uniforms, 0.9, top_k=k, top_p=part))
    np.testing.assert_array_equal(*found)


def test_plain_draws_and_such_among_the_likeliest_go_on_from_each_other() -> None:
    uniforms = np.random.default_rng(8).random(30)
    stream, other = language().stream(), language().stream()
    parts = [stream.draw(1, uniforms[:7], 0.8)]
    parts.append(stream.draw(parts[-1][-1], uniforms[7:12], 0.8, top_p=1.0))
    parts.append(stream.draw(parts[-1][-1], uniforms[12:], 0.8))
    np.testing.assert_array_equal(np.concatenate(parts), other.draw(1, uniforms, 0.8))


def test_refusals() -> None:
    stream = language().stream()
    for how, message in (
        ({"top_k": 0}, "^top_k: got 0, expected a whole number of at least 1$"),
        ({"top_k": 2.5}, "^top_k: got 2.5, expected a whole number$"),
        ({"top_k": True}, "^top_k: got True"),
        ({"top_p": 0.0}, "^top_p: got 0.0, expected a finite number above 0$"),
        ({"top_p": 1.01}, r"^top_p: got 1.01, expected a number in \[0, 1\]$"),
        ({"top_p": float("nan")}, "^top_p: got nan"),
        ({"top_p": "0.9"}, "^top_p: got '0.9', expected a number$"),
    ):
        with pytest.raises(GatedError, match=message):
            stream.draw(1, [0.5], 1.0, **how)  # type: ignore[arg-type]
    network = Network({"rows": Embedding(3, 3, dtype="float64")})
    network.params["rows.W"] = [[0.0, 9.0, 0.0], [0.0, 0.0, 9.0], [np.nan] * 3]
    with pytest.raises(GatedError, match="draw: the network's output is not finite at step 2"):
        network.stream().draw(0, np.full(6, 0.5), 0.1, top_k=2)
