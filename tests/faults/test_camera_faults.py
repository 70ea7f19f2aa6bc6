from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Tuple

import pytest
from programs import Program, check_numbers

NAME = "usb-Webcam-video-index0"


def plug_in(folder: Path, number: int) -> None:
    """Make a device node and the link under the camera's own name, as udev does."""
    links = folder / "v4l" / "by-id"
    links.mkdir(parents=True, exist_ok=True)
    (folder / f"video{number}").touch()
    (links / NAME).symlink_to(folder / f"video{number}")


def unplug(folder: Path, number: int) -> None:
    (folder / "v4l" / "by-id" / NAME).unlink()
    (folder / f"video{number}").unlink()


def watching(bench: Any, **environment: str) -> Tuple[Path, Program]:
    folder = bench.folder / "dev"
    plug_in(folder, 0)
    camera = str(folder / "v4l" / "by-id" / NAME)
    program = bench.program("--camera", camera, launched=True, environment=environment)
    program.more_lines(10)
    return folder, program


def test_a_camera_that_returns_under_another_number_is_found_by_its_name(bench: Any) -> None:
    folder, program = watching(bench)
    injected, before = program.mark()
    unplug(folder, 0)
    noticed, line = program.event("source_lost", since=injected)
    assert "unplugged" in line["reason"]
    program.event("source_lost", since=noticed, attempt=2)
    removed = time.monotonic()
    plug_in(folder, 3)
    recovered = program.more_lines(10)
    program.event("source_back")
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        "a USB camera is unplugged, and returns as video3 instead of video0 (fake driver)",
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "found under /dev/v4l/by-id",
    )


@pytest.mark.parametrize(
    ("switch", "word", "fault"),
    [
        ("grab-nothing", "gave no frame for 5 s", "a camera that opens, but gives no frame (fake driver)"),
        ("grab-hang", "", "a camera whose driver hangs in a call (fake driver)"),
        ("retrieve-nothing", "cannot be decoded", "a camera that gives pictures which cannot be decoded (fake driver)"),
    ],
)
def test_a_camera_that_stops_giving_pictures_is_noticed_and_opened_anew(
    bench: Any, switch: str, word: str, fault: str
) -> None:
    _, program = watching(bench)
    injected, before = program.mark()
    program.switch(switch)
    if switch == "grab-hang":
        noticed, _ = program.event("thread_given_up", since=injected, stage="capture")
    else:
        noticed, line = program.event("source_lost", since=injected)
        assert word in line["reason"]
    removed = time.monotonic()
    program.switch(switch, on=False)
    recovered = program.more_lines(10)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        fault,
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "a new thread opens the camera anew" if switch == "grab-hang" else "opened anew",
    )


@pytest.mark.parametrize(("switch", "word"), [("open-busy", "in use"), ("open-refused", "gives no pictures")])
def test_a_camera_that_another_program_has_taken_meanwhile_is_waited_for(bench: Any, switch: str, word: str) -> None:
    folder, program = watching(bench)
    injected, before = program.mark()
    program.switch(switch)
    unplug(folder, 0)
    program.event("source_lost", since=injected)
    plug_in(folder, 1)
    noticed, _ = program.event("source_lost", since=injected, attempt=3)
    program.reason(word)
    removed = time.monotonic()
    program.switch(switch, on=False)
    recovered = program.more_lines(10)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        f"a camera that returns, but {'is in use' if switch == 'open-busy' else 'cannot be started'} (fake driver)",
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "tried again with growing delays, at most 10 s",
    )


@pytest.mark.parametrize(
    ("switch", "call", "fault"),
    [
        (
            "release-hang",
            "closing of the source",
            "is unplugged, and its driver hangs in the closing of it (fake driver)",
        ),
        (
            "open-hang",
            "opening of the source",
            "returns, and its driver hangs in the opening of it for 3 s, not 60 (fake)",
        ),
    ],
)
def test_a_driver_that_hangs_when_its_camera_was_unplugged_is_left_behind(
    bench: Any, switch: str, call: str, fault: str
) -> None:
    folder, program = watching(bench, FAULT_OPEN_LIMIT="3")
    injected, before = program.mark()
    program.switch(switch)
    unplug(folder, 0)
    plug_in(folder, 1)
    noticed, _ = program.event("thread_given_up", since=injected, stage="capture", call=call)
    program.reason("hangs in a driver")
    removed = time.monotonic()
    if switch == "open-hang":
        program.switch(switch, on=False)
    recovered = program.more_lines(10)
    lost = program.lost(before)
    # The thread that closes the first camera still hangs.
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        f"a camera {fault}",
        noticed - injected,
        max(0.0, recovered - removed),
        lost,
        "a new thread opens the camera anew; health says that one hangs",
    )
