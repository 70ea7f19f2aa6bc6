"""Reads the lines of NVIDIA's tegrastats, from the TX1 to the Orin.

Field by field as in NVIDIA's development guide ("tegrastats Utility"); every field is optional, since boards and releases
differ in what they print. What a line says beyond this is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.board.program import Runner, run_program
from fer_edge.board.temperature import celsius

_INTERVAL_MS, _PATIENCE = 200, 2.0
_LONGEST = 8192

_PAIR = r"(\d{1,9})/(\d{1,9})"
_RAM = re.compile(rf"\bRAM {_PAIR}MB")
_FREE_BLOCK = re.compile(r"\bRAM \S+ \(lfb (\d{1,9})x(\d{1,9})(k|M)B\)")
_SWAP = re.compile(rf"\bSWAP {_PAIR}MB(?: ?\(cached (\d{{1,9}})MB\))?")
_IRAM = re.compile(rf"\bIRAM {_PAIR}kB")
_CPUS = re.compile(r"\b(?:CPU|cpu) \[([^\]]*)\](?:@(\d{1,9}))?")
_CORE = re.compile(r"(\d{1,3})%(?:@(\d{1,9}))?")
_ENGINE = r"\b{} (\d{{1,3}})%(?:@\[?(\d{{1,9}}))?"
_EMC = re.compile(_ENGINE.format("EMC(?:_FREQ)?"))
_GPU = re.compile(_ENGINE.format("GR3D(?:_FREQ)?"))
_TEMPERATURE = re.compile(r"(?<!\S)([A-Za-z][\w-]{0,31})@(-?\d{1,5}(?:\.\d{1,9})?)C(?!\S)")
_RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]{1,31}) (\d{1,9})(?:mW)?/(\d{1,9})(?:mW)?(?!\S)")


class UnknownLine(ValueError):
    """A line that is none of tegrastats."""


@dataclass(frozen=True)
class Load:
    """How busy a part is.

    Attributes
    ----------
    percent : int
        Of what it can do at its present clock.
    mhz : int, optional
        That clock; of a GPU with several clusters, the first one's.
    """

    percent: int
    mhz: Optional[int] = None


@dataclass(frozen=True)
class Temperature:
    """What a sensor measured: a name, and degrees Celsius or None for a part that is switched off."""

    name: str
    now: Optional[float]


@dataclass(frozen=True)
class Rail:
    """What flows through a supply rail: its name, and milliwatts now and on average since tegrastats started."""

    name: str
    now: int
    mean: int


@dataclass(frozen=True)
class Tegrastats:
    """One line; None or empty where it does not say.

    Attributes
    ----------
    ram_used, ram_total : int
        In MB, shared by processor and GPU.
    free_block : tuple of (int, int), optional
        How many free blocks of the largest size there are, and that size in kB.
    swap_used, swap_total, swap_cached : int, optional
        In MB.
    iram_used, iram_total : int, optional
        On-chip memory, in kB.
    cpus : tuple of Load or None
        One for each core; None for a core that is off.
    memory, gpu : Load, optional
        The memory controller (EMC) and the GPU (GR3D).
    temperatures : tuple of Temperature
        In the line's order.
    power : tuple of Rail
        In the line's order. The whole module is ``POM_5V_IN``, ``VDD_IN`` or ``VIN_SYS_5V0``, or nothing where a board has no
        such sensor.
    """

    ram_used: int
    ram_total: int
    free_block: Optional[Tuple[int, int]] = None
    swap_used: Optional[int] = None
    swap_total: Optional[int] = None
    swap_cached: Optional[int] = None
    iram_used: Optional[int] = None
    iram_total: Optional[int] = None
    cpus: Tuple[Optional[Load], ...] = ()
    memory: Optional[Load] = None
    gpu: Optional[Load] = None
    temperatures: Tuple[Temperature, ...] = ()
    power: Tuple[Rail, ...] = ()


def parse_line(line: str) -> Tegrastats:
    """Read a line that tegrastats printed, with or without the time at its beginning.

    Raises
    ------
    UnknownLine
        It names no memory or no processor, which every version prints, or is longer than any board's.
    """
    if len(line) > _LONGEST:
        raise UnknownLine(f"A line of {len(line)} characters is none of tegrastats.")
    ram, cpus = _RAM.search(line), _CPUS.search(line)
    if ram is None or cpus is None:
        raise UnknownLine(f"This is no line of tegrastats, which has RAM and CPU: {line[:80]!r}")
    swap, iram, block = _SWAP.search(line), _IRAM.search(line), _FREE_BLOCK.search(line)
    return Tegrastats(
        ram_used=int(ram.group(1)),
        ram_total=int(ram.group(2)),
        free_block=(int(block.group(1)), int(block.group(2)) * (1024 if block.group(3) == "M" else 1))
        if block
        else None,
        swap_used=_whole(swap, 1),
        swap_total=_whole(swap, 2),
        swap_cached=_whole(swap, 3),
        iram_used=_whole(iram, 1),
        iram_total=_whole(iram, 2),
        cpus=_cores(cpus),
        memory=_load(_EMC.search(line)),
        gpu=_load(_GPU.search(line)),
        temperatures=tuple(
            Temperature(name, celsius(name, float(degrees))) for name, degrees in _TEMPERATURE.findall(line)
        ),
        power=tuple(
            Rail(name, int(now), int(mean))
            for name, now, mean in _RAIL.findall(line)
            if name not in ("RAM", "SWAP", "IRAM")
        ),
    )


def read_tegrastats(run: Runner = run_program) -> Optional[Tegrastats]:
    """Let tegrastats run for a moment and return its last whole line; None where there is no tegrastats."""
    # It runs until it is ended, which is what the time limit does.
    ran = run(["tegrastats", "--interval", str(_INTERVAL_MS)], _PATIENCE)
    for line in reversed((ran.output if ran is not None else "").splitlines(keepends=True)):
        if line.endswith("\n"):
            try:
                return parse_line(line)
            except UnknownLine:
                continue
    return None


def _cores(cpus: re.Match[str]) -> Tuple[Optional[Load], ...]:
    """Read ``2%@102,off`` or, from older releases, ``2%,off`` with one clock for all behind the bracket."""
    shared = _whole(cpus, 2)
    loads = []
    for text in filter(None, (part.strip() for part in cpus.group(1).split(","))):
        core = _CORE.fullmatch(text)
        loads.append(
            Load(int(core.group(1)), shared if core.group(2) is None else int(core.group(2))) if core else None
        )
    return tuple(loads)


def _load(found: Optional[re.Match[str]]) -> Optional[Load]:
    return Load(int(found.group(1)), _whole(found, 2)) if found else None


def _whole(found: Optional[re.Match[str]], group: int) -> Optional[int]:
    return int(found.group(group)) if found and found.group(group) is not None else None
