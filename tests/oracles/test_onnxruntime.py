"""The forward pass against ONNX Runtime's LSTM, GRU and RNN (float32; it has no gradients and no float64)."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from gated import Recurrent
from gated.cells import ZOO

from .mapping import onnx_inputs

T, N, D, H = 7, 5, 3, 9
TOLERANCE = 2e-6  # relative, of the norm
OPSET, IR_VERSION = 14, 8  # fixed, not the newest: every runtime that we allow reads them

# cell: ONNX operator, its attributes
OPERATORS = {
    "rnn": ("RNN", {}),
    "lstm": ("LSTM", {}),
    "peephole_lstm": ("LSTM", {}),
    "lstm_coupled_gates": ("LSTM", {"input_forget": 1}),
    "gru": ("GRU", {"linear_before_reset": 0}),
    "gru_reset_after": ("GRU", {"linear_before_reset": 1}),
}
# The order of a node's inputs; the empty ones are left out by an empty name.
INPUT_ORDER = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def run_onnx(operator, attributes, feeds, directions):
    """One node on its own: Y (T, directions, N, H) and the final states (directions, N, H)."""
    order = [name if name in feeds else "" for name in INPUT_ORDER]
    while not order[-1]:
        order.pop()
    steps, batch, _ = feeds["X"].shape
    outputs = {"Y": (steps, directions, batch, H), "Y_h": (directions, batch, H)}
    if operator == "LSTM":
        outputs["Y_c"] = outputs["Y_h"]
    direction = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node(operator, order, list(outputs), hidden_size=H, direction=direction, **attributes)
    kinds = {name: TensorProto.INT32 if name == "sequence_lens" else TensorProto.FLOAT for name in feeds}
    graph = helper.make_graph(
        [node],
        operator,
        [helper.make_tensor_value_info(name, kinds[name], value.shape) for name, value in feeds.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, *final = session.run(list(outputs), feeds)
    return y, final


@pytest.mark.parametrize("cell", OPERATORS)
@pytest.mark.parametrize("directions", [1, 2], ids=["forward", "bidirectional"])
@pytest.mark.parametrize(
    ("steps", "lengths"),
    [(1, None), (T, None), (T, [7, 1, 4, 7, 3]), (T, [2, 5, 6, 1, 3])],
    ids=["one step", "whole", "some full", "none full"],
)
def test_forward(cell, directions, steps, lengths):
    random = np.random.default_rng(20250102)
    layer = Recurrent(
        ZOO[cell], input_size=D, hidden_size=H, bidirectional=directions == 2, dtype="float32", backend="reference"
    )
    layer.theta[:] = random.normal(0.0, 0.5, layer.theta.size)
    x = random.normal(size=(steps, N, D)).astype(np.float32)
    state = tuple(random.normal(size=(directions, N, H)).astype(np.float32) for _ in ZOO[cell].states)
    feeds = {"X": x, "initial_h": state[0]} | onnx_inputs(layer.params, cell, directions)
    if len(state) == 2:
        feeds["initial_c"] = state[1]
    if lengths is not None:
        feeds["sequence_lens"] = np.array(lengths, np.int32)

    operator, attributes = OPERATORS[cell]
    expected_y, expected_final = run_onnx(operator, attributes, feeds, directions)
    y, final, _ = layer.forward(x, state, None if lengths is None else np.array(lengths))

    # ONNX keeps the directions apart, we put them side by side
    assert_close(y, expected_y.transpose(0, 2, 1, 3).reshape(y.shape), "Y")
    for ours, theirs, name in zip(final, expected_final, ("Y_h", "Y_c"), strict=False):
        assert_close(ours, theirs, name)


def assert_close(ours, theirs, name):
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == np.float32, name
    error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert error < TOLERANCE, f"{name}: relative error {error:.2e}"
