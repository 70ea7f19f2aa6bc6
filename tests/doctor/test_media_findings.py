from __future__ import annotations

import pytest

from fer_edge.capture.file.interlaced_trial import REFUSED, RIGHT, UNREADABLE, WRONG, decodes_interlaced
from fer_edge.doctor.media import TRY_HEIF, TRY_INTERLACED, TRY_PYAV, extra_findings, interlaced_findings
from fer_edge.doctor.probe import Probe, probe
from fer_edge.system.installation import pip_install


def test_the_trial_of_this_machine_says_what_the_sources_go_by() -> None:
    (finding,) = interlaced_findings(probe(TRY_INTERLACED))
    assert (finding.level == "ok") == decodes_interlaced()


@pytest.mark.parametrize(
    ("trial", "level"),
    [
        (Probe(RIGHT), "ok"),
        (Probe(REFUSED), "warning"),
        (Probe(WRONG), "warning"),
        (Probe(UNREADABLE), "warning"),
        (Probe(reason="it crashed with SIGSEGV", signal=11), "warning"),
    ],
)
def test_an_opencv_that_gives_foreign_memory_is_a_warning_with_the_remedy(trial: Probe, level: str) -> None:
    (finding,) = interlaced_findings(trial)
    assert finding.level == level
    if level == "warning":
        assert pip_install("media") in finding.meaning
        assert "<4.13" in finding.meaning
        assert trial.reason in finding.meaning


def test_without_opencv_nothing_is_said_of_interlaced_video() -> None:
    assert interlaced_findings(Probe(reason="No module named 'cv2'", missing="cv2")) == []


def test_an_extra_is_named_with_what_it_brings_and_how_it_comes() -> None:
    there, missing = Probe({"version": "18.1.0"}), Probe(reason="No module named 'pillow_heif'", missing="pillow_heif")
    pyav, heif = extra_findings(there, missing)
    assert (pyav.value, pyav.level) == ("18.1.0", "ok")
    assert (heif.value, heif.level) == ("not installed", "note")
    assert "HEIC" in heif.meaning
    assert pip_install("heif") in heif.meaning
    pyav, _ = extra_findings(Probe(reason="ImportError: libavcodec.so.62"), missing)
    assert pyav.level == "warning"
    assert "libavcodec" in pyav.meaning


def test_the_extras_of_this_machine_are_asked_for_by_their_names() -> None:
    pytest.importorskip("av")
    pytest.importorskip("pillow_heif")
    assert [finding.level for finding in extra_findings(probe(TRY_PYAV), probe(TRY_HEIF))] == ["ok", "ok"]
