"""ONNX Runtime: one LSTM node, over a sequence and one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.problem import Array, Numbers, Problem, stacked
from benchmarks.sides.base import Prepared, Variant

GATES = "iofg"  # the order of ONNX
OPSET, IR_VERSION = 14, 8  # the first with this LSTM: every runtime reads them
STATES = ("h", "c")


class OnnxLayers:
    """See `base.Side`. Variants: arrays handed over at each call, or bound to the session beforehand."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def variants(self, task: str) -> Sequence[Variant]:
        return ({"call": "run"}, {"call": "binding"})

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        bound = variant["call"] == "binding"
        session = self._session(problem, task == "stream")
        return (_stream if task == "stream" else _infer)(session, problem, bound)

    def _session(self, problem: Problem, stream: bool) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(model(problem, stream), options, providers=["CPUExecutionProvider"])


def model(problem: Problem, stream: bool) -> bytes:
    """The file: x -> y, and in a stream (one step) h, c -> h_new, c_new as well."""
    point, weights = problem.point, problem.weights()
    steps, batch, size = 1 if stream else point.steps, point.batch, point.hidden
    bias = stacked(weights, "b", GATES)
    constants = {
        "W": stacked(weights, "W", GATES)[None],
        "R": stacked(weights, "U", GATES)[None],
        "B": np.concatenate([bias, np.zeros_like(bias)])[None],
    }
    inputs: dict[str, tuple[int, ...]] = {"x": (steps, batch, size)}
    outputs: dict[str, tuple[int, ...]] = {"y": (steps, 1, batch, size)}
    if stream:
        inputs |= {name: (1, batch, size) for name in STATES}
        outputs |= {f"{name}_new": (1, batch, size) for name in STATES}
    names = ["x", "W", "R", "B", *(["", *STATES] if stream else [])]
    node = helper.make_node("LSTM", names, list(outputs), hidden_size=size)
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def _infer(session: Any, problem: Problem, bound: bool) -> Prepared:
    feeds = {"x": problem.x()}
    if not bound:
        return Prepared(lambda: session.run(["y"], feeds), lambda: {"y": session.run(["y"], feeds)[0][:, 0]})
    call, arrays = _binding(session, feeds)

    def numbers() -> Numbers:
        call()
        return {"y": np.array(arrays["y"].numpy()[:, 0])}

    return Prepared(call, numbers)


def _binding(session: Any, feeds: dict[str, Array]) -> tuple[Callable[[], None], dict[str, Any]]:
    """Inputs and outputs in memory that is chosen once. Returns a call, and the arrays by name."""
    binding = session.io_binding()
    arrays = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in feeds.items()}
    for output in session.get_outputs():
        arrays[output.name] = onnxruntime.OrtValue.ortvalue_from_shape_and_type(output.shape, np.float32)
    for source in session.get_inputs():
        binding.bind_ortvalue_input(source.name, arrays[source.name])
    for output in session.get_outputs():
        binding.bind_ortvalue_output(output.name, arrays[output.name])
    return lambda: session.run_with_iobinding(binding), arrays


def _zeros(problem: Problem) -> dict[str, Array]:
    return {name: np.zeros((1, problem.point.batch, problem.point.hidden), np.float32) for name in STATES}


def _stream(session: Any, problem: Problem, bound: bool) -> Prepared:
    x = problem.x()
    if bound:
        return _stream_bound(session, problem, x)
    state = _zeros(problem)
    first = x[:1].copy()

    def step(x_t: Array) -> Array:
        y, state["h"], state["c"] = session.run(None, {"x": x_t, **state})
        return y

    def numbers() -> Numbers:
        state.update(_zeros(problem))
        return {"y": np.stack([step(row[None])[0, 0] for row in x])}

    return Prepared(lambda: step(first), numbers)


def _stream_bound(session: Any, problem: Problem, x: Array) -> Prepared:
    """Two bindings take turns: what one step writes as its new state the next one reads, without a copy."""
    binding = [session.io_binding(), session.io_binding()]
    make = onnxruntime.OrtValue.ortvalue_from_numpy
    x_t, y = make(x[:1]), make(np.zeros((1, 1, *x.shape[1:]), np.float32))
    states = [{name: make(value) for name, value in _zeros(problem).items()} for _ in binding]
    for turn, one in enumerate(binding):
        one.bind_ortvalue_input("x", x_t)
        one.bind_ortvalue_output("y", y)
        for name in STATES:
            one.bind_ortvalue_input(name, states[turn][name])
            one.bind_ortvalue_output(f"{name}_new", states[1 - turn][name])
    turn = 0
    first = x[:1].copy()

    def step(row: Array) -> None:
        nonlocal turn
        x_t.update_inplace(row)
        session.run_with_iobinding(binding[turn])
        turn = 1 - turn

    def numbers() -> Numbers:
        for name, value in _zeros(problem).items():
            states[turn][name].update_inplace(value)
        outputs = []
        for row in x:
            step(row[None])
            outputs.append(np.array(y.numpy()[0, 0]))
        return {"y": np.stack(outputs)}

    return Prepared(lambda: step(first), numbers)


def make(name: str, threads: int) -> OnnxLayers:
    return OnnxLayers(threads)
