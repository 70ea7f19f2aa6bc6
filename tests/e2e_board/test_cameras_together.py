"""One service that watches two cameras, of which one is missing at the start, comes, and is unplugged again."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator

import pytest
from board_service import PROGRAM, SETTINGS, Service
from figures import note
from machine import Guest

TABLES = """
[[camera]]
name = "front"
source = "0"

[[camera]]
name = "hall"
source = "demo"
size = "320x240"
fps = 2
"""


@pytest.fixture(scope="module")
def both(board: Guest, installation: str) -> Iterator[Service]:
    """Return the service with the tables of two cameras, started without the first one and without its driver."""
    service = Service(board)
    service.make_sure_it_runs()
    board.check(f"cp {SETTINGS} /root/one.toml && sed -i 's/^camera = /# camera = /' {SETTINGS}")
    board.check(f"cat >>{SETTINGS} <<'END'\n{TABLES}\nEND")
    try:
        # As on a board that no camera was plugged into since it started: the kernel does not know cameras yet.
        board.check("systemctl stop fer-edge; bash /root/camera unplug")
        board.check("for module in vivid videobuf2_memops videodev; do modprobe -r $module; done")
        board.check("! grep video4linux /proc/devices")
        since = board.uptime()
        board.check("systemctl --no-block start fer-edge")
        note("two cameras, one of them missing: READY after the start in", service.wait_until_ready(since) - since)
        yield service
    finally:
        since = board.uptime()
        board.check(
            f"cp /root/one.toml {SETTINGS}; systemctl start board-camera; systemctl --no-block restart fer-edge"
        )
        service.wait_until_ready(since)


def troubles_of(camera: str, health: Dict[str, Any]) -> str:
    return "; ".join(reason for reason in health["reasons"] if reason.startswith(f"camera {camera}: "))


def plug_in(board: Guest, service: Service) -> float:
    """Plug the camera in and wait for its frames; returns after how many seconds it was back."""
    plugged = board.uptime()
    board.check("systemctl start board-camera")
    back = service.wait_for_line("the source front is back after", plugged, 60).at
    service.wait_for_frames(camera="front")
    assert troubles_of("front", service.health()) == ""
    return back - plugged


def works(service: Service) -> Dict[str, str]:
    """Return by camera what the metrics say of its source: 1 while nothing is wrong with it."""
    said = re.findall(r'^fer_edge_source_works\{camera="(.*?)"\} (\d)', service.answer("/metrics"), re.MULTILINE)
    return dict(said)


def test_a_camera_that_is_missing_at_the_start_holds_up_no_other_and_comes_when_it_is_plugged_in(
    board: Guest, both: Service
) -> None:
    process = both.show("MainPID")
    both.wait_for_frames(3, camera="hall")
    health = both.health()
    assert (health["status"], health["cameras"]["front"]["frames"]) == ("degraded", 0)
    assert re.search("the source is lost since .* There is no camera /dev/video0", troubles_of("front", health))
    assert troubles_of("hall", health) == health["cameras"]["hall"]["trouble"] == ""
    assert works(both) == {"front": "0", "hall": "1"}
    told = board.check(f"{PROGRAM} health")
    assert told.startswith("degraded: camera front: the source is lost"), told
    board.wait_for("systemctl show -P StatusText fer-edge", r"FPS total .*camera front: the source is lost", 30)

    note("two cameras: the missing one is plugged in: a frame after", plug_in(board, both))
    assert both.show("MainPID") == process
    assert works(both) == {"front": "1", "hall": "1"}
    assert {line["camera"] for line in both.results(10)} >= {"front", "hall"}


def test_a_camera_that_is_unplugged_holds_up_no_other_and_is_taken_again(board: Guest, both: Service) -> None:
    board.check("systemctl start board-camera")
    both.wait_for_frames(2, camera="front")
    process = both.show("MainPID")
    unplugged = float(board.check("bash /root/camera unplug").split()[0])
    noticed = both.wait_for_line("the source front is lost: .*unplugged", unplugged, 60).at
    both.wait_for_frames(5, camera="hall")
    health = both.health()
    assert health["status"] == "degraded"
    assert troubles_of("front", health)
    assert troubles_of("hall", health) == ""

    note("two cameras, one unplugged: noticed after", noticed - unplugged)
    note("two cameras, one plugged in again: a frame after", plug_in(board, both))
    both.wait_for_frames(2, camera="hall")
    assert both.show("MainPID") == process
