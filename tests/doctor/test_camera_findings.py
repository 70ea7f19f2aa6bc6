from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import pytest
from fake_machines import nothing_runs

from fer_edge.board.program import Ran
from fer_edge.doctor.cameras import (
    TRY_CAMERAS,
    TRY_DISPLAY,
    camera_findings,
    display_findings,
    group_membership,
    gstreamer_findings,
)
from fer_edge.doctor.finding import Finding
from fer_edge.doctor.probe import Probe, probe

GSTREAMER = "gst-launch-1.0 version 1.14.5\nGStreamer 1.14.5\n"


def device(**changes: Any) -> Dict[str, Any]:
    modes = [
        {"fourcc": "MJPG", "width": 640, "height": 480, "fps": [30.0]},
        {"fourcc": "MJPG", "width": 1920, "height": 1080, "fps": [30.0]},
    ]
    return {"path": "/dev/video0", "card": "HD Pro Webcam", "modes": modes, "busy": False, "problem": "", **changes}


def first(facts: Optional[List[Any]], membership: str = "member", jetson: bool = False) -> Finding:
    return camera_findings(Probe(facts, "it did not answer in 60 s"), membership, jetson)[0]


def test_a_camera_is_told_with_its_largest_picture() -> None:
    finding = first([device()])
    assert (finding.subject, finding.value, finding.level) == ("/dev/video0", "HD Pro Webcam, up to 1920x1080", "ok")


def test_a_camera_that_is_in_use_or_forbidden_is_a_warning_with_its_reason() -> None:
    assert (first([device(busy=True)]).level, "in use" in first([device(busy=True)]).value) == ("warning", True)
    closed = first([device(problem="it belongs to the group 'video'; join with: ...", card="", modes=[])])
    assert (closed.value, closed.level) == ("unknown", "warning")
    assert "group 'video'" in closed.meaning


def test_no_camera_is_no_problem_and_a_hanging_one_is_told() -> None:
    assert first([]).level == "note"
    assert "demo" in first([]).meaning
    assert first(None).level == "warning"
    assert "60 s" in first(None).meaning


@pytest.mark.parametrize(
    ("membership", "jetson", "level"),
    [
        ("root", False, "ok"),
        ("member", True, "ok"),
        ("after login", False, "warning"),
        ("no", False, "note"),
        ("no", True, "warning"),
    ],
)
def test_the_group_of_cameras_is_told(membership: str, jetson: bool, level: str) -> None:
    assert camera_findings(Probe([]), membership, jetson)[-1].level == level


def test_a_machine_without_the_group_says_nothing_of_it() -> None:
    assert [finding.subject for finding in camera_findings(Probe([]), None, False)] == ["USB cameras"]
    assert group_membership("no-such-group-here") in (None, "root")


def test_the_cameras_and_the_display_of_this_machine_can_be_asked() -> None:
    assert isinstance(probe(TRY_CAMERAS).facts, list)
    (finding,) = display_findings(probe(TRY_DISPLAY))
    assert finding.value in ("available", "none")


def test_a_display_that_is_not_there_is_a_note_with_its_reason() -> None:
    (finding,) = display_findings(Probe({"available": False, "reason": "DISPLAY is not set"}))
    assert (finding.level, "DISPLAY is not set" in finding.meaning) == ("note", True)
    assert display_findings(Probe(reason="it crashed with SIGABRT"))[0].value == "unknown"


def test_gstreamer_is_wanted_on_a_jetson_and_optional_elsewhere() -> None:
    assert gstreamer_findings(nothing_runs, False, True)[0].level == "warning"
    assert gstreamer_findings(nothing_runs, False, False)[0].level == "note"


def test_a_csi_camera_needs_its_element_and_its_service() -> None:
    def run(command: Sequence[str], timeout: float) -> Ran:
        return Ran(0, GSTREAMER)

    def run_without_element(command: Sequence[str], timeout: float) -> Ran:
        return Ran(0, GSTREAMER) if "launch" in command[0] else Ran(1, "")

    assert [finding.value for finding in gstreamer_findings(run, True, True)] == ["1.14.5", "can be asked"]
    assert gstreamer_findings(run, False, True)[1].value == "no /tmp/argus_socket"
    assert gstreamer_findings(run_without_element, True, True)[1].value == "no nvarguscamerasrc"
