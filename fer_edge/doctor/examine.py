"""Examines this machine, topic by topic; what fails in one topic is a finding and does not keep the others from being seen."""

from __future__ import annotations

import os
import platform
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, List, Tuple

from fer_edge.board.kernel_file import Root, read_text
from fer_edge.board.l4t import read_l4t
from fer_edge.board.machine import board_name, cpu_name
from fer_edge.board.memory import read_memory
from fer_edge.board.nvidia import read_nvidia
from fer_edge.board.power import read_cpu_clocks, read_power_mode
from fer_edge.board.program import Runner, run_program
from fer_edge.board.temperature import read_cooling, read_zones
from fer_edge.doctor import (
    cameras,
    detectors,
    gpu,
    libraries,
    machine,
    media,
    models,
    outputs,
    precision,
    recording,
    telemetry,
)
from fer_edge.doctor.finding import PROBLEM, WARNING, Finding
from fer_edge.doctor.folder import look_at
from fer_edge.doctor.probe import Prober, probe
from fer_edge.errors import FerEdgeError
from fer_edge.inference.model_files import cache_folder, known_models, state_of
from fer_edge.system.progress import Progress

Check = Callable[[], List[Finding]]

DECISIVE = ("models", "main job")
"""Topics that must have been seen before it can be said that the main job can run."""


def examine(
    root: Root = "/",
    run: Runner = run_program,
    trial: Prober = probe,
    progress: Progress = lambda line: None,
) -> Tuple[Finding, ...]:
    """Examine the machine.

    Parameters
    ----------
    root : str or Path
        Of the file system.
    run : callable
        Runs programs.
    trial : callable
        Tries libraries.
    progress : callable
        Gets a line that says what is looked at.

    Returns
    -------
    tuple of Finding
        By topic, in the order of the table.
    """
    board, l4t = board_name(root), read_l4t(root)
    jetson = l4t is not None or (board is not None and "Jetson" in board)
    packages = libraries.installed_packages()
    clocks = read_cpu_clocks(root)

    # Two topics need them, and a camera that hangs shall hang once.
    listed = lru_cache(maxsize=None)(lambda: trial(cameras.TRY_CAMERAS))

    topics: List[Tuple[str, Check]] = [
        ("machine", lambda: machine.board_findings(board, cpu_name(root), _system(root), l4t, jetson)),
        ("power", lambda: machine.power_findings(board, read_power_mode(root, run), clocks, jetson)),
        ("state", lambda: machine.heat_findings(read_zones(root), read_cooling(root))),
        ("state", lambda: machine.memory_findings(read_memory(root), jetson)),
        ("state", lambda: machine.disk_findings(look_at(cache_folder().parent))),
        (
            "Python",
            lambda: libraries.python_findings(
                packages, trial(libraries.TRY_NUMPY), platform.machine(), dict(os.environ)
            ),
        ),
        ("pictures", lambda: libraries.opencv_findings(trial(libraries.TRY_OPENCV))),
        ("pictures", lambda: media.interlaced_findings(trial(media.TRY_INTERLACED))),
        ("pictures", lambda: media.extra_findings(trial(media.TRY_PYAV), trial(media.TRY_HEIF))),
        ("pictures", lambda: cameras.display_findings(trial(cameras.TRY_DISPLAY))),
        (
            "cameras",
            lambda: cameras.camera_findings(listed(), cameras.group_membership(), jetson),
        ),
        (
            "cameras",
            lambda: cameras.gstreamer_findings(run, (Path(root) / "tmp/argus_socket").exists(), jetson),
        ),
        (
            "GPU",
            lambda: gpu.gpu_findings(
                read_nvidia(root, run), trial(gpu.TRY_TENSORRT), trial(gpu.TRY_PYCUDA), packages, jetson
            ),
        ),
        ("recording", lambda: recording.recording_findings(trial(recording.TRY_RECORDING))),
        (
            "outputs",
            lambda: outputs.output_findings(*map(trial, (outputs.TRY_WEB, outputs.TRY_MQTT, outputs.TRY_REPORT))),
        ),
        ("inference", lambda: libraries.onnxruntime_findings(trial(libraries.TRY_ONNXRUNTIME))),
        ("backends", lambda: libraries.backend_findings(trial(libraries.TRY_BACKENDS))),
        ("backends", lambda: outputs.server_findings(trial(outputs.TRY_GRPC))),
        ("backends", lambda: precision.precision_findings(trial(precision.TRY_PRECISION))),
        (
            "privacy",
            lambda: telemetry.telemetry_findings(trial(telemetry.TRY_TELEMETRY), telemetry.identifier_file(os.environ)),
        ),
        ("models", partial(models.model_findings, known_models, state_of)),
        ("detectors", lambda: detectors.network_findings(known_models, state_of)),
        ("detectors", lambda: detectors.reach_findings(listed())),
        (
            "detectors",
            lambda: detectors.cost_findings(
                trial(detectors.TRY_DETECTORS), any(device.slows_down for device in read_cooling(root))
            ),
        ),
        ("main job", lambda: models.main_job_findings(trial(models.TRY_MAIN_JOB))),
    ]
    found: List[Finding] = []
    for topic, check in topics:
        progress(f"looking at: {topic}")
        found += _guarded(topic, check)
    progress("")
    return tuple(found)


def _guarded(topic: str, check: Check) -> List[Finding]:
    try:
        return check()
    except (OSError, ValueError, LookupError, TypeError, FerEdgeError) as error:
        meaning = f"Looking at it failed with {type(error).__name__}: {error}. Please report this."
        level = PROBLEM if topic in DECISIVE else WARNING
        return [Finding(topic, "examination", "failed", level, meaning)]


def _system(root: Root) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', read_text(root, "etc/os-release") or "", re.MULTILINE)
    name = found.group(1) if found else platform.system()
    return f"{name}, kernel {platform.release()}, {platform.machine()}"
