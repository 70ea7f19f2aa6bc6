"""The power mode of a Jetson and the clocks of the processor: what the machine may do, and what it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from fer_edge.board.kernel_file import Root, numbered, read_number, read_text
from fer_edge.board.machine import is_nano
from fer_edge.board.program import Runner, run_program

_PATIENCE = 5.0
_CPUS = "sys/devices/system/cpu"

# https://docs.nvidia.com/jetson/archives/ (Power Management for Jetson Nano): mode 1 of nvpmodel_t210_jetson-nano.conf.
_NANO_5W_MHZ = 918
_NANO_5W_CORES = 2


@dataclass(frozen=True)
class PowerMode:
    """What nvpmodel was told.

    Attributes
    ----------
    number : int, optional
        For ``nvpmodel -m``.
    name : str, optional
        ``MAXN``, ``5W``, ``15W`` and so on.
    """

    number: Optional[int]
    name: Optional[str]


@dataclass(frozen=True)
class CpuClock:
    """One core; clocks in MHz.

    Attributes
    ----------
    core : int
        Its number.
    online : bool
        Whether it is switched on.
    now : float, optional
        Its clock at this moment.
    lowest, highest : float, optional
        Between these the governor may choose; a power mode and the heat lower `highest`.
    most : float, optional
        What the core could do at all.
    governor : str, optional
        Who chooses: ``schedutil``, ``performance`` and so on.
    """

    core: int
    online: bool
    now: Optional[float] = None
    lowest: Optional[float] = None
    highest: Optional[float] = None
    most: Optional[float] = None
    governor: Optional[str] = None


def read_power_mode(root: Root = "/", run: Runner = run_program) -> Optional[PowerMode]:
    """Return the mode that nvpmodel tells, or its files where it does not answer; None where there is no nvpmodel.

    Its status file says ``pmode:0000`` and its configuration ``< POWER_MODEL ID=0 NAME=MAXN >`` and
    ``< PM_CONFIG DEFAULT=0 >``.
    """
    asked = run(["nvpmodel", "-q"], _PATIENCE)
    if asked is not None and asked.status == 0:
        found = re.search(r"NV Power Mode:\s*(\S+)\s*?(?:\n\s*(\d+)|$)", asked.output, re.MULTILINE)
        if found:
            return PowerMode(int(found.group(2)) if found.group(2) else None, found.group(1))
    settings = read_text(root, "etc/nvpmodel.conf") or ""
    status = re.search(r"pmode:(\d+)", read_text(root, "var/lib/nvpmodel/status") or "")
    # Without a status file nobody has changed the mode since the system was installed.
    chosen = status or re.search(r"PM_CONFIG DEFAULT=(\d+)", settings)
    if chosen is None:
        return None
    number = int(chosen.group(1))
    name = re.search(rf"POWER_MODEL ID={number}\s+NAME=(\S+)", settings)
    return PowerMode(number, name.group(1) if name else None)


def read_cpu_clocks(root: Root = "/") -> Tuple[CpuClock, ...]:
    """Read every core's clocks, by number; an offline core and a machine without cpufreq have none."""
    return tuple(_read_core(root, folder) for folder in numbered(root, _CPUS, "cpu"))


def clocks_are_fixed(clocks: Sequence[CpuClock]) -> Optional[bool]:
    """Return whether the cores keep one clock, as jetson_clocks makes them; None where that cannot be known."""
    ranges = [(core.lowest, core.highest) for core in clocks if core.online]
    if not ranges or any(lowest is None or highest is None for lowest, highest in ranges):
        return None
    return all(lowest == highest for lowest, highest in ranges)


def is_nano_in_5w(board: Optional[str], mode: Optional[PowerMode], clocks: Sequence[CpuClock]) -> Optional[bool]:
    """Return whether a Jetson Nano runs in its 5 W mode: two of four cores, and less than two thirds of the clock.

    Where nvpmodel cannot be asked, as in a container, the cores tell.

    Returns
    -------
    bool or None
        False for every other machine; None where neither the mode nor the clocks can be read.
    """
    if not is_nano(board):
        return False
    if mode is not None and mode.name is not None:
        return mode.name == "5W"
    limits = [core.highest for core in clocks if core.online and core.highest is not None]
    if not limits:
        return None
    return len(limits) <= _NANO_5W_CORES and max(limits) <= _NANO_5W_MHZ


def _read_core(root: Root, folder: str) -> CpuClock:
    number = int(folder.rpartition("cpu")[2])
    # The first core often has no such file, because it cannot be switched off.
    if read_number(root, f"{folder}/online") == 0:
        return CpuClock(number, online=False)

    def megahertz(name: str) -> Optional[float]:
        kilohertz = read_number(root, f"{folder}/cpufreq/{name}")
        return kilohertz / 1000 if kilohertz is not None else None

    return CpuClock(
        number,
        online=True,
        now=megahertz("scaling_cur_freq"),
        lowest=megahertz("scaling_min_freq"),
        highest=megahertz("scaling_max_freq"),
        most=megahertz("cpuinfo_max_freq"),
        governor=read_text(root, f"{folder}/cpufreq/scaling_governor"),
    )
