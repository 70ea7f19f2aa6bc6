"""Findings about the machine: board, system, power mode, clocks, heat, memory, disk."""

from __future__ import annotations

from typing import List, Optional, Sequence

from fer_edge.board.l4t import L4t
from fer_edge.board.memory import Memory
from fer_edge.board.power import CpuClock, PowerMode, clocks_are_fixed, is_nano_in_5w
from fer_edge.board.temperature import Cooling, Zone, hottest
from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.folder import Folder

LITTLE_MEMORY = 512.0
"""MiB. Building a TensorRT engine alone may take 256 (`classify.tensorrt.engine_build.WORKSPACE`) beside CUDA itself."""

LITTLE_DISK = 256.0
"""MiB: room for some engines of 6 to 25 MB each, the largest fetched model, and a log."""

_ALMOST = 5.0
"""Degrees below the limit at which the kernel slows the machine down."""


def board_findings(
    board: Optional[str], processor: Optional[str], system: str, l4t: Optional[L4t], jetson: bool
) -> List[Finding]:
    """Return what the machine is."""
    topic = "machine"
    found = [
        Finding(topic, "board", board, OK, "The name that the firmware gives.")
        if board
        else Finding(topic, "board", "unknown", NOTE, "No firmware names it: a virtual machine or a container."),
        Finding(topic, "processor", processor, OK, "As the kernel names it.")
        if processor
        else Finding(topic, "processor", "unknown", NOTE, "The kernel does not name it."),
        Finding(topic, "system", system, OK, "Operating system, kernel and architecture."),
    ]
    if l4t is not None:
        jetpack = f" (JetPack {l4t.jetpack})" if l4t.jetpack else ""
        meaning = "NVIDIA's Linux for this board." if jetpack else "A release that this table does not know."
        found.append(Finding(topic, "L4T", l4t.release + jetpack, OK if jetpack else NOTE, meaning))
    elif jetson:
        meaning = "In a container, pass the file on with:  -v /etc/nv_tegra_release:/etc/nv_tegra_release:ro"
        found.append(Finding(topic, "L4T", "no /etc/nv_tegra_release", NOTE, meaning))
    return found


def power_findings(
    board: Optional[str], mode: Optional[PowerMode], clocks: Sequence[CpuClock], jetson: bool
) -> List[Finding]:
    """Return what the machine may do: its power mode, its cores and their clocks."""
    topic, found = "power", []
    if jetson:
        found.append(_mode_finding(board, mode, clocks))
    online = [core for core in clocks if core.online]
    if online:
        off = len(clocks) - len(online)
        value = f"{len(online)} of {len(clocks)} on" if off else str(len(online))
        meaning = "The others are switched off, by the power mode or by hand." if off else "All are switched on."
        found.append(Finding(topic, "cores", value, NOTE if off else OK, meaning))
    fastest = max((core for core in online if core.now is not None), key=lambda core: core.now or 0.0, default=None)
    if fastest is None:
        meaning = "The kernel does not say: a virtual machine or a container."
        found.append(Finding(topic, "clock", "unknown", NOTE, meaning))
        return found
    limit, governor = fastest.highest or fastest.most, f", {fastest.governor}" if fastest.governor else ""
    value = f"{fastest.now:.0f} of {limit:.0f} MHz{governor}" if limit else f"{fastest.now:.0f} MHz{governor}"
    if fastest.highest and fastest.most and fastest.highest < fastest.most:
        meaning = f"The cores could reach {fastest.most:.0f} MHz: the power mode, the governor or the heat forbids it."
        found.append(Finding(topic, "clock", value, NOTE, meaning))
    elif jetson and clocks_are_fixed(clocks) is False:
        meaning = "The clock follows the load. For steady frames, and before a benchmark:  sudo jetson_clocks"
        found.append(Finding(topic, "clock", value, NOTE, meaning))
    else:
        fixed = clocks_are_fixed(clocks)
        meaning = "The clock is fixed." if fixed else "The clock of the fastest core now, and its limit."
        found.append(Finding(topic, "clock", value, OK, meaning))
    return found


