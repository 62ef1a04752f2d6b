"""`import gated` costs next to nothing: what is optional is loaded when it is used."""

from __future__ import annotations

import functools
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gated

EXTRAS = {"typer", "rich", "tqdm", "matplotlib", "torch", "onnx", "onnxruntime", "sklearn", "safetensors", "llvmlite"}
EXTRAS |= {"PIL"}


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


ROOT = Path(__file__).resolve().parents[1]


def documented_paths():
    """Every `gated.x.y...` in the documentation, but for names of files and those of code that is yet to come."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    found = {path for page in pages for path in re.findall(r"\bgated(?:\.[A-Za-z_]\w*)+", page.read_text("utf-8"))}
    return sorted(path for path in found if not path.endswith((".md", ".py", ".png")))


def test_every_documented_name_is_there_after_import_gated():
    paths = documented_paths()
    assert len(paths) > 30 and "gated.interop.model_file" in paths
    wanted = {path for path in paths if path.count(".") > 1 and not any(p.startswith(f"{path}.") for p in paths)}
    script = (
        "import functools, importlib, json, subprocess, sys\n"
        "import gated\n"
        "missing = []\n"
        f"for path in {sorted(wanted)!r}:\n"
        "    for name in [n for n in sys.modules if n.startswith('gated')]:\n"
        "        del sys.modules[name]\n"
        "    import gated\n"
        "    try:\n"
        "        functools.reduce(getattr, path.split('.')[1:], gated)\n"
        "    except AttributeError as error:\n"
        "        missing.append(f'{path}: {error}')\n"
        "print(json.dumps(missing))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_every_module_is_there_after_import_gated():
    modules = [m.name for m in pkgutil.walk_packages(gated.__path__, "gated.") if not m.name.endswith("__main__")]
    assert len(modules) > 100
    for module in modules:
        parts = module.split(".")[1:]
        if any(part.startswith("_") for part in parts):
            continue
        parent = functools.reduce(getattr, parts[:-1], gated)
        inner = parent is gated and parts[-1] not in gated._MODULES  # gated's own helpers: found, but not shown
        assert inner or parts[-1] in dir(parent), module
        getattr(parent, parts[-1])  # a function of that name may stand for it: gated.schedule.schedule


def test_names_that_are_nowhere():
    for package in (gated.interop, gated.nn, gated.backends.native):
        with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nowhere'"):
            package.nowhere  # noqa: B018
        assert not hasattr(package, "__wrapped__")
    with pytest.raises(ImportError, match="cannot import name 'nowhere'"):
        exec("from gated.nn import nowhere")


def test_unknown_names_name_the_functions():
    with pytest.raises(AttributeError, match="the functions of the language are sigmoid, tanh"):
        gated.cosh  # noqa: B018


def test_star_import_is_the_public_names():
    scope = {}
    exec("from gated import LSTM, cell, sigmoid, check_cell", scope)
    assert scope["sigmoid"] is gated.sigmoid
