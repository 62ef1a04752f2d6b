"""FOUND 19: a run folder after a power failure, under two processes, on a full disk, after a kill, and SIGTERM."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gated.learning.training.run_folder import RunFolder

pytest.importorskip("typer")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")

SOURCE = Path(__file__).resolve().parents[2] / "src"
TEXT = "".join(np.random.default_rng(0).choice(list("abc de\n"), 4000))
SMALL = ["corpus.txt", "--hidden", "2", "--embed", "2", "--batch", "2", "--window", "8", "--log-every", "1"]
SHORT = [*SMALL, "--steps", "120", "--evaluate-every", "30", "--sample", "0"]
LONG = [*SMALL, "--steps", "100000", "--evaluate-every", "30", "--sample", "0"]


def start(folder, *words, **options):
    """`gated` with these words, in a folder with a text."""
    (folder / "corpus.txt").write_text(TEXT)
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1", "GATED_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "gated.cli", *words],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs to copy and to compare with: "whole" of 120 updates, "half" of 60, and "resumed", which is half gone on."""
    folder = tmp_path_factory.mktemp("trained")

    def run(*words):
        process = start(folder, "train", *words)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")

    run(*SHORT, "--out", "whole")
    run(*SHORT, "--out", "half", "--steps", "60")
    shutil.copytree(folder / "half", folder / "resumed")
    run("--out", "resumed", "--resume", "--steps", "120", "--sample", "0")
    return folder


@pytest.fixture
def command(tmp_path):
    running = []

    def run(*words, wait=True, **options):
        process = start(tmp_path, *words, **options)
        if not wait:
            running.append(process)
            return process
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def at_work(process, folder, lines=40):
    """Wait until so many lines of metrics are written."""
    deadline = time.monotonic() + 100
    while not (folder / "metrics.jsonl").exists() or (folder / "metrics.jsonl").read_bytes().count(b"\n") < lines:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def metrics(folder):
    timing = ("seconds", "characters_per_second")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in timing} for line in lines]


def one_line(err, words):
    assert err.startswith("error: ") and err.count("\n") == 1 and words in err, err


@pytest.mark.parametrize("cut", [30, 1000, None])
def test_a_file_that_is_shorter_after_a_power_failure(command, trained, tmp_path, cut):
    shutil.copytree(trained / "half", tmp_path / "run")
    file = tmp_path / "run" / "metrics.jsonl"
    content = file.read_bytes()
    file.write_bytes(content[:-cut] if cut else b"")
    left = file.read_bytes().count(b"\n")
    code, _, err = command("train", "--out", "run", "--resume", "--steps", "120", "--sample", "0")
    assert code == 0, err
    missing = len(content) - (file.read_bytes()[: len(content)].find(b'{"step": 61,'))
    assert err == (
        f"note: 'run/metrics.jsonl' has {missing} bytes less than at the checkpoint: its last lines before update 60 "
        "are lost, and the run goes on\n"
    )
    steps = [line["step"] for line in metrics(tmp_path / "run")]
    assert steps == [*range(1, left + 1), *range(61, 121)]
    assert metrics(tmp_path / "run")[left:] == metrics(trained / "resumed")[60:]
    assert command("train", "--out", "run", "--resume", "--sample", "0")[::2] == (0, "")