def heat_findings(zones: Sequence[Zone], cooling: Sequence[Cooling]) -> List[Finding]:
    """Return how hot it is, and whether that costs speed."""
    topic, found = "state", []
    zone = hottest(zones)
    if zone is None or zone.now is None:
        found.append(Finding(topic, "temperature", "unknown", NOTE, "This machine shows no sensor."))
    else:
        value, near = (
            f"{zone.now:.0f} °C ({zone.name})",
            zone.slows_at is not None and zone.now >= zone.slows_at - _ALMOST,
        )
        limit = f" It slows down at {zone.slows_at:.0f} °C." if zone.slows_at is not None else ""
        meaning = f"The hottest place.{limit}" + (" Give the board a fan or more air." if near else "")
        found.append(Finding(topic, "temperature", value, WARNING if near else OK, meaning))
    slowed = [device.name for device in cooling if device.slows_down]
    if slowed:
        meaning = "The machine is slowed down because of heat: give it a fan or more air, and a benchmark later."
        found.append(Finding(topic, "throttling", ", ".join(slowed), WARNING, meaning))
    elif cooling:
        found.append(Finding(topic, "throttling", "none", OK, "Nothing is slowed down because of heat."))
    return found


def memory_findings(memory: Optional[Memory], jetson: bool) -> List[Finding]:
    """Return how much memory can be had."""
    topic = "state"
    if memory is None or memory.available is None:
        return [Finding(topic, "memory", "unknown", NOTE, "The kernel does not say how much can be had.")]
    value = f"{memory.available:.0f} of {memory.total:.0f} MiB free"
    if memory.available < LITTLE_MEMORY:
        meaning = "Too little to build a TensorRT engine: end other programs, or run without a desktop."
        found = [Finding(topic, "memory", value, WARNING, meaning)]
    else:
        found = [Finding(topic, "memory", value, OK, "What a program can get without swapping.")]
    if jetson and not memory.swap_total:
        meaning = "Building an engine may run out of memory: switch on  nvzramconfig  or add a swap file."
        found.append(Finding(topic, "swap", "none", NOTE, meaning))
    return found


def disk_findings(folder: Folder) -> List[Finding]:
    """Return whether fetched models and built engines can be kept."""
    topic, subject = "state", "cache folder"
    if not folder.writable:
        meaning = (
            f"Models cannot be fetched and engines not kept in {folder.path}: make it writable or set XDG_CACHE_HOME."
        )
        return [Finding(topic, subject, "cannot be written", WARNING, meaning)]
    if folder.free is None:
        return [Finding(topic, subject, "free space unknown", NOTE, f"Fetched models and engines go to {folder.path}")]
    value = f"{folder.free:.0f} MiB free"
    if folder.free < LITTLE_DISK:
        meaning = f"Little room for engines and fetched models in {folder.path}: free some, or set XDG_CACHE_HOME."
        return [Finding(topic, subject, value, WARNING, meaning)]
    return [Finding(topic, subject, value, OK, f"Fetched models and built engines go to {folder.path}")]


def _mode_finding(board: Optional[str], mode: Optional[PowerMode], clocks: Sequence[CpuClock]) -> Finding:
    topic, subject = "power", "power mode"
    slow = is_nano_in_5w(board, mode, clocks)
    if mode is None:
        value = "unknown"
    else:
        number = "" if mode.number is None else f"mode {mode.number}"
        value = f"{mode.name} ({number})" if mode.name and number else mode.name or number or "unknown"
    if slow:
        meaning = "Half the cores, two thirds of the clocks. With 5 V and 4 A at the barrel jack:  sudo nvpmodel -m 0"
        return Finding(topic, subject, value if mode else "5W, by its cores", WARNING, meaning)
    if mode is None:
        return Finding(topic, subject, value, NOTE, "nvpmodel cannot be asked here, as in a container: ask it outside.")
    if mode.name is not None and "MAXN" in mode.name:
        return Finding(topic, subject, value, OK, "The fastest mode of this board.")
    return Finding(topic, subject, value, NOTE, "A mode with a limit; nvpmodel -p --verbose  lists the others.")
