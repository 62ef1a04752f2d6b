"""A network without a tape, in one call and step by step, gives what its layers give one by one, and the reference."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.learning.networks_by_chance import Drawn, distance, drawn

import gated
from gated.backends.native.passes import inference
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.native.tuning import TRIED
from gated.backends.reference import ReferenceBackend
from gated.data import Vocabulary
from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.models import CharacterLanguageModel
from gated.nn import Dense, Embedding, Network, Recurrent

sys.path.insert(0, str(Path(__file__).parent))
from residual_layer import Residual  # noqa: E402

CLOSE = {"float64": 1e-12, "float32": 5e-6}


def same_states(found: Any, wanted: Any, bound: float) -> None:
    assert found.keys() == wanted.keys()
    for name, arrays in wanted.items():
        for mine, theirs in zip(found[name], arrays, strict=True):
            assert distance(mine, theirs) <= bound


def amplifies(case: Drawn, x: Any, lengths: Any, dtype: str) -> bool:
    """Whether rounding alone may be the difference."""

    def results(network: Network, kind: str) -> list[Any]:
        y, last = network.infer(x, case.initial(network, dtype), lengths)
        return [y, *(array for arrays in last.values() for array in arrays)]

    return case.amplified(dtype, results) > CLOSE[dtype] / 5


@pytest.mark.parametrize("dtype", list(CLOSE))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(case=drawn(), whole=st.booleans(), threads=st.sampled_from([1, 2, 3]))
def test_all_layers_in_one_call(dtype: str, case: Drawn, whole: bool, threads: int) -> None:
    network, right = case.network("native", dtype), case.network("reference", "float64")
    right.theta[:] = network.theta
    x, _, lengths, _ = case.batch(network, dtype)
    assume(not amplifies(case, x, lengths, dtype))
    state = case.initial(network, dtype)
    wanted, last = right.infer(x, state, lengths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TRIED, "worthwhile", 1.0)
        if not whole:
            patch.setitem(TRIED, "all_kept", 0)
        inference._kept.forget()
        gated.set_num_threads(threads)
        y, found = network.infer(x, state, lengths)
        again, _ = network.infer(x, state, lengths)  # with what was kept
    assert y.dtype == dtype and distance(y, wanted) <= CLOSE[dtype]
    np.testing.assert_array_equal(again, y)
    same_states(found, last, CLOSE[dtype])
    layered, _, _ = network.forward(x, state, lengths)
    assert distance(y, layered) <= CLOSE[dtype]


@pytest.mark.parametrize("dtype", list(CLOSE))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(case=drawn())
def test_step_by_step(dtype: str, case: Drawn) -> None:
    assume(not any(both for _, _, _, both, _ in case.stacks) and not case.batch_first)
    network, right = case.network("native", dtype), case.network("reference", "float64")
    right.theta[:] = network.theta
    x = case.batch(network, dtype)[0]
    assume(not amplifies(case, x, None, dtype))
    state = case.initial(network, dtype)
    streams = [one.stream(case.sequences, state) for one in (network, right)]
    for x_t in x:
        found, wanted = (stream.step(x_t) for stream in streams)
        assert distance(found, wanted) <= CLOSE[dtype]
    same_states(streams[0].state, streams[1].state, CLOSE[dtype])
    streams[0].reset(state)
    assert distance(streams[0].step(x[0]), right.infer(x[:1], state)[0][0]) <= CLOSE[dtype]


# draws


def language(backend: str = "native", dtype: str = "float64", layers: int = 1, seed: int = 0, **more: Any) -> Network:
    rnn = Recurrent(gated.cells.gru, 6, 17, layers, dtype=dtype, backend=backend, seed=seed)
    made: dict[str, Any] = {"embed": Embedding(11, 6, dtype=dtype, backend=backend, seed=seed), "rnn": rnn, **more}
    network = Network({**made, "head": Dense(17, 11, dtype=dtype, backend=backend, seed=seed)})
    network.theta[:] *= 3.0  # far from equal chances
    return network


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 5),
    layers=st.integers(1, 2),
    temperature=st.sampled_from([0.0, 1e-3, 0.5, 1.0, 7.0]),
    before=st.integers(0, 3),
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_the_same_seed_draws_the_same_on_both_backends(
    batch: int, layers: int, temperature: float, before: int, counts: list[int], seed: int
) -> None:
    """Whatever was before: the ring of states makes two kinds of steps."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 11, (before + 1, batch))
    streams = [language(backend, layers=layers, seed=seed).stream(batch) for backend in ("native", "reference")]
    for ids in first[:-1]:
        for stream in streams:
            stream.step(ids)
    last = first[-1]
    for count in counts:
        uniforms = rng.random((count, batch))
        found, wanted = (stream.draw(last, uniforms, temperature) for stream in streams)
        assert found.dtype == np.int64 and found.shape == (count, batch)
        np.testing.assert_array_equal(found, wanted)
        last = found[-1] if count else last
    same_states(streams[0].state, streams[1].state, 1e-12)


