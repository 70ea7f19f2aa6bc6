"""What a figure was measured on: without it, a figure says nothing."""

from __future__ import annotations

import importlib
import os
import platform
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

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
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_1min": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "opencv": _version("cv2"),
        "onnxruntime": _version("onnxruntime"),
        "providers": _providers(),
    }


def board_name() -> Optional[str]:
    """Give the name of the board or computer as its firmware says it; None where it does not."""
    for place in ("/proc/device-tree/model", "/sys/devices/virtual/dmi/id/product_name"):
        name = _read(place)
        if name:
            return name
    return None


def cpu_name() -> Optional[str]:
    """Give the name of the processor as the kernel says it; on 64-bit Arm the implementer and part numbers."""
    text = _read("/proc/cpuinfo") or ""
    for pattern in (r"^model name\s*:\s*(.+)$", r"^Hardware\s*:\s*(.+)$"):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return found.group(1).strip()
    numbers = [re.search(rf"^CPU {key}\s*:\s*(\S+)$", text, re.MULTILINE) for key in ("implementer", "part")]
    return "Arm " + "/".join(number.group(1) for number in numbers if number) if all(numbers) else None


def resident_peak_mb() -> Optional[float]:
    """Give the largest resident size of this process since `reset_resident_peak`, in MiB."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", _read("/proc/self/status") or "", re.MULTILINE)
    return round(int(found.group(1)) / 1024, 1) if found else None


def reset_resident_peak() -> None:
    """Start the count of `resident_peak_mb` anew, where the kernel lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # The peak then counts from the start of the process, which is never too low.


def _read(path: str) -> Optional[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


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
