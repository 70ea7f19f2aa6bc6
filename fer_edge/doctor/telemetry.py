"""Findings about what a library would tell its maker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Mapping

from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe

# While ONNX Runtime reports, it keeps what it has not sent yet in a file that stays open.
TRY_TELEMETRY = """
import os
import onnxruntime
folder = "/proc/self/fd"
files = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder) if os.path.lexists(os.path.join(folder, name))]
facts = {"reports": any("/.onnxruntime/" in file for file in files)}
"""

_IDENTIFIER = Path("Microsoft", "DeveloperTools", ".onnxruntime", "deviceid")


def identifier_file(environment: Mapping[str, str]) -> Path:
    """Return the file in which ONNX Runtime keeps its identifier of this machine, for a program with these variables."""
    cache = environment.get("XDG_CACHE_HOME") or os.path.join(
        environment.get("HOME") or os.path.expanduser("~"), ".cache"
    )
    return Path(cache) / _IDENTIFIER


def telemetry_findings(trial: Probe, identifier: Path) -> List[Finding]:
    """Return whether ONNX Runtime reports to its maker; nothing where it cannot be loaded, which is a finding of its own.

    Parameters
    ----------
    trial : Probe
        Of `TRY_TELEMETRY`.
    identifier : Path
        The file that is left where it reported once.
    """
    topic, found = "privacy", []
    if trial.facts:
        if trial.facts["reports"]:
            meaning = "ONNX Runtime reports to its maker, although it was told not to. Please report this."
            found.append(Finding(topic, "telemetry", "on", WARNING, meaning))
        else:
            meaning = "ONNX Runtime's own is turned off, and fer-edge has none. docs/privacy.md says how to check."
            found.append(Finding(topic, "telemetry", "off", OK, meaning))
    if identifier.is_file():
        meaning = (
            f"{identifier} holds ONNX Runtime's identifier of this machine, from a program that lets it report. "
            "fer-edge neither reads nor removes it."
        )
        found.append(Finding(topic, "identifier", "left behind", NOTE, meaning))
    return found
