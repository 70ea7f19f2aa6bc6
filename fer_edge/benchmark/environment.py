"""What a figure was measured on: without it, a figure says nothing."""

from __future__ import annotations

import importlib
import os
import platform
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from fer_edge.board.cores import usable_core_time
from fer_edge.board.kernel_file import Root, read_text
from fer_edge.board.l4t import read_l4t
from fer_edge.board.machine import board_name, cpu_name
from fer_edge.board.memory import read_memory
from fer_edge.board.power import clocks_are_fixed, read_cpu_clocks, read_power_mode
from fer_edge.board.program import Runner, run_program
from fer_edge.board.tegrastats import read_tegrastats
from fer_edge.board.temperature import hottest, read_cooling, read_zones
from fer_edge.version import __version__


def describe_environment(root: Root = "/", run: Runner = run_program) -> Dict[str, Any]:
    """Return the facts of the machine and the libraries.

    Parameters
    ----------
    root : str or Path
        Where the kernel's files are.
    run : callable
        What asks nvpmodel and tegrastats.

    Returns
    -------
    dict
        Ready for JSON. A fact that cannot be found out is None, never guessed.
    """
    l4t, mode, clocks = read_l4t(root), read_power_mode(root, run), read_cpu_clocks(root)
    memory, tegrastats = read_memory(root), read_tegrastats(run)
    return {
        "fer_edge": __version__,
        "board": board_name(root),
        "l4t": l4t.release if l4t else None,
        "power_mode": mode.name or mode.number if mode else None,
        "cpu": cpu_name(root),
        "cores": _cores(root),
        "cpu_mhz_at_most": max((core.highest for core in clocks if core.online and core.highest), default=None),
        "cpu_clock_is_fixed": clocks_are_fixed(clocks),
        "governor": read_text(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory_mb": round(memory.total) if memory else None,
        "memory_free_mb": round(memory.available) if memory and memory.available is not None else None,
        "power_mw": {rail.name: rail.now for rail in tegrastats.power} if tegrastats and tegrastats.power else None,
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "opencv": _version("cv2"),
        "onnxruntime": _version("onnxruntime"),
        "tensorrt": _version("tensorrt"),
        "providers": _providers(),
    }


def describe_heat(root: Root = "/") -> Dict[str, Any]:
    """Return the hottest sensor's degrees Celsius, and whether heat slows the machine down; None where nothing tells."""
    zone, cooling = hottest(read_zones(root)), read_cooling(root)
    return {
        "temperature_c": zone.now if zone else None,
        "slowed_by_heat": any(means.slows_down for means in cooling) if cooling else None,
    }


def resident_peak_mb() -> Optional[float]:
    """Return the largest resident size of this process since `reset_resident_peak`, in MiB."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", read_text("/", "proc/self/status") or "", re.MULTILINE)
    return round(int(found.group(1)) / 1024, 1) if found else None


def reset_resident_peak() -> None:
    """Start the count of `resident_peak_mb` anew, where the kernel lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # The peak then counts from the start of the process, which is never too low.


def _cores(root: Root) -> float:
    cores = usable_core_time(root)
    return int(cores) if cores == int(cores) else round(cores, 2)


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
