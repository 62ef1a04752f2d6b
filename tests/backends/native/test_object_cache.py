"""Machine code on disk: found again, never trusted, and never in the way."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import llvmlite.ir as ir
import numpy as np
import pytest
from tests.zoo import FEW

from gated.backends.native.codegen.ir_tools import I64, POINTER
from gated.backends.native.machine import object_cache, target
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.machine.target import Compiled
from gated.backends.native.tuning import TRIED, tuning_for

SOURCE = Path(__file__).resolve().parents[3] / "src"
KEY = "ab" * 32
CODE = bytes(range(256)) * 8
posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes of files are a matter of POSIX")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entry(folder: Path, key: str = KEY) -> Path:
    return folder / f"{key}.code"


def adds(number: int) -> ir.Module:
    """scan(pointer, n, _): pointer[n] += number"""
    module = ir.Module("test")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "scan")
    b = ir.IRBuilder(function.append_basic_block())
    address = b.gep(function.args[0], [function.args[1]], source_etype=I64)
    b.store(b.add(b.load(address, typ=I64), I64(number)), address)
    b.ret_void()
    return module


def run(code: Compiled) -> list[int]:
    numbers = np.zeros(3, np.int64)
    code.function("scan")(ctypes.c_void_p(numbers.ctypes.data), 1, 0)
    return numbers.tolist()


def cached(number: int) -> tuple[Compiled, bool]:
    """The code that adds a number, and whether it was compiled."""
    built = []

    def build() -> ir.Module:
        built.append(number)
        return adds(number)

    return Compiled.cached(fingerprint("adds", number), build), bool(built)


def test_what_is_stored_is_loaded(folder: Path) -> None:
    assert object_cache.load(KEY) is None and not folder.exists()
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) == CODE and object_cache.load("cd" * 32) is None
    object_cache.store(KEY, CODE[1:])
    assert object_cache.load(KEY) == CODE[1:]
    assert [path.name for path in folder.iterdir()] == [f"{KEY}.code"]


def test_code_from_the_cache_is_not_built_and_does_the_same(folder: Path) -> None:
    assert [(run(code), built) for code, built in map(cached, (5, 5, 7, 5))] == [
        ([0, 5, 0], True), ([0, 5, 0], False), ([0, 7, 0], True), ([0, 5, 0], False),
    ]  # fmt: skip
    assert object_cache.contents().entries == 2


def test_processor_and_versions_are_part_of_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(5)
    for other in target.hosts().values():
        if other != target.host():
            code = Compiled.cached(fingerprint("adds", 5), lambda: adds(6), other)
            assert run(code) == [0, 6, 0]
    monkeypatch.setattr(target, "environment", lambda: ("another version",))
    assert cached(5)[1]


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the sources are not in this copy")
def test_an_edit_of_the_sources_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = target.environment()
    read = Path.read_bytes
    for name in ("emit.py", "vector_math.py", "lowering.py", "functions.py", "reverse_mode.py", "schedule.py"):

        def edited(path: Path, name: str = name) -> bytes:
            return read(path) + (b" " if path.name == name else b"")

        target.environment.cache_clear()
        monkeypatch.setattr(Path, "read_bytes", edited)
        assert target.environment() != before, name
    monkeypatch.undo()
    target.environment.cache_clear()
    assert target.environment() == before


def foreign(content: bytes) -> bytes:
    """An entry that is whole, but for another key."""
    return content[:16] + bytes(32) + content[48:]


def wrong_code(content: bytes) -> bytes:
    """Other code under a checksum that does not fit."""
    return content[:80] + bytes(len(content) - 80)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut in the header": lambda content: content[:40],
    "no code": lambda content: content[:80],
    "no code, with its checksum": lambda content: content[:48] + hashlib.sha256(b"").digest(),
    "cut in the code": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "another magic": lambda content: b"X" + content[1:],
    "another version": lambda content: content.replace(b"v1", b"v2", 1),
    "another key": foreign,
    "another code": wrong_code,
    "text": lambda content: b"#!/bin/sh\n" * 100,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_built_again(folder: Path, damage: str) -> None:
    cached(5)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    code, built = cached(5)
    assert built and run(code) == [0, 5, 0]
    assert path.read_bytes() == whole and not cached(5)[1]


def test_every_byte_counts(folder: Path) -> None:
    code = bytes(range(64))
    object_cache.store(KEY, code)
    whole = entry(folder).read_bytes()
    for place in range(len(whole)):
        entry(folder).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert object_cache.load(KEY) is None, f"byte {place} was changed, and the entry was trusted"


def test_no_entry_is_read_that_is_larger_than_any_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    object_cache.store(KEY, CODE)
    monkeypatch.setitem(TRIED, "disk_largest", len(CODE))
    assert object_cache.load(KEY) is None


@posix
def test_folder_and_entries_are_for_this_user_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        object_cache.store(KEY, CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE(entry(folder).stat().st_mode) == 0o600


@posix
def test_a_folder_that_everybody_can_write_is_refused(folder: Path) -> None:
    object_cache.store(KEY, CODE)
    folder.chmod(0o777)
    assert object_cache.load(KEY) is None
    object_cache.store("cd" * 32, CODE)
    assert len(list(folder.iterdir())) == 1
    assert "can be written by everybody" in str(object_cache.contents().refused)
    object_cache.clear()
    assert entry(folder).exists()
    folder.chmod(0o700)
    assert object_cache.load(KEY) == CODE


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_can_write_is_refused(folder: Path, mode: int) -> None:
    object_cache.store(KEY, CODE)
    entry(folder).chmod(mode)
    assert object_cache.load(KEY) is None


@posix
def test_what_belongs_to_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    object_cache.store(KEY, CODE)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert object_cache.load(KEY) is None
    assert "belongs to another user" in str(object_cache.contents().refused)
    monkeypatch.setattr(os, "geteuid", lambda: mine)
    assert object_cache.load(KEY) == CODE
    if mine == 0:  # the folder may be mine and an entry not
        os.chown(entry(folder), 1, -1)
        assert object_cache.load(KEY) is None


@posix
def test_links_pipes_and_folders_in_place_of_an_entry(folder: Path, tmp_path: Path) -> None:
    object_cache.store(KEY, CODE)
    entry(folder).rename(tmp_path / "elsewhere")
    entry(folder).symlink_to(tmp_path / "elsewhere")
    assert object_cache.load(KEY) is None
    entry(folder).unlink()
    os.mkfifo(entry(folder), 0o600)
    assert object_cache.load(KEY) is None
    entry(folder).unlink()
    entry(folder).mkdir()
    assert object_cache.load(KEY) is None
    object_cache.store(KEY, CODE)  # cannot replace a folder, and leaves nothing beside it
    assert [path.name for path in folder.iterdir()] == [f"{KEY}.code"]


def test_no_cache_on_disk_if_the_variable_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", "")
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) is None
    assert object_cache.contents().folder is None and object_cache.clear().entries == 0
    assert cached(5)[1] and cached(5)[1]


def test_the_place_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("GATED_CACHE_DIR", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *a, **k: str(tmp_path / "home" / ".cache" / "gated"))
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) == CODE
    assert object_cache.contents().folder == tmp_path / "home" / ".cache" / "gated"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *a, **k: "~/.cache/gated")  # no home
    assert object_cache.contents().folder is None and object_cache.load(KEY) is None


def test_a_file_in_place_of_the_folder(folder: Path) -> None:
    folder.write_text("something else")
    assert cached(5)[1] and cached(5)[1]
    assert folder.read_text() == "something else" and "is not a folder" in str(object_cache.contents().refused)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs folders that not even root can write")
@pytest.mark.parametrize("place", ["/proc/gated", "/sys/gated/cache", "/dev/null/gated"])
def test_a_place_that_cannot_be_written(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", place)
    assert cached(5)[1] and cached(5)[1]
    assert object_cache.contents().entries == 0 and not Path(place).exists()


@pytest.mark.parametrize("function", ["open", "replace", "fdopen"])
def test_a_full_disk(folder: Path, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    object_cache.store("cd" * 32, CODE)

    def fails(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if function == "fdopen":  # the file can be made, its content cannot be written
            real = os.fdopen

            def opened(handle: int, mode: str) -> object:
                file = real(handle, mode)
                if "w" not in mode:
                    return file
                file.close()
                return fails()

            patch.setattr(os, "fdopen", opened)
        elif function == "open":  # the folder can be opened, no file can be made in it
            real_open = os.open
            patch.setattr(
                os, "open", lambda p, how, *a, **k: fails() if how & os.O_CREAT else real_open(p, how, *a, **k)
            )
        else:
            patch.setattr(os, function, fails)
        code, built = cached(5)
        assert built and run(code) == [0, 5, 0]
    assert [path.name for path in folder.iterdir()] == [f"{'cd' * 32}.code"]
    assert cached(5)[1] and not cached(5)[1]


def test_nothing_is_said_unless_asked(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.write_text("in the way")
    with caplog.at_level(logging.INFO):
        cached(5)
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "gated.cache"):
        cached(5)
    assert "is not a folder" in caplog.text


def keys(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(count)]


def test_the_least_recently_used_is_dropped_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "disk_limit", 4 * (len(CODE) + object_cache.HEADER))
    monkeypatch.setitem(TRIED, "disk_turn", 1)
    now = time.time()
    for age, key in enumerate(keys(4)):
        object_cache.store(key, CODE)
        os.utime(entry(folder, key), (now, now - 10000 * (age + 1)))
    assert object_cache.load(keys(4)[3]) == CODE  # the oldest, used now
    object_cache.store(KEY, CODE)
    assert {path.stem for path in folder.iterdir()} == {KEY, *keys(4)} - {keys(4)[2]}
    assert object_cache.contents().size <= tuning_for().disk_limit


def test_one_new_entry_in_some_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "disk_limit", 0)
    left = []
    for first in range(2 * tuning_for().disk_turn):
        object_cache.store(f"{first:04x}{0:060x}", CODE)
        left.append(object_cache.contents().entries)
    turn = list(range(tuning_for().disk_turn))
    assert left == 2 * turn


def test_half_written_files_of_killed_processes_go_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIED, "disk_turn", 1)
    object_cache.store(KEY, CODE)
    old, new = folder / f".{KEY}.old.tmp", folder / f".{KEY}.new.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    object_cache.store(KEY, CODE)
    assert not old.exists() and new.exists()


def test_clear_removes_entries_and_nothing_else(folder: Path) -> None:
    assert object_cache.clear().entries == 0
    for key in keys(3):
        object_cache.store(key, CODE)
    others = [folder / name for name in ("notes.txt", f"{KEY}.code.bak", f"x{KEY}.code", ".hidden.tmp")]
    for path in others:
        path.write_text("not ours")
    (folder / f".{KEY}.half.tmp").write_bytes(b"half")
    before = object_cache.clear()
    assert (before.entries, before.size) == (3, 3 * (len(CODE) + object_cache.HEADER))
    assert sorted(folder.iterdir()) == sorted(others)


STARTS = """
import ctypes, sys
import numpy as np
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.machine.target import Compiled

