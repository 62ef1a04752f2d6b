"""Compiles one vector function of the native backend, so that tests can call it on arrays."""

from __future__ import annotations

import ctypes
import functools

import llvmlite.ir as ir
import numpy as np

from gated.backends.native.codegen.ir_tools import I64, POINTER
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.machine.target import Compiled, Host, host


def module_of(function: str, precision: str, here: Host, numbers: tuple[float, ...] = ()) -> ir.Module:
    """scan(pointer, index, _): the vector at pointer[index] becomes function of it, and of numbers."""
    module = ir.Module("test")
    math = VectorMath(module, PRECISIONS[precision], here.machine.width(precision))
    scan = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "scan")
    pointer, index, _ = scan.args
    b = ir.IRBuilder(scan.append_basic_block())
    address = b.gep(pointer, [index], source_etype=math.scalar)
    x = b.load(address, typ=math.vector, align=PRECISIONS[precision].bits // 8)
    b.store(math.emitter(function)(b, x, *map(math.constant, numbers)), address, align=PRECISIONS[precision].bits // 8)
    b.ret_void()
    return module


@functools.cache
def compiled(function: str, precision: str, here: Host, numbers: tuple[float, ...] = ()) -> Compiled:
    return Compiled(module_of(function, precision, here, numbers), here)


def evaluate(function: str, x: np.ndarray, here: Host | None = None, numbers: tuple[float, ...] = ()) -> np.ndarray:
    """function(x, *numbers) for a 1-D array of float32 or float64, as `here` (None: this processor) computes it."""
    here = here or host()
    scan = compiled(function, x.dtype.name, here, numbers).function("scan")
    width = here.machine.width(x.dtype.name)
    padded = np.zeros(-(-len(x) // width) * width, x.dtype)
    padded[: len(x)] = x
    for start in range(0, len(padded), width):
        scan(ctypes.c_void_p(padded.ctypes.data), start, 0)
    return padded[: len(x)]
