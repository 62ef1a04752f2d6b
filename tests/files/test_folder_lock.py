"""A folder that one process at a time writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gated.errors import ArgumentError
from gated.files import folder_lock
from gated.files.folder_lock import FolderLock

SOURCE = Path(__file__).resolve().parents[2] / "src"
HOLDS = """
import sys
from pathlib import Path
from gated.files.folder_lock import FolderLock
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


OTHERS = {
    "a text": lambda path: path.write_text("[package]\nname = 'x'\n"),
    "a long number": lambda path: path.write_text("1" * 30),
    "digits of another script": lambda path: path.write_text("\u0661\u0662"),
    "a folder": lambda path: path.mkdir(),
    "a link to a file": lambda path: path.symlink_to("../mine"),
    "a link to nothing": lambda path: path.symlink_to("../new"),
    "another name of a file": lambda path: path.hardlink_to(path.parent.parent / "numbers"),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are made as on POSIX")
@pytest.mark.parametrize("case", OTHERS)
def test_a_lock_of_another_program_is_left_as_it_is(tmp_path, case):
    """Through a link, `.lock -> ~/.bashrc`, the lock emptied that file; another program's was overwritten, removed."""
    (tmp_path / "mine").write_text("alias ll='ls -l'\n")
    (tmp_path / "numbers").write_text("12")
    folder = tmp_path / "run"
    folder.mkdir()
    OTHERS[case](folder / ".lock")
    before = os.lstat(folder / ".lock")
    text = (folder / ".lock").read_bytes() if (folder / ".lock").is_file() else None
    with pytest.raises(ArgumentError) as caught:
        FolderLock(folder).take()
    message = str(caught.value)
    assert message.startswith(f"folder: got {str(folder)!r}") and "\n" not in message
    assert "is not gated's, expected another folder, or none of that name in it" in message
    after = os.lstat(folder / ".lock")
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)
    assert text is None or (folder / ".lock").read_bytes() == text
    assert (tmp_path / "mine").read_text() == "alias ll='ls -l'\n" and (tmp_path / "numbers").read_text() == "12"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine", "numbers", "run"]


@pytest.mark.skipif(os.name != "posix", reason="links are made as on POSIX")
def test_a_link_is_refused_where_the_system_cannot_refuse_it(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("12")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "mine")
    monkeypatch.setattr(folder_lock, "FLAGS", os.O_RDWR | os.O_CREAT)
    with pytest.raises(ArgumentError, match=r"whose .lock .a link. is not gated's"):
        FolderLock(tmp_path / "run").take()
    assert (tmp_path / "mine").read_text() == "12"


def test_only_what_is_ours_is_removed(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    (tmp_path / ".lock").write_text("another program's now")
    lock.give()
    assert (tmp_path / ".lock").read_text() == "another program's now"


def test_nobody_comes_between_having_it_and_working(tmp_path, monkeypatch):
    """`take` and the mark that work has begun were two steps: another thread could take it between them."""
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    real, came = FolderLock.take, []

    def slow(lock):
        result = real(lock)
        if lock is first:
            thread = threading.Thread(target=another)
            thread.start()
            thread.join()
        return result

    def another():
        try:
            real(second)
        except ArgumentError as error:
            came.append(str(error))

    monkeypatch.setattr(FolderLock, "take", slow)
    with first.working():
        another()
        assert len(came) == 1 and "another thread of this program" in came[0]
        assert first._handle is not None and second._handle is None


def test_two_threads_cannot_work_with_one_object(tmp_path):
    lock, came = FolderLock(tmp_path), []

    def work():
        try:
            with lock.working():
                came.append("worked")
        except ArgumentError as error:
            came.append(str(error))

    with lock.working():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert (tmp_path / ".lock").exists() and "another thread of this program" in came[0]
    work()
    assert came[1] == "worked" and not list(tmp_path.iterdir())