sys.path.insert(0, sys.argv[1])
from test_object_cache import adds, run

print("ready", flush=True)
sys.stdin.readline()
built = []
for number in range(40):
    code = Compiled.cached(fingerprint("adds", number), lambda: built.append(number) or adds(number))
    assert run(code) == [0, number, 0]
print(len(built))
"""


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "GATED_CACHE_DIR": str(folder)}
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    command = [sys.executable, "-c", STARTS, str(Path(__file__).parent)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def compiled_in(processes: list[subprocess.Popen[str]]) -> list[int]:
    """Let them all go on at once; how many modules each of them compiled."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [int(process.communicate(timeout=200)[0]) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return answers


def test_processes_that_start_at_once_and_one_that_starts_later(folder: Path) -> None:
    assert sum(compiled_in([start(folder) for _ in range(3)])) >= 40
    assert compiled_in([start(folder)]) == [0]
    assert object_cache.contents().entries == len(list(folder.iterdir())) == 40


LAYER = """
import sys
import numpy as np
import gated
from gated.backends.native import target

compiled, compile_object = [], target.compile_object
target.compile_object = lambda *arguments: compiled.append(1) or compile_object(*arguments)
layer = gated.GRU(3, 5, dtype="float64", backend="native", seed=1)
y, _, tape = layer.forward(np.linspace(-1, 1, 24).reshape(4, 2, 3))
dx, _, grads = layer.backward(tape, np.ones_like(y))
print(y.tobytes().hex(), dx.tobytes().hex(), grads.vector.tobytes().hex(), len(compiled))
"""


