from __future__ import annotations

from typing import Any, Dict, Optional

import pytest

from fer_edge.detect.reach import SMALLEST, smallest_face
from fer_edge.detect.registry import DETECTORS
from fer_edge.doctor.detectors import TRY_DETECTORS, cost_findings, network_findings, reach_findings
from fer_edge.doctor.finding import Finding
from fer_edge.doctor.probe import Probe, probe
from fer_edge.inference.model_files import KnownModel, known_models, state_of


def camera(*sizes: Any) -> Dict[str, Any]:
    return {"path": "/dev/video0", "modes": [{"width": width, "height": height} for width, height in sizes]}


def reach(*cameras: Dict[str, Any]) -> Dict[str, Finding]:
    return {finding.subject: finding for finding in reach_findings(Probe(list(cameras)))}


def cost(auto: float, slowed: bool = False) -> Finding:
    (finding,) = cost_findings(Probe({"blazeface": 2.0, "auto": auto}), slowed)
    return finding


def test_each_size_that_a_camera_gives_is_told_with_the_faces_that_are_found() -> None:
    found = reach(camera((320, 240), (640, 480), (1920, 1080)), camera((640, 480)))
    assert list(found) == ["faces at 640x480", "faces at 1920x1080"]
    large = found["faces at 1920x1080"]
    assert large.value == f"blazeface from 235 px, auto from {SMALLEST['auto'][1920, 1080]}"
    assert "--size 1920x1080" in large.meaning
    assert "blazeface-full from 138" in large.meaning


def test_a_camera_without_the_size_that_is_asked_for_is_told_by_its_largest() -> None:
    assert list(reach(camera((640, 360), (1280, 720)))) == ["faces at 1280x720"]


@pytest.mark.parametrize("cameras", [None, [], [camera()]])
def test_where_no_size_is_known_it_is_the_one_that_is_asked_for(cameras: Any) -> None:
    (finding,) = reach_findings(Probe(cameras))
    assert finding.subject == "faces at 640x480"


def test_of_a_size_beyond_those_that_were_measured_nothing_is_said() -> None:
    assert reach_findings(Probe([camera((3840, 2160))])) == []
    assert smallest_face("blazeface", 320, 240) is None
    assert smallest_face("yunet", 640, 480) is None


def test_between_two_measured_sizes_the_longer_side_says_what_is_found() -> None:
    assert smallest_face("blazeface", 960, 540) == smallest_face("blazeface", 540, 960) == 120
    assert [smallest_face("blazeface-full", *size) for size in SMALLEST["blazeface-full"]] == [57, 96, 138]


def test_all_that_are_told_of_are_measured_at_the_same_sizes() -> None:
    assert set(SMALLEST) <= set(DETECTORS)
    assert len({tuple(sizes) for sizes in SMALLEST.values()}) == 1


@pytest.mark.parametrize("lost", ["blazeface_short", "blazeface_full"])
def test_auto_needs_both_networks(lost: str) -> None:
    def state(model: KnownModel) -> str:
        return "damaged" if model.name == lost else "ok"

    (finding,) = network_findings(known_models, state)
    assert (finding.value, finding.level) == ("1 of 2 networks", "warning")
    assert lost in finding.meaning
    (finding,) = network_findings(known_models, state_of)
    assert (finding.value, finding.level) == ("2 of 2 networks", "ok")


@pytest.mark.parametrize(
    ("auto", "slowed", "level", "words"),
    [
        (20.0, False, "ok", None),
        (50.0, False, "note", "slower than 30 frames a second"),
        (20.0, True, "note", "slowed down by heat"),
    ],
)
def test_auto_is_dissuaded_from_where_it_is_too_slow_or_the_machine_hot(
    auto: float, slowed: bool, level: str, words: Optional[str]
) -> None:
    finding = cost(auto, slowed)
    assert finding.level == level
    assert finding.value == f"auto {auto:.1f} ms, blazeface 2.0 ms"
    assert ("--detector blazeface" in finding.meaning) == (words is not None)
    assert (words or "") in finding.meaning


def test_a_look_that_could_not_be_measured_is_a_note_with_its_reason() -> None:
    (finding,) = cost_findings(Probe(reason="it crashed with SIGILL"), False)
    assert finding.level == "note"
    assert "SIGILL" in finding.meaning


@pytest.mark.slow
def test_looks_of_both_are_measured_on_this_machine() -> None:
    facts = probe(TRY_DETECTORS).facts
    assert facts["auto"] > 0
    assert facts["blazeface"] > 0
