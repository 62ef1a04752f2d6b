"""ONNX Runtime: LSTM nodes, over a sequence and one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import helper

from benchmarks import bidirectional
from benchmarks.problem import Array, Numbers, Problem
from benchmarks.sides import onnx_sampling, onnx_session, onnx_steps
from benchmarks.sides.base import Prepared, Variant
from benchmarks.sides.onnx_session import STATES


class OnnxLayers:
    """See `base.Side`. Variants: arrays handed over at each call, or bound to the session beforehand."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def variants(self, task: str) -> Sequence[Variant]:
        return ({"call": "run"}, {"call": "binding"})

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        bound = variant["call"] == "binding"
        if task.startswith("sample"):
            return onnx_sampling.prepare(problem, self.threads, bound)
        if task == "bidirectional":
            return _infer(self._session(two_layers(problem)), problem, bound, _side_by_side)
        running = self._session(one_layer(problem, task == "stream"))
        return _stream(running, problem, bound) if task == "stream" else _infer(running, problem, bound, _forward)

    def _session(self, file: bytes) -> onnxruntime.InferenceSession:
        return onnx_session.session(file, self.threads)


def one_layer(problem: Problem, stream: bool) -> bytes:
    """The file: x -> y, and in a stream (one step) h, c -> h_new, c_new as well."""
    point = problem.point
    steps, batch, size = 1 if stream else point.steps, point.batch, point.hidden
    constants = dict(zip("WRB", onnx_session.lstm_weights([problem.weights()]), strict=True))
    inputs: dict[str, tuple[int, ...]] = {"x": (steps, batch, size)}
    outputs: dict[str, tuple[int, ...]] = {"y": (steps, 1, batch, size)}
    if stream:
        inputs |= {name: (1, batch, size) for name in STATES}
        outputs |= {f"{name}_new": (1, batch, size) for name in STATES}
    names = ["x", "W", "R", "B", *(["", *STATES] if stream else [])]
    node = helper.make_node("LSTM", names, list(outputs), hidden_size=size)
    return onnx_session.model([node], inputs, outputs, constants)


def two_layers(problem: Problem) -> bytes:
    """The file: x -> y, both directions one after the other, (T, 2, N, H), as the node gives them; between the layers
    they are laid side by side."""
    point, weights = problem.point, bidirectional.weights(problem)
    steps, batch, size = point.steps, point.batch, point.hidden
    constants: Numbers = {"wide": np.array([steps, batch, 2 * size])}
    nodes, below = [], "x"
    for layer in range(bidirectional.LAYERS):
        names = [f"{name}{layer}" for name in "WRB"]
        directions = [weights[f"l{layer}{direction}"] for direction in bidirectional.DIRECTIONS]
        constants |= dict(zip(names, onnx_session.lstm_weights(directions), strict=True))
        if layer:
            nodes += [
                helper.make_node("Transpose", ["y0"], ["turned"], perm=[0, 2, 1, 3]),
                helper.make_node("Reshape", ["turned", "wide"], ["joined"]),
            ]
            below = "joined"
        y = "y0" if layer == 0 else "y"
        nodes.append(helper.make_node("LSTM", [below, *names], [y], hidden_size=size, direction="bidirectional"))
    return onnx_session.model(nodes, {"x": (steps, batch, size)}, {"y": (steps, 2, batch, size)}, constants)


def _forward(y: Array) -> Array:
    return y[:, 0]


def _side_by_side(y: Array) -> Array:
    """(T, 2, N, H) -> (T, N, 2H)."""
    return np.concatenate([y[:, 0], y[:, 1]], axis=-1)


def _infer(running: Any, problem: Problem, bound: bool, ordered: Callable[[Array], Array]) -> Prepared:
    feeds = {"x": problem.x()}
    if not bound:
        return Prepared(lambda: running.run(["y"], feeds), lambda: {"y": ordered(running.run(["y"], feeds)[0])})
    call, arrays = onnx_session.bound(running, feeds)

    def numbers() -> Numbers:
        call()
        return {"y": np.array(ordered(arrays["y"].numpy()))}

    return Prepared(call, numbers)


def _stream(running: Any, problem: Problem, bound: bool) -> Prepared:
    x, point = problem.x(), problem.point
    first = x[:1].copy()
    zeros = {name: np.zeros((1, point.batch, point.hidden), np.float32) for name in STATES}
    loop = onnx_steps.steps(running, first, zeros, bound)

    def after(row: Array) -> Array:
        loop.step(row[None])
        return np.array(loop.output()[0, 0])

    def numbers() -> Numbers:
        loop.reset()
        return {"y": np.stack([after(row) for row in x])}

    return Prepared(lambda: loop.step(first), numbers)


def make(name: str, threads: int) -> OnnxLayers:
    return OnnxLayers(threads)