def said(script: str, folder: Path | str, seed: int) -> list[str]:
    environment = {**os.environ, "GATED_CACHE_DIR": str(folder), "PYTHONHASHSEED": str(seed)}
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_a_later_process_compiles_nothing_and_computes_the_same(folder: Path) -> None:
    first, later = said(LAYER, folder, 1), said(LAYER, folder, 2)
    assert first[:3] == later[:3] and int(first[3]) > 0 and int(later[3]) == 0


MODULES = """
import hashlib
import gated
from gated.backends.native import object_cache, programs, target
from gated.schedule import schedule

class Made(Exception): pass

def made(module, here):
    raise Made(hashlib.sha256(str(module).encode()).hexdigest())

asked = []
object_cache.load = asked.append
target.compile_object = made
for name in FEW:
    cell = gated.cells.ZOO[name]
    for kind in (programs.training, programs.inference):
        try:
            kind(schedule(cell.graph), "float32")
        except Made as module:
            print(f"{asked[-1]}={module}")
"""


def test_a_key_stands_for_one_module_in_every_process() -> None:
    """The order of a set differs from process to process: no address in a table may depend on it."""
    code = MODULES.replace("FEW", repr(FEW))
    first, other = said(code, "", 1), said(code, "", 2)
    assert first == other and len(set(first)) > 2 * len(FEW) - 5
