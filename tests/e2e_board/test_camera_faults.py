"""What becomes of the service when its camera goes, comes back, fails or stays silent: a real V4L2 device, real systemd."""

from __future__ import annotations

import time
from typing import Iterator

import pytest
from board_service import Service
from figures import note
from machine import Guest

from fer_edge.pipeline.reconnection import STEADY_AFTER


@pytest.fixture(autouse=True)
def _the_same_process_goes_on(board: Guest, service: Service) -> Iterator[None]:
    before = service.show("MainPID")
    # A fault soon after another belongs to the same series, of which the journal tells ever less.
    returns = [line.at for line in service.journal() if "the source is back after" in line.text]
    while returns and board.uptime() - returns[-1] < STEADY_AFTER + 1.0:
        time.sleep(1.0)
    yield
    assert service.show("MainPID") == before


def camera(board: Guest, what: str) -> float:
    """Do something to the camera; returns when."""
    return float(board.check(f"bash /root/camera {what}").split()[0])


def wait_until_lost(service: Service, reason: str, since: float) -> float:
    return service.wait_for_line(f"the source is lost: .*{reason}", since, 60).at


def wait_until_back(service: Service, since: float) -> float:
    back = service.wait_for_line("the source is back after", since, 60).at
    service.wait_for_frames()
    return back


def test_faces_of_the_camera_are_found_and_named(service: Service) -> None:
    service.wait_for_frames(3)
    lines = service.results(3)
    assert any(face["expression"] == "happy" for line in lines for face in line["faces"])
    assert {line["camera"] for line in lines} == set(service.health()["cameras"]) == {"camera0"}


def test_a_camera_that_is_unplugged_is_let_go_and_taken_again_when_it_is_back(board: Guest, service: Service) -> None:
    unplugged = camera(board, "unplug")
    noticed = wait_until_lost(service, "unplugged", unplugged)
    assert board.run("test -e /dev/video0").code == 1
    # The driver can go only when nobody holds the device any more.
    board.check("modprobe -r vivid")
    service.wait_for_line("There is no camera", noticed, 30)
    plugged = board.uptime()
    board.check("systemctl start board-camera")
    back = wait_until_back(service, plugged)
    note("camera unplugged: noticed after", noticed - unplugged)
    note("camera plugged in again: a frame after", back - plugged)
    service.wait_for_frames(3)
    assert any(line["faces"] for line in service.results(3))


@pytest.mark.parametrize(
    ("fault", "words"),
    [("fail", "camera answers every call with ENODEV"), ("fail-streams", "stream broken off by the driver")],
)
def test_a_camera_that_fails_is_opened_anew(board: Guest, service: Service, fault: str, words: str) -> None:
    failed = camera(board, fault)
    noticed = wait_until_lost(service, "gave no frame", failed)
    back = wait_until_back(service, noticed)
    note(f"{words}: noticed after", noticed - failed)
    note(f"{words}: a frame again after", back - failed)


def test_a_camera_that_falls_silent_is_told_in_the_health_and_found_again(board: Guest, service: Service) -> None:
    silent = camera(board, "silence 100")
    noticed = wait_until_lost(service, "gave no frame", silent)
    assert any("the source is lost" in reason for reason in service.health()["reasons"])
    heard = camera(board, "silence 75")
    back = wait_until_back(service, noticed)
    note("camera silent: noticed after", noticed - silent)
    note("camera gives pictures again: a frame after", max(0.0, back - heard))