def test_lines_that_are_lost_are_counted_anew_at_once(command, trained, tmp_path):
    """Else a kill before the next checkpoint would leave more lines than the old one counts, and other ones."""
    shutil.copytree(trained / "half", tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    folder.metrics_file.write_bytes(folder.metrics_file.read_bytes()[:-30])
    process = command("train", "--out", "run", "--resume", "--steps", "100000", "--sample", "0", wait=False)
    at_work(process, tmp_path / "run", 63)
    process.kill()
    process.communicate()
    assert command("train", "--out", "run", "--resume", "--steps", "130", "--sample", "0")[0] == 0
    steps = [line["step"] for line in metrics(tmp_path / "run")]
    assert steps == [*range(1, 60), *range(61, 131)]


def test_lines_are_on_the_disk_before_the_checkpoint_that_counts_them(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    folder.start({})
    folder.append_metrics({"step": 1})
    done = []
    sync, replace = os.fsync, os.replace

    def synced(handle):
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    def replaced(source, target):
        done.append(f"replace {os.path.basename(target)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    folder.write_checkpoint({}, {})
    assert len(done) == 4 and done[1].startswith(".checkpoint.safetensors.")
    assert [done[0], *done[2:]] == ["metrics.jsonl", "replace checkpoint.safetensors", "run"]


def test_two_processes_in_one_folder(command, tmp_path):
    process = command("train", *LONG, "--out", "run", wait=False)
    at_work(process, tmp_path / "run")
    for words in (["--resume"], ["corpus.txt", "--overwrite"]):
        code, out, err = command("train", "--out", "run", *words)
        assert code == 2 and out == ""
        one_line(err, f"folder: got 'run', where process {process.pid} is at work, expected its end, or another folder")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    steps = [line["step"] for line in metrics(tmp_path / "run")]
    assert steps == list(range(1, len(steps) + 1))
    assert not (tmp_path / "run" / ".lock").exists()


def test_a_kill_frees_the_folder_and_what_it_left_is_removed(command, tmp_path):
    process = command("train", *LONG, "--out", "run", wait=False)
    at_work(process, tmp_path / "run")
    process.kill()
    process.communicate()
    run = tmp_path / "run"
    assert (run / ".lock").exists()
    left = [run / f".{name}.1a2b3c4d.tmp" for name in ("checkpoint.safetensors", "model.safetensors", "config.json")]
    for file in left:
        file.write_bytes(b"half")
    (run / ".notes.tmp").write_text("the user's")
    code, _, err = command("train", "--out", "run", "--resume", "--steps", "120", "--sample", "0")
    assert code == 0, err
    assert {file.name for file in run.iterdir()} - {"loss.png"} == {
        "config.json", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors", ".notes.tmp",
    }  # fmt: skip
    assert [line["step"] for line in metrics(run)] == list(range(1, 121))


@pytest.mark.parametrize("process_limit", [3_000, 14_000])
def test_a_full_disk_while_appending_and_anywhere_else(command, trained, tmp_path, process_limit):
    """No file may grow beyond a limit: at first the checkpoint cannot be written, later metrics.jsonl."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (process_limit, process_limit))

    code, _, err = command("train", *SHORT, "--out", "run", preexec_fn=limit)
    assert code == 2
    if process_limit == 3_000:
        one_line(err, "path: got 'run/model.safetensors', which cannot be written (File too large)")
        assert not list((tmp_path / "run").iterdir())
        return
    one_line(err, "path: got 'run/metrics.jsonl', which cannot be written (File too large)")
    content = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    assert content.endswith(b"}\n") and len(content) <= process_limit
    assert len(metrics(tmp_path / "run")) > 30
    code, _, err = command("train", "--out", "run", "--resume", "--sample", "0")
    assert (code, err) == (0, "")
    assert metrics(tmp_path / "run") == metrics(trained / "whole")


def test_a_disk_that_is_really_full(command, trained, tmp_path):
    """A file system of 200 kB; needs the right to mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user cannot mount a file system")
    try:
        filler = small / "filler"
        filler.write_bytes(b"0" * 120_000)
        code, _, err = command("train", *SHORT, "--out", "small/run", "--minutes", "1e-9", "--overwrite")
        assert (code, err) == (0, "")
        with open(filler, "ab", buffering=0) as file:
            while True:
                try:
                    file.write(b"0" * 512)
                except OSError:
                    break
        before = (small / "run" / "checkpoint.safetensors").read_bytes()
        code, _, err = command("train", "--out", "small/run", "--resume", "--sample", "0")
        assert code == 2
        one_line(err, "which cannot be written (No space left on device)")
        assert (small / "run" / "checkpoint.safetensors").read_bytes() == before
        filler.unlink()
        code, _, err = command("train", "--out", "small/run", "--resume", "--sample", "0")
        assert (code, err) == (0, "")
        assert metrics(small / "run") == metrics(trained / "whole")
    finally:
        subprocess.run(["umount", small], check=True)


def test_sigterm_does_what_ctrl_c_does(command, tmp_path):
    process = command("train", *SHORT, "--out", "run", "--steps", "100000", wait=False)
    at_work(process, tmp_path / "run")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "gated train --out run --resume goes on" in err and "Traceback" not in err
    stopped = len(metrics(tmp_path / "run"))
    assert 40 <= stopped < 100000
    code, _, err = command("train", "--out", "run", "--resume", "--steps", str(stopped + 10), "--sample", "0")
    assert (code, err) == (0, "")
    assert [line["step"] for line in metrics(tmp_path / "run")] == list(range(1, stopped + 11))
