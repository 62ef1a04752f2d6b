"""ONNX Runtime: files of a few nodes, and sessions that run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.problem import Array, Numbers, stacked

GATES = "iofg"  # the order of ONNX
OPSET, IR_VERSION = 14, 8  # the first with this LSTM: every runtime reads them
STATES = ("h", "c")

Shapes = Mapping[str, tuple[int, ...]]


def lstm_weights(directions: Sequence[Numbers]) -> list[Array]:
    """W (directions, 4H, D), R (directions, 4H, H) and B (directions, 8H), whose second half, of zeros, is R's."""
    w, u, b = (np.stack([stacked(each, family, GATES) for each in directions]) for family in "WUb")
    return [w, u, np.concatenate([b, np.zeros_like(b)], axis=1)]


def model(
    nodes: Sequence[onnx.NodeProto], inputs: Shapes, outputs: Shapes, constants: Numbers, ids: Sequence[str] = ()
) -> bytes:
    """The file. Inputs and outputs are float32, those that `ids` names int64."""

    def described(shapes: Shapes) -> list[onnx.ValueInfoProto]:
        kinds = {name: TensorProto.INT64 if name in ids else TensorProto.FLOAT for name in shapes}
        return [helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in shapes.items()]

    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "gated", described(inputs), described(outputs), held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def session(file: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def bound(running: Any, feeds: Numbers) -> tuple[Callable[[], None], dict[str, Any]]:
    """Inputs and outputs in memory that is chosen once. Returns a call, and the arrays by name."""
    binding = running.io_binding()
    arrays = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in feeds.items()}
    for output in running.get_outputs():
        arrays[output.name] = onnxruntime.OrtValue.ortvalue_from_shape_and_type(output.shape, np.float32)
    for source in running.get_inputs():
        binding.bind_ortvalue_input(source.name, arrays[source.name])
    for output in running.get_outputs():
        binding.bind_ortvalue_output(output.name, arrays[output.name])
    return lambda: running.run_with_iobinding(binding), arrays
