"""From IR to machine code for this processor, or straight from the cache on disk."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import llvmlite.ir as ir

from gated import __version__
from gated.backends.native.machine import object_cache
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for
from gated.environment import Variable
from gated.errors import wrong
from gated.locks import fork_safe_lock

_lock = fork_safe_lock()  # LLVM's global state
_CPU = Variable("GATED_CPU")


@dataclass(frozen=True)
class Host:
    """A processor, or a narrower one that it can stand for: what an emitter and what LLVM must know of it."""

    machine: Machine
    cpu: str
    features: str


# Instruction sets, the widest first: what LLVM must report, vector bytes and registers, and what is masked to get it.
_SETS = {
    # LLVM would use half the register width by default, to save power
    "avx512": ({"avx512f", "avx512dq"}, Machine(64, 32, "x86"), "-prefer-256-bit"),
    "avx2": ({"avx2", "fma"}, Machine(32, 16, "x86"), "-avx512f"),
    "sse": ({"sse2"}, Machine(16, 16, "x86"), "-sse3"),  # all later ones need it
    "neon": ({"neon"}, Machine(16, 32, "arm"), ""),
}


@functools.lru_cache(maxsize=1)
def hosts() -> dict[str, Host]:
    """The instruction sets of this processor, the widest first."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    reported = llvm.get_host_cpu_features()
    available = {name for name, on in reported.items() if on}
    cpu, features = llvm.get_host_cpu_name(), reported.flatten()
    found = {
        name: Host(machine, cpu, ",".join(filter(None, [features, masked])))
        for name, (needed, machine, masked) in _SETS.items()
        if needed <= available
    }
    return found or {"generic": Host(Machine(16, 16), cpu, features)}


def host() -> Host:
    """This processor with its widest vectors, or as the environment's GATED_CPU says: avx512, avx2, sse or neon.

    Raises:
        ArgumentError: GATED_CPU names none of its instruction sets.
    """
    return _chosen(_CPU.read() or "")


@functools.lru_cache(maxsize=8)
def _chosen(name: str) -> Host:
    if name and name not in hosts():
        raise wrong("GATED_CPU", repr(name), f"one of {', '.join(hosts())} on this processor")
    return hosts()[name] if name else next(iter(hosts().values()))


class Compiled:
    """Machine code of one module; it lives as long as this object."""

    def __init__(self, module: ir.Module | str, here: Host | None = None) -> None:
        self._open(compile_object(module, here or host()), here or host())

    @classmethod
    def cached(cls, key: str, build: Callable[[], ir.Module], here: Host | None = None) -> Compiled:
        """The code of `build()`, which is only called if the cache on disk has none.

        Args:
            key: a `fingerprint` of everything that `build` depends on, save the processor and the versions.
            build: makes the module.
            here: the processor; without one, `host()`.
        """
        here = here or host()
        full = fingerprint(key, here, tuning_for(here.machine).code, environment())
        code = object_cache.load(full)
        if code is None:
            code = compile_object(build(), here)
            object_cache.store(full, code)
        made = cls.__new__(cls)
        made._open(code, here)
        return made

    def _open(self, code: bytes, here: Host) -> None:
        with _lock:
            # an engine wants a module to begin with; the code is all in the object file
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine(here))
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()

    def __del__(self, lock: Any = _lock) -> None:  # held here: at the end of the process the module may be gone
        with lock:
            self.__dict__.pop("_engine", None)

    def address(self, name: str) -> int:
        """Of a function of the module.

        Raises:
            LookupError: the module has none of this name.
        """
        with _lock:
            address = self._engine.get_function_address(name)
        if not address:
            raise LookupError(f"the module has no function {name!r}")
        return int(address)

    def function(self, name: str) -> Callable[..., Any]:
        """A function (pointer, int64, int64) -> nothing of the module."""
        return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(self.address(name))


def target_machine(here: Host, opt: int = 3) -> llvm.TargetMachine:
    """LLVM's own description of a processor of this machine's kind."""
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=here.cpu, features=here.features, opt=opt, jit=True
    )


# What cleans up after the emitter. Its kernels come as vectors and as large as the registers allow: LLVM's usual passes
# unroll their loops besides, which makes the code four times larger, takes four times as long, and was not faster at
# any size that was measured.
PASSES = (
    "sroa",
    "simplify_cfg",
    "instruction_combine",
    "new_gvn",
    "simplify_cfg",
    "instruction_combine",
    "dead_code_elimination",
)


def optimised(module: ir.Module | str, target: llvm.TargetMachine) -> llvm.ModuleRef:
    """The module, verified and optimised for a target, in a context of its own."""
    parsed = llvm.parse_assembly(str(module), llvm.create_context())
    parsed.verify()
    manager = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(manager, f"add_{name}_pass")()
    manager.run(parsed, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    return parsed


def compile_object(module: ir.Module | str, here: Host) -> bytes:
    """An object file for the linker of this process."""
    with _lock:
        return _object(module, here)


def _object(module: ir.Module | str, here: Host) -> bytes:  # what LLVM made is given back before the lock is
    text = str(module)
    target = target_machine(here, 3 if longest_function(text) <= tuning_for(here.machine).long_function else 0)
    return bytes(target.emit_object(optimised(text, target)))


def longest_function(text: str) -> int:
    """Letters of the longest of a module's functions."""
    return max(map(len, text.split("\ndefine ")))


# The packages that code is made by, whatever rooms they have: a test holds that nothing else takes part.
SOURCES = ("language", "calculus", "schedule", "program", "backends")


def sources_digest(package: Path) -> str:
    """A digest of every source below SOURCES, and of the modules beside them: of what they say and where they lie.

    Raises:
        FileNotFoundError: one of SOURCES is not there, so that a key would be made without it.
    """
    files = list(package.glob("*.py"))
    for folder in SOURCES:
        found = list((package / folder).rglob("*.py"))
        if not found:
            raise FileNotFoundError(f"no sources in {package / folder}: machine code would be kept under a stale key")
        files += found
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


@functools.lru_cache(maxsize=1)
def environment() -> tuple[str, ...]:
    """What code depends on besides the program and the processor: versions, and the sources that make it.

    The sources count because a version number does not change with every edit.
    """
    import gated

    sources = sources_digest(Path(str(gated.__file__)).resolve().parent)  # wherever this module lies
    triple = llvm.get_process_triple()
    return (__version__, llvmlite.__version__, ".".join(map(str, llvm.llvm_version_info)), triple, sources)
