"""Runs whole training steps of networks in guarded memory: a program, as `guarded_runs` is.

    python guarded_steps.py DTYPE EACH

EACH is 1 for all sizes with all options and networks; else one in so many. Legend: T steps, N sequences.
"""

from __future__ import annotations

import faulthandler
import itertools
import math
import sys
from typing import Any
from unittest.mock import patch

import numpy as np
from guarded_runs import Results, guarded

import gated
from gated.backends.native.passes import backend
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.backends.whole_step import Batch, Given, Update
from gated.learning import Adam
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent
from gated.nn.packing import Packing

native = backend.NativeBackend()
SIZES = [(1, 1), (3, 2), (2, 7), (5, 9), (9, 33)]  # T, N
CELLS = ("lstm", "gru", "projected_lstm", "by_chance")


@gated.cell
def by_chance(x: Any, h: Any, *, W: Any, U: Any, b: Any) -> Any:
    """Draws of both lengths."""
    z = gated.bernoulli(0.4)
    h = z * h + (1 - z) * gated.tanh(W.h @ (x * gated.bernoulli(0.7)) + U.h @ h + b.h + gated.normal(0.1))
    return h


MADE = {**gated.cells.ZOO, "by_chance": by_chance}


def language(cell: str, dtype: str, **options: Any) -> Network:
    """Behind a table: ids in, classes out."""
    layer = Recurrent(MADE[cell], 5, 17, dtype=dtype, seed=1, **options)
    head = Dense(layer.output_size, 7, dtype=dtype, seed=2)
    return Network({"embed": Embedding(7, 5, dtype=dtype, seed=3), "rnn": layer, "head": head})


def series(cell: str, dtype: str, **options: Any) -> Network:
    """Numbers in, numbers out: maps before and behind, no map at the end."""
    layer = Recurrent(MADE[cell], 3, 16, dtype=dtype, seed=1, **options)
    first = Dense(5, 3, "tanh", dtype=dtype, seed=2)
    last = Recurrent(gated.cells.ZOO["rnn"], layer.output_size, 4, dtype=dtype, seed=3)
    return Network({"first": first, "rnn": layer, "last": last})


def bare(cell: str, dtype: str, **options: Any) -> Network:
    """A time loop first, whose input's adjoint nobody needs."""
    layer = Recurrent(MADE[cell], 5, 17, dtype=dtype, seed=1, **options)
    return Network({"rnn": layer, "head": Dense(layer.output_size, 4, dtype=dtype, seed=2)})


def run_step(
    made: Any, dtype: str, sizes: tuple[int, int], lengths: bool, options: dict[str, Any], threads: int, keep: Any
) -> Results:
    """A step with its update; and what it leaves."""
    (steps, sequences), rng = sizes, np.random.default_rng(5)
    gated.set_num_threads(threads)
    cell, network_of = made
    own = {"sizes": {"h": 11}} if cell == "projected_lstm" else {}
    network = network_of(cell, dtype, **options, **own)
    classes = network_of is language
    each = rng.integers(0, steps + 1, sequences) if lengths else None
    if each is not None:
        each[0] = steps
    packing = Packing(steps, sequences, each)
    lead = steps, sequences
    x = rng.integers(0, 7, lead) if classes else rng.standard_normal((*lead, 5)).astype(dtype)
    target = rng.integers(0, 7, lead) if classes else rng.standard_normal((*lead, 4)).astype(dtype)
    weights = (rng.random(lead) * (rng.random(lead) < 0.8)).astype(dtype)
    found = network.linked
    assert not isinstance(found, str)
    masks = {}
    for k, (link, _) in enumerate(found.chain.links):
        if getattr(link, "dropout", 0.0):
            masks[k] = keep(packing.pack((rng.random((*lead, link.sizes["input"])) < 0.5).astype(dtype)))
    chain, rows = found.chain.drawn, int(packing.counts.sum())
    draws = {
        k: [keep(rng.random((rows, link.draws_size)).astype(dtype)) for _ in link.starts]
        for k, link in chain.scans.items()
        if link.draws_size
    }
    states = {}
    for links in found.scans.values():
        for k in links:
            link = found.chain.links[k][0]
            dims = link.schedule.graph.dims
            lengths_of = [link.sizes[dims[name]] for name in link.schedule.graph.states]
            states[k] = [
                keep(rng.uniform(0.2, 0.9, (len(link.starts), sequences, size)).astype(dtype)) for size in lengths_of
            ]
    mirror = keep(packing.mirror()) if found.chain.turned else None
    arrays = (keep(packing.pack(array)) for array in (x, target, weights[..., None]))
    given, wanted, weight = arrays
    batch = Batch(given, packing.counts, sequences, mirror, states, masks, wanted, weight, draws=draws)
    rule, theta = Adam(0.01), keep(network.theta, False) if keep is not np.array else network.theta.copy()
    function, buffers, numbers = rule.next_update(theta)
    buffers = {name: keep(array, False) if keep is not np.array else array for name, array in buffers.items()}
    update = Update(function, buffers, numbers, 0.5)
    loss = (SoftmaxCrossEntropy() if classes else SquaredError())._schedule
    result = native.train(chain, loss, theta, batch, update)
    assert result is not None and math.isfinite(result.loss)
    ends = {f"last {k} {i}": a for k, own_states in result.last.items() for i, a in enumerate(own_states)}
    own_results = {"loss": np.array(result.loss), "gradient": result.gradient, "theta": theta, **buffers, **ends}
    return {name: np.array(array) for name, array in own_results.items()}


