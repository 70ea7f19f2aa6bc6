from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fault_server import huge
from programs import Program, check_numbers, eventually, pictures, seconds_of


def memory(program: Program) -> int:
    """Give the most memory that the program ever had resident, in MiB."""
    status = Path(f"/proc/{program.process.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


@pytest.mark.parametrize(
    ("mode", "fault"),
    [("frozen", "a stream that repeats one picture"), ("black", "a stream that has gone black, without any noise")],
)
def test_a_picture_that_never_changes_is_taken_for_a_fault_of_the_camera(bench: Any, mode: str, fault: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = mode
    noticed, line = program.event("source_lost", since=injected)
    assert "the same picture for 10 s" in line["reason"]
    removed = time.monotonic()
    camera.mode = "play"
    recovered = program.until_lines(lambda line: bool(line["faces"]), 10)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        fault,
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "opened anew every 10 to 20 s while it lasts",
    )


@pytest.mark.parametrize(
    ("mode", "fault", "outcome"),
    [
        (
            "torn",
            "every third picture torn (a part of its middle is missing)",
            "decoded as far as it goes, and analysed",
        ),
        ("some undecodable", "every third picture beyond decoding", "left out and counted; the connection stays"),
    ],
)
def test_single_damaged_pictures_cost_nothing_but_themselves(bench: Any, mode: str, fault: str, outcome: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = mode
    recovered = program.until_lines(lambda line: bool(line["faces"]), 20)
    noticed = None
    if mode == "some undecodable":
        noticed, _ = program.event("image_undecodable", since=injected)
    camera.mode = "play"
    program.more_lines(5)
    program.end()
    assert "source_lost" not in program.events()
    check_numbers(program.lines())
    bench.report.add(
        fault, noticed and noticed - injected, max(0.0, recovered - injected), program.lost(before), outcome
    )


@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        ("undecodable", "no picture can be decoded any more"),
        ("gigantic", "pictures that claim 32000 x 32000 pixels (3 GB, decoded)"),
    ],
)
def test_a_stream_of_which_nothing_can_be_decoded_is_opened_anew(bench: Any, mode: str, fault: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = mode
    noticed, _ = program.event("source_lost", since=injected)
    time.sleep(1.0)
    removed = time.monotonic()
    camera.mode = "play"
    recovered = program.more_lines(10)
    most = memory(program)
    assert most < 1000
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        fault, noticed - injected, recovered - removed, program.lost(before), f"at most {most} MiB of memory"
    )


@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        ("larger", "the size changes from 320 x 240 to 640 x 480"),
        ("odd", "the size changes to 98 x 163, upright and odd"),
        ("pixel", "pictures of one pixel"),
    ],
)
def test_pictures_of_another_size_are_analysed_and_recorded_as_they_come(bench: Any, mode: str, fault: str) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--record", "out.mp4")
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = mode
    recovered = program.more_lines(20)
    removed = time.monotonic()
    camera.mode = "play"
    program.until_lines(lambda line: bool(line["faces"]), 10)
    program.end()
    assert not {"source_lost", "stage_rebuilt", "sink_lost"} & set(program.events())
    check_numbers(program.lines())
    assert seconds_of(program.folder / "out.mp4") > (removed - injected) / 2
    bench.report.add(
        fault,
        None,
        max(0.0, recovered - injected),
        program.lost(before),
        "the recording keeps its size, with black margins",
    )


def test_a_first_picture_that_no_codec_takes_is_recorded_smaller_and_stops_nothing(bench: Any) -> None:
    camera = bench.camera("wide")
    program = bench.program("--camera", camera.url, "--record", "out.mp4")
    injected = time.monotonic()
    recovered = program.more_lines(10)
    camera.mode = "play"
    program.until_lines(lambda line: bool(line["faces"]), 20)
    eventually(lambda: pictures(program.folder / "out.mp4") > 15, "a recording that can be played")
    program.end()
    assert not {"source_lost", "stage_rebuilt", "sink_lost", "result_unwritable"} & set(program.events())
    check_numbers(program.lines())
    bench.report.add(
        "the first picture has 9000 x 1000 pixels, more than encoders take",
        None,
        recovered - injected,
        0,
        "the recording is scaled down, and keeps that size",
    )


def test_pictures_of_8k_are_analysed_slowly_in_bounded_memory(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--record", "out.mp4")
    huge()  # takes its time to make
    program.more_lines(10)
    small = memory(program)
    injected, before = program.mark()
    camera.mode = "huge"
    recovered = program.more_lines(12)
    most = memory(program)
    # A picture of 95 MiB may be at each post and between each two, twice in the recording, and once in the comparison.
    assert most - small < 16 * 95
    removed = time.monotonic()
    camera.mode = "play"
    back = program.until_lines(lambda line: bool(line["faces"]), 10)
    program.end()
    assert not {"source_lost", "stage_rebuilt", "sink_lost"} & set(program.events())
    check_numbers(program.lines())
    bench.report.add(
        "pictures of 7680 x 4320 pixels",
        None,
        recovered - injected,
        program.lost(before),
        f"memory grew from {small} to {most} MiB; small pictures were back after {back - removed:.1f} s",
    )
