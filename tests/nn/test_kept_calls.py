"""What a call leaves to the next one of the layer is taken up only where it still holds."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gated
from gated.backends.native.machine.target import hosts
from gated.backends.native.passes import layer_tables
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED, tuning_for

Array = np.ndarray[Any, Any]
LENGTHS = (None, [6, 2, 5], [4, 4, 0, 1], [1], [3, 3])


@pytest.fixture(autouse=True)
def restore(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads are a setting of the process, and small work must be worth a thread here."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    before = pool._threads
    yield
    pool._threads = before


def layer(backend: str = "native", **options: Any) -> gated.Recurrent:
    return gated.LSTM(3, 19, **{"dtype": "float64", "seed": 4, "backend": backend, **options})


def draw(own: Any, rng: np.random.Generator) -> dict[str, Any]:
    """A call of any sizes, with and without lengths and states."""
    lengths = LENGTHS[rng.integers(len(LENGTHS))]
    steps, batch = (int(rng.integers(1, 6)), int(rng.integers(1, 5))) if lengths is None else (6, len(lengths))
    states, dstates = (
        [rng.standard_normal((own.num_layers * own.directions, batch, size)) for size in own.state_sizes]
        for _ in range(2)
    )
    return {
        "x": rng.standard_normal((steps, batch, own.input_size)),
        "state": states if rng.random() < 0.5 else None,
        "lengths": lengths,
        "dy": rng.standard_normal((steps, batch, own.output_size)),
        "dstate": dstates if rng.random() < 0.5 else None,
    }


def ahead(own: Any, given: dict[str, Any]) -> tuple[Any, ...]:
    return own.forward(given["x"], given["state"], given["lengths"])


def back(own: Any, given: dict[str, Any], tape: Any) -> list[Array]:
    dx, first, grads = own.backward(tape, given["dy"], given["dstate"])
    return [dx, *first, grads.vector]


def both(own: Any, given: dict[str, Any]) -> list[Array]:
    y, last, tape = ahead(own, given)
    return [y, *last, *back(own, given, tape)]


def same(found: list[Array], wanted: list[Array]) -> None:
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=["one", "four"])
@pytest.mark.parametrize("threads", [1, 3])
def test_calls_of_all_sorts_one_after_the_other(threads: int, options: dict[str, Any]) -> None:
    """Some of their tapes go back later, some twice; parameters change in between, and arrays stay where they are."""
    gated.set_num_threads(threads)
    own, right, rng = layer(**options), layer("reference", **options), np.random.default_rng(0)
    alive: list[Any] = []
    for turn in range(60):
        given = {**alive[-1][0], "x": alive[-1][0]["x"] + 1} if alive and turn % 3 == 0 else draw(own, rng)
        (y, last, tape), (y_right, last_right, tape_right) = ahead(own, given), ahead(right, given)
        same([y, *last], [y_right, *last_right])
        alive.append((given, tape, tape_right))
        if rng.random() < 0.7:
            which = alive[rng.integers(len(alive))]
            same(back(own, which[0], which[1]), back(right, which[0], which[2]))
        if rng.random() < 0.2:
            alive.clear()
            own.theta *= 0.9
            right.theta = own.theta


def test_the_same_call_again_fills_in_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own, x = layer(), np.ones((4, 2, 3))
    calls = []
    init = layer_tables.Call.__init__
    monkeypatch.setattr(layer_tables.Call, "__init__", lambda *args: (calls.append(1), init(*args))[1])
    made = []
    for _ in range(12):
        y, _, tape = own.forward(x)
        own.backward(tape, np.ones_like(y))
        made.append(len(calls))
        del y, tape
    assert made[-1] - made[1] < 20  # a few, where the system gives out other memory


def test_two_forward_passes_alive_at_once() -> None:
    own, rng = layer(), np.random.default_rng(1)
    given = [{**draw(own, rng), "lengths": None, "state": None} for _ in range(2)]
    given[1] |= {key: 2 * given[0][key] for key in ("x", "dy", "dstate") if given[0][key] is not None}
    given[1]["dstate"] = None if given[0]["dstate"] is None else [2 * array for array in given[0]["dstate"]]
    alone = [both(layer(), each)[3:] for each in given]
    for order in ((0, 1), (1, 0), (1, 1, 0, 0)):
        tapes = [ahead(own, each)[2] for each in given]
        for k in order:
            assert [a.tobytes() for a in back(own, given[k], tapes[k])] == [a.tobytes() for a in alone[k]]


def test_another_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    own, given = layer(), {"x": np.ones((5, 7, 3)), "state": None, "lengths": None, "dy": np.ones((5, 7, 19))}
    given["dstate"] = None
    wanted = both(layer("reference"), given)
    members = []
    for threads in (1, 3, 2, None, 1):
        pool._threads = threads
        monkeypatch.setenv("GATED_NUM_THREADS", "5")
        y, last, tape = ahead(own, given)
        members.append(tape.scans[0].own[0].forward.shapes.cut.members)
        pool._threads = 1  # the backward pass runs as its forward pass did
        same([y, *last, *back(own, given, tape)], wanted)
    assert members == [1, 3, 2, 5, 1]


def test_another_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    own = layer()
    given = {"x": np.ones((5, 2, 3)), "state": None, "lengths": None, "dy": np.ones((5, 2, 19)), "dstate": None}
    wanted = both(layer("reference"), given)
    names = list(hosts())
    for before, name in itertools.pairwise([*names, *reversed(names)]):
        monkeypatch.setenv("GATED_CPU", before)
        y, last, tape = ahead(own, given)
        monkeypatch.setenv("GATED_CPU", name)
        same([y, *last, *back(own, given, tape)], wanted)
        y, last, tape = ahead(own, given)
        width = hosts()[name].machine.width("float64")
        assert tape.scans[0].own[0].forward.shapes.width == width
        same([y, *last, *back(own, given, tape)], wanted)
    monkeypatch.setenv("GATED_CPU", "none")
    with pytest.raises(gated.errors.ArgumentError, match="GATED_CPU"):
        own.forward(given["x"])


def test_parameters_that_lie_elsewhere() -> None:
    """A layer that joins a network leaves its vector: what was kept knows the old one."""
    own, right, rng = layer(), layer("reference"), np.random.default_rng(3)
    given = draw(own, rng)
    before, old = both(own, given), own.params
    network = gated.Network({"rnn": own})
    old.vector[...] = np.nan
    same(both(own, given), before)
    network.theta *= 0.5
    right.theta *= 0.5
    same(both(own, given), both(right, given))
    own.params = layer(seed=9).params
    right.params = layer("reference", seed=9).params
    same(both(own, given), both(right, given))
    narrow = own.astype("float32")
    for found, wanted in zip(both(narrow, given), both(right, given), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda own: pickle.loads(pickle.dumps(own))])
def test_a_copy_takes_nothing_along(copied: Any) -> None:
    own, rng = layer(num_layers=2), np.random.default_rng(5)
    given = draw(own, rng)
    before = both(own, given)
    other = copied(own)
    other.theta *= 2.0
    same(both(own, given), before)
    right = layer("reference", num_layers=2)
    right.theta = other.theta
    same(both(other, given), both(right, given))
    part = own._sides()[0][0].parameters
    assert part.kept and not copied(part).kept


def test_a_call_that_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    own, right, rng = layer(), layer("reference"), np.random.default_rng(6)
    given = draw(own, rng)
    wanted = both(right, given)
    run = pool.Pool.run
    for stop in (1, 2):  # in the forward pass, in the backward pass
        calls = itertools.count(1)

        def interrupted(*args: Any, calls: Any = calls, stop: int = stop) -> None:
            if next(calls) == stop:
                raise KeyboardInterrupt
            run(*args)

        same(both(own, given), wanted)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(pool.Pool, "run", interrupted)
            both(own, given)
        same(both(own, given), wanted)


def test_as_many_rows_of_other_lengths() -> None:
    own, right, rng = layer(), layer("reference"), np.random.default_rng(8)
    x = rng.standard_normal((6, 3, 3))
    for lengths in (None, [6, 4, 2], None, [6, 5, 1], [6, 4, 2]):
        steps = 4 if lengths is None else 6
        given = {"x": x[:steps], "state": None, "lengths": lengths, "dy": np.ones((steps, 3, 19)), "dstate": None}
        same(both(own, given), both(right, given))


def test_sizes_of_somebody_who_changes_them() -> None:
    """A backend's caller may be anybody: what is kept is for these sizes, not for this dict."""
    own = layer()
    ((side,),) = own._sides()
    sizes, counts = dict(side.sizes), np.full(4, 2)
    native, state = gated.backends.get_backend("native"), [np.zeros((2, 19)), np.zeros((2, 19))]
    native.forward(own._schedule, sizes, side.parameters, np.ones((8, 3)), counts, state)
    plans = side.parameters.kept[0].plans
    sizes["input"] = 2
    native.forward(own._schedule, sizes, side.parameters, np.ones((8, 2)), counts, state)
    assert side.parameters.kept[0].plans is not plans


def test_one_layer_in_many_threads_with_the_same_sizes() -> None:
    """Who comes while somebody else is at work finds nothing, and makes his own."""
    own, rng = layer(), np.random.default_rng(7)
    given = [{**draw(own, rng), "x": rng.standard_normal((4, 2, 3)), "lengths": None} for _ in range(4)]
    for each in given:
        each |= {"state": None, "dstate": None, "dy": rng.standard_normal((4, 2, 19))}
    wanted = [[a.tobytes() for a in both(layer(), each)] for each in given]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(200):
            if [a.tobytes() for a in both(own, given[k])] != wanted[k]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    (kept,) = own._sides()[0][0].parameters.kept
    assert 0 < len(kept.forward._idle) <= tuning_for().tables_idle