def run_without_tape(
    made: Any, dtype: str, sizes: tuple[int, int], lengths: bool, options: dict[str, Any], threads: int, keep: Any
) -> Results:
    """The network without a tape; step by step; and what it draws."""
    (steps, sequences), rng = sizes, np.random.default_rng(6)
    gated.set_num_threads(threads)
    cell, network_of = made
    own = {"sizes": {"h": 11}} if cell == "projected_lstm" else {}
    network = network_of(cell, dtype, **{**options, "dropout": 0.0}, **own)
    classes, found = network_of is language, network.linked
    assert not isinstance(found, str)
    each = rng.integers(0, steps + 1, sequences) if lengths else None
    if each is not None:
        each[0] = steps
    packing = Packing(steps, sequences, each)
    lead = steps, sequences
    x = keep(packing.pack(rng.integers(0, 7, lead) if classes else rng.standard_normal((*lead, 5)).astype(dtype)))
    states = {
        k: [keep(rng.uniform(0.2, 0.9, state.shape).astype(dtype)) for state in zeros]
        for k, zeros in found.chain.zeros(sequences).items()
    }
    counts = None if packing.order is None else packing.counts
    theta, results = keep(network.theta), {}
    for name, tried in (("one call", {}), ("several", {"all_kept": 0})):
        with patch.dict(TRIED, tried):
            y, last = native.infer_chain(found.chain, theta, Given(x, steps, sequences, counts, states))
        results |= {f"y, {name}": y} | {
            f"last {k} {i}, {name}": a for k, own in last.items() for i, a in enumerate(own)
        }
    if not found.chain.turned:
        stream = native.stream(found.chain, theta, sequences)
        stream.put(states)
        for t in range(3):
            stream.x[...] = x[:sequences]
            results[f"streamed {t}"] = stream.step().copy()
        if classes:
            for how in ((0.0,), (0.7,), (0.7, 3), (0.7, None, 0.6), (0.7, 9, 0.9), (0.7, 1, 1e-3)):
                results[f"drawn {how}"] = stream.draw(keep(rng.random((4, sequences))), *how)
        results |= {f"after {k} {i}": a for k, own in stream.take().items() for i, a in enumerate(own)}
    return {name: np.array(array) for name, array in results.items()}


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"bidirectional": True},
    {"num_layers": 2, "dropout": 0.5},
    {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
)


def main(dtype: str, each: str) -> None:
    """Every two of all that there is to choose meet in some run: sizes, options, networks, cells, threads, lengths."""
    first, networks = int(dtype == "float64"), (language, series, bare)
    chosen = list(itertools.product(range(len(SIZES)), range(len(OPTIONS)), range(len(networks))))
    for size, option, network in chosen[first % int(each) :: int(each)]:
        turn = size + network + first
        threads, lengths, cell = (1, 3)[turn % 2], bool(turn // 2 % 2), CELLS[(size + option + first) % len(CELLS)]
        sizes, options, network_of = SIZES[size], OPTIONS[option], networks[network]
        name = f"{network_of.__name__} {cell} {dtype} {sizes} {threads} {lengths} {options}"
        for run in (run_step, run_without_tape):
            guarded(f"{run.__name__} {name}", run, (cell, network_of), dtype, sizes, lengths, options, threads)


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(270, exit=True)
    TRIED.update(worthwhile=1.0, loss_rows=3, head_piece=1)
    pool.Pool.latency = lambda _: 0.0  # type: ignore[method-assign]
    main(*sys.argv[1:])
