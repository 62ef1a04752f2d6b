"""`kill -9` at any moment: what is in the folder goes on, and ends where a run ends that was not killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.learning import small_run
from tests.learning.small_run import without_times

from gated.learning.training.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


def started(folder, pause):
    program = [sys.executable, small_run.__file__, str(folder), str(pause)]
    return subprocess.Popen(program, stderr=subprocess.PIPE, text=True)


def finished(folder):
    process = started(folder, 0.0)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    arrays, values = RunFolder(folder).read_checkpoint()
    del values["records"]["seconds"]
    return without_times(lines), arrays, values


def same(found, expected):
    assert found[0] == expected[0] and found[2] == expected[2]
    assert found[1].keys() == expected[1].keys()
    for name, array in expected[1].items():
        np.testing.assert_array_equal(found[1][name], array, err_msg=name)


def alive(folder, process, seconds):
    """Wait until the run is at work, then so long."""
    until = time.monotonic() + 60
    while not (folder / "checkpoint.safetensors").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(seconds)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_moments(tmp_path, expected, seed):
    """Each time it is killed a little later, from the first write on, until it has come to its end."""
    folder, chance = tmp_path / "run", random.Random(seed)
    for _ in range(8):
        process = started(folder, 0.01)
        alive(folder, process, chance.uniform(0.0, 0.15))
        process.kill()
        process.communicate()
    same(finished(folder), expected)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_its_code(tmp_path, expected, number):
    folder = tmp_path / "run"
    process = started(folder, 0.05)
    alive(folder, process, 0.0)
    while not (folder / "metrics.jsonl").exists() or b"train_loss" not in (folder / "metrics.jsonl").read_bytes():
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (143 if number == signal.SIGTERM else -signal.SIGINT)
    assert not (folder / ".lock").exists()
    same(finished(folder), expected)
