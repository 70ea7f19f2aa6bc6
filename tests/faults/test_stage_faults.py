from __future__ import annotations

import time
from typing import Any

import pytest
from programs import check_numbers

WORDS = {"raise": "CUDA error", "nan": "gave no numbers (NaN)"}


@pytest.mark.parametrize("fault", ["raise", "nan"])
def test_a_classifier_that_fails_once_is_built_anew_and_loses_that_frame(bench: Any, fault: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True)
    program.more_lines(10)
    injected, before = program.mark()
    program.switch(f"classify-{fault}-once")
    noticed, line = program.event("stage_rebuilt", since=injected)
    assert WORDS[fault] in line["reason"]
    recovered = program.more_lines(10)
    health = program.health()
    assert health["status"] == "degraded"
    assert "the classify stage was built anew" in health["reasons"][0]
    program.end()
    assert all(seen["confidence"] is not None for line in program.lines() for seen in line["faces"])
    assert check_numbers(program.lines()) >= 1
    bench.report.add(
        f"a classifier that {'raises' if fault == 'raise' else 'gives NaN'} once",
        noticed - injected,
        recovered - injected,
        program.lost(before),
        "health is degraded for 5 min; no result without a number is written",
    )


@pytest.mark.parametrize("fault", ["raise", "nan"])
def test_a_classifier_that_keeps_failing_ends_the_program_for_a_fresh_start(bench: Any, fault: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True)
    program.more_lines(10)
    injected = time.monotonic()
    program.switch(f"classify-{fault}")
    noticed, _ = program.event("stage_rebuilt", since=injected)
    program.ended(40)
    ended = time.monotonic()
    _, line = program.event("ended", exit_code=40)
    assert WORDS[fault] in line["message"]
    assert program.events().count("stage_rebuilt") == 5
    check_numbers(program.lines())
    bench.report.add(
        f"a classifier that {'raises' if fault == 'raise' else 'gives NaN'} always",
        noticed - injected,
        None,
        None,
        f"built anew 5 times, then exit code 40 after {ended - injected:.1f} s; the service manager starts it again",
    )


def test_a_classifier_that_hangs_is_replaced_while_it_still_hangs(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True)
    program.more_lines(10)
    injected, before = program.mark()
    program.switch("classify-hang")
    noticed, _ = program.event("thread_given_up", since=injected, stage="classify")
    # The new one would hang as well, in its first call: that may take two minutes.
    program.switch("classify-hang", on=False)
    removed = time.monotonic()
    program.event("stage_rebuilt", since=injected)
    recovered = program.more_lines(10)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        "a classifier that hangs",
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "the hanging thread is left behind, and what it brings later is void",
    )


def test_a_classifier_that_hangs_again_and_again_ends_the_program_for_a_fresh_start(bench: Any) -> None:
    camera = bench.camera()
    environment = {"FAULT_FIRST_LIMIT": "3"}
    program = bench.program("--camera", camera.url, launched=True, environment=environment)
    program.more_lines(10)
    injected = time.monotonic()
    program.switch("classify-hang")
    noticed, _ = program.event("thread_given_up", since=injected, stage="classify")
    program.reason("hangs in a driver")
    program.ended(40)
    ended = time.monotonic()
    program.event("ended", exit_code=40)
    bench.report.add(
        "a classifier that hangs always (a first call may last 3 s here, not 120)",
        noticed - injected,
        None,
        None,
        f"replaced 5 times, then exit code 40 after {ended - injected:.1f} s, with 6 threads that still hang",
    )
