"""Signals: the first asks for a checkpoint and an end, a second Ctrl-C ends at once."""

import os
import signal
import threading
import time

import pytest

from dltk.training.signals import Limits, Stopped, StopRequest, listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_nothing_else_happens(number):
    with listening() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert (stop.requested, stop.signal_number) == (True, number)


def listen_for_a_minute(*numbers, grace=25.0):
    """Listen while signals come, and for a minute more."""
    with listening(Limits(grace=grace)):
        for number in numbers:
            os.kill(os.getpid(), number)
        begun = time.monotonic()
        while time.monotonic() - begun < 60:
            pass  # a step that takes long


def test_a_second_interrupt_ends_at_once():
    with pytest.raises(Stopped) as caught:
        listen_for_a_minute(signal.SIGINT, signal.SIGINT)
    assert (caught.value.code, caught.value.is_saved) == (130, False)


def test_an_interrupt_after_a_termination_ends_at_once():
    with pytest.raises(Stopped) as caught:
        listen_for_a_minute(signal.SIGTERM, signal.SIGINT)
    assert (caught.value.code, caught.value.is_saved) == (143, False)


def test_the_end_of_the_grace_ends_at_once():
    begun = time.monotonic()
    with pytest.raises(Stopped) as caught:
        listen_for_a_minute(signal.SIGTERM, grace=0.2)
    assert (caught.value.code, caught.value.is_saved) == (143, False)
    assert 0.2 <= time.monotonic() - begun < 3


def test_a_stop_in_time_needs_no_grace():
    with listening(Limits(grace=0.05)) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.code == 143
    time.sleep(0.2)  # and nothing comes after


def test_ctrl_c_has_no_grace_of_its_own():
    with listening(Limits(grace=0.05)) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    assert stop.code == 130


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


def test_a_deadline_stops_nothing_before_something_is_done():
    stop = StopRequest(Limits(time.monotonic() - 1))
    assert stop.code is None
    stop.has_progress()
    assert stop.code == 0


def test_a_deadline_stops_with_code_0_and_a_signal_comes_first():
    early, stop = (StopRequest(Limits(time.monotonic() + seconds)) for seconds in (100, -1))
    for one in (early, stop):
        one.has_progress()
    assert (early.code, stop.code) == (None, 0)
    assert str(Stopped(0)) == "stopped at its time limit"
    stop.take(signal.SIGTERM, None)
    assert stop.code == 143
