from __future__ import annotations

import glob
import signal
import time
from datetime import datetime
from typing import Any, Dict

import pytest
from programs import check_numbers

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


def moment(line: Dict[str, Any]) -> float:
    return datetime.strptime(line["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").timestamp()


@pytest.mark.skipif(not FAKETIME, reason="needs libfaketime (apt-get install libfaketime)")
@pytest.mark.parametrize(("shift", "way"), [("-86400", "back"), ("+86400", "forward")])
def test_a_clock_that_is_set_changes_nothing_but_the_timestamps(bench: Any, shift: str, way: str) -> None:
    clock = bench.folder / "clock"
    clock.write_text("+0\n", encoding="ascii")
    environment = {
        "LD_PRELOAD": FAKETIME[0],
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--record", "out.mp4", environment=environment)
    program.more_lines(20)
    _, before = program.mark()
    old = moment(program.lines()[-1])
    clock.write_text(f"{shift}\n", encoding="ascii")
    program.until_lines(lambda line: abs(moment(line) - old) > 80_000, 40)
    health = program.health()
    assert health["status"] == "healthy"
    assert 0 <= health["last_frame_age_s"] < 60
    lost = program.lost(before)
    program.end()
    lines = program.lines()
    assert all(0 < line["latency_ms"] < 60_000 for line in lines)
    assert set(program.events()) <= {"figures", "board", "summary"}
    check_numbers(lines)
    bench.report.add(
        f"the clock is set {way} by a day (libfaketime)",
        None,
        None,
        lost,
        "timestamps follow the clock; nothing else does",
    )


def test_a_program_that_stood_still_goes_on_without_taking_its_parts_for_dead(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(20)
    _, before = program.mark()
    program.process.send_signal(signal.SIGSTOP)
    time.sleep(12.0)
    removed = time.monotonic()
    program.process.send_signal(signal.SIGCONT)
    recovered = program.more_lines(20)
    lost = program.lost(before)
    program.end()
    assert not {"thread_given_up", "stage_rebuilt"} & set(program.events())
    check_numbers(program.lines())
    bench.report.add(
        "the whole program is stopped for 12 s (SIGSTOP, SIGCONT)",
        None,
        recovered - removed,
        lost,
        "no thread is given up for it; a watchdog would have noticed",
    )
