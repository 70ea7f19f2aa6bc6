from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from waiting import wait_until

from fer_edge.benchmark import processor
from fer_edge.benchmark.processor import Work, spent, thread_seconds, work_so_far

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of single threads")


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_what_a_child_process_works_counts_while_it_runs_and_after_it_ended() -> None:
    program = "import time\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True); input()"
    before = work_so_far()
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    running = work_so_far()
    child.communicate(b"\n", timeout=60)
    ended = work_so_far()
    for after in (running, ended):
        assert after.seconds - before.seconds >= 0.25
        assert after.children - before.children >= 0.25


@linux
def test_the_seconds_of_a_thread_are_its_own_and_one_that_ended_has_none() -> None:
    done, go = threading.Event(), threading.Event()

    def work() -> None:
        burn(0.1)
        done.set()
        go.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    number = thread.native_id
    assert number is not None
    assert done.wait(60)
    burn(0.1)
    before = work_so_far([number]).threads[number]
    burn(0.1)
    assert before >= 0.1
    assert work_so_far([number]).threads[number] - before < 0.05
    go.set()
    thread.join(60)
    # Python's part of it has ended; the kernel's may take a moment more.
    assert wait_until(lambda: thread_seconds(number) is None)
    assert work_so_far([number]).threads == {}


@linux
def test_work_that_no_known_thread_did_is_that_of_others_and_not_of_a_stage() -> None:
    me = threading.get_native_id()
    before = work_so_far([me])
    helper = threading.Thread(target=burn, args=(0.15,))
    helper.start()
    helper.join(60)
    by = spent(before, work_so_far([me]), {me: "classify"}).by
    assert by["other threads"] >= 0.15
    assert by["classify"] < 0.1


@linux
def test_a_thread_that_waits_is_woken_and_one_that_works_is_not() -> None:
    before = work_so_far()
    for _ in range(50):
        time.sleep(0.0001)
    woken = spent(before, work_so_far(), {}).wake_ups
    assert woken is not None
    assert woken >= 50


@linux
def test_wake_ups_of_child_processes_count_as_well() -> None:
    program = "import time\nfor _ in range(200): time.sleep(1e-4)\nprint(1, flush=True); input()"
    before = work_so_far()
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    running = spent(before, work_so_far(), {}).wake_ups
    child.communicate(b"\n", timeout=60)
    ended = spent(before, work_so_far(), {}).wake_ups
    assert (running or 0) >= 200
    assert (ended or 0) >= 200


def test_stages_threads_add_up_and_one_that_took_the_place_of_another_counts_from_its_beginning() -> None:
    before, after = Work(10.0, 1.0, {1: 2.0, 2: 3.0}), Work(16.0, 2.0, {1: 4.0, 3: 0.5})
    found = spent(before, after, {1: "detect", 2: "classify", 3: "detect"})
    assert found.by == {"detect": 2.5, "other threads": 2.5, "child processes": 1.0}
    assert found.seconds == 6.0


def test_where_the_system_tells_little_only_the_whole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.sys, "platform", "win32")
    me = threading.get_native_id()
    before = work_so_far([me])
    burn(0.02)
    found = spent(before, work_so_far([me]), {me: "caller"})
    assert found.seconds >= 0.02
    assert (dict(found.by), found.wake_ups) == ({}, None)
