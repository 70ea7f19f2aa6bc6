from __future__ import annotations

from fer_edge.doctor.probe import Probe, probe
from fer_edge.doctor.recording import TRY_RECORDING, recording_findings

NOTHING = Probe(
    ["", {"PyAV": "H.264 needs the Python package 'av', which is not installed", "ffmpeg": "there is none"}]
)


def test_what_encodes_is_told_with_what_it_is_good_for() -> None:
    (finding,) = recording_findings(Probe(["libx264 by PyAV 12.3.0", {}]))
    assert (finding.level, finding.value) == ("ok", "H.264, libx264 by PyAV 12.3.0")
    assert "browsers" in finding.meaning


def test_where_nothing_encodes_the_finding_says_what_would_and_why_nothing_does() -> None:
    (finding,) = recording_findings(NOTHING)
    assert (finding.level, finding.value) == ("note", "MPEG-4 Part 2")
    assert "[media]" in finding.meaning
    assert "apt install ffmpeg" in finding.meaning
    assert "'av', which is not installed" in finding.meaning


def test_an_encoder_that_crashes_is_a_warning() -> None:
    (finding,) = recording_findings(Probe(reason="it crashed with SIGILL"))
    assert finding.level == "warning"
    assert "SIGILL" in finding.meaning


def test_this_machine_can_be_asked() -> None:
    found = probe(TRY_RECORDING)
    assert found.facts is not None, found.reason
    assert recording_findings(found)[0].level in ("ok", "note")
