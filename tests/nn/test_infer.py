"""Forward without a tape and step by step: the same numbers as `forward`, on both backends."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from tests.zoo import FEW

import gated
from gated.backends.native.passes import inference, inference_plan
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.cells import ZOO

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
SIZES = {"projected_lstm": {"h": 7}}


def off(got: np.ndarray, want: np.ndarray) -> float:
    size = float(np.linalg.norm(want))
    return float(np.linalg.norm(got - want)) / size if size else float(np.linalg.norm(got))


def inputs(layer: gated.Recurrent, steps: int, batch: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((steps, batch, layer.input_size)).astype(layer.dtype)
    return x, tuple(rng.uniform(0.5, 1.0, s.shape).astype(layer.dtype) for s in layer.initial_state(batch))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FEW)
def test_infer_is_forward(name: str, dtype: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    monkeypatch.setattr(pool, "_threads", threads)
    for steps, batch, lengths, options in (
        (1, 1, None, {}),
        (5, 9, None, {}),
        (40, 1, None, {}),
        (7, 2, None, {}),
        (0, 3, None, {}),
        (6, 7, [6, 1, 3, 0, 6, 2, 4], {"num_layers": 2, "bidirectional": True}),
    ):
        layer = gated.Recurrent(ZOO[name], 9, 19, dtype=dtype, backend="native", sizes=SIZES.get(name), **options)
        x, state = inputs(layer, steps, batch)
        want, last, _ = layer.forward(x, state, lengths)
        y, new = layer.infer(x, state, lengths)
        assert y.shape == want.shape and y.dtype == want.dtype
        for got, expected in zip((y, *new), (want, *last), strict=True):
            assert off(got, expected) <= TOLERANCE[dtype], (name, steps, batch)


def test_few_sequences_in_pieces_that_fit_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "ahead", 1)
    layer = gated.PeepholeLSTM(5, 13, dtype="float64", backend="native")
    x, state = inputs(layer, 50, 3)
    want, last, _ = layer.forward(x, state, [50, 33, 17])
    y, new = layer.infer(x, state, [50, 33, 17])
    for got, expected in zip((y, *new), (want, *last), strict=True):
        assert off(got, expected) <= 1e-13


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (1, 4), (9, 1), (8, 2), (9, 7), (40, 3)])
def test_a_stack_in_one_call_has_the_same_bits_for_any_number_of_threads_and_in_pieces(
    steps: int, batch: int, lengths: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    own = [max(0, steps - 3 * n) for n in range(batch)][::-1] if lengths else None
    for cell, hidden, dtype in (("lstm", 16, "float32"), ("gru", 21, "float64"), ("projected_lstm", 19, "float32")):
        options = {"num_layers": 3, "bidirectional": True, "sizes": SIZES.get(cell), "dtype": dtype}
        layer = gated.Recurrent(ZOO[cell], 9, hidden, backend="native", **options)
        x, state = inputs(layer, steps, batch)
        reference = gated.Recurrent(ZOO[cell], 9, hidden, backend="reference", **options)
        want, last = reference.infer(x, state, own)
        found = set()
        for threads in (1, 2, 3, 4, 16):
            monkeypatch.setattr(pool, "_threads", threads)
            for _ in range(2):
                y, new = layer.infer(x, state, own)
                found.add(b"".join(array.tobytes() for array in (y, *new)))
                for got, expected in zip((y, *new), (want, *last), strict=True):
                    assert off(got, expected) <= TOLERANCE[dtype]
        with monkeypatch.context() as patch:
            patch.setitem(TRIED, "all_kept", 0)  # one layer and direction after the other
            found.add(b"".join(array.tobytes() for array in (lambda y, new: (y, *new))(*layer.infer(x, state, own))))
            patch.setitem(TRIED, "ahead", 1)
            y, new = layer.infer(x, state, own)
            for got, expected in zip((y, *new), (want, *last), strict=True):
                assert off(got, expected) <= TOLERANCE[dtype]
        assert len(found) == 1, (cell, threads)


def test_a_stack_is_one_run_of_the_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool, "_threads", 2)
    layer = gated.LSTM(5, 16, num_layers=3, bidirectional=True)
    x, state = inputs(layer, 6, 5)
    layer.infer(x, state)
    runs: list[int] = []
    run = pool.Pool.run

    def counted(own: pool.Pool, program: int, members: int, alone: int) -> None:
        runs.append(members)
        run(own, program, members, alone)

    monkeypatch.setattr(pool.Pool, "run", counted)
    for lengths in (None, [6, 2, 0, 3, 6]):
        layer.infer(x, state, lengths)
    assert runs == [2, 2]


@pytest.mark.parametrize("batch", [1, 9])
def test_large_parameters_and_the_products_with_x_ahead(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "large", 1000)
    monkeypatch.setitem(TRIED, "ahead", 1)
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool, "_threads", 3)
    layer = gated.PeepholeLSTM(5, 13, dtype="float64", num_layers=2)
    x, state = inputs(layer, 40, batch)
    for lengths in (None, [40 - 4 * n for n in range(batch)]):
        want, last, _ = layer.forward(x, state, lengths)
        y, new = layer.infer(x, state, lengths)
        for got, expected in zip((y, *new), (want, *last), strict=True):
            assert off(got, expected) <= 1e-13
    assert all(call.plan.ahead for call in inference._kept.values()[-2:])


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", FEW)
def test_a_stream_is_forward_step_by_step(name: str, backend: str) -> None:
    for batch, layers in ((1, 1), (4, 2)):
        layer = gated.Recurrent(
            ZOO[name], 6, 11, num_layers=layers, dtype="float64", backend=backend, sizes=SIZES.get(name)
        )
        x, state = inputs(layer, 9, batch)
        want, last, _ = layer.forward(x, state)
        stream = layer.stream(batch, state)
        for t in range(9):
            assert off(stream.step(x[t]), want[t]) <= 1e-13
        for got, expected in zip(stream.state, last, strict=True):
            assert off(got, expected) <= 1e-13
        stream.reset(state)
        assert off(stream.step(x[0]), want[0]) <= 1e-13
        stream.reset()
        assert off(stream.step(x[0]), layer.forward(x[:1])[0][0]) <= 1e-13


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_stream_reads_new_parameters_when_told(backend: str) -> None:
    layer = gated.GRU(4, 6, dtype="float64", backend=backend)
    stream = layer.stream()
    x = np.ones((1, 4))
    layer.theta[:] = 0.3
    stream.refresh()
    np.testing.assert_allclose(stream.step(x), layer.infer(x[None])[0][0], rtol=1e-13)


def test_a_stream_of_one_takes_a_vector_or_a_list() -> None:
    layer = gated.LSTM(3, 4, backend="native")
    stream = layer.stream()
    first = stream.step([1, 2, 3]).copy()
    stream.reset()
    np.testing.assert_array_equal(stream.step(np.array([[1.0, 2.0, 3.0]])), first)


def test_streams_of_one_layer_do_not_mix() -> None:
    layer = gated.LSTM(3, 4, backend="native")
    one, other = layer.stream(), layer.stream()
    x = np.ones((1, 3), np.float32)
    first = one.step(x).copy()
    one.step(x)
    np.testing.assert_array_equal(other.step(x), first)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 6])
def test_packed_parameters_are_used_again_and_never_when_they_have_changed(
    batch: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool, "_threads", threads)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)  # a part of what a plan is found by
    inference._kept.forget()  # what other tests have left has other parts
    layers = [gated.LSTM(5, 19, num_layers=2, seed=seed, dtype="float64") for seed in (1, 2)]
    x = np.random.default_rng(0).standard_normal((7, batch, 5))

    def packed(layer: gated.Recurrent) -> tuple[np.ndarray, list[bool]]:
        """The output, and for both layers of the network whether their parameters were packed for it."""
        for chain in inference._kept.values():
            for part in getattr(chain, "parts", [chain]):
                part.plan.renewal.flags_in(part.fixed)[1:] = 0
        y = layer.infer(x)[0]
        parts = inference._kept.values()[-1].parts
        return y, [bool(part.plan.renewal.flags_in(part.fixed)[1:].any()) for part in parts]

    def same(layer: gated.Recurrent, anew: list[bool]) -> None:
        y, found = packed(layer)
        np.testing.assert_allclose(y, layer.forward(x)[0], rtol=1e-12, atol=1e-14)
        assert found == anew

    same(layers[0], [True, True])
    same(layers[0], [False, False])
    same(layers[1], [True, True])
    same(layers[0], [False, False])  # the other layer has the same plan
    layers[0].params["l1.U.f"][3, 4] += 1e-3
    same(layers[0], [False, True])
    layers[0].theta[...] *= 1.01
    same(layers[0], [True, True])
    layers[0].params["l0.b.i"] = np.where(np.arange(19) == 2, -0.0, layers[0].params["l0.b.i"])
    layers[0].infer(x)
    layers[0].params["l0.b.i"][2] = 0.0  # an equal number, but other bits
    same(layers[0], [True, False])
    layers[0].params["l0.W.o"][0, 0] = np.nan
    for anew in ([True, False], [False, False]):
        y, found = packed(layers[0])
        assert np.isnan(y).any() and found == anew
    other = layers[1].astype("float32")
    np.testing.assert_allclose(other.infer(x)[0], layers[1].forward(x)[0], rtol=1e-4, atol=1e-5)
    same(layers[1], [False, False])


def test_large_parameters_are_packed_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "kept", 1000)
    inference_plan._cache.forget()
    inference._kept.forget()
    layer = gated.LSTM(5, 19)
    x = np.ones((3, 1, 5), "float32")
    for _ in range(2):
        layer.infer(x)
        assert not inference._kept.values()
        layer.theta[...] += 0.01
        np.testing.assert_allclose(layer.infer(x)[0], layer.forward(x)[0], rtol=1e-5, atol=1e-7)


def test_what_is_kept_is_limited_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference._kept, "most", 120_000)
    inference._kept.forget()
    layers = [gated.GRU(3, 20, seed=seed) for seed in range(6)]
    most = 0
    for steps in (4, 5):
        for layer in layers:
            layer.infer(np.ones((steps, 2, 3), "float32"))
            sizes = [call.bytes for call in inference._kept.values()]
            assert sum(sizes) == inference._kept.total <= 120_000
            most = max(most, len(sizes))
    assert 1 < most < 12
    newest = inference._kept.values()[-1]
    assert newest.parts[0].parameters[0] == layers[-1].params["l0.W.r"].ctypes.data


def test_machine_code_that_all_cells_share_lives_as_long_as_a_stream() -> None:
    from gated.backends.native.machine import programs

    layer = gated.LSTM(4, 6)
    stream = layer.stream()
    before = stream.step(np.ones(4, "float32")).copy()
    programs._cache.forget()
    gc.collect()
    stream.refresh()
    stream.reset()
    assert np.array_equal(stream.step(np.ones(4, "float32")), before)


def test_output_is_the_callers_to_change() -> None:
    layer = gated.LSTM(3, 16, dtype="float64", backend="native")
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    y, _, tape = layer.forward(x)
    grads = layer.backward(tape, np.ones_like(y))[2].vector
    y[...] = np.nan
    np.testing.assert_array_equal(layer.backward(tape, np.ones_like(y))[2].vector, grads)


def test_errors() -> None:
    layer = gated.LSTM(3, 4)
    with pytest.raises(gated.errors.ArgumentError, match=r"x_t: got .*\(1, 5\).*, expected shape \(1, 3\)"):
        layer.stream().step(np.ones((1, 5)))
    with pytest.raises(gated.errors.ArgumentError, match="batch: got 0, expected a positive whole number"):
        layer.stream(0)
    with pytest.raises(gated.errors.ArgumentError, match="stream: got a bidirectional layer, expected"):
        gated.LSTM(3, 4, bidirectional=True).stream()
    with pytest.raises(gated.errors.ArgumentError, match=r"state\[0\] \(h\): got .*, expected shape \(1, 2, 4\)"):
        layer.stream(2, layer.initial_state(3))
    with pytest.raises(gated.errors.ArgumentError, match="x: got a batch of 0 sequences"):
        layer.infer(np.ones((2, 0, 3)))
    with pytest.raises(gated.errors.ArgumentError, match="lengths: got"):
        layer.infer(np.ones((2, 1, 3)), lengths=[3])