def test_a_draw_is_a_step_and_a_choice_by_the_softmax() -> None:
    network, uniforms = language(), np.random.default_rng(3).random((40, 2))
    drawn = network.stream(2).draw([3, 4], uniforms, 0.6)
    stream, ids = network.stream(2), np.array([3, 4])
    for chosen, own in zip(drawn, uniforms, strict=True):
        y = stream.step(ids) / 0.6
        chances = np.exp(y - y.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        ids = np.array([np.searchsorted(np.cumsum(p), u, side="right") for p, u in zip(chances, own, strict=True)])
        np.testing.assert_array_equal(chosen, ids)
    assert len(set(drawn.ravel())) > 3


def picked(y: Any, uniforms: Any, temperature: float, dtype: str = "float64") -> Any:
    """What both backends draw from these outputs, by a table whose rows they are: they must agree."""
    y = np.asarray(y, dtype)
    found = []
    for backend in ("native", "reference"):
        network = Network({"rows": Embedding(y.shape[1], y.shape[1], dtype=dtype, backend=backend)})
        network.theta[:] = np.tile(y[0], y.shape[1])
        stream = network.stream()
        found.append([int(stream.draw(0, [u], temperature)[0]) for u in uniforms])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 16, 33])
def test_draws_go_through_all_chances_in_order(size: int, dtype: str) -> None:
    edges = (np.arange(size) + 0.5) / size
    assert picked(np.zeros((1, size)), edges, 1.0, dtype) == list(range(size))
    assert picked(np.arange(size)[None], [0.5], 1e-9, dtype) == [size - 1]
    assert picked(-np.arange(size)[None], [0.0, 1 - 2**-53], 0.0, dtype) == [0, 0]


def test_the_edges_of_draws() -> None:
    inf = np.inf
    assert picked([[-inf, 1.0, -inf, 1.0, -inf]], [0.0, 0.49, 0.51, 1 - 2**-53], 1.0) == [1, 1, 3, 3]
    assert picked([[2.0, 5.0, 5.0]], [0.9], 0.0) == [1], "the first of the largest"
    assert picked([[1e308, -1e308]], [0.999], 1e-300) == [0]
    assert picked([[1e308, -1e308, 1e308]], [0.4, 0.6], 1e300) == [0, 2]


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_is_not_finite_is_told(bad: float, temperature: float, backend: str) -> None:
    network = Network({"rows": Embedding(3, 3, dtype="float64", backend=backend)})
    network.params["rows.W"] = [[0.0, 9.0, 0.0], [0.0, 0.0, 9.0], [bad] * 3]
    for batch in (1, 2):
        stream = network.stream(batch)
        with pytest.raises(GatedError, match="draw: the network's output is not finite at step 2"):
            stream.draw([0] * batch, np.full((6, batch), 0.5), temperature and 0.01)


def test_a_layer_of_somebodys_own_draws_too() -> None:
    own, uniforms = language(mine=Residual(Dense(17, 17, dtype="float64"))), np.random.default_rng(4).random(30)
    assert "part by part" in own.explain()
    found = own.stream().draw(5, uniforms, 0.7)
    stream, last = own.stream(), 5
    for chosen, uniform in zip(found, uniforms, strict=True):
        last = int(ReferenceBackend().pick(stream.step(last), np.array([uniform]), 0.7)[0])
        assert chosen == last


def test_the_same_text_for_the_same_seed_on_both_backends() -> None:
    texts = []
    for backend in ("native", "reference"):
        network = language(backend)
        model = CharacterLanguageModel(network, Vocabulary("abcdefghij\n"))
        texts.append(model.sample(300, temperature=0.9, prompt="abc", seed=5))
        assert model.sample(7, temperature=0.9, prompt="abc", seed=5) == texts[-1][:7]
    assert texts[0] == texts[1] and len(set(texts[0])) > 5


