from __future__ import annotations

import signal
from typing import Dict, List

import pytest

from fer_edge.doctor.finding import Finding
from fer_edge.doctor.libraries import (
    TRY_BACKENDS,
    TRY_NUMPY,
    TRY_ONNXRUNTIME,
    TRY_OPENCV,
    backend_findings,
    installed_packages,
    onnxruntime_findings,
    opencv_findings,
    python_findings,
)
from fer_edge.doctor.probe import Probe, probe
from fer_edge.system.installation import pip_install

WORKS = Probe({"version": "1.19.5"})


def by_subject(findings: List[Finding]) -> Dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_the_libraries_of_this_machine_work() -> None:
    packages = installed_packages()
    found = python_findings(packages, probe(TRY_NUMPY), "x86_64", {})
    found += opencv_findings(probe(TRY_OPENCV)) + onnxruntime_findings(probe(TRY_ONNXRUNTIME))
    subjects = by_subject(found)
    assert subjects["numpy"].value == packages["numpy"]
    assert subjects["OpenCV"].level == "ok"
    assert "FFmpeg" in subjects["OpenCV reads by"].value
    assert "CPU" in subjects["providers"].value


def test_the_backends_are_those_that_the_classifier_can_choose_among() -> None:
    found = backend_findings(probe(TRY_BACKENDS))
    assert found[-1].value == "available"
    assert sum("tries this first" in finding.meaning for finding in found) == 1


def test_backends_that_cannot_be_asked_are_left_out() -> None:
    assert backend_findings(Probe(reason="No module named 'fer_edge.classify.backend_choice'")) == []


def test_the_first_backend_that_is_there_is_tried_first() -> None:
    found = backend_findings(Probe([["one", False, "it is missing"], ["two", True, ""], ["three", True, ""]]))
    assert [(finding.value, finding.level) for finding in found] == [
        ("not here", "note"),
        ("available", "ok"),
        ("available", "ok"),
    ]
    assert "it is missing" in found[0].meaning
    assert "first" in found[1].meaning
    assert "first" not in found[2].meaning


def test_the_numpy_that_ends_on_jetsons_is_a_warning_until_the_variable_is_set() -> None:
    packages = {"numpy": "1.19.5"}
    assert by_subject(python_findings(packages, WORKS, "aarch64", {}))["numpy"].level == "warning"
    told = by_subject(python_findings(packages, WORKS, "aarch64", {"OPENBLAS_CORETYPE": "ARMV8"}))
    assert told["numpy"].level == "ok"
    assert by_subject(python_findings(packages, WORKS, "x86_64", {}))["numpy"].level == "ok"
    assert by_subject(python_findings({"numpy": "1.24.4"}, WORKS, "aarch64", {}))["numpy"].level == "ok"


@pytest.mark.parametrize(
    ("numpy", "word"),
    [
        (Probe(reason="it crashed with SIGILL", signal=signal.SIGILL), "OPENBLAS_CORETYPE=ARMV8"),
        (Probe(reason="No module named 'numpy'", missing="numpy"), "Install fer-edge again"),
        (Probe(reason="ImportError: libopenblas.so.0"), "--force-reinstall"),
    ],
)
def test_a_numpy_that_does_not_work_is_a_problem_with_its_remedy(numpy: Probe, word: str) -> None:
    finding = by_subject(python_findings({}, numpy, "aarch64", {}))["numpy"]
    assert finding.level == "problem"
    assert word in finding.meaning


def test_packages_that_overwrite_each_other_are_a_warning() -> None:
    packages = {"opencv-python": "4.14", "opencv-contrib-python": "4.11", "onnxruntime": "1", "onnxruntime-gpu": "1"}
    found = by_subject(python_findings(packages, WORKS, "x86_64", {}))
    assert found["OpenCV twice"].level == found["ONNX Runtime twice"].level == "warning"
    assert "pip uninstall opencv-python opencv-contrib-python" in found["OpenCV twice"].meaning


@pytest.mark.parametrize(
    ("opencv", "word"),
    [
        (Probe(reason="No module named 'cv2'", missing="cv2"), pip_install("cpu")),
        (Probe(reason="ImportError: libGL.so.1: cannot open shared object file"), "apt install libgl1"),
        (Probe(reason="it did not answer in 60 s"), "60 s"),
    ],
)
def test_an_opencv_that_does_not_work_is_a_problem_with_its_remedy(opencv: Probe, word: str) -> None:
    (finding,) = opencv_findings(opencv)
    assert finding.level == "problem"
    assert word in finding.meaning


@pytest.mark.parametrize(
    ("version", "level"), [("4.1.1", "note"), ("4.5.4", "ok"), ("4.14.0", "ok"), ("5.0.0", "warning")]
)
def test_versions_of_opencv_outside_the_tested_range_are_told(version: str, level: str) -> None:
    assert opencv_findings(Probe({"version": version, "build": ""}))[0].level == level


def test_the_decoders_of_opencv_are_read_from_its_build_information() -> None:
    build = "  Video I/O:\n    FFMPEG:                      NO\n    GStreamer:                   YES (1.14.5)\n"
    assert (
        by_subject(opencv_findings(Probe({"version": "4.1.1", "build": build})))["OpenCV reads by"].value == "GStreamer"
    )
    build = build.replace("YES", "NO")
    assert (
        by_subject(opencv_findings(Probe({"version": "4.1.1", "build": build})))["OpenCV reads by"].level == "warning"
    )


def test_an_onnx_runtime_that_crashes_is_a_problem() -> None:
    (finding,) = onnxruntime_findings(Probe(reason="it crashed with SIGSEGV", signal=11))
    assert (finding.value, finding.level) == ("cannot be imported", "problem")
