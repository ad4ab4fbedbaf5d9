"""Signals: the first asks for a checkpoint and an end, a second Ctrl-C ends at once."""

import os
import signal
import threading
import time

import pytest

from dltk.training.signals import Stopped, StopRequest, listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_nothing_else_happens(number):
    with listening() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert (stop.requested, stop.signal_number) == (True, number)


def test_a_second_interrupt_ends_at_once():
    with listening():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_after_a_termination_ends_at_once():
    with listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_second_termination_changes_nothing():
    with listening() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signal_number == signal.SIGTERM


def test_earlier_handlers_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with listening():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_elsewhere_than_in_the_main_thread_nothing_is_heard():
    heard = []

    def train():
        with listening() as stop:
            heard.append(stop)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert isinstance(heard[0], StopRequest)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_code_is_128_and_the_signal(number, code):
    stop = StopRequest()
    assert stop.code is None
    stop.take(number, None)
    assert stop.code == code
    assert str(Stopped(code)) == f"stopped by {number.name}"


def test_a_deadline_stops_with_code_0_and_a_signal_comes_first():
    assert StopRequest(time.monotonic() + 100).code is None
    stop = StopRequest(time.monotonic() - 1)
    assert stop.code == 0
    assert str(Stopped(0)) == "stopped at its time limit"
    stop.take(signal.SIGTERM, None)
    assert stop.code == 143
