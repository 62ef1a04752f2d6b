"""A plan that is kept holds its machine code: tables know functions by their addresses alone."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import gated
from gated.backends.native.machine import programs
from gated.backends.native.machine.target import Compiled
from gated.backends.native.passes import inference_plan, layer_pass, maps, tasks
from gated.learning import Adam, Online, full_step
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Embedding, Network, Recurrent


@pytest.fixture
def made(monkeypatch):
    """Weak references to all code that is made from now on."""
    programs._cache.forget()
    for room in (layer_pass, inference_plan, maps):
        room._cache.forget()
    maps._losses.forget()
    monkeypatch.setattr(tasks, "_made", {})
    found: list[weakref.ref[Compiled]] = []
    opened = Compiled._open

    def watched(self, code, here):
        found.append(weakref.ref(self))
        opened(self, code, here)

    monkeypatch.setattr(Compiled, "_open", watched)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_forgotten_runs_on(made, dtype, threads):
    ids = np.arange(12).reshape(4, 3) % 7
    network = Network(
        {
            "embed": Embedding(7, 5, dtype=dtype, seed=1),
            "rnn": Recurrent(gated.cells.lstm, 5, 6, dtype=dtype, seed=2),
            "head": Dense(6, 7, dtype=dtype, seed=3),
        }
    )
    adam = Adam(0.01)
    online = Online(Network({"rnn": Recurrent(gated.cells.lstm, 3, 4, dtype=dtype, seed=4)}))

    def everything():
        full_step(network, SoftmaxCrossEntropy(), adam, (ids, ids), clip=1.0)
        online.step(np.ones(3, dtype), np.ones(4, dtype))
        network.infer(ids)

    before = gated.get_num_threads()
    gated.set_num_threads(threads)
    try:
        everything()
        programs._cache.forget()
        gc.collect()
        assert len(made) > 5
        assert [code() is not None for code in made] == [True] * len(made)
        everything()
    finally:
        gated.set_num_threads(before)
