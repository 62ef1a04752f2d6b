"""`import gated` costs next to nothing: what is optional is loaded when it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import gated

EXTRAS = {"typer", "rich", "tqdm", "matplotlib", "torch", "onnx", "onnxruntime", "sklearn", "safetensors", "llvmlite"}


def modules_after(code):
    """The top-level modules that a fresh Python has loaded after the code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_optional():
    loaded = modules_after("import gated")
    assert not loaded & EXTRAS and "numpy" not in loaded


def test_a_layer_needs_numpy_alone():
    code = (
        "import gated, numpy as np\n"
        "layer = gated.LSTM(3, 4, backend='reference')\n"
        "y, state, tape = layer.forward(np.zeros((2, 1, 3)))\n"
        "layer.backward(tape, y)\n"
        "gated.losses.SquaredError()(y, y)"
    )
    assert not modules_after(code) & EXTRAS


@pytest.mark.parametrize("name", [name for name in gated.__all__ if name not in ("cli",)])
def test_every_public_name_is_there(name):
    assert getattr(gated, name) is not None and name in dir(gated)


def test_unknown_names_name_the_functions():
    with pytest.raises(AttributeError, match="the functions of the language are sigmoid, tanh"):
        gated.gelu  # noqa: B018


def test_star_import_is_the_public_names():
    scope = {}
    exec("from gated import LSTM, cell, sigmoid, check_cell", scope)
    assert scope["sigmoid"] is gated.sigmoid
