"""Findings about what reads videos and photos: whether interlaced video comes out right, and the extras that read more."""

from __future__ import annotations

from typing import List

from fer_edge.capture.file.interlaced_trial import REFUSED, RIGHT, WRONG, remedy
from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

TRY_INTERLACED = """
from fer_edge.capture.file.interlaced_trial import outcome
facts = outcome()
"""

TRY_PYAV = "import av; facts = {'version': av.__version__}"

TRY_HEIF = "import pillow_heif; facts = {'version': pillow_heif.__version__}"

_TOPIC = "pictures"


def interlaced_findings(trial: Probe) -> List[Finding]:
    """Return whether OpenCV decodes interlaced video; nothing where there is no OpenCV that reads videos.

    Parameters
    ----------
    trial : Probe
        Of `TRY_INTERLACED`.
    """
    subject = "interlaced video"
    if trial.missing:
        return []
    if trial.facts == RIGHT:
        return [Finding(_TOPIC, subject, "decoded", OK, "OpenCV gave the images that are in a sample.")]
    if trial.facts in (REFUSED, WRONG):
        meaning = (
            "OpenCV gives foreign memory for it: such files are refused, and others are read in a process of their own. "
            f"{remedy()}"
        )
        return [Finding(_TOPIC, subject, "not decoded", WARNING, meaning)]
    meaning = f"OpenCV did not read the sample{f': {trial.reason}' if trial.reason else ''}. {remedy()}"
    return [Finding(_TOPIC, subject, "not known", WARNING, meaning)]


def extra_findings(pyav: Probe, heif: Probe) -> List[Finding]:
    """Return whether the extras are there that read more than OpenCV does, and what they bring.

    Parameters
    ----------
    pyav, heif : Probe
        Of `TRY_PYAV` and of `TRY_HEIF`.
    """
    return [
        _extra(
            "PyAV",
            pyav,
            "av",
            "media",
            "any video that FFmpeg decodes, interlaced or of many bits, from files, streams and pipes",
        ),
        _extra("pillow-heif", heif, "pillow_heif", "heif", "photos in HEIC and AVIF, as phones take them"),
    ]


def _extra(name: str, probe: Probe, module: str, extra: str, brings: str) -> Finding:
    if probe.facts:
        return Finding(_TOPIC, name, probe.facts["version"], OK, f"It reads {brings}.")
    if probe.missing == module:
        return Finding(_TOPIC, name, "not installed", NOTE, f"It would read {brings}:  {pip_install(extra)}")
    meaning = f"{probe.reason}. Without it there is no reading of {brings}. Install it again:  {pip_install(extra)}"
    return Finding(_TOPIC, name, "cannot be imported", WARNING, meaning)
