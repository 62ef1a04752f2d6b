"""Sampling with ONNX Runtime: one step of the language model as a file, softmax included; the draw in NumPy."""

from __future__ import annotations

import numpy as np
from onnx import helper

from benchmarks import language, sampling
from benchmarks.problem import Array, Numbers, Problem
from benchmarks.sides import onnx_session
from benchmarks.sides.base import Prepared
from benchmarks.sides.onnx_session import STATES
from benchmarks.sides.onnx_steps import steps


def prepare(problem: Problem, threads: int, bound: bool) -> Prepared:
    """One call writes one text.

    Args:
        bound: inputs and outputs in memory that is chosen once; else arrays at every step.
    """
    running = onnx_session.session(step_model(problem), threads)
    states = {name: np.zeros((1, 1, problem.point.hidden), np.float32) for name in STATES}
    before = np.array([sampling.FIRST])
    loop, random = steps(running, before, states, bound), np.random.default_rng(sampling.SEED)

    def chances(symbol: int) -> Array:
        before[0] = symbol
        loop.step(before)
        return loop.output()[0, 0]

    def call() -> list[int]:
        loop.reset()
        symbol, text = sampling.FIRST, []
        for _ in range(problem.point.steps):
            symbol = sampling.drawn(chances(symbol), random.random())
            text.append(symbol)
        return text

    def numbers() -> Numbers:
        loop.reset()
        return {"p": np.stack([np.array(chances(symbol)) for symbol in sampling.given_text(problem)])}

    return Prepared(call, numbers)


def step_model(problem: Problem) -> bytes:
    """The file: symbol (1,), h, c (1, 1, H) -> p (1, 1, V), h_new, c_new."""
    size, weights = problem.point.hidden, language.weights(problem)
    constants: Numbers = {
        "embed": weights["embed"][:, None],
        **dict(zip("WRB", onnx_session.lstm_weights([weights]), strict=True)),
        "head": np.ascontiguousarray(weights["head"].T),
        "bias": weights["bias"],
        "temperature": np.array(sampling.TEMPERATURE, np.float32),
    }
    states: dict[str, tuple[int, ...]] = dict.fromkeys(STATES, (1, 1, size))
    new = {f"{name}_new": shape for name, shape in states.items()}
    nodes = [
        helper.make_node("Gather", ["embed", "symbol"], ["x"]),
        helper.make_node("LSTM", ["x", "W", "R", "B", "", *STATES], ["", *new], hidden_size=size),
        helper.make_node("MatMul", ["h_new", "head"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Div", ["logits", "temperature"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["p"], axis=-1),
    ]
    outputs: dict[str, tuple[int, ...]] = {"p": (1, 1, problem.vocabulary)}
    return onnx_session.model(nodes, {"symbol": (1,), **states}, outputs | new, constants, ids=("symbol",))
