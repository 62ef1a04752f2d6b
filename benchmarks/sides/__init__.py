"""Who can compute a problem: one file per library, all with the same interface (`base.Side`)."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

from benchmarks.sides.base import Side


@dataclass(frozen=True)
class Entry:
    """A side's name in tables, where it is, and the packages that it needs."""

    title: str
    module: str
    needs: tuple[str, ...]


SIDES = {
    "gated": Entry("gated", "gated_layers", ("gated", "llvmlite")),
    "numpy": Entry("our rule in NumPy", "gated_layers", ("gated",)),
    "torch": Entry("PyTorch", "torch_layers", ("torch",)),
    "eager": Entry("PyTorch eager", "torch_peephole", ("torch",)),
    "compile": Entry("torch.compile", "torch_peephole", ("torch",)),
    "jax": Entry("JAX", "jax_peephole", ("jax", "optax")),
    "onnx": Entry("ONNX Runtime", "onnx_layers", ("onnx", "onnxruntime")),
    "sgemm": Entry("sgemm", "openblas", ("numpy",)),
}


def load(name: str, threads: int) -> Side:
    """Import a side and set its threads; for a worker process, once."""
    module = importlib.import_module(f"benchmarks.sides.{SIDES[name].module}")
    return module.make(name, threads)


def missing(name: str) -> list[str]:
    """The packages of a side that are not installed."""
    return [package for package in SIDES[name].needs if importlib.util.find_spec(package) is None]
