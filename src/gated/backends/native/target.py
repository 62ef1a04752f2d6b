"""From IR to machine code for this processor."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ir

from gated.backends.native.ir_tools import Machine

_lock = threading.Lock()  # LLVM's global state


@dataclass(frozen=True)
class Host:
    """The processor as LLVM reports it."""

    machine: Machine
    cpu: str
    features: str


@functools.lru_cache(maxsize=1)
def host() -> Host:
    """This processor, with the widest vectors for which it also has a fused multiply-add."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    reported = llvm.get_host_cpu_features()
    available = {name for name, on in reported.items() if on}
    features = reported.flatten()
    if {"avx512f", "avx512dq"} <= available:
        # LLVM would use half the register width by default, to save power
        return Host(Machine(64, 32), llvm.get_host_cpu_name(), features + ",-prefer-256-bit")
    if {"avx2", "fma"} <= available:
        return Host(Machine(32, 16), llvm.get_host_cpu_name(), features)
    return Host(Machine(16, 32 if "neon" in available else 16), llvm.get_host_cpu_name(), features)


class Compiled:
    """Machine code of one program. `scan(ctx, n0, n1)`; the code lives as long as this object."""

    def __init__(self, module: ir.Module) -> None:
        here = host()
        with _lock:
            parsed = llvm.parse_assembly(str(module))
            parsed.verify()
            target = llvm.Target.from_default_triple().create_target_machine(
                cpu=here.cpu, features=here.features, opt=3, jit=True
            )
            passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=3))
            passes.getModulePassManager().run(parsed, passes)
            self._engine = llvm.create_mcjit_compiler(parsed, target)
            self._engine.finalize_object()
            address = self._engine.get_function_address("scan")
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.scan: Callable[..., Any] = kind(address)
