"""Ctrl-C between updates."""

from __future__ import annotations

import signal
import threading

import pytest

from gated.learning.training.interrupts import delayed_interrupt


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C is heard, also by a job that a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_signal_of_batch_systems_sets_the_same_flag_and_may_come_twice():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left, delayed_interrupt() as interrupted:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert interrupted() and interrupted.code == 143
        with pytest.raises(KeyboardInterrupt):  # somebody who cannot wait
            signal.raise_signal(signal.SIGINT)
        interrupted.leave()
    assert left.value.code == 143 and signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_leaves_as_python_knows_it():
    with pytest.raises(KeyboardInterrupt), delayed_interrupt() as interrupted:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)  # it is what came first that counts
        assert interrupted.code == 130
        interrupted.leave()


def test_the_first_interrupt_sets_a_flag_and_the_second_raises():
    before = signal.getsignal(signal.SIGINT)
    with delayed_interrupt() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_old_handler_comes_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), delayed_interrupt():
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_touched():
    seen = []

    def work():
        with delayed_interrupt() as interrupted:
            seen.append((interrupted(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, signal.getsignal(signal.SIGINT))]
