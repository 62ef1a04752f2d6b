"""A folder that one process at a time writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gated.errors import ArgumentError
from gated.interop import folder_lock
from gated.interop.folder_lock import FolderLock

SOURCE = Path(__file__).resolve().parents[2] / "src"
HOLDS = """
import sys
from pathlib import Path
from gated.interop.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().strip() == b"held"
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_refused_until_it_ends(tmp_path, other):
    lock = FolderLock(tmp_path)
    with pytest.raises(ArgumentError, match=f"^folder: got .*, where process {other.pid} is at work, expected its end"):
        lock.take()
    other.communicate(b"\n")
    assert not (tmp_path / ".lock").exists(), "a process that ends in the ordinary way leaves nothing"
    assert lock.take() and not lock.take()
    lock.give()
    assert not list(tmp_path.iterdir())


def test_a_kill_locks_nobody_out(tmp_path, other):
    other.kill()
    other.communicate()
    assert (tmp_path / ".lock").exists()
    with FolderLock(tmp_path).working():
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
    assert not list(tmp_path.iterdir())


def test_in_one_process_the_last_has_it_unless_one_is_at_work(tmp_path):
    first, second = FolderLock(tmp_path), FolderLock(tmp_path / ".." / tmp_path.name)
    assert first.take() and second.take() and first.take()
    with second.working():
        refused = []

        def another_thread():
            try:
                first.take()
            except ArgumentError as error:
                refused.append(str(error))

        thread = threading.Thread(target=another_thread)
        thread.start()
        thread.join()
        assert len(refused) == 1 and "where another thread of this program is at work" in refused[0]
    first.give()
    assert first.take()
    second.give()  # it has nothing
    assert (tmp_path / ".lock").exists()
    first.give()
    assert not list(tmp_path.iterdir())


def test_it_is_given_back_after_a_change_of_directory_and_when_the_folder_is_gone(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    lock = FolderLock(Path("run"))
    lock.take()
    monkeypatch.chdir("/")
    lock.give()
    assert not list((tmp_path / "run").iterdir())
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    lock = FolderLock(tmp_path / "run")
    lock.take()
    (tmp_path / "run" / ".lock").unlink()
    (tmp_path / "run" / ".lock").write_text("another's")  # somebody removed it, and another process has it now
    lock.give()
    assert (tmp_path / "run" / ".lock").read_text() == "another's"
    assert before in (0, len(os.listdir("/proc/self/fd")))


def test_it_is_given_back_when_nobody_has_it_in_mind(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    del lock
    assert not list(tmp_path.iterdir())


def test_it_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), FolderLock(tmp_path).working():
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_has_no_part_in_it(tmp_path):
    """It neither holds the folder longer than its parent, nor gives it away when it ends."""
    lock = FolderLock(tmp_path)
    lock.take()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)  # until the parent closes its end
        os._exit(0 if lock._handle is None and not folder_lock._held else 1)
    os.close(read)
    lock.give()
    assert FolderLock(tmp_path).take()
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_lock_that_its_owner_removed_meanwhile(tmp_path, monkeypatch):
    """Opened before, locked after: the file is no longer the folder's, and another is made."""
    real, times = folder_lock._lock, []

    def lock(handle):
        times.append(handle)
        if len(times) == 1:
            (tmp_path / ".lock").unlink()
        return real(handle)

    monkeypatch.setattr(folder_lock, "_lock", lock)
    with FolderLock(tmp_path).working():
        assert len(times) == 2 and (tmp_path / ".lock").exists()


@pytest.mark.skipif(os.name != "posix", reason="on Windows there is no fcntl to be without")
@pytest.mark.parametrize("kind", ["no module", "no locks on the file system"])
def test_without_locks_a_folder_is_not_guarded_but_used(tmp_path, other, monkeypatch, kind):
    import fcntl

    if kind == "no module":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:

        def fails(handle, how):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(fcntl, "flock", fails)
    with FolderLock(tmp_path).working():
        pass


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ArgumentError, match="^folder: got .* .No such file or directory., expected a folder that can"):
        FolderLock(tmp_path / "none").take()
