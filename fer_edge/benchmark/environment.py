"""What a figure was measured on: without it, a figure says nothing."""

from __future__ import annotations

import importlib
import os
import platform
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from fer_edge.board.kernel_file import read_text
from fer_edge.board.machine import board_name, cpu_name
from fer_edge.version import __version__


def describe_environment() -> Dict[str, Any]:
    """Describe the machine and the libraries.

    Returns
    -------
    dict
        Ready for JSON. A fact that cannot be found out is None, never guessed.
    """
    return {
        "fer_edge": __version__,
        "board": board_name(),
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "governor": read_text("/", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_1min": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "opencv": _version("cv2"),
        "onnxruntime": _version("onnxruntime"),
        "providers": _providers(),
    }


def resident_peak_mb() -> Optional[float]:
    """Give the largest resident size of this process since `reset_resident_peak`, in MiB."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", read_text("/", "proc/self/status") or "", re.MULTILINE)
    return round(int(found.group(1)) / 1024, 1) if found else None


def reset_resident_peak() -> None:
    """Start the count of `resident_peak_mb` anew, where the kernel lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # The peak then counts from the start of the process, which is never too low.


def _version(module: str) -> Optional[str]:
    try:
        return str(importlib.import_module(module).__version__)
    except ImportError:
        return None


def _providers() -> List[str]:
    try:
        return list(importlib.import_module("onnxruntime").get_available_providers())
    except ImportError:
        return []
