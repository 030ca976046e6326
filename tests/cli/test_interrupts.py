"""An interrupt that Python drops is raised again."""

from __future__ import annotations

import signal

import pytest

from trainwell.cli.interrupts import raise_if_lost, remembered


@pytest.fixture(autouse=True)
def _as_in_a_terminal():
    """Programs that a shell started in the background ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_in_a_destructor_is_raised_at_the_next_word():
    with remembered():
        raise_if_lost()
        thing = Interrupted()
        del thing  # Python drops the exception here
        with pytest.raises(KeyboardInterrupt):
            raise_if_lost()
    raise_if_lost()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_comes_through_at_once_as_ever():
    with remembered(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_somebody_elses_handler_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with remembered():
            signal.raise_signal(signal.SIGINT)
        assert heard == [1]
    finally:
        signal.signal(signal.SIGINT, before)
