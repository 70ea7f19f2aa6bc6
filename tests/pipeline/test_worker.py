from __future__ import annotations

import subprocess
import sys
import threading
from typing import List

import pytest

from fer_edge.pipeline.worker import Call, GivenUp, Worker

WORK, NEXT = Call("call", 1.0), Call("call", 1.0)


def test_a_thread_whose_call_returned_meanwhile_is_not_given_up() -> None:
    worker = Worker("post", lambda worker: None)
    with worker.calling(WORK):
        assert not worker.give_up(NEXT)
    assert not worker.give_up(WORK)
    assert not worker.given_up


def test_a_call_is_seen_by_others_while_it_lasts_and_no_longer() -> None:
    worker = Worker("post", lambda worker: None)
    assert worker.call is None
    with worker.calling(WORK):
        assert worker.call is WORK
    assert worker.call is None
    with pytest.raises(ZeroDivisionError), worker.calling(NEXT):
        raise ZeroDivisionError
    assert worker.call is None


def test_what_a_thread_that_was_given_up_brings_is_void_and_the_thread_ends_quietly() -> None:
    entered, wake = threading.Event(), threading.Event()
    brought: List[str] = []

    def work(worker: Worker) -> None:
        with worker.calling(WORK):
            entered.set()
            wake.wait(20)
        brought.append("a result")

    worker = Worker("post", work)
    worker.thread.start()
    assert entered.wait(20)
    assert worker.give_up(WORK)
    wake.set()
    worker.thread.join(20)
    assert not worker.thread.is_alive()
    assert brought == []


def test_an_error_of_a_call_that_was_given_up_is_void_as_well() -> None:
    worker = Worker("post", lambda worker: None)
    with pytest.raises(GivenUp), worker.calling(WORK):
        assert worker.give_up(WORK)
        raise ZeroDivisionError


def test_a_thread_that_hangs_does_not_keep_the_process_from_its_end() -> None:
    program = (
        "import threading; from fer_edge.pipeline.worker import Worker\n"
        "Worker('post', lambda worker: threading.Event().wait()).thread.start()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