def test_refusals_of_draws() -> None:
    stream, u = language().stream(2), np.full((3, 2), 0.5)
    for arguments, message in (
        (([1], u), r"first: got .*, expected shape \(2,\)"),
        (([1, 11], u), "first: got the id 11, expected ids from 0 to 10"),
        (([-1, 3], u), "first: got the id -1"),
        (([1, 2], u[:, :1]), "uniforms: got .*, expected shape"),
        (([1, 2], u + 0.5), "uniforms: got 1.0 to 1.0, expected from 0 to below 1"),
        (([1, 2], u * np.nan), "uniforms: got nan"),
        (([1, 2], u, -1.0), "temperature: got -1.0"),
    ):
        with pytest.raises(ArgumentError, match=message):
            stream.draw(*arguments)
    with pytest.raises(ArgumentTypeError, match="first: got .*, expected integer ids"):
        stream.draw([1.0, 2.0], u)
    series = Network({"rnn": Recurrent(gated.cells.rnn, 3, 3)})
    with pytest.raises(ArgumentError, match="network: got one that takes no ids"):
        series.stream().draw(0, [0.5])
    wide = Network({"embed": Embedding(3, 4), "head": Dense(4, 5)})
    with pytest.raises(ArgumentError, match="takes ids from 0 to 2 and has 5 outputs, expected an id for each output"):
        wide.stream().draw(0, [0.5])
    np.testing.assert_array_equal(stream.draw([1, 2], u), language().stream(2).draw([1, 2], u)), "nothing was lost"


def test_more_sequences_than_there_is_memory_for() -> None:
    with pytest.raises(ArgumentError, match="batch: got 1,000,000,000,000, which takes"):
        language().stream(10**12)


def test_an_id_that_is_none_is_never_read() -> None:
    """The layers look first; machine code does too."""
    network = language()
    assert isinstance(network.linked, gated.nn.linked.Linked)
    stream = NativeBackend().stream(network.linked.chain, network.theta, 1)
    stream.x[0] = 10**12
    stream.step()
    for bad in (11, -1):
        with pytest.raises(ArgumentError, match=f"x_t: got the id {bad}, expected ids from 0 to 10"):
            network.stream().step(bad)
        with pytest.raises(ArgumentError, match=f"x: got the id {bad}"):
            network.infer([[bad]])


def test_changed_parameters_are_seen() -> None:
    """By the next call; by a stream after `refresh`."""
    network, x = language(), np.array([[1], [2]])
    before, stream = network.infer(x)[0], network.stream()
    network.theta[:] *= 1.5
    assert distance(network.infer(x)[0], network.forward(x)[0]) <= 1e-12
    assert distance(network.infer(x)[0], before) > 1e-3
    stream.refresh()
    assert distance(stream.step(1), network.infer(x[:1])[0][0]) <= 1e-12
    outer, state = Network({"inner": network}), stream.state
    outer.theta[:] *= 1.5
    stream.refresh()
    assert distance(stream.step(2), outer.infer(x[1:], {"inner": state})[0][0]) <= 1e-12


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_batches_of_all_lengths_share_what_is_kept(both: bool, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made for one batch is told how long the sequences of the next are, and how many."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    gated.set_num_threads(threads)
    rng = np.random.default_rng(8)
    networks = []
    for backend in ("native", "reference"):
        rnn = Recurrent(gated.cells.lstm, 6, 9, 2, bidirectional=both, dtype="float64", backend=backend)
        embed = Embedding(11, 6, dtype="float64", backend=backend)
        head = Dense(rnn.output_size, 7, "tanh", dtype="float64", backend=backend)
        networks.append(Network({"embed": embed, "rnn": rnn, "head": head}))
    inference._kept.forget()
    for steps, sequences in ((16, 8), (9, 8), (15, 5), (16, 7), (10, 6), (14, 8), (1, 8), (3, 2), (12, 2), (16, 8)):
        lengths = rng.integers(0, steps + 1, sequences)
        lengths[rng.integers(sequences)] = steps
        lengths[-1] = min(lengths[-1], steps - 1)
        ids = rng.integers(0, 11, (steps, sequences))
        found, wanted = (network.infer(ids, lengths=lengths) for network in networks)
        assert distance(found[0], wanted[0]) <= 1e-12
        same_states(found[1], wanted[1], 1e-12)
    assert len(inference._kept) <= 6
