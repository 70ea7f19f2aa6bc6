from __future__ import annotations

import fcntl
import glob
import os
import signal
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Dict

import pytest
from programs import check_numbers, eventually
from service_manager import Manager

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
SET_PIPE_SIZE = 1031  # linux/fcntl.h; the fcntl module has it from Python 3.10 on


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


def test_a_main_loop_that_stands_still_gives_no_more_signs_of_life(bench: Any) -> None:
    place = Path(os.path.relpath(bench.folder / "notify"))  # a socket's name is short
    manager = Manager(str(place))
    bench.at_the_end(manager.close)
    reading, writing = os.pipe()
    bench.at_the_end(os.close, reading)
    fcntl.fcntl(writing, SET_PIPE_SIZE, 4096)
    camera = bench.camera()
    environment = {"NOTIFY_SOCKET": str(place.resolve()), "WATCHDOG_USEC": "1000000"}
    program = bench.program("--camera", camera.url, launched=True, environment=environment, stderr=writing)
    # A description of its own: the program's shall go on blocking.
    filling = os.open(f"/proc/self/fd/{writing}", os.O_WRONLY | os.O_NONBLOCK)
    os.close(writing)
    program.more_lines(20)
    eventually(manager.signs, "a sign of life")
    injected = time.monotonic()
    with suppress(BlockingIOError):
        while True:
            os.write(filling, b"\n")
    os.close(filling)
    # What the main loop has to say after ten seconds, nobody takes.
    program.switch("classify-hang")
    eventually(lambda: time.monotonic() - manager.signs() > 4.0 or None, "silence")
    noticed = manager.last_sign + 1.0
    program.switch("classify-hang", on=False)
    removed = time.monotonic()
    os.set_blocking(reading, False)

    def going_on() -> bool:
        with suppress(BlockingIOError):
            os.read(reading, 1 << 16)
        return manager.signs() > removed

    eventually(going_on, "another sign of life")
    recovered = manager.last_sign
    program.more_lines(5)
    assert program.stop() > 0
    assert program.process.returncode == 0
    check_numbers(program.lines())
    bench.report.add(
        "nobody reads the log any more, so that the main loop stands still at the next line of it",
        noticed - injected,
        recovered - removed,
        None,
        "the watchdog gets no sign of life (every 0.5 s here); systemd would start the program again",
    )
