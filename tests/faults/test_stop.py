from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import closing
from typing import Any

from fault_disk import SmallDisk, needs_mount
from programs import ROOT, Program, eventually

UNIT = (ROOT / "systemd" / "fer-edge.service").read_text(encoding="ascii")
LONGEST = float(UNIT.partition("\nTimeoutStopSec=")[2].partition("\n")[0])
"""Seconds after which systemd kills a service that was asked to stop."""


def hold_to(bench: Any, program: Program, state: str, code: int = 0) -> None:
    took = program.stop()
    assert took < LONGEST
    summary = program.ended(code)
    bench.report.add(
        f"SIGTERM {state}",
        None,
        None,
        None,
        f"exit code {code} after {took:.1f} s, {summary['dropped']} frames left out",
    )


def test_a_stop_while_the_source_is_being_opened(bench: Any) -> None:
    camera = bench.camera("silent")
    program = bench.program("--camera", camera.url)
    eventually(program.health_or_none, "an answer")
    hold_to(bench, program, "while the source is being opened")


def test_a_stop_while_the_source_is_waited_for(bench: Any) -> None:
    camera = bench.camera("reset")
    program = bench.program("--camera", camera.url, "--reconnect", "always")
    program.event("source_lost", attempt=4)
    hold_to(bench, program, "while the source is waited for")


def test_a_stop_while_the_network_is_being_loaded(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True, environment={"FAULT_AT_ONCE": "build-hang"})
    eventually(program.health_or_none, "an answer")
    time.sleep(1.0)
    hold_to(bench, program, "while the network is being loaded or an engine built")


def test_a_stop_while_frames_are_analysed_and_a_second_one_behind_it(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--record", "out.mp4")
    program.more_lines(10)
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGTERM)
    hold_to(bench, program, "at work, three times")


def test_a_stop_while_the_driver_of_the_camera_hangs(bench: Any) -> None:
    node = bench.folder / "dev" / "video0"
    node.parent.mkdir()
    node.touch()
    program = bench.program("--camera", f"/dev/..{node}", launched=True)
    program.more_lines(10)
    program.switch("grab-hang")
    time.sleep(1.0)
    hold_to(bench, program, "while the camera's driver hangs (fake driver)")
    assert "thread_given_up" in program.events()


def test_a_stop_while_the_classifier_hangs(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True)
    program.more_lines(10)
    program.switch("classify-hang")
    time.sleep(2.0)
    hold_to(bench, program, "while the classifier hangs")
    assert "thread_given_up" in program.events()


def test_a_stop_while_nobody_reads_the_results(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--output", "-", results="", stdout=subprocess.PIPE)
    assert program.process.stdout is not None
    with closing(program.process.stdout):
        program.reason("has been writing for")
        hold_to(bench, program, "while nobody reads the results")


@needs_mount
def test_a_stop_while_the_disk_is_full_says_that_results_are_missing(bench: Any) -> None:
    camera = bench.camera()
    disk = SmallDisk(bench.folder)
    program = bench.program("--camera", camera.url, results="disk/out.jsonl", prefix=disk.prefix)
    program.results = disk.seen_from(program) / "out.jsonl"
    program.more_lines(10)
    disk.fill(program)
    program.event("sink_lost")
    hold_to(bench, program, "while the disk is full", code=31)
    program.event("ended", exit_code=31, error="DiskFull")


def test_a_stop_when_the_reader_of_the_log_has_gone(bench: Any) -> None:
    camera = bench.camera()
    reading, writing = os.pipe()
    program = bench.program("--camera", camera.url, stderr=writing)
    os.close(writing)
    program.more_lines(10)
    os.close(reading)
    camera.mode = "end"  # there is something to log
    eventually(lambda: any("lost" in reason for reason in program.health()["reasons"]), "a lost source")
    camera.mode = "play"
    program.more_lines(10)
    took = program.stop()
    assert took < LONGEST
    assert program.process.returncode == 0
    bench.report.add(
        "the reader of the log is gone; then SIGTERM",
        None,
        None,
        None,
        f"it goes on without a log; exit code 0 after {took:.1f} s",
    )
