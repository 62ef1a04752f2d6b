"""Other programs are noticed, our own are not counted as others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import machine

BUSY = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"

pytestmark = pytest.mark.skipif(not machine.STAT.exists(), reason="needs /proc/stat")


class Others:
    """The system's counter, with nobody on the machine but those whom the test starts."""

    def __init__(self, monkeypatch):
        self.seconds = 0.0
        monkeypatch.setattr(machine, "_of_everybody", lambda: self.seconds)


def test_a_child_that_ended_is_ours(monkeypatch):
    others = Others(monkeypatch)
    meter = machine.Meter([])
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    others.seconds = 0.5
    assert meter.others([]) == 0.0


def test_a_worker_that_runs_is_ours_and_a_stranger_is_not(monkeypatch):
    others = Others(monkeypatch)
    code = f"input()\n{BUSY}\nprint('now', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        meter = machine.Meter([process.pid])
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        others.seconds = 0.4  # less than it has used: the system counts in hundredths
        assert meter.others([process.pid]) == 0.0
        assert meter.others([]) > 0  # the same time, spent by somebody else
        process.communicate(b"\n")


def test_the_counter_of_the_system_grows():
    before = machine._of_everybody()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert machine._of_everybody() - before >= 0.4
