"""Every instruction set that this processor has, and one that it has not: numbers, registers, calls.

The narrower ones are what other processors have: GATED_CPU masks the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated.backends.native.machine import target
from gated.backends.native.machine.target import host, hosts
from gated.cells import ZOO
from gated.errors import ArgumentError

from .object_files import machine_of, undefined_symbols
from .test_against_reference import CASES, SIZES, TOLERANCE, norm_error, results
from .test_vector_math import EXACT, all_exponents, units_in_the_last_place
from .vector_functions import evaluate

SOURCE = Path(__file__).resolve().parents[3] / "src"
NARROWER = list(hosts())[1:]
BYTES = {"avx512": 64, "avx2": 32, "sse": 16, "neon": 16, "generic": 16}
# What LLVM may call instead of a loop that copies or clears memory. Anything else would be a slow scalar function.
ALLOWED = {"memcpy", "memmove", "memset"}
DESCRIBED = ("lstm", "gru", "projected_lstm")
CELLS = (*DESCRIBED, "peephole_lstm", "gru_reset_after", "slstm", "rhn", "mingru")


def test_widest_first_and_vectors_of_the_right_size() -> None:
    sizes = [BYTES[name] for name in hosts()]
    assert sizes == sorted(sizes, reverse=True) and sizes
    assert [here.machine.vector_bytes for here in hosts().values()] == sizes


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATED_CPU", raising=False)
    widest = host()
    for name, here in hosts().items():
        monkeypatch.setenv("GATED_CPU", name)
        assert host() == here
    monkeypatch.setenv("GATED_CPU", "")
    assert host() == widest == next(iter(hosts().values()))


@pytest.mark.parametrize("name", ["mmx", "AVX2", "avx2,fma", "1"])
def test_an_instruction_set_that_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CPU", name)
    with pytest.raises(ArgumentError, match=f"GATED_CPU: got '{name}', expected one of .* on this processor"):
        gated.LSTM(2, 3, backend="native").forward(np.zeros((1, 1, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", EXACT)
@pytest.mark.parametrize("name", NARROWER)
def test_four_units_in_the_last_place(name: str, function: str, dtype: str) -> None:
    x = all_exponents(dtype)
    if function in ("log", "sqrt"):
        x = x[x >= 0]
    with np.errstate(all="ignore"):
        exact = EXACT[function](x.astype(np.longdouble))
    errors = units_in_the_last_place(evaluate(function, x, hosts()[name]), exact)
    assert np.nanmax(errors) <= 4.0 and not np.isnan(errors).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NARROWER)
def test_nan_and_infinity(name: str, dtype: str) -> None:
    x = np.array([np.nan, -np.inf, np.inf, 0.0], dtype)
    expected = {
        "exp": [np.nan, 0, np.inf, 1],
        "sigmoid": [np.nan, 0, 1, 0.5],
        "tanh": [np.nan, -1, 1, 0],
        "log": [np.nan, np.nan, np.inf, -np.inf],
        "softplus": [np.nan, 0, np.inf, np.log(np.array(2, dtype))],
    }
    for function, want in expected.items():
        np.testing.assert_array_equal(evaluate(function, x, hosts()[name]), np.array(want, dtype), err_msg=function)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NARROWER)
def test_same_numbers_as_the_reference(name: str, cell: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CPU", name)
    for case in ("one step", "odd sizes", "lengths, layers, directions"):
        options = dict(CASES[case])
        call = {"steps": options.pop("steps"), "batch": options.pop("batch"), "lengths": options.pop("lengths", None)}
        options |= {"dtype": dtype, "sizes": SIZES.get(cell), "seed": 3}
        native = results(gated.Recurrent(ZOO[cell], backend="native", **options), **call)
        reference = results(gated.Recurrent(ZOO[cell], backend="reference", **options).astype("float64"), **call)
        for key, want in reference.items():
            error = norm_error(native[key], want)
            assert error <= TOLERANCE[dtype], f"{name}, {cell}, {case}: {key} is off by {error:.1e}"
    options |= {"num_layers": 1, "bidirectional": False}
    layers = [gated.Recurrent(ZOO[cell], backend=backend, **options) for backend in ("native", "reference")]
    x = np.random.default_rng(2).standard_normal((5, 9, layers[0].input_size))
    want = layers[1].astype("float64").forward(x)[0]
    stream = layers[0].stream(9)
    for got in (layers[0].infer(x)[0], np.array([stream.step(x_t).copy() for x_t in x])):
        assert norm_error(got, want) <= TOLERANCE[dtype], f"{name}, {cell}: without a tape"


# Runs some cells and describes the machine code of each module. On a foreign processor's behalf (neon) the modules run
# as code for 16-byte vectors of this one, which shows that the tiles for its 32 registers compute the right numbers.
DESCRIBE = """
import json, re, sys
import numpy as np
import llvmlite.binding as llvm
import gated
from gated.backends.native import target
from gated.backends.native.processor import Machine

name, dtype, cells = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
here = target.hosts().get(name, target.Host(Machine(16, 32, "arm"), "generic", "+neon"))
foreign = name not in target.hosts()
target._chosen = lambda name: here
if foreign:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    runs = list(target.hosts().values())[-1]
    compile_object, target_machine = target.compile_object, target.target_machine
    target.target_machine = lambda here, opt=3: target_machine(runs, opt)
    machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(
        cpu=here.cpu, features=here.features, opt=3, reloc="pic"
    )
