from __future__ import annotations

import subprocess
import sys
import threading
from typing import List

import pytest

from fer_edge.pipeline.worker import Call, GivenUp, Shift

WORK, NEXT = Call("call", 1.0), Call("call", 1.0)


def test_a_thread_whose_call_returned_meanwhile_is_not_given_up() -> None:
    shift = Shift("post", lambda shift: None)
    with shift.calling(WORK):
        assert not shift.give_up(NEXT)
    assert not shift.give_up(WORK)
    assert not shift.given_up


def test_a_call_is_seen_by_others_while_it_lasts_and_no_longer() -> None:
    shift = Shift("post", lambda shift: None)
    assert shift.call is None
    with shift.calling(WORK):
        assert shift.call is WORK
    assert shift.call is None
    with pytest.raises(ZeroDivisionError), shift.calling(NEXT):
        raise ZeroDivisionError
    assert shift.call is None


def test_what_a_thread_that_was_given_up_brings_is_void_and_the_thread_ends_quietly() -> None:
    entered, wake = threading.Event(), threading.Event()
    brought: List[str] = []

    def work(shift: Shift) -> None:
        with shift.calling(WORK):
            entered.set()
            wake.wait(20)
        brought.append("a result")

    shift = Shift("post", work)
    shift.thread.start()
    assert entered.wait(20)
    assert shift.give_up(WORK)
    wake.set()
    shift.thread.join(20)
    assert not shift.thread.is_alive()
    assert brought == []


def test_an_error_of_a_call_that_was_given_up_is_void_as_well() -> None:
    shift = Shift("post", lambda shift: None)
    with pytest.raises(GivenUp), shift.calling(WORK):
        assert shift.give_up(WORK)
        raise ZeroDivisionError


def test_a_thread_that_hangs_does_not_keep_the_process_from_its_end() -> None:
    program = (
        "import threading; from fer_edge.pipeline.worker import Shift\n"
        "Shift('post', lambda shift: threading.Event().wait()).thread.start()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
