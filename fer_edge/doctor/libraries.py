"""Findings about Python and the libraries without which nothing runs: numpy, OpenCV, ONNX Runtime."""

from __future__ import annotations

import re
import signal
import sys
from importlib import metadata
from typing import Dict, List, Mapping, Tuple

from fer_edge.doctor.finding import NOTE, OK, PROBLEM, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

# A product wakes the library that some processors cannot run.
TRY_NUMPY = "import numpy; numpy.ones((8, 8)) @ numpy.ones((8, 8)); facts = {'version': numpy.__version__}"

TRY_OPENCV = "import cv2; facts = {'version': cv2.__version__, 'build': cv2.getBuildInformation()}"

TRY_ONNXRUNTIME = """
import onnxruntime
facts = {"version": onnxruntime.__version__, "providers": onnxruntime.get_available_providers()}
"""

TRY_PYAV = "import av; facts = {'version': av.__version__, 'codec': av.library_versions['libavcodec']}"

TRY_BACKENDS = """
from fer_edge.classify.backend_choice import candidates
facts = [[candidate.name, candidate.available, candidate.reason] for candidate in candidates()]
"""

_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_ONNXRUNTIME = ("onnxruntime", "onnxruntime-gpu")
_NEEDED = "The program cannot run without it."


def installed_packages() -> Dict[str, str]:
    """Return every installed Python package, in lower case, with its version."""
    found: Dict[str, str] = {}
    for package in metadata.distributions():
        # The metadata of a package that was half removed may lack both.
        name = package.metadata["Name"]
        if name:
            found.setdefault(name.lower().replace("_", "-"), package.version or "")
    return found


