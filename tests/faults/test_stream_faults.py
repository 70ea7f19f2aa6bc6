from __future__ import annotations

import time
from typing import Any

import pytest
from programs import check_numbers


@pytest.mark.parametrize(
    ("mode", "word", "fault"),
    [
        ("stall", "gave no frame for 15 s", "a stream that stalls, the connection stays (MJPEG over HTTP)"),
        ("trickle", "gave no frame for 15 s", "a stream of bytes that never become a picture"),
        ("flood", "gave no frame for 15 s", "the same, as fast as they go"),
        ("reset", "ended the stream", "a stream that is reset, and whose server resets every new connection"),
        ("end", "ended the stream", "a stream that ends, and whose server answers nothing"),
    ],
)
def test_a_stream_that_stops_giving_pictures_is_noticed_and_opened_anew(
    bench: Any, mode: str, word: str, fault: str
) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = mode
    noticed, line = program.event("source_lost", since=injected)
    assert word in line["reason"]
    program.reason("the source is lost")
    time.sleep(1.0)
    removed = time.monotonic()
    camera.mode = "play"
    recovered = program.more_lines(10)
    program.event("source_back", since=removed)
    assert program.health()["status"] == "healthy"
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        fault, noticed - injected, recovered - removed, program.lost(before), "frame numbers go on; health says why"
    )


def test_a_stream_that_slows_down_is_no_fault_and_its_rate_is_told(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(30)
    injected, before = program.mark()
    camera.mode = "slow"
    program.until_lines(lambda line: line["fps"]["total"] < 4.0)
    noticed = time.monotonic()
    assert program.health()["status"] == "healthy"
    camera.mode = "play"
    removed = time.monotonic()
    recovered = program.more_lines(10)
    program.end()
    assert "source_lost" not in program.events()
    check_numbers(program.lines())
    bench.report.add(
        "a stream that slows down from 15 to 1 frames per second",
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "no fault: the FPS figures fall (below 4 at the time given), nothing is opened anew",
    )


def test_a_stream_that_ends_after_every_picture_is_lost_once_and_then_asked_for_each(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url)
    program.more_lines(10)
    injected, before = program.mark()
    camera.mode = "single"
    noticed, _ = program.event("source_lost", since=injected)
    removed = time.monotonic()
    recovered = program.more_lines(10)
    lost = program.lost(before)
    camera.mode = "play"
    program.more_lines(10)
    program.end()
    assert program.events().count("source_lost") == 1
    check_numbers(program.lines())
    bench.report.add(
        "a stream that ends after every picture",
        noticed - injected,
        recovered - removed,
        lost,
        "lost once; then each picture is asked for by itself, as of a camera that gives snapshots",
    )