else:
    machine = target.target_machine(here)
described = []

def describe(module, here):
    text = re.sub('target triple = ".*"', f'target triple = "{machine.triple}"', str(module))
    optimised = target.optimised(text, machine)
    assembly, code = machine.emit_assembly(optimised), bytes(machine.emit_object(optimised))
    described.append({
        "registers": sorted({name for name in ("zmm", "ymm", "xmm") if re.search(rf"%{name}[0-9]", assembly)}),
        "fused": len(re.findall(r"\\bvfn?madd[0-9]|\\bfmla\\tv[0-9]+\\.(?:4s|2d)", assembly)),
        "multiplications": len(re.findall(r"\\bv?mulp[sd]\\b|\\bfmul\\tv[0-9]+\\.(?:4s|2d)", assembly)),
        "object": code.hex(),
    })
    if foreign:  # a hint to a processor of the other kind
        module = re.sub('call void @"llvm.aarch64.hint".i32 1.', '', str(module))
    return compile_object(module, runs) if foreign else code

target.compile_object, compile_object = describe, target.compile_object
worst = 0.0
for cell in cells:
    sizes = {"h": 5} if cell == "projected_lstm" else None
    found = []
    for backend in ("native", "reference"):
        layer = gated.Recurrent(gated.cells.ZOO[cell], 6, 11, sizes=sizes, dtype=dtype, backend=backend, seed=2)
        if backend == "reference":
            layer = layer.astype("float64")
        x = np.random.default_rng(0).standard_normal((4, 7, 6))
        y, state, tape = layer.forward(x, lengths=[4, 4, 1, 2, 3, 4, 2])
        dx, _, grads = layer.backward(tape, np.cos(np.arange(y.size)).reshape(y.shape))
        found.append(np.concatenate([y.ravel(), dx.ravel(), grads.vector]).astype("float64"))
    worst = max(worst, np.linalg.norm(found[0] - found[1]) / np.linalg.norm(found[1]))
print(json.dumps({"worst": worst, "modules": described}))
"""


def cells_in(dtype: str) -> tuple[str, ...]:
    """Each cell in one of the precisions: the kernels that all share are looked at in both."""
    return DESCRIBED[dtype == "float64" :: 2]


def describe(name: str, dtype: str) -> list[dict[str, Any]]:
    """A description of each module that the cells need."""
    environment = {**os.environ, "GATED_CACHE_DIR": "", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("GATED_CPU", None)
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    cells = cells_in(dtype)
    command = [sys.executable, "-c", DESCRIBE, name, dtype, ",".join(cells)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found["modules"]) > len(cells)
    assert found["worst"] <= TOLERANCE[dtype], f"off by {found['worst']:.1e}"
    modules: list[dict[str, Any]] = found["modules"]
    return modules


WIDEST_REGISTER = {"avx512": "zmm", "avx2": "ymm", "sse": "xmm"}
x86 = pytest.mark.skipif(not set(hosts()) & set(WIDEST_REGISTER), reason="looks at code for x86")


@x86
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in hosts() if name in WIDEST_REGISTER])
def test_code_for_x86_keeps_to_the_registers_and_calls_nothing(name: str, dtype: str) -> None:
    order = ["xmm", "ymm", "zmm"]
    modules = describe(name, dtype)
    assert sum(not module["registers"] for module in modules) == 1  # the one by which threads wait
    for module in modules:
        assert not module["registers"] or max(module["registers"], key=order.index) == WIDEST_REGISTER[name]
        code = bytes.fromhex(module["object"])
        assert machine_of(code) == 62  # EM_X86_64
        assert undefined_symbols(code) <= ALLOWED
    kind = "multiplications" if name == "sse" else "fused"
    assert sum(module[kind] > 20 for module in modules) >= len(cells_in(dtype))
    assert (sum(module["fused"] for module in modules) == 0) == (name == "sse")


@pytest.mark.skipif("sse" not in hosts() and "neon" not in hosts(), reason="runs on 16-byte vectors")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_code_for_aarch64(dtype: str) -> None:
    modules = describe("neon", dtype)
    for module in modules:
        code = bytes.fromhex(module["object"])
        assert machine_of(code) == 183  # EM_AARCH64
        assert undefined_symbols(code) <= ALLOWED
    assert sum(module["fused"] > 20 for module in modules) >= len(cells_in(dtype))


def test_a_narrower_processor_has_code_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One process, one layer, one folder of machine code: nothing is mixed up."""
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path))
    layer = gated.GRU(5, 9, dtype="float64", backend="native")
    x = np.random.default_rng(1).standard_normal((6, 3, 5))
    compiled = []
    compile_object = target.compile_object
    monkeypatch.setattr(target, "compile_object", lambda *a: (compiled.append(a[1]), compile_object(*a))[1])
    outputs = []
    for _ in range(2):
        for name in hosts():
            monkeypatch.setenv("GATED_CPU", name)
            outputs.append(layer.forward(x)[0])
    assert all(np.allclose(y, outputs[0], rtol=1e-12, atol=0) for y in outputs)
    assert set(compiled) <= set(hosts().values()) and len(compiled) <= 2 * len(hosts())