def python_findings(
    packages: Mapping[str, str], numpy: Probe, machine: str, environment: Mapping[str, str]
) -> List[Finding]:
    """Return what Python this is, whether numpy works, and whether two packages overwrite each other's files.

    Parameters
    ----------
    numpy : Probe
        Of `TRY_NUMPY`.
    machine : str
        Architecture, as `platform.machine` gives it.
    environment : mapping of str to str
        Of this process.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    own = ", in an environment of its own" if sys.prefix != sys.base_prefix else ""
    found = [Finding("Python", "Python", f"{version}{own}", OK, "3.8 or newer is needed.")]
    found.append(_numpy(packages, numpy, machine, environment))
    for name, rivals in (("OpenCV", _OPENCV), ("ONNX Runtime", _ONNXRUNTIME)):
        several = [package for package in rivals if package in packages]
        if len(several) > 1:
            meaning = (
                f"They overwrite each other's files. Uninstall all:  pip uninstall {' '.join(several)}  "
                "and install one flavour of fer-edge again."
            )
            found.append(Finding("Python", f"{name} twice", ", ".join(several), WARNING, meaning))
    return found


def opencv_findings(opencv: Probe) -> List[Finding]:
    """Return whether OpenCV works, and what it was built with.

    Parameters
    ----------
    opencv : Probe
        Of `TRY_OPENCV`.
    """
    topic, subject = "pictures", "OpenCV"
    if not opencv.facts:
        if "libGL.so.1" in opencv.reason:
            remedy = "Install what it lacks:  sudo apt install libgl1 libglib2.0-0  or the extra 'headless'."
        else:
            remedy = f"Install it with:  {pip_install('cpu')}"
        value = "not installed" if opencv.missing == "cv2" else "cannot be imported"
        return [Finding(topic, subject, value, PROBLEM, f"{_NEEDED} {opencv.reason}. {remedy}")]
    version, build = opencv.facts["version"], opencv.facts["build"]
    found = [_version_of_opencv(version)]
    decoders = _built_with(build, "FFMPEG"), _built_with(build, "GStreamer")
    if any(decoders):
        value = " and ".join(name for name, there in zip(("FFmpeg", "GStreamer"), decoders) if there)
        found.append(Finding(topic, "OpenCV reads by", value, OK, "Video files and streams are decoded by this."))
    else:
        meaning = "Built without FFmpeg and GStreamer, it reads no video files; a package from PyPI does."
        found.append(Finding(topic, "OpenCV reads by", "nothing", WARNING, meaning))
    return found


def pyav_findings(pyav: Probe) -> List[Finding]:
    """Return whether PyAV is there, and what is done without it.

    Parameters
    ----------
    pyav : Probe
        Of `TRY_PYAV`.
    """
    topic, subject = "pictures", "PyAV"
    if pyav.facts:
        codec = ".".join(map(str, pyav.facts["codec"]))
        meaning = f"Videos, pipes and streams are read by it (libavcodec {codec})."
        return [Finding(topic, subject, pyav.facts["version"], OK, meaning)]
    remedy = "pip install 'fer-edge[media]'"
    if pyav.missing == "av":
        meaning = f"OpenCV reads videos in its place, and RTMP, SRT, UDP and HLS are not read. {remedy}  brings it."
        return [Finding(topic, subject, "not installed", NOTE, meaning)]
    return [Finding(topic, subject, "cannot be imported", WARNING, f"No video is read. {pyav.reason}. {remedy}")]


def onnxruntime_findings(onnxruntime: Probe) -> List[Finding]:
    """Return whether ONNX Runtime works, and on what it can compute.

    Parameters
    ----------
    onnxruntime : Probe
        Of `TRY_ONNXRUNTIME`.
    """
    topic, subject = "inference", "ONNX Runtime"
    if not onnxruntime.facts:
        value = "not installed" if onnxruntime.missing == "onnxruntime" else "cannot be imported"
        remedy = f"Install it with:  {pip_install('cpu')}"
        return [Finding(topic, subject, value, PROBLEM, f"{_NEEDED} {onnxruntime.reason}. {remedy}")]
    providers = [name.replace("ExecutionProvider", "") for name in onnxruntime.facts["providers"]]
    return [
        Finding(topic, subject, onnxruntime.facts["version"], OK, "It runs the detector, and the classifier too."),
        Finding(topic, "providers", ", ".join(providers), OK, "What this build of it was made for."),
    ]


def backend_findings(backends: Probe) -> List[Finding]:
    """Return what the classifier can run on, the best first; nothing where that cannot be asked.

    Parameters
    ----------
    backends : Probe
        Of `TRY_BACKENDS`.
    """
    found: List[Finding] = []
    for name, available, reason in backends.facts or []:
        first = available and all(other.value != "available" for other in found)
        meaning = (
            f"Not taken: {reason}."
            if not available
            else "--backend auto tries this first."
            if first
            else "Taken when what is above it does not start."
        )
        found.append(
            Finding("backends", name, "available" if available else "not here", OK if available else NOTE, meaning)
        )
    return found


def _numpy(packages: Mapping[str, str], numpy: Probe, machine: str, environment: Mapping[str, str]) -> Finding:
    # https://github.com/numpy/numpy/issues/18131
    fragile = machine == "aarch64" and packages.get("numpy") == "1.19.5" and "OPENBLAS_CORETYPE" not in environment
    remedy = (
        "Put  export OPENBLAS_CORETYPE=ARMV8  into ~/.bashrc, or install another numpy:  pip install 'numpy!=1.19.5'"
    )
    if numpy.facts:
        if fragile:
            meaning = f"This release may end with 'Illegal instruction' on a Jetson. {remedy}"
            return Finding("Python", "numpy", numpy.facts["version"], WARNING, meaning)
        return Finding("Python", "numpy", numpy.facts["version"], OK, "It works.")
    if numpy.missing == "numpy":
        return Finding("Python", "numpy", "not installed", PROBLEM, f"{_NEEDED} Install fer-edge again.")
    if numpy.signal == signal.SIGILL:
        meaning = f"It uses instructions that this processor lacks. {remedy}"
        return Finding("Python", "numpy", "illegal instruction", PROBLEM, meaning)
    meaning = f"{_NEEDED} {numpy.reason}. Install it again:  pip install --force-reinstall numpy"
    return Finding("Python", "numpy", "does not work", PROBLEM, meaning)


def _version_of_opencv(version: str) -> Finding:
    topic, subject = "pictures", "OpenCV"
    numbers = _numbers(version)
    if numbers >= (5,):
        meaning = "OpenCV 5 dropped parts that are used here:  pip install 'opencv-python<5'"
        return Finding(topic, subject, version, WARNING, meaning)
    if numbers < (4, 5, 4):
        meaning = "Older than what is tested, 4.5.4 and newer: JetPack's own is 4.1.1. It may do."
        return Finding(topic, subject, version, NOTE, meaning)
    return Finding(topic, subject, version, OK, "It reads cameras and files, and draws.")


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _built_with(build: str, name: str) -> bool:
    found = re.search(rf"^\s*{name}:\s*(\S+)", build, re.MULTILINE)
    return found is not None and found.group(1).upper() == "YES"
