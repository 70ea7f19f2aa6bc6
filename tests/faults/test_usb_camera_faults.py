from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Tuple

import pytest
from programs import Program, check_numbers

MAKE, PLACE = "v4l/by-id/usb-Webcam-video-index0", "v4l/by-path/pci-usb-0:1:1.0-video-index0"
OTHER_PLACE = "v4l/by-path/pci-usb-0:2:1.0-video-index0"


def plug_in(folder: Path, number: int, *names: str) -> None:
    """Make a device node and the links under the camera's own names, as udev does."""
    (folder / f"video{number}").touch()
    for name in names or (MAKE, PLACE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(folder / f"video{number}")


def unplug(folder: Path, number: int) -> None:
    for link in (folder / "v4l").glob("*/*"):
        link.unlink()
    (folder / f"video{number}").unlink()


def watching(
    bench: Any, name: str = MAKE, names: Tuple[str, ...] = (MAKE, PLACE), **environment: str
) -> Tuple[Path, Program]:
    folder = bench.folder / "dev"
    folder.mkdir()
    plug_in(folder, 0, *names)
    # The roundabout way, because only what begins with /dev is a camera.
    program = bench.program("--camera", f"/dev/..{folder}/{name}", launched=True, environment=environment)
    program.more_lines(10)
    return folder, program


@pytest.mark.parametrize(
    ("name", "before_it_left", "after", "fault", "more"),
    [
        (
            MAKE,
            (MAKE, PLACE),
            (MAKE, PLACE),
            "a USB camera is unplugged, and returns as video3 instead of video0 (fake driver)",
            "found under its name",
        ),
        (
            "video0",
            (MAKE, PLACE),
            (MAKE, OTHER_PLACE),
            "the same, with the camera given as a number, and in another socket",
            "found by its make, /dev/v4l/by-id",
        ),
        (
            "video0",
            (PLACE,),
            (PLACE,),
            "the same, in its own socket, with a camera to which udev gives no name",
            "found by its socket, /dev/v4l/by-path",
        ),
    ],
    ids=["by its link", "by its make", "by its socket"],
)
def test_a_camera_that_returns_under_another_number_is_found_by_its_name(
    bench: Any, name: str, before_it_left: Tuple[str, ...], after: Tuple[str, ...], fault: str, more: str
) -> None:
    folder, program = watching(bench, name, before_it_left)
    injected, before = program.mark()
    unplug(folder, 0)
    noticed, line = program.event("source_lost", since=injected)
    assert "unplugged" in line["reason"]
    program.event("source_lost", since=noticed, attempt=2)
    removed = time.monotonic()
    plug_in(folder, 3, *after)
    recovered = program.more_lines(10)
    program.event("source_back")
    program.end()
    check_numbers(program.lines())
    bench.report.add(fault, noticed - injected, recovered - removed, program.lost(before), more)


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (OTHER_PLACE, "the same, while another camera takes its number"),
        (PLACE, "the same, while another camera takes its number and its socket"),
    ],
    ids=["number", "socket"],
)
def test_another_camera_that_takes_number_or_socket_is_not_taken_for_the_one_that_left(
    bench: Any, place: str, fault: str
) -> None:
    folder, program = watching(bench, "video0")
    injected, before = program.mark()
    unplug(folder, 0)
    noticed, _ = program.event("source_lost", since=injected)
    plug_in(folder, 0, "v4l/by-id/usb-Stranger-video-index0", place)
    program.event("source_lost", since=injected, attempt=3)
    assert "source_back" not in program.events()
    removed = time.monotonic()
    plug_in(folder, 1, MAKE, "v4l/by-path/pci-usb-0:3:1.0-video-index0")
    recovered = program.more_lines(10)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        fault,
        noticed - injected,
        recovered - removed,
        program.lost(before),
        "the other one is left alone",
    )


@pytest.mark.parametrize(
    ("switch", "word", "fault"),
    [
        ("grab-nothing", "gave no frame for 15 s", "a camera that opens, but gives no frame (fake driver)"),
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
