"""The command line as a process of its own: Ctrl-C, pipes, what importing costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gated.learning.run_folder import RunFolder

pytest.importorskip("typer")

SOURCE = Path(__file__).resolve().parents[2] / "src"
TEXT = "".join(np.random.default_rng(0).choice(list("abc de\n"), 4000))


def _command(*words):
    return [sys.executable, "-m", "gated.cli", *words]


def _environment():
    return {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def _run(*words, cwd, **options):
    return subprocess.run(
        _command(*words),
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        **options,
    )


def _metrics(folder):
    timing = ("seconds", "characters_per_second")
    return [{k: v for k, v in line.items() if k not in timing} for line in RunFolder(folder).read_metrics()]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C reaches a single process by SIGINT on POSIX only")
def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "corpus.txt").write_text(TEXT)
    small = ["corpus.txt", "--hidden", "8", "--embed", "4", "--batch", "2", "--window", "32", "--log-every", "1"]
    long = [*small, "--steps", "150", "--evaluate-every", "50", "--sample", "0"]
    assert _run("train", *long, "--out", "whole", cwd=tmp_path).returncode == 0
    process = subprocess.Popen(
        _command("train", *long, "--out", "parts"),
        cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    metrics = tmp_path / "parts" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 5):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "gated train --out parts --resume goes on" in err
    stopped = len(_metrics(tmp_path / "parts"))
    assert 5 <= stopped < 150
    assert _run("sample", "parts", "--length", "5", cwd=tmp_path).returncode == 0
    assert _run("train", "--out", "parts", "--resume", "--sample", "0", cwd=tmp_path).returncode == 0
    assert _metrics(tmp_path / "parts") == _metrics(tmp_path / "whole")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    process = subprocess.Popen(
        _command("cells"), cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert err == b""


def test_a_terminal_without_the_letters(tmp_path):
    environment = {**_environment(), "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(_command("cells", "gru"), cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert result.returncode == 0
    assert b"tanh(" in result.stdout


def test_the_help_loads_neither_numpy_nor_matplotlib(tmp_path):
    code = (
        "import sys; from gated.cli import main; main(['train', '--help']); "
        "print([n for n in ('numpy', 'matplotlib', 'tqdm', 'gated.nn') if n in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=60
    )
    assert result.stderr == "[]\n"


def test_numpy_is_not_loaded_before_the_threads_are_set(tmp_path):
    code = (
        "import sys; from gated.cli import main, threads; seen = []; "
        "threads.limit_threads = lambda count: seen.append((count, 'numpy' in sys.modules)); "
        "main(['train', 'none.txt', '--threads', '2']); print(seen)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "[(2, False)]\n"
