"""Old places of modules: imports that name one find the module where it lies now.

`MOVED` is the whole of it: the place where a module once was, and the one where it is. Nothing is imported before it
is asked for; then the module is the same object under both names, and keeps the name of where it lies. (The classes of
`importlib.abc` are not named as bases: importing them would take as long as all the rest of `import gated`.)
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED: dict[str, str] = {
    "gated.backends.arithmetic": "gated.backends.reference.arithmetic",
    "gated.backends.updates": "gated.backends.reference.updates",
    "gated.backends.native.ir_tools": "gated.backends.native.codegen.ir_tools",
    "gated.backends.native.vector_math": "gated.backends.native.codegen.vector_math",
    "gated.backends.native.kernels": "gated.backends.native.codegen.kernels",
    "gated.backends.native.team": "gated.backends.native.codegen.team",
    "gated.backends.native.emit": "gated.backends.native.codegen.emit",
    "gated.backends.native.panels": "gated.backends.native.codegen.panels",
    "gated.backends.native.renewal": "gated.backends.native.codegen.renewal",
    "gated.backends.native.moves": "gated.backends.native.codegen.moves",
    "gated.backends.native.gradients": "gated.backends.native.codegen.gradient_kernels",
    "gated.backends.native.online_emit": "gated.backends.native.codegen.in_place",
    "gated.backends.native.fingerprint": "gated.backends.native.machine.fingerprint",
    "gated.backends.native.cache_folder": "gated.backends.native.machine.cache_folder",
    "gated.backends.native.object_cache": "gated.backends.native.machine.object_cache",
    "gated.backends.native.target": "gated.backends.native.machine.target",
    "gated.backends.native.programs": "gated.backends.native.machine.programs",
    "gated.backends.native.addresses": "gated.backends.native.memory.addresses",
    "gated.backends.native.regions": "gated.backends.native.memory.regions",
    "gated.backends.native.pool": "gated.backends.native.threads.pool",
    "gated.backends.native.groups": "gated.backends.native.threads.groups",
    "gated.backends.native.plan": "gated.backends.native.passes.plan",
    "gated.backends.native.course": "gated.backends.native.passes.course",
    "gated.backends.native.pass_plan": "gated.backends.native.passes.pass_plan",
    "gated.backends.native.training_plan": "gated.backends.native.passes.training_plan",
    "gated.backends.native.inference_plan": "gated.backends.native.passes.inference_plan",
    "gated.backends.native.inference": "gated.backends.native.passes.inference",
    "gated.backends.native.backend": "gated.backends.native.passes.backend",
    "gated.backends.native.online_run": "gated.backends.native.passes.learner",
    "gated.backends.native.lowering": "gated.program.lowering",
    "gated.backends.native.layout": "gated.program.layout",
    "gated.backends.native.online_layout": "gated.program.online",
    "gated.learning.optimizers": "gated.learning.rules.optimizers",
    "gated.learning.schedules": "gated.learning.rules.schedules",
    "gated.learning.clipping": "gated.learning.rules.clipping",
    "gated.learning.checks": "gated.learning.rules.option_checks",
    "gated.learning.finite": "gated.learning.rules.finite",
    "gated.learning.bptt": "gated.learning.training.bptt",
    "gated.learning.loop": "gated.learning.training.loop",
    "gated.learning.run_folder": "gated.learning.training.run_folder",
    "gated.learning.curves": "gated.learning.training.curves",
    "gated.learning.interrupts": "gated.learning.training.interrupts",
    "gated.learning.online": "gated.learning.realtime.online",
    "gated.learning.rtrl": "gated.learning.realtime.rtrl",
    "gated.learning.traces": "gated.learning.realtime.traces",
    "gated.learning.chain": "gated.learning.realtime.chain",
    "gated.learning.engines": "gated.learning.realtime.engines",
    "gated.learning.lahore": "gated.learning.realtime.lahore_lstm",
    "gated.learning.compare": "gated.learning.realtime.compare",
    "gated.learning.fixed": "gated.learning.realtime.fixed",
    "gated.interop.atomic": "gated.files.atomic",
    "gated.interop.folder_lock": "gated.files.folder_lock",
    "gated.interop.json_text": "gated.files.json_text",
    "gated.interop.kept_folder": "gated.files.kept_folder",
    "gated.interop.tensor_file": "gated.files.tensor_file",
    "gated.runtime.packing": "gated.nn.packing",
    "gated.runtime.sequences": "gated.data.sequences",
    "gated.losses": "gated.nn.losses",
    "gated.cli.contest": "gated.cli.contest_table",
}


class _Alias:
    """Puts the module of the new place where the import system looks for the old one."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(MOVED[module.__name__])


class _OldPlaces:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, _Alias()) if fullname in MOVED else None  # type: ignore[arg-type]


def find_old_places() -> None:
    """Teach the import system. Called once, by the package."""
    sys.meta_path.append(_OldPlaces())
