"""Our side: the layers of `gated` on the native backend; for learning online, its rule in NumPy besides."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

import gated
from benchmarks.problem import Numbers, Problem
from benchmarks.sides import gated_captions, gated_sampling, gated_updates, scan_clock
from benchmarks.sides.base import Prepared, Unavailable, Variant
from benchmarks.sides.gated_recurrent import recurrent, two_layers

ONLINE_OUTPUTS = 8  # of the dense layer on the cell


class Gated:
    """See `base.Side`.

    Args:
        online: the backend that learns online.
    """

    def __init__(self, threads: int, online: str) -> None:
        gated.set_num_threads(threads)
        self.online = online

    def variants(self, task: str) -> Sequence[Variant]:
        return ({},)

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        if task == "update":
            return gated_updates.prepare(problem)
        if task == "caption":
            return gated_captions.prepare(problem)
        if task.startswith("sample"):
            return (gated_sampling.prepare_model if task == "sample_model" else gated_sampling.prepare)(problem)
        if task == "bidirectional":
            return _infer(two_layers(problem), problem)
        layer = layer_of(problem)
        if task.startswith("online"):
            return _online(layer, problem, task, self.online)
        if task == "infer":
            return _infer(layer, problem)
        if task == "stream":
            return _stream(layer, problem)
        return _train(layer, problem, task)


def layer_of(problem: Problem) -> Any:
    """The layer with the problem's weights."""
    layer = recurrent(problem, problem.point.hidden)
    for name, value in problem.weights().items():
        layer.params[f"l0.{name}"][...] = value
    return layer


def _train(layer: Any, problem: Problem, task: str) -> Prepared:
    x, r = problem.x(), problem.r()

    def call() -> tuple[Any, Any, Any]:
        y, _, tape = layer.forward(x)
        dx, _, grads = layer.backward(tape, r)
        return y, dx, grads

    def numbers() -> Numbers:
        y, dx, grads = call()
        return {"y": y, "dx": dx} | {f"d{name.removeprefix('l0.')}": np.array(grads[name]) for name in grads}

    seconds = scan_clock.clock(call) if task == "scan" else None
    return Prepared(call, numbers, problem.flops(task), seconds)


def _infer(layer: Any, problem: Problem) -> Prepared:
    infer = getattr(layer, "infer", None)
    if infer is None:
        raise Unavailable("this version of gated has no layer.infer")
    x = problem.x()
    return Prepared(lambda: infer(x), lambda: {"y": np.array(infer(x)[0])}, problem.flops("infer"))


def _stream(layer: Any, problem: Problem) -> Prepared:
    if not hasattr(layer, "stream"):
        raise Unavailable("this version of gated has no layer.stream")
    x = problem.x()
    batch = problem.point.batch
    timed, x_t = layer.stream(batch=batch), x[0].copy()

    def numbers() -> Numbers:
        stream = layer.stream(batch=batch)
        return {"y": np.stack([np.array(stream.step(row)) for row in x])}

    return Prepared(lambda: timed.step(x_t), numbers)


def _online(layer: Any, problem: Problem, task: str, backend: str) -> Prepared:
    """Traces and plain gradient descent under a linear output; the weights go on changing from call to call."""
    x, target = problem.x(), problem.r()[:, :, :ONLINE_OUTPUTS].copy()

    def learner() -> gated.learning.Online:
        head = gated.Dense(problem.point.hidden, ONLINE_OUTPUTS, seed=problem.seed)
        network = copy.deepcopy(gated.Network({"rnn": layer, "head": head}))
        optimizer = gated.learning.SGD(1e-4)
        return gated.learning.Online(network, optimizer=optimizer, batch=problem.point.batch, backend=backend)

    def numbers() -> Numbers:
        fresh = learner()
        return {"y": fresh.partial_fit(x, target)} | {f"new {k}": np.array(v) for k, v in fresh.network.params.items()}

    timed = learner()
    if task == "online_step":
        return Prepared(lambda: timed.step(x[0], target[0]), numbers)
    return Prepared(lambda: timed.partial_fit(x, target), numbers)


def make(name: str, threads: int) -> Gated:
    return Gated(threads, online="reference" if name == "numpy" else "native")
