"""What becomes of the service when its camera goes, comes back, fails or stays silent: a real V4L2 device, real systemd."""

from __future__ import annotations

from typing import Iterator, Tuple

import pytest
from board_service import Service
from figures import note
from machine import Guest


@pytest.fixture(autouse=True)
def _the_same_process_goes_on(service: Service) -> Iterator[None]:
    before = service.show("MainPID")
    yield
    assert service.show("MainPID") == before


def see_it_lost_and_back(board: Guest, service: Service, fault: str, remedy: str, reason: str) -> Tuple[float, float]:
    """Give how long it took to notice the fault, and to see a frame after the remedy."""
    broken = board.uptime()
    board.check(fault)
    noticed = service.wait_for_line(f"the source is lost: .*{reason}", broken, 60).at
    mended = board.uptime()
    board.check(remedy)
    back = service.wait_for_line("the source is back after", noticed, 60).at
    service.wait_for_frames()
    return noticed - broken, max(0.0, back - mended)


def test_faces_of_the_camera_are_found_and_named(service: Service) -> None:
    service.wait_for_frames(3)
    assert any(face["expression"] == "happy" for line in service.results(3) for face in line["faces"])


def test_a_camera_that_is_unplugged_is_let_go_and_taken_again_when_it_is_back(
    board: Guest, service: Service, measure
) -> None:
    camera = "bash /root/camera"
    away = f"{camera} unplug && sleep 3 && test ! -e /dev/video0 && modprobe -r vivid"
    noticed, back = see_it_lost_and_back(board, service, away, "systemctl start board-camera", "unplugged")
    note("camera unplugged: noticed after", noticed)
    note("camera plugged in again: frames after", back)
    service.wait_for_frames(3)
    assert any(line["faces"] for line in service.results(3))


def test_a_camera_whose_every_call_fails_is_opened_anew(board: Guest, service: Service) -> None:
    noticed, _ = see_it_lost_and_back(board, service, "bash /root/camera fail", "true", "gave no frame")
    note("camera answers every call with ENODEV: noticed after", noticed)


def test_a_stream_that_breaks_is_opened_anew(board: Guest, service: Service) -> None:
    inject = "v4l2-ctl -d /dev/video0 --set-ctrl inject_fatal_streaming_error=1"
    noticed, _ = see_it_lost_and_back(board, service, inject, "true", "gave no frame")
    note("stream broken by the driver: noticed after", noticed)


def test_a_camera_that_falls_silent_is_told_in_the_health_and_found_again(
    board: Guest, service: Service, measure
) -> None:
    drop = "v4l2-ctl -d /dev/video0 --set-ctrl percentage_of_dropped_buffers={}"
    broken = board.uptime()
    board.check(drop.format(100))
    noticed = service.wait_for_line("the source is lost: .*gave no frame", broken, 60).at
    assert any("the source is lost" in reason for reason in service.health()["reasons"])
    mended = board.uptime()
    board.check(drop.format(75))
    back = service.wait_for_line("the source is back after", noticed, 60).at
    service.wait_for_frames()
    note("camera silent: noticed after", noticed - broken)
    note("camera gives pictures again: frames after", back - mended)
