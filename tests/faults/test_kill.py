from __future__ import annotations

import signal
import time
from typing import Any

from programs import check_numbers, eventually, pictures, seconds_of


def test_a_killed_program_leaves_files_that_its_next_run_goes_on_with(bench: Any) -> None:
    camera = bench.camera()
    options = ("--camera", camera.url, "--record", "out.mp4", "--append", "true")
    killed = bench.program(*options)
    killed.more_lines(60)
    killed.process.send_signal(signal.SIGKILL)
    assert killed.process.wait(60) == -signal.SIGKILL
    whole = killed.lines()
    check_numbers(whole)
    # A kill leaves whole lines; a power cut may not.
    with killed.results.open("ab") as file:
        file.write(b'{"frame": 99999, "timest')
    recording = (bench.folder / "out.mp4").read_bytes()
    seconds = seconds_of(bench.folder / "out.mp4")
    assert seconds > 1.0
    torn = bench.folder / "torn.mp4"
    torn.write_bytes(recording[: len(recording) * 2 // 3])
    assert pictures(torn) > 15
    began = time.monotonic()
    program = bench.program(*options)
    eventually(lambda: len(program.lines()) > len(whole), "the next line")
    recovered = time.monotonic()
    program.more_lines(30)
    summary = program.end()
    lines = program.lines()
    assert lines[: len(whole)] == whole
    check_numbers(lines[len(whole) :])
    assert len(lines) == len(whole) + summary["emitted"]
    assert (bench.folder / "out.mp4").read_bytes() == recording
    assert pictures(bench.folder / "out+2.mp4") > 15
    bench.report.add(
        "kill -9 while results and recording are written, half a line at the end, and a new start",
        None,
        recovered - began,
        summary["dropped"],
        f"all {len(whole)} lines stay, the half one is removed; the recording plays {seconds:.1f} s, the new one is out+2.mp4",
    )
