"""Small vision models in the ONNX format, and what they see by NumPy alone."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 6
DTYPES = {"FLOAT": np.float32, "FLOAT16": np.float16, "DOUBLE": np.float64, "UINT8": np.uint8}


def onnx_file(path, nodes, inputs, outputs, weights=None):
    """A model of nodes (kind, names in, names out, attributes); inputs and outputs are (name, type, shape)."""
    graph = helper.make_graph(
        [helper.make_node(kind, given.split(), found.split(), **options) for kind, given, found, options in nodes],
        "tiny",
        [helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, kind, shape in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def weights(seed=0):
    """The filters (4, 3, 2, 2) and their biases, an affine map (5, 4) and its."""
    rng = np.random.default_rng(seed)
    shapes = {"K": (4, 3, 2, 2), "k": (4,), "V": (5, 4), "v": (5,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def convolutional(path, *, layout="NCHW", kind="FLOAT", batch="N", side=SIDE, seed=0, declared=True):
    """A convolution, its mean over places and an affine map.

    Outputs: "vector" (n, 5); "places", a map of 4 numbers that lies as the input does; "middle", their mean as a map of
    one place. Inside: "sequence" (n, P, 4).
    """
    shape = [batch, 3, side, side] if layout == "NCHW" else [batch, side, side, 3]
    nodes, given = [], "pixels"
    if layout == "NHWC":
        nodes.append(("Transpose", given, "turned", {"perm": [0, 3, 1, 2]}))
        given = "turned"
    if kind != "FLOAT":
        nodes.append(("Cast", given, "floats", {"to": TensorProto.FLOAT}))
        given = "floats"
    nodes += [
        ("Conv", f"{given} K k", "filtered", {"strides": [2, 2], "kernel_shape": [2, 2]}),
        ("Relu", "filtered", "map", {}),
        ("GlobalAveragePool", "map", "mean", {}),
        ("Flatten", "mean", "flat", {}),
        ("Gemm", "flat V v", "vector", {"transB": 1}),
        ("Transpose", "map", "map_last", {"perm": [0, 2, 3, 1]}),
        ("Reshape", "map_last as_sequence", "sequence", {}),
        ("Identity", "map" if layout == "NCHW" else "map_last", "places", {}),
        ("Identity", "mean", "middle", {})
        if layout == "NCHW"
        else ("Transpose", "mean", "middle", {"perm": [0, 2, 3, 1]}),
    ]
    return onnx_file(
        path,
        nodes,
        [("pixels", kind, shape if declared else ["a", "b", "c", "d"])],
        [(name, "FLOAT", None) for name in ("vector", "places", "middle")],
        {**weights(seed), "as_sequence": np.array([0, -1, 4])},
    )


def seen(pixels, mean, std, *, colours="RGB", kind="FLOAT", seed=0):
    """What `convolutional` says of pictures (n, S, S, 3) uint8, in float64: output -> numbers."""
    own = weights(seed)
    x = pixels[..., ::-1] if colours == "BGR" else pixels
    if kind != "UINT8":
        x = ((x / 255.0 - np.asarray(mean)) / np.asarray(std)).astype(DTYPES[kind])
    n, side = x.shape[:2]
    patches = x.astype(np.float64).reshape(n, side // 2, 2, side // 2, 2, 3)
    places = np.maximum(np.einsum("nhiwjc,dcij->nhwd", patches, own["K"].astype(np.float64)) + own["k"], 0.0)
    places = places.reshape(n, -1, 4)
    middle = places.mean(axis=1)
    return {"vector": middle @ own["V"].T + own["v"], "places": places, "middle": middle, "sequence": places}


def brightness_model(path, shape=("N", 3, 4, 4)):
    """A model that gives the mean of every colour, negative."""
    nodes = [("ReduceMean", "pixels", "inner", {"axes": [2, 3], "keepdims": 0}), ("Neg", "inner", "seen", {})]
    return onnx_file(path, nodes, [("pixels", "FLOAT", shape)], [("seen", "FLOAT", None)])
